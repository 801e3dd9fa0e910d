// Package split cuts documents into passages of so many tokens, where it hurts least.
package split

import (
	"cmp"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/rag"
)

// Kind is a rule of cutting.
type Kind string

// The kinds.
const (
	Auto      Kind = "auto"      // what the document's kind asks for: markdown, code, or recursive
	Recursive Kind = "recursive" // between paragraphs, else lines, else sentences, else words
	Markdown  Kind = "markdown"  // before each heading, else between blocks, else as recursive
	Code      Kind = "code"      // between declarations, else at blank lines, else lines
	Sentence  Kind = "sentence"  // a sentence, whose parent is the sentences around it
	Fixed     Kind = "fixed"     // so many tokens, wherever that is
	Parent    Kind = "parent"    // as auto, and each passage's parent is one of four times the tokens
)

// Config says how to cut. The zero value is auto, with 256 tokens.
type Config struct {
	Kind Kind
	// Tokens bounds a passage, or with Sentence its parent; 0 is 256.
	Tokens int
	// Overlap is how many tokens at most a passage repeats of the one before; nil is an eighth of Tokens, at most 32.
	Overlap *int
	// Model is the embedding model whose tokens are counted. Where its vocabulary is not known, it is counted by the one closest
	// to it; the counts are then estimates.
	Model string
	// Counter is the model's own tokenizer, in place of what Model's name says; nil: there is none at hand.
	Counter Counter
	// Longest is how many tokens of a text the model reads; 0 is 8191. Tokens may not be more, nor is the default.
	Longest int
}

// Counter counts tokens. Implementations are safe for concurrent use.
type Counter interface {
	// Name tells vocabularies apart.
	Name() string
	// Count is how many tokens a text in UTF-8 has: no more than bytes, and none of space alone.
	Count(text string) int
	// Pieces cuts a text where no token crosses. It yields where each piece ends and how many tokens it has; their sum is Count of
	// the text.
	Pieces(text string) iter.Seq2[int, int]
}

// encoding is a Counter of a vocabulary that is built in.
type encoding tokens.Encoding

func (e encoding) Name() string { return string(e) }

func (e encoding) Count(text string) int { return tokens.CountString(tokens.Encoding(e), text) }

func (e encoding) Pieces(text string) iter.Seq2[int, int] {
	return tokens.Pieces(tokens.Encoding(e), text)
}

// The bounds of a Config.
const (
	defaultTokens = 256
	minTokens     = 16
	maxTokens     = 8191 // that an embedding model takes of a text
	families      = 4    // a parent's tokens by a child's
)

// Splitter is a rag.Splitter.
type Splitter struct {
	kind            Kind
	tokens, overlap int
	counter         Counter
	known           bool
}

var _ rag.Splitter = (*Splitter)(nil)

// New makes a splitter; the error says which setting cannot be, named as in weir.yaml.
func New(cfg Config) (*Splitter, error) {
	s := &Splitter{kind: cfg.Kind, tokens: cfg.Tokens}
	if s.kind == "" {
		s.kind = Auto
	}
	longest := cmp.Or(cfg.Longest, maxTokens)
	if s.tokens == 0 {
		s.tokens = min(defaultTokens, longest)
	}
	s.overlap = min(s.tokens/8, 32)
	if cfg.Overlap != nil {
		s.overlap = *cfg.Overlap
	}
	switch s.kind {
	case Auto, Recursive, Markdown, Code, Sentence, Fixed, Parent:
	default:
		return nil, fmt.Errorf("splitter.kind: %q is none of auto, recursive, markdown, code, sentence, fixed, parent", s.kind)
	}
	if s.tokens < minTokens || s.tokens > longest {
		return nil, fmt.Errorf("splitter.tokens: %d is not from %d to %d, which is what the embedding model reads of a text", s.tokens, minTokens, longest)
	}
	if s.overlap < 0 || s.overlap > s.tokens/3 {
		return nil, fmt.Errorf("splitter.overlap: %d is not from 0 to a third of splitter.tokens, which is %d", s.overlap, s.tokens)
	}
	if s.counter, s.known = cfg.Counter, cfg.Counter != nil; s.known {
		return s, nil
	}
	enc, known := tokens.For(cfg.Model)
	if !known {
		enc = tokens.CL100k // that of most embedding models whose vocabulary is public, and nearer to the rest
	}
	s.counter, s.known = encoding(enc), known
	return s, nil
}

// revision goes up when the same settings come to cut any text another way: the passages of a collection are of one.
const revision = 2

// Version is KIND-REVISION/TOKENS/OVERLAP/VOCABULARY.
func (s *Splitter) Version() string {
	return fmt.Sprintf("%s-%d/%d/%d/%s", s.kind, revision, s.tokens, s.overlap, s.counter.Name())
}

// Encoding is the name of the vocabulary that tokens are counted by, and whether it is the model's own.
func (s *Splitter) Encoding() (name string, exact bool) { return s.counter.Name(), s.known }

// Split cuts a document. A passage neither begins nor ends with space, but for the indentation of code, and has at most the
// tokens asked for; none is empty.
func (s *Splitter) Split(doc *rag.Document) []rag.Piece {
	text := valid(doc.Text)
	d := &document{Splitter: s, text: text, kind: s.kind}
	if doc.Kind == rag.Markdown {
		d.sections = sectionsOf(text)
	}
	if d.kind == Auto || d.kind == Parent || d.kind == Sentence {
		switch doc.Kind {
		case rag.Markdown:
			d.kind = Markdown
		case rag.Code:
			d.kind = Code
		default:
			d.kind = Recursive
		}
	}
	if d.kind == Code {
		d.declarations = declarations(text)
	}
	switch s.kind {
	case Sentence:
		return d.sentences()
	case Parent:
		return d.families()
	case Fixed:
		return d.fixed()
	default:
		return d.passages(span{0, len(text)}, s.tokens, s.overlap)
	}
}

// valid puts a question mark in place of each byte that is not UTF-8, so that offsets stay.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			b.WriteByte('?')
		} else {
			b.WriteString(text[i : i+n])
		}
		i += n
	}
	return b.String()
}

// span is a stretch of a text, by bytes.
type span struct{ start, end int }

// document is a text that is being cut.
type document struct {
	*Splitter
	text     string
	kind     Kind // Recursive, Markdown, Code or Fixed
	sections []section

	declarations []int // of code: where they begin
}
