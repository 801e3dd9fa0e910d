package stats

import (
	"math"
	"slices"
)

// Samples of many values are given as counts of classes: n[i] of class i. Of two samples the shorter one has none of the other's further
// classes. Counts below zero are no samples.

// aligned gives both samples over the same classes, with their sums. False when one is empty or has a count below zero.
func aligned(a, b []int64) (x, y []float64, n, m float64, ok bool) {
	size := max(len(a), len(b))
	x, y = make([]float64, size), make([]float64, size)
	for i, v := range a {
		x[i] = float64(v)
		n += x[i]
	}
	for i, v := range b {
		y[i] = float64(v)
		m += y[i]
	}
	below := func(v int64) bool { return v < 0 }
	return x, y, n, m, n > 0 && m > 0 && !slices.ContainsFunc(a, below) && !slices.ContainsFunc(b, below)
}

// RankSumOfCounts is MannWhitney of samples whose classes are in order, every value of a class equal.
func RankSumOfCounts(a, b []int64) (RankSum, bool) {
	x, y, n, m, ok := aligned(a, b)
	if !ok {
		return RankSum{}, false
	}
	var below, ranks, ties float64
	for i := range x {
		t := x[i] + y[i]
		ranks += y[i] * (below + (t+1)/2)
		ties += t*t*t - t
		below += t
	}
	return rankSum(n, m, ranks, ties)
}

// DistanceOfCounts is KolmogorovSmirnov of samples whose classes are in order.
func DistanceOfCounts(a, b []int64) (Distance, bool) {
	x, y, n, m, ok := aligned(a, b)
	if !ok {
		return Distance{}, false
	}
	var upToX, upToY, most float64
	for i := range x {
		upToX += x[i] / n
		upToY += y[i] / m
		most = max(most, math.Abs(upToX-upToY))
	}
	return distance(n, m, most), true
}

// PSIOfCounts is PSI over classes as they are, those that neither has left out.
func PSIOfCounts(reference, sample []int64) (Shift, bool) {
	x, y, n, m, ok := aligned(reference, sample)
	if !ok {
		return Shift{}, false
	}
	var p, q []float64
	for i := range x {
		if x[i]+y[i] > 0 {
			p, q = append(p, x[i]), append(q, y[i])
		}
	}
	return shift(floored(p), floored(q), n, m), true
}

// Pooled gives the last class of each of at most so many groups of neighbours, each of which holds about as many of a sample. The last
// group holds all classes from there on, and so its end is left out.
func Pooled(sample []int64, groups int) []int {
	total := int64(0)
	for _, v := range sample {
		total += v
	}
	var ends []int
	upTo, last := int64(0), -1
	for i, v := range sample {
		upTo += v
		if upTo == total { // what is left has none
			break
		}
		if k := int64(len(ends) + 1); groups > 1 && len(ends) < groups-1 && v > 0 && upTo*int64(groups) >= k*total && i > last {
			ends, last = append(ends, i), i
		}
	}
	return ends
}

// Pool adds a sample's classes up to groups, given their ends.
func Pool(sample []int64, ends []int) []int64 {
	out := make([]int64, len(ends)+1)
	for i, v := range sample {
		k, _ := slices.BinarySearch(ends, i)
		out[k] += v
	}
	return out
}

// Homogeneity is Pearson's test of whether two samples are of one distribution over classes without an order.
type Homogeneity struct {
	ChiSquare float64 `json:"chi_square"`
	Freedom   int     `json:"degrees_of_freedom"`
	P         float64 `json:"p"`
}

// HomogeneityOfCounts compares two samples. Classes of which fewer than five would be expected in one of them are taken as one. False
// when that leaves fewer than two, or a sample is empty.
func HomogeneityOfCounts(a, b []int64) (Homogeneity, bool) {
	x, y, n, m, ok := aligned(a, b)
	if !ok {
		return Homogeneity{}, false
	}
	const least = 5
	smaller := min(n, m) / (n + m)
	var rareX, rareY float64
	kept := 0
	for i := range x {
		if (x[i]+y[i])*smaller < least {
			rareX, rareY = rareX+x[i], rareY+y[i]
			continue
		}
		x[kept], y[kept] = x[i], y[i]
		kept++
	}
	x, y = x[:kept], y[:kept]
	switch {
	case (rareX+rareY)*smaller >= least:
		x, y = append(x, rareX), append(y, rareY)
	case rareX+rareY > 0 && kept > 0: // too few to stand alone: they go with the smallest
		at := 0
		for i := range x {
			if x[i]+y[i] < x[at]+y[at] {
				at = i
			}
		}
		x[at], y[at] = x[at]+rareX, y[at]+rareY
	}
	if len(x) < 2 {
		return Homogeneity{}, false
	}
	out := Homogeneity{Freedom: len(x) - 1}
	for i := range x {
		all := x[i] + y[i]
		of, got := all*n/(n+m), x[i]
		out.ChiSquare += (got - of) * (got - of) / of
		of, got = all*m/(n+m), y[i]
		out.ChiSquare += (got - of) * (got - of) / of
	}
	out.P = ChiSquareTail(out.ChiSquare, out.Freedom)
	return out, true
}

// RiskDifference is the share of b less that of a, each of successes among trials, with Newcombe's interval, which is made of Wilson's
// for each (method 10 of Newcombe 1998); level 0 is DefaultLevel. False when a share is none.
func RiskDifference(successesA, a, successesB, b int64, level float64) (float64, Interval, bool) {
	wa, ok := Wilson(int(successesA), int(a), level)
	wb, ok2 := Wilson(int(successesB), int(b), level)
	if !ok || !ok2 {
		return 0, Interval{}, false
	}
	pa, pb := float64(successesA)/float64(a), float64(successesB)/float64(b)
	d := pb - pa
	return d, Interval{
		Low: d - math.Hypot(pb-wb.Low, wa.High-pa), High: d + math.Hypot(wb.High-pb, pa-wa.Low), Level: wa.Level,
	}, true
}

// LocationShift is by how many classes b's values are larger than a's: the median of the differences of all pairs (Hodges and Lehmann),
// values taken to lie evenly within a class, and the interval that Moses gives from the variance of the rank sum. spread, at least 1,
// widens it where samples differ by more than chance as a rule: the variance is so many times as large. False when a sample is empty.
func LocationShift(a, b []int64, spread, level float64) (float64, Interval, bool) {
	x, y, n, m, ok := aligned(a, b)
	if !ok {
		return 0, Interval{}, false
	}
	if level <= 0 || level >= 1 {
		level = DefaultLevel
	}
	size := len(x)
	pairs := make([]float64, 2*size-1) // by difference of class, from 1-size on
	for i := range x {
		if x[i] == 0 {
			continue
		}
		for j := range y {
			pairs[j-i+size-1] += x[i] / n * (y[j] / m)
		}
	}
	// The differences of two values that lie evenly within their classes are spread over a triangle.
	below := func(d float64) float64 {
		sum := 0.0
		for k, share := range pairs {
			if share > 0 {
				sum += share * triangle(d-float64(k-size+1))
			}
		}
		return sum
	}
	at := func(share float64) float64 {
		lo, hi := -float64(size), float64(size)
		for range 50 {
			if mid := (lo + hi) / 2; below(mid) < share {
				lo = mid
			} else {
				hi = mid
			}
		}
		return (lo + hi) / 2
	}
	half := quantile(1-(1-level)/2) * math.Sqrt(max(1, spread)*(n+m+1)/(12*n*m))
	return at(0.5), Interval{Low: at(max(0, 0.5-half)), High: at(min(1, 0.5+half)), Level: level}, true
}

// triangle is the distribution function of the difference of two values that lie evenly between 0 and 1.
func triangle(d float64) float64 {
	switch {
	case d <= -1:
		return 0
	case d >= 1:
		return 1
	case d < 0:
		return (1 + d) * (1 + d) / 2
	}
	return 1 - (1-d)*(1-d)/2
}
