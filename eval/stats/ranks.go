package stats

import (
	"cmp"
	"math"
	"slices"
)

// RankSum is the Mann–Whitney test of whether values of one sample tend to be larger than those of another.
type RankSum struct {
	U float64 `json:"u"` // pairs in which b's value is the larger, ties counted half
	Z float64 `json:"z"`
	P float64 `json:"p"` // two-sided
	// Larger is the share of pairs in which b's value is the larger, ties counted half: U/(n·m). 0.5 is no difference.
	Larger float64 `json:"larger"`
}

// MannWhitney compares two samples that are not paired, by the normal approximation with ties and continuity corrected:
// z = (|U−nm/2| − 1/2)/σ with σ² = nm/12·((N+1) − Σ(t³−t)/(N(N−1))), t the sizes of groups of equal values and N = n+m. It is good from
// about ten values each. False when a sample is empty or has a value that is not finite, or when all values are equal.
func MannWhitney(a, b []float64) (RankSum, bool) {
	if len(a) == 0 || len(b) == 0 || !finite(a) || !finite(b) {
		return RankSum{}, false
	}
	type value struct {
		v   float64
		ofB bool
	}
	all := make([]value, 0, len(a)+len(b))
	for _, v := range a {
		all = append(all, value{v, false})
	}
	for _, v := range b {
		all = append(all, value{v, true})
	}
	slices.SortFunc(all, func(x, y value) int { return cmp.Compare(x.v, y.v) })
	var ranks, ties float64
	for i := 0; i < len(all); {
		j, ofB := i, 0
		for ; j < len(all) && all[j].v == all[i].v; j++ {
			if all[j].ofB {
				ofB++
			}
		}
		t := float64(j - i)
		ranks += float64(ofB) * (float64(i) + (t+1)/2)
		ties += t*t*t - t
		i = j
	}
	return rankSum(float64(len(a)), float64(len(b)), ranks, ties)
}

// rankSum is the test of m values of b among n of a, given the sum of b's ranks and Σ(t³−t) over groups of equal values.
func rankSum(n, m, ranks, ties float64) (RankSum, bool) {
	total := n + m
	variance := n * m / 12 * (total + 1 - ties/(total*(total-1)))
	if variance <= 0 {
		return RankSum{}, false
	}
	out := RankSum{U: ranks - m*(m+1)/2}
	out.Larger = out.U / (n * m)
	off := out.U - n*m/2
	out.Z = math.Copysign(max(0, math.Abs(off)-0.5)/math.Sqrt(variance), off)
	out.P = min(1, 2*cumulative(-math.Abs(out.Z)))
	return out, true
}

// Distance is the Kolmogorov–Smirnov comparison of two samples.
type Distance struct {
	D float64 `json:"d"` // the largest difference of their distribution functions
	// Scaled is D·√(nm/(n+m)), which does not grow with the samples while they are of one distribution.
	Scaled float64 `json:"scaled"`
	P      float64 `json:"p"`
}

// KolmogorovSmirnov compares two samples by all of their distributions. P is Kolmogorov's limit 2·Σ(−1)^(k−1)·exp(−2k²λ²) at
// λ = (√e + 0.12 + 0.11/√e)·D with e = nm/(n+m) (Stephens 1970); of samples with ties it is too large, never too small. False when a
// sample is empty or has a value that is not finite.
func KolmogorovSmirnov(a, b []float64) (Distance, bool) {
	if len(a) == 0 || len(b) == 0 || !finite(a) || !finite(b) {
		return Distance{}, false
	}
	x, y := slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	var out Distance
	for i, j := 0, 0; i < len(x) && j < len(y); {
		v := min(x[i], y[j])
		for i < len(x) && x[i] == v {
			i++
		}
		for j < len(y) && y[j] == v {
			j++
		}
		out.D = max(out.D, math.Abs(float64(i)/float64(len(x))-float64(j)/float64(len(y))))
	}
	return distance(float64(len(x)), float64(len(y)), out.D), true
}

// distance is what the largest difference of distribution functions says of samples of n and m values.
func distance(n, m, most float64) Distance {
	root := math.Sqrt(n * m / (n + m))
	return Distance{D: most, Scaled: root * most, P: KolmogorovTail((root + 0.12 + 0.11/root) * most)}
}

// KolmogorovTail is the chance that Kolmogorov's statistic is larger than lambda.
func KolmogorovTail(lambda float64) float64 {
	if lambda < 0.2 { // there the series does not end, and it is 1 to twelve digits
		return 1
	}
	sum := 0.0
	for k := 1.0; k <= 100; k++ {
		term := math.Exp(-2 * k * k * lambda * lambda)
		if int(k)%2 == 0 {
			term = -term
		}
		if sum += term; math.Abs(term) < 1e-16 {
			break
		}
	}
	return min(1, max(0, 2*sum))
}

// MeanDifference is mean(b)−mean(a) with Welch's standard error: the interval is the difference ± z·√(s²a/n + s²b/m), which is for
// samples of thirty and more. Cohen is the difference over the pooled standard deviation, 0 when both vary not at all.
type MeanDifference struct {
	Interval
	Difference float64 `json:"difference"`
	Cohen      float64 `json:"cohen_d"`
}

// DifferenceOfMeans compares the means of two samples that are not paired. False when one has fewer than two values, or one not finite.
func DifferenceOfMeans(a, b []float64, level float64) (MeanDifference, bool) {
	sa, ok := SD(a)
	sb, ok2 := SD(b)
	if !ok || !ok2 || !finite(a) || !finite(b) {
		return MeanDifference{}, false
	}
	if level <= 0 || level >= 1 {
		level = DefaultLevel
	}
	ma, _ := Mean(a)
	mb, _ := Mean(b)
	n, m := float64(len(a)), float64(len(b))
	half := quantile(1-(1-level)/2) * math.Sqrt(sa*sa/n+sb*sb/m)
	out := MeanDifference{Difference: mb - ma, Interval: Interval{Low: mb - ma - half, High: mb - ma + half, Level: level}}
	if pooled := math.Sqrt(((n-1)*sa*sa + (m-1)*sb*sb) / (n + m - 2)); pooled > 0 {
		out.Cohen = out.Difference / pooled
	}
	return out, true
}

// BenjaminiHochberg gives each p-value's adjusted one, in the same order: the least share of false discoveries, in the mean, at which it
// is still one. min over k ≥ rank of p(k)·n/k, at most 1.
func BenjaminiHochberg(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]float64, len(p))
	least := 1.0
	for k, i := range slices.Backward(order) {
		least = min(least, p[i]*float64(len(p))/float64(k+1))
		out[i] = least
	}
	return out
}
