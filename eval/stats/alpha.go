package stats

import (
	"math"
	"slices"
)

// Scale is what may be said of values' differences.
type Scale string

// The scales: names, an order, and distances.
const (
	Nominal  Scale = "nominal"
	Ordinal  Scale = "ordinal"
	Metrical Scale = "interval"
)

// Missing is the value of a rating that was not given.
func Missing() float64 { return math.NaN() }

// Alpha is Krippendorff's alpha of ratings: a row an item, a column a rater, NaN (Missing) where one gave none; rows may be of
// unequal length. Items with fewer than two ratings say nothing and are left out. False when fewer than two values are left, or
// all are the same: agreement that could not have been otherwise is not defined.
func Alpha(ratings [][]float64, scale Scale) (float64, bool) {
	counts := map[float64]float64{} // ratings of each value in items with two or more
	var items [][]float64
	total := 0.0
	for _, row := range ratings {
		given := make([]float64, 0, len(row))
		for _, v := range row {
			if !math.IsNaN(v) && !math.IsInf(v, 0) {
				given = append(given, v)
			}
		}
		if len(given) < 2 {
			continue
		}
		items = append(items, given)
		total += float64(len(given))
		for _, v := range given {
			counts[v]++
		}
	}
	if len(counts) < 2 {
		return 0, false
	}
	values := make([]float64, 0, len(counts))
	for v := range counts {
		values = append(values, v)
	}
	slices.Sort(values)
	distance := scale.distances(values, counts)
	place := make(map[float64]int, len(values))
	for i, v := range values {
		place[v] = i
	}

	var observed, expected float64
	for _, given := range items {
		var within float64
		for i := range given {
			for j := i + 1; j < len(given); j++ {
				within += 2 * distance(place[given[i]], place[given[j]])
			}
		}
		observed += within / float64(len(given)-1)
	}
	for i := range values {
		for j := i + 1; j < len(values); j++ {
			expected += 2 * counts[values[i]] * counts[values[j]] * distance(i, j)
		}
	}
	if expected == 0 {
		return 0, false
	}
	return 1 - (total-1)*observed/expected, true
}

// distances is the scale's squared difference of the values at two places of the sorted list.
func (s Scale) distances(values []float64, counts map[float64]float64) func(i, j int) float64 {
	switch s {
	case Ordinal:
		// The ratings between two values, with half of those at the ends.
		below := make([]float64, len(values)+1)
		for i, v := range values {
			below[i+1] = below[i] + counts[v]
		}
		return func(i, j int) float64 {
			if i > j {
				i, j = j, i
			}
			d := below[j+1] - below[i] - (counts[values[i]]+counts[values[j]])/2
			if i == j {
				d = 0
			}
			return d * d
		}
	case Metrical:
		return func(i, j int) float64 { return (values[i] - values[j]) * (values[i] - values[j]) }
	}
	return func(i, j int) float64 {
		if i == j {
			return 0
		}
		return 1
	}
}

// AlphaInterval is the bootstrap interval of Alpha over items. False when Alpha is not defined.
func AlphaInterval(ratings [][]float64, scale Scale, o Resampling) (Interval, bool) {
	if _, ok := Alpha(ratings, scale); !ok {
		return Interval{}, false
	}
	drawn := make([][]float64, len(ratings))
	return BootstrapItems(len(ratings), func(items []int) (float64, bool) {
		for i, item := range items {
			drawn[i] = ratings[item]
		}
		return Alpha(drawn, scale)
	}, o)
}
