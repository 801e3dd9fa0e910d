package rag

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func hits(ids ...string) []Hit {
	out := make([]Hit, len(ids))
	for i, id := range ids {
		out[i] = Hit{Chunk: Chunk{ID: id}, Score: 1 / float64(i+1)}
	}
	return out
}

func candidateIDs(list []*Candidate) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.ID
	}
	return out
}

func TestFuse(t *testing.T) {
	got := Fuse(Found{Dense: hits("a", "b", "c"), Sparse: hits("c", "b", "d")}, RRF{})
	if got, want := candidateIDs(got), []string{"c", "b", "a", "d"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	for id, want := range map[string]float64{"a": 1.0 / 61, "b": 2.0 / 62, "c": 1.0/63 + 1.0/61, "d": 1.0 / 63} {
		i := slices.Index(candidateIDs(got), id)
		if s := got[i].Places[StepFuse].Score; math.Abs(s-want) > 1e-15 {
			t.Errorf("%s has %v, want %v", id, s, want)
		}
	}
	if c := got[0]; c.Places[StepDense].Rank != 3 || c.Places[StepSparse].Rank != 1 || !c.Similar {
		t.Errorf("c came by %+v", c.Places)
	}
	weighted := Fuse(Found{Dense: hits("a", "b"), Sparse: hits("b", "a")}, RRF{K: 1, Dense: 1, Sparse: 3})
	if got, want := candidateIDs(weighted), []string{"b", "a"}; !slices.Equal(got, want) {
		t.Errorf("weighted order %v, want %v", got, want)
	}
}

// lists draws two lists of chunks, each without repetition.
func lists(t *rapid.T) Found {
	list := func(name string) []Hit {
		return hits(rapid.SliceOfNDistinct(rapid.StringMatching("[a-h]"), 0, 8, rapid.ID[string]).Draw(t, name)...)
	}
	return Found{Dense: list("dense"), Sparse: list("sparse")}
}

func TestFuseProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		found := lists(t)
		r := RRF{K: rapid.Float64Range(1, 100).Draw(t, "k"), Dense: rapid.Float64Range(0.1, 5).Draw(t, "dense weight"), Sparse: rapid.Float64Range(0.1, 5).Draw(t, "sparse weight")}
		got := Fuse(found, r)
		seen := map[string]bool{}
		for i, c := range got {
			if seen[c.ID] {
				t.Fatalf("%s is there twice", c.ID)
			}
			seen[c.ID] = true
			if i > 0 && got[i-1].Places[StepFuse].Score < c.Places[StepFuse].Score {
				t.Fatalf("rank %d has less than rank %d", i, i+1)
			}
			want := 0.0
			if j := slices.IndexFunc(found.Dense, func(h Hit) bool { return h.ID == c.ID }); j >= 0 {
				want += r.Dense / (r.K + float64(j+1))
			}
			if j := slices.IndexFunc(found.Sparse, func(h Hit) bool { return h.ID == c.ID }); j >= 0 {
				want += r.Sparse / (r.K + float64(j+1))
			}
			if math.Abs(want-c.Places[StepFuse].Score) > 1e-12 {
				t.Fatalf("%s has %v, want %v", c.ID, c.Places[StepFuse].Score, want)
			}
		}
		for _, h := range slices.Concat(found.Dense, found.Sparse) {
			if !seen[h.ID] {
				t.Fatalf("%s was lost", h.ID)
			}
		}
		// Whoever is ahead in both lists is ahead in the whole.
		rank := func(list []Hit, id string) int { return slices.IndexFunc(list, func(h Hit) bool { return h.ID == id }) }
		for i, a := range got {
			for _, b := range got[:i] {
				ad, as, bd, bs := rank(found.Dense, a.ID), rank(found.Sparse, a.ID), rank(found.Dense, b.ID), rank(found.Sparse, b.ID)
				if ad >= 0 && as >= 0 && (bd < 0 || ad < bd) && (bs < 0 || as < bs) {
					t.Fatalf("%s is ahead of %s though behind it in both lists", b.ID, a.ID)
				}
			}
		}
		// Swapping lists and weights changes nothing.
		mirrored := Fuse(Found{Dense: found.Sparse, Sparse: found.Dense}, RRF{K: r.K, Dense: r.Sparse, Sparse: r.Dense})
		for i := range got {
			if math.Abs(got[i].Places[StepFuse].Score-mirrored[i].Places[StepFuse].Score) > 1e-12 {
				t.Fatalf("mirrored: rank %d has %v, not %v", i+1, mirrored[i].Places[StepFuse].Score, got[i].Places[StepFuse].Score)
			}
		}
	})
}

func vectors(t *rapid.T, n int) []*Candidate {
	out := make([]*Candidate, n)
	for i := range out {
		x := rapid.Float64Range(0, math.Pi).Draw(t, fmt.Sprint("angle ", i))
		out[i] = &Candidate{Chunk: Chunk{ID: fmt.Sprint(i)}, Vector: []float32{float32(math.Cos(x)), float32(math.Sin(x))}}
	}
	return out
}

func TestDiversify(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		question := []float32{1, 0}
		list := vectors(t, rapid.IntRange(0, 7).Draw(t, "candidates"))
		n, lambda := rapid.IntRange(0, 8).Draw(t, "n"), rapid.Float64Range(0, 1).Draw(t, "lambda")
		picked, rest := Diversify(question, list, lambda, n)
		if len(picked) != min(n, len(list)) || len(picked)+len(rest) != len(list) {
			t.Fatalf("%d picked and %d left of %d", len(picked), len(rest), len(list))
		}
		// Each pick has the best value of all that were left, worked out from the definition.
		value := func(c *Candidate, before []*Candidate) float64 {
			rel, _ := dot(question, c.Vector)
			v := lambda * rel
			if len(before) > 0 {
				nearest := math.Inf(-1)
				for _, b := range before {
					d, _ := dot(b.Vector, c.Vector)
					nearest = max(nearest, d)
				}
				v -= (1 - lambda) * nearest
			}
			return v
		}
		for i, c := range picked {
			for _, other := range slices.Concat(picked[i:], rest) {
				if value(other, picked[:i]) > value(c, picked[:i])+1e-9 {
					t.Fatalf("pick %d is %s, but %s is better", i+1, c.ID, other.ID)
				}
			}
		}
		byLikeness, _ := Diversify(question, list, 1, len(list))
		if !slices.IsSortedFunc(byLikeness, func(a, b *Candidate) int {
			return cmp.Compare(math.Round(1e6*relevance(question, b)), math.Round(1e6*relevance(question, a)))
		}) {
			t.Fatalf("with lambda 1 the order is not that of likeness: %v", candidateIDs(byLikeness))
		}
	})
}

func TestDiversifyLeavesTwins(t *testing.T) {
	near, twin, other := []float32{1, 0}, []float32{1, 0}, []float32{0.8, 0.6}
	list := []*Candidate{{Chunk: Chunk{ID: "near"}, Vector: near}, {Chunk: Chunk{ID: "twin"}, Vector: twin}, {Chunk: Chunk{ID: "other"}, Vector: other}, {Chunk: Chunk{ID: "blind"}}}
	picked, rest := Diversify([]float32{1, 0}, list, 0.4, 2)
	if got := candidateIDs(picked); !slices.Equal(got, []string{"near", "other"}) {
		t.Errorf("picked %v", got)
	}
	if got := candidateIDs(rest); !slices.Equal(got, []string{"twin", "blind"}) {
		t.Errorf("left %v", got)
	}
}
