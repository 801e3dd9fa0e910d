package rag

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// RRF says how ranks become a score: each list adds weight / (K + rank), ranks from 1. Qdrant counts from 0 and calls
// the same constant K + 1.
type RRF struct {
	K             float64 // 0: 60, as in the paper
	Dense, Sparse float64 // weights; both 0: 1 and 1
}

// DefaultK is RRF's constant in the paper.
const DefaultK = 60

// Score is what ranks give; a rank of 0 says that the list does not have the chunk.
func (r RRF) Score(dense, sparse int) float64 {
	r = r.filled()
	var sum float64
	if dense > 0 {
		sum += r.Dense / (r.K + float64(dense))
	}
	if sparse > 0 {
		sum += r.Sparse / (r.K + float64(sparse))
	}
	return sum
}

func (r RRF) filled() RRF {
	if r.K == 0 {
		r.K = DefaultK
	}
	if r.Dense == 0 && r.Sparse == 0 {
		r.Dense, r.Sparse = 1, 1
	}
	return r
}

// Fuse joins the lists by reciprocal ranks: every chunk once, best first; equals in the order of ids.
func Fuse(found Found, r RRF) []*Candidate {
	r = r.filled()
	by := make(map[string]*Candidate, len(found.Dense)+len(found.Sparse))
	out := make([]*Candidate, 0, len(found.Dense)+len(found.Sparse))
	take := func(list []Hit, step Step) {
		for i := range list {
			h := &list[i]
			c, ok := by[h.ID]
			if !ok {
				c = &Candidate{Chunk: h.Chunk, Vector: h.Vector}
				by[h.ID] = c
				out = append(out, c)
			}
			if _, twice := c.Places[step]; twice { // a store that lists a chunk twice does not make it better
				continue
			}
			if c.Vector == nil {
				c.Vector = h.Vector
			}
			if step == StepDense {
				c.Similarity, c.Similar = h.Score, true
			}
			c.place(step, i+1, h.Score)
		}
	}
	take(found.Dense, StepDense)
	take(found.Sparse, StepSparse)
	scores := make(map[string]float64, len(out))
	for _, c := range out {
		scores[c.ID] = r.Score(c.Places[StepDense].Rank, c.Places[StepSparse].Rank)
	}
	slices.SortFunc(out, func(a, b *Candidate) int {
		return cmp.Or(cmp.Compare(scores[b.ID], scores[a.ID]), strings.Compare(a.ID, b.ID))
	})
	for i, c := range out {
		c.place(StepFuse, i+1, scores[c.ID])
	}
	return out
}

// dot is the cosine of two vectors of length 1, and false when they cannot be compared.
func dot(a, b []float32) (float64, bool) {
	if len(a) == 0 || len(a) != len(b) {
		return 0, false
	}
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum, !math.IsNaN(sum) && !math.IsInf(sum, 0)
}
