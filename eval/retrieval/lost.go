package retrieval

import (
	"cmp"
	"fmt"
	"slices"
)

// End says where the way of a place that answers a question ended.
type End string

// The ends, in the order of the way.
const (
	NotIndexed End = "not indexed"    // the document is not in the index, or its text is another one
	NotFound   End = "never recalled" // in neither list of the search
	CutFused   End = "cut at fusion"
	CutMMR     End = "dropped by mmr"
	CutRerank  End = "dropped at rerank"
	CutPacked  End = "cut by tokens"
	Given      End = "given" // to the answering model
)

// Ends are all of them, in the order of the way.
var Ends = []End{NotIndexed, NotFound, CutFused, CutMMR, CutRerank, CutPacked, Given}

var endAt = map[Stage]End{Fused: CutFused, MMR: CutMMR, Reranked: CutRerank, Packed: CutPacked}

// Fate is what became of a place that answers a question: of the passage of it that came farthest.
type Fate struct {
	Label Label         `json:"label"` // the first of those that the place stands for
	End   End           `json:"end"`
	Why   string        `json:"why,omitempty"`
	Ranks map[Stage]int `json:"ranks,omitempty"` // after each stage that ranked the passage
}

// fates tell of each item of a target.
func (f *Found) fates(t *Target) []Fate {
	given := f.ranking(t, Packed).Retrieved
	out := make([]Fate, len(t.items))
	for i, it := range t.items {
		fate := Fate{Label: t.Question.Relevant[it.labels[0]], End: NotFound}
		var best *Chunk
		for j := range f.Chunks {
			if c := &f.Chunks[j]; t.itemOf(c) == it.name && (best == nil || farther(c, best)) {
				best = c
			}
		}
		switch {
		case slices.Contains(given, it.name):
			fate.End = Given
		case it.missing:
			fate.End = NotIndexed
		case best != nil:
			fate.End, fate.Why = cmp.Or(endAt[best.Dropped], CutPacked), best.Why
		}
		if best != nil {
			fate.Ranks = best.Ranks
		}
		out[i] = fate
	}
	return out
}

// farther says whether one passage came farther than another: through more stages, or as far at a better place.
func farther(a, b *Chunk) bool {
	for _, s := range slices.Backward(Stages) {
		x, y := a.Ranks[s], b.Ranks[s]
		if x != y {
			return x > 0 && (y == 0 || x < y)
		}
	}
	return false
}

// String is "never recalled", or "cut at fusion (rank 34 is beyond the limit of 30)".
func (f *Fate) String() string {
	if f.Why == "" || f.End == Given {
		return string(f.End)
	}
	return fmt.Sprintf("%s (%s)", f.End, f.Why)
}
