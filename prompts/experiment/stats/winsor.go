package stats

import (
	"math"
	"slices"
)

// Percentile of values, linear between the two nearest (Hyndman and Fan's seventh definition, as in quantileExactInclusive).
// It is 0 without values. The values are not changed.
func Percentile(values []float64, percent float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := max(0, min(1, percent/100)) * float64(len(sorted)-1)
	below := int(math.Floor(at))
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// Winsorize takes what is above a cap as the cap.
func Winsorize(value, limit float64) float64 { return min(value, limit) }
