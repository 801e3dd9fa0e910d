package alert

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const (
	week = 7 * 24 * time.Hour

	// anomalyWeeks is how many weeks before an hour it is compared with.
	anomalyWeeks = 8
	// anomalyLeast is of how many weeks the same hour must be known.
	anomalyLeast = 3

	slots     = 168 // hours of a week
	alike     = 12  // hours of the week to each side, ordered by their level, whose spread is counted in
	leastWide = 0.05
	toSigma   = 1.4826 // a median of distances as a standard deviation
	upper     = 0.975
	upperZ    = 1.96
)

// Deviation says by how many robust standard deviations the last of the hours differs from what that hour of the week was in the
// weeks before; below zero: it is less. hours are without a gap, oldest first; last is when the last one began; zone is where the hours
// of the week are. False when too few weeks are known. It is a pure function.
//
// What is expected is the median of the same hour of the week, times how the last week was against such medians, so that growth is no
// anomaly. The spread is the median distance (MAD) from these medians over the hours of the week that are about as busy, since eight
// values of one hour say too little; where the distances have a longer tail on the side in question, the tail's.
func Deviation(hours []float64, last time.Time, zone *time.Location) (float64, bool) {
	if zone == nil {
		zone = time.UTC
	}
	n := len(hours)
	if n < anomalyLeast*slots+1 {
		return 0, false
	}
	at := make([]int, n)
	var by [slots][]float64
	for i := range n {
		l := last.Add(-time.Duration(n-1-i) * time.Hour).In(zone)
		at[i] = int(l.Weekday())*24 + l.Hour()
		if i < n-1 {
			by[at[i]] = append(by[at[i]], hours[i])
		}
	}
	slot := at[n-1]
	if len(by[slot]) < anomalyLeast {
		return 0, false
	}
	var level [slots]float64
	all := 0.0
	for k := range by {
		level[k] = median(by[k])
		all += level[k] / slots
	}
	growth := growthOf(hours[:n-1], at, &level)
	expected := level[slot] * growth
	distance := hours[n-1] - expected
	spread := max(spreadOf(&by, &level, slot, distance >= 0)*growth, leastWide*expected, leastWide*all)
	if spread == 0 { // nothing was ever spent
		if distance == 0 {
			return 0, true
		}
		return math.Copysign(1000, distance), true
	}
	return distance / spread, true
}

// growthOf is how the last week was against the medians.
func growthOf(past []float64, at []int, level *[slots]float64) float64 {
	var ratios []float64
	for i := max(0, len(past)-slots); i < len(past); i++ {
		if l := level[at[i]]; l > 0 {
			ratios = append(ratios, past[i]/l)
		}
	}
	if len(ratios) < slots/4 {
		return 1
	}
	return min(max(median(ratios), 0.5), 2)
}

// spreadOf pools how the hours of the week that are about as busy as one differ from their medians.
func spreadOf(by *[slots][]float64, level *[slots]float64, slot int, above bool) float64 {
	order := make([]int, slots)
	for k := range order {
		order[k] = k
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(level[a], level[b]), cmp.Compare(a, b)) })
	here := slices.Index(order, slot)
	from := min(max(0, here-alike), slots-2*alike-1)
	var distances, side []float64
	for _, k := range order[from : from+2*alike+1] {
		for _, v := range by[k] {
			d := v - level[k]
			distances = append(distances, math.Abs(d))
			if above == (d > 0) {
				side = append(side, math.Abs(d))
			} else {
				side = append(side, 0)
			}
		}
	}
	few := 1 + 0.5/float64(len(by[slot])) // a median of few values has taken a part of the spread away
	return few * max(toSigma*median(distances), quantile(side, upper)/upperZ)
}

// median of values, 0 of none. The values are not changed.
func median(v []float64) float64 { return quantile(v, 0.5) }

func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	at := q * float64(len(v)-1)
	i := int(at)
	if i+1 >= len(v) {
		return v[len(v)-1]
	}
	return v[i] + (at-float64(i))*(v[i+1]-v[i])
}
