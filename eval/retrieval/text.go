package retrieval

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Passage is a part of a document as an index holds it.
type Passage struct {
	ID         string
	Text       string
	Start, End int // byte offsets in the document: Text is what stands there
}

// Text is a document that was put together of its passages, to find quotes in.
type Text struct {
	passages []Passage
	folded   string
	at       []int // of each byte of folded, its place in the document; one more than those for the end
}

// maxDocument bounds what is put together, in bytes: an index takes no larger document.
const maxDocument = 64 << 20

// NewText puts a document together. What lies between passages is space: no splitter leaves anything else out.
func NewText(passages []Passage) *Text {
	t := &Text{passages: passages}
	end := 0
	for _, p := range passages {
		if p.holds() {
			end = max(end, p.End)
		}
	}
	whole := []byte(strings.Repeat(" ", end))
	for _, p := range passages {
		if p.holds() {
			copy(whole[p.Start:p.End], p.Text)
		}
	}
	t.folded, t.at = fold(string(whole))
	return t
}

func (p *Passage) holds() bool {
	return p.Start >= 0 && p.End <= maxDocument && p.End-p.Start == len(p.Text)
}

// fold makes one space of each run of white space, and says where each byte was.
func fold(text string) (string, []int) {
	var b strings.Builder
	b.Grow(len(text))
	at := make([]int, 0, len(text)+1)
	space := true // none at the beginning
	for i, r := range text {
		if unicode.IsSpace(r) {
			if !space {
				b.WriteByte(' ')
				at = append(at, i)
			}
			space = true
			continue
		}
		space = false
		_, n := utf8.DecodeRuneInString(text[i:])
		b.WriteString(text[i : i+n])
		for j := range n {
			at = append(at, i+j)
		}
	}
	return b.String(), append(at, len(text))
}

// Fold makes one space of each run of white space, and none at the ends.
func Fold(text string) string { return strings.Join(strings.Fields(text), " ") }

// span is a stretch of a document, by bytes.
type span struct{ start, end int }

// find gives the places of a quote.
func (t *Text) find(quote string) []span {
	quote = Fold(quote)
	if quote == "" {
		return nil
	}
	var out []span
	for from := 0; ; {
		i := strings.Index(t.folded[from:], quote)
		if i < 0 {
			return out
		}
		i += from
		out = append(out, span{t.at[i], t.at[i+len(quote)-1] + 1})
		from = i + len(quote)
	}
}

// Count says how often a quote occurs.
func (t *Text) Count(quote string) int { return len(t.find(quote)) }

// holding are the passages that a quote is in: with at least half of it, and wherever it was cut, that with the most of it.
func (t *Text) holding(quote string) []string {
	var out []string
	for _, at := range t.find(quote) {
		best, most := -1, 0
		for i := range t.passages {
			p := &t.passages[i]
			shared := min(p.End, at.end) - max(p.Start, at.start)
			if shared <= 0 {
				continue
			}
			if 2*shared >= at.end-at.start {
				out = append(out, p.ID)
			}
			if shared > most {
				best, most = i, shared
			}
		}
		if best >= 0 && 2*most < at.end-at.start {
			out = append(out, t.passages[best].ID)
		}
	}
	return out
}
