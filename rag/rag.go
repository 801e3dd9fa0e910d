// Package rag turns documents into passages that a model answers from.
//
// A Document is read, split into Chunks and put into an Index as Points; a question finds chunks there by meaning (a dense
// vector) and by words (BM25), and the best of both go to a model with the question.
package rag

// Document is one text that was read from somewhere.
type Document struct {
	ID     string            // what the caller names it by: a path below the folder that was indexed, a URL, or the id a JSON line gives
	Title  string            // of the text itself, or empty
	Kind   Kind              // how it is split
	Text   string            // valid UTF-8; offsets of chunks count its bytes
	Labels map[string]string // to filter by, or nil
	Tenant string            // whose it is; empty: everybody's who may ask
}

// Kind is what sort of text a document is.
type Kind string

// The kinds of documents.
const (
	Text     Kind = "text"
	Markdown Kind = "markdown" // HTML becomes Markdown
	Code     Kind = "code"
	Table    Kind = "table" // CSV: a record a line
)

// Chunk is a passage of a document.
type Chunk struct {
	// ID is a UUIDv5 of the document, the splitter's version and the text (and of which one it is among equal texts of the
	// document), so that a document read again gives the same ids for what has not changed.
	ID       string
	Document string // Document.ID
	Title    string // Document.Title
	Text     string // what is shown and quoted from
	Headings []string
	Ordinal  int // its place among the document's chunks, from 0
	// Start and End are byte offsets in Document.Text: Text is Document.Text[Start:End].
	Start, End int
	// ParentStart and ParentEnd are the offsets of the larger passage that is given to the model in its place; equal to Start
	// and End where the splitter makes no parents. Parent is that passage's text, empty where it is Text itself.
	ParentStart, ParentEnd int
	Parent                 string
	Tokens                 int    // of Text, by the embedding model's tokenizer
	DocumentHash           string // hex SHA-256 of the document's text when it was indexed
	Labels                 map[string]string
	Tenant                 string
}

// Terms is a sparse vector of BM25 weights: IDs ascending and unique, one weight each.
type Terms struct {
	IDs     []uint32
	Weights []float32
}

// Point is a chunk with what it is found by.
type Point struct {
	Chunk
	Vector []float32 // of the collection's dimensions, of length 1
	Terms  Terms
}
