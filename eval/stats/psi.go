package stats

import (
	"math"
	"slices"
)

// psiFloor stands for a share that no value fell into, which the logarithm could not take: half a value of the sample.
const psiFloor = 0.5

// Shift is how far a sample's distribution lies from a reference's.
type Shift struct {
	// PSI is the population stability index: Σ (q−p)·ln(q/p) over bins, p the reference's share of a bin and q the sample's. An empty
	// bin counts half a value. By custom below 0.1 is stable, and from 0.25 on has shifted.
	PSI float64 `json:"psi"`
	// Expected is what PSI comes to when nothing has shifted: (bins−1)·(1/n+1/m). Of small samples that is not near zero.
	Expected float64 `json:"expected"`
	Bins     int     `json:"bins"`
}

// PSI compares a sample with a reference over at most so many bins, each of which holds about as many of the reference; equal values are
// never parted, so that scores of few values have a bin for each. False when either is empty, or has a value that is not finite.
func PSI(reference, sample []float64, bins int) (Shift, bool) {
	if len(reference) == 0 || len(sample) == 0 || !finite(reference) || !finite(sample) {
		return Shift{}, false
	}
	edges := upperEnds(reference, max(bins, 2))
	return shift(shares(reference, edges), shares(sample, edges), float64(len(reference)), float64(len(sample))), true
}

// shift compares shares of bins, of n values of the reference and m of the sample.
func shift(p, q []float64, n, m float64) Shift {
	out := Shift{Bins: len(p)}
	for i := range p {
		out.PSI += (q[i] - p[i]) * math.Log(q[i]/p[i])
	}
	out.Expected = float64(out.Bins-1) * (1/n + 1/m)
	return out
}

// upperEnds are those of all bins but the last, each once. Of a reference that is one value there are three bins: below it, it, above it.
func upperEnds(reference []float64, bins int) []float64 {
	sorted := slices.Sorted(slices.Values(reference))
	most := sorted[len(sorted)-1]
	if sorted[0] == most {
		return []float64{math.Nextafter(most, math.Inf(-1)), most}
	}
	var ends []float64
	for i := 1; i < bins; i++ {
		end := sorted[max(0, i*len(sorted)-1)/bins]
		if end < most && (len(ends) == 0 || end > ends[len(ends)-1]) {
			ends = append(ends, end)
		}
	}
	if len(ends) == 0 { // nearly all are the largest value: a bin for it, and one for the others
		i, _ := slices.BinarySearch(sorted, most)
		ends = []float64{sorted[i-1]}
	}
	return ends
}

// shares are the parts of x up to each edge and beyond the last.
func shares(x, edges []float64) []float64 {
	out := make([]float64, len(edges)+1)
	for _, v := range x {
		i, _ := slices.BinarySearch(edges, v)
		out[i]++
	}
	return floored(out)
}

// floored turns counts into shares, none of them nothing.
func floored(out []float64) []float64 {
	total := 0.0
	for i := range out {
		out[i] = max(out[i], psiFloor)
		total += out[i]
	}
	for i := range out {
		out[i] /= total
	}
	return out
}

func finite(x []float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}
