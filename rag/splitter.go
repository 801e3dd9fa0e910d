package rag

// Piece is a passage of a document, before it has an id.
type Piece struct {
	Start, End             int // byte offsets in the document's text, both at the beginning of a character
	ParentStart, ParentEnd int // of the larger passage around it; the same as Start and End where there is none
	Headings               []string
	Tokens                 int
}

// Splitter cuts documents into passages. Implementations are safe for concurrent use; package split has them.
type Splitter interface {
	// Version names the rule and all that its result depends on, as in Shape.Splitter: documents and version being the same,
	// so are the pieces.
	Version() string
	// Split cuts a document whose text is valid UTF-8, in order of Start; none for a text without anything in it. Pieces may
	// overlap. Whatever the text is, it takes time in proportion to its length.
	Split(doc *Document) []Piece
}

// Words makes sparse vectors for searching by words. Implementations are safe for concurrent use; package bm25 has one.
type Words interface {
	// Document weighs the words of a passage against the average length of all, in words, and counts them.
	Document(text string, average float64) (terms Terms, words int)
	// Query gives a question's words, each with weight 1.
	Query(text string) Terms
}
