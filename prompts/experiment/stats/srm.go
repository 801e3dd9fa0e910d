package stats

import "math"

// SRMChi2 is Pearson's statistic of the counts against the planned weights, and its p-value: for one look. Weights need not sum to 1.
func SRMChi2(counts []int64, weights []float64) (chi2, p float64) {
	n, total := sums(counts, weights)
	if n == 0 || total == 0 {
		return 0, 1
	}
	free := -1
	for i, c := range counts {
		want := float64(n) * weights[i] / total
		if want == 0 {
			if c > 0 {
				return math.Inf(1), 0
			}
			continue
		}
		free++
		chi2 += (float64(c) - want) * (float64(c) - want) / want
	}
	if free < 1 {
		return 0, 1
	}
	return chi2, UpperGamma(float64(free)/2, chi2/2)
}

// SRMLogE is the logarithm of the e-value against the planned weights, for looking at all times: a mixture of all splits, evenly
// weighed. An alarm at ln(1/0.001) is false once in a thousand experiments at most.
// Lindon and Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022.
func SRMLogE(counts []int64, weights []float64) float64 {
	n, total := sums(counts, weights)
	if n == 0 || total == 0 {
		return 0
	}
	var arms, logE float64
	for i, c := range counts {
		if weights[i] == 0 {
			if c > 0 {
				return MaxLogE
			}
			continue
		}
		arms++
		logE += logGamma(1+float64(c)) - float64(c)*math.Log(weights[i]/total)
	}
	return logE + logGamma(arms) - logGamma(arms+float64(n))
}

func sums(counts []int64, weights []float64) (n int64, total float64) {
	for i, c := range counts {
		n += c
		total += weights[i]
	}
	return n, total
}

func logGamma(x float64) float64 {
	value, _ := math.Lgamma(x)
	return value
}
