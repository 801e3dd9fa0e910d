package stats

import (
	"cmp"
	"math"
	"slices"
)

// Bonferroni says which of several e-values, given by their logarithms, are evidence at alpha in all together.
func Bonferroni(logE []float64, alpha float64) []bool {
	out := make([]bool, len(logE))
	for i, e := range logE {
		out[i] = e > math.Log(float64(len(logE))/alpha)
	}
	return out
}

// EBH says which of several e-values are discoveries, of which at most the share alpha is false in the mean, however they
// depend on each other. Wang and Ramdas, "False discovery rate control with e-values", JRSS B 84(3), 2022.
func EBH(logE []float64, alpha float64) []bool {
	order := make([]int, len(logE))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(logE[b], logE[a]) })
	found := 0
	for k := 1; k <= len(order); k++ {
		if logE[order[k-1]] >= math.Log(float64(len(order))/(alpha*float64(k))) {
			found = k
		}
	}
	out := make([]bool, len(logE))
	for _, i := range order[:found] {
		out[i] = true
	}
	return out
}
