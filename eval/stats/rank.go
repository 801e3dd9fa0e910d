package stats

import (
	"math"
	"slices"
)

// Ranking is what was retrieved for one question, best first, and how relevant which documents are. A document retrieved twice
// counts at its first place only. A grade of zero or less, or none, is not relevant.
type Ranking struct {
	Retrieved []string
	Relevant  map[string]float64 // grade by document
}

// top are the grades of the first k places, padded by none; k ≤ 0 is all of them.
func (r Ranking) top(k int) []float64 {
	if k <= 0 {
		k = len(r.Retrieved)
	}
	grades := make([]float64, 0, min(k, len(r.Retrieved)))
	for i, d := range r.Retrieved[:min(k, len(r.Retrieved))] {
		grade := max(0, r.Relevant[d])
		if slices.Contains(r.Retrieved[:i], d) || math.IsNaN(grade) {
			grade = 0
		}
		grades = append(grades, grade)
	}
	return grades
}

// relevant are the grades of relevant documents, highest first.
func (r Ranking) relevant() []float64 {
	var grades []float64
	for _, g := range r.Relevant {
		if g > 0 && !math.IsInf(g, 0) {
			grades = append(grades, g)
		}
	}
	slices.Sort(grades)
	slices.Reverse(grades)
	return grades
}

func hits(grades []float64) int {
	n := 0
	for _, g := range grades {
		if g > 0 {
			n++
		}
	}
	return n
}

// Precision is the share of the first k places that hold a relevant document; places without any count as misses. k ≤ 0 is as many
// as were retrieved. False when k is ≤ 0 and nothing was.
func (r Ranking) Precision(k int) (float64, bool) {
	if k <= 0 {
		k = len(r.Retrieved)
	}
	if k == 0 {
		return 0, false
	}
	return float64(hits(r.top(k))) / float64(k), true
}

// Recall is the share of the relevant documents among the first k. False when none is relevant, as for all below.
func (r Ranking) Recall(k int) (float64, bool) {
	all := r.relevant()
	if len(all) == 0 {
		return 0, false
	}
	return float64(hits(r.top(k))) / float64(len(all)), true
}

// Hit is 1 when a relevant document is among the first k, else 0.
func (r Ranking) Hit(k int) (float64, bool) {
	if len(r.relevant()) == 0 {
		return 0, false
	}
	return float64(min(1, hits(r.top(k)))), true
}

// ReciprocalRank is one over the place of the first relevant document among the first k, 0 when there is none. Its mean over
// questions is MRR.
func (r Ranking) ReciprocalRank(k int) (float64, bool) {
	if len(r.relevant()) == 0 {
		return 0, false
	}
	for i, g := range r.top(k) {
		if g > 0 {
			return 1 / float64(i+1), true
		}
	}
	return 0, true
}

// AveragePrecision is the mean of the precisions at the places of relevant documents among the first k, over as many as could be
// there: the smaller of k and the number relevant.
func (r Ranking) AveragePrecision(k int) (float64, bool) {
	all := r.relevant()
	if len(all) == 0 {
		return 0, false
	}
	if k <= 0 {
		k = max(len(r.Retrieved), len(all))
	}
	var total float64
	found := 0
	for i, g := range r.top(k) {
		if g > 0 {
			found++
			total += float64(found) / float64(i+1)
		}
	}
	return total / float64(min(k, len(all))), true
}

// Gain is how a grade counts in nDCG.
type Gain int

// The gains: the grade itself (Järvelin and Kekäläinen), and 2^grade-1 (Burges).
const (
	LinearGain Gain = iota
	ExponentialGain
)

func (g Gain) of(grade float64) float64 {
	if g == ExponentialGain {
		return math.Exp2(grade) - 1
	}
	return grade
}

// NDCG is the discounted gain of the first k places over that of the best order there could be. k ≤ 0 is all.
func (r Ranking) NDCG(k int, gain Gain) (float64, bool) {
	all := r.relevant()
	if len(all) == 0 {
		return 0, false
	}
	if k <= 0 {
		k = max(len(r.Retrieved), len(all))
	}
	ideal := gain.discounted(all[:min(k, len(all))])
	if ideal == 0 || math.IsInf(ideal, 0) {
		return 0, false
	}
	return gain.discounted(r.top(k)) / ideal, true
}

func (g Gain) discounted(grades []float64) float64 {
	var total float64
	for i, grade := range grades {
		total += g.of(grade) / math.Log2(float64(i+2))
	}
	return total
}

// Fuse is reciprocal rank fusion: each document's score is the sum over lists of 1/(k+place), places counted from first. Cormack
// et al. 2009 have k = 60 and first = 1; Qdrant's server k = 2 and first = 0.
func Fuse(lists [][]string, k, first int) map[string]float64 {
	fused := map[string]float64{}
	for _, list := range lists {
		for i, d := range list {
			fused[d] += 1 / float64(k+i+first)
		}
	}
	return fused
}
