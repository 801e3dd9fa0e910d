package rag

import "math"

// Diversify picks up to n candidates by maximal marginal relevance: each next one has the largest
// lambda·similarity to the question − (1−lambda)·largest similarity to one picked before. Candidates that cannot be
// compared, because their vector is not known, come last. The earlier of equals goes first, so that
// lambda 1 keeps the order of candidates that are ordered by similarity. Those picked come back in the order of picking,
// the others as they were.
func Diversify(question []float32, candidates []*Candidate, lambda float64, n int) (picked, rest []*Candidate) {
	type state struct {
		relevance, nearest float64
		taken              bool
	}
	states := make([]state, len(candidates))
	for i, c := range candidates {
		states[i].relevance = relevance(question, c)
	}
	n = min(n, len(candidates))
	for len(picked) < n {
		best, score := -1, math.Inf(-1)
		for i := range states {
			if s := &states[i]; !s.taken {
				v := lambda*s.relevance - (1-lambda)*s.nearest
				if candidates[i].Vector == nil {
					v = incomparable
				}
				if v > score || best < 0 {
					best, score = i, v
				}
			}
		}
		c := candidates[best]
		states[best].taken = true
		picked = append(picked, c)
		c.place(StepMMR, len(picked), score)
		for i := range states {
			if s := &states[i]; !s.taken {
				v, _ := dot(c.Vector, candidates[i].Vector)
				if len(picked) == 1 {
					s.nearest = v
				}
				s.nearest = max(s.nearest, v)
			}
		}
	}
	for i, c := range candidates {
		if !states[i].taken {
			rest = append(rest, c)
		}
	}
	return picked, rest
}

// incomparable is less than any value: cosines are from -1 to 1.
const incomparable = -2

// relevance is a candidate's cosine to the question, 0 when it is not known.
func relevance(question []float32, c *Candidate) float64 {
	if c.Similar {
		return c.Similarity
	}
	v, _ := dot(question, c.Vector)
	return v
}
