package retrieval

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/weir-dev/weir/eval/stats"
)

// Chunk is a passage that a search found, with its way.
type Chunk struct {
	ID, Document string
	Text         string        // its beginning, to know it again among contexts
	Ranks        map[Stage]int // from 1, after each stage that ranked it
	Dropped      Stage         // the stage that it did not come through, or ""
	Why          string
}

// Found is what a search for a question found.
type Found struct {
	Chunks []Chunk
	Ran    map[Stage]bool // the stages that there were, though one may have left all as it was
	// Contexts are the passages that the model was given. One may stand for several chunks, and be larger than they.
	Contexts []string
	Cosine   float64 // the best of the search by meaning; 0 where there was none
}

// has says whether a stage was there.
func (f *Found) has(s Stage) bool {
	return f.Ran[s] || slices.ContainsFunc(f.Chunks, func(c Chunk) bool { return c.Ranks[s] > 0 })
}

// after gives the chunks that came through a stage, best first. A stage that ranked none of them left them as they were.
func (f *Found) after(s Stage) []*Chunk {
	var list []*Chunk
	switch s {
	case Dense, Sparse:
		return f.ranked(s)
	case Fused:
		list = f.ranked(Fused)
	case Packed:
		return f.ranked(Packed)
	default:
		list = f.after(Stages[slices.Index(Stages, s)-1])
		slices.SortStableFunc(list, func(a, b *Chunk) int { return cmp.Compare(rankOr(a, s), rankOr(b, s)) })
	}
	return slices.DeleteFunc(list, func(c *Chunk) bool { return c.Dropped == s })
}

// IDs are those of the passages that came through a stage, best first.
func (f *Found) IDs(s Stage) []string {
	var ids []string
	for _, c := range f.after(s) {
		ids = append(ids, c.ID)
	}
	return ids
}

func rankOr(c *Chunk, s Stage) int {
	if r := c.Ranks[s]; r > 0 {
		return r
	}
	return math.MaxInt
}

func (f *Found) ranked(s Stage) []*Chunk {
	var out []*Chunk
	for i := range f.Chunks {
		if f.Chunks[i].Ranks[s] > 0 {
			out = append(out, &f.Chunks[i])
		}
	}
	slices.SortStableFunc(out, func(a, b *Chunk) int { return cmp.Compare(a.Ranks[s], b.Ranks[s]) })
	return out
}

// ranking is what metrics are taken of.
func (f *Found) ranking(t *Target, s Stage) stats.Ranking {
	r := stats.Ranking{Relevant: t.grades()}
	for _, c := range f.after(s) {
		r.Retrieved = append(r.Retrieved, t.itemOf(c))
		if s != Packed {
			continue
		}
		for _, name := range t.quotedIn(f.contextOf(c)) { // a parent or a neighbour holds what its child does not
			if !slices.Contains(r.Retrieved, name) {
				r.Retrieved = append(r.Retrieved, name)
			}
		}
	}
	return r
}

// contextOf is what the model was given for a chunk, or "".
func (f *Found) contextOf(c *Chunk) string {
	for _, text := range f.Contexts {
		if c.Text != "" && strings.Contains(text, c.Text) {
			return text
		}
	}
	return ""
}

// contains says whether a quote stands in a text, any white space being like any other.
func contains(text, quote string) bool {
	quote = Fold(quote)
	return quote != "" && strings.Contains(Fold(text), quote)
}
