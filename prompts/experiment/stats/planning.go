package stats

import "math"

// UnitsNeeded is how many units, all arms together, the two-sided sequence needs to exclude no difference when the effect and
// the spread of the units stay as they are in d. It is false when limit is not enough.
func UnitsNeeded(d Difference, alpha, rho, limit float64) (float64, bool) {
	return needed(d, limit, func(at Difference) bool { return HalfWidth(at, alpha, rho) < abs(d.Delta) })
}

// UnitsNeededAbove is the same for the one-sided sequence to show that Delta is above zero.
func UnitsNeededAbove(d Difference, alpha, rho, limit float64) (float64, bool) {
	return needed(d, limit, func(at Difference) bool { return OneSided(at, alpha, rho) < d.Delta })
}

func needed(d Difference, limit float64, enough func(Difference) bool) (float64, bool) {
	if d.N <= 0 {
		return 0, false
	}
	at := func(n float64) Difference { return Difference{Delta: d.Delta, Variance: d.Variance * d.N / n, N: n} }
	if !enough(at(limit)) {
		return 0, false
	}
	low, high := 1.0, limit
	for high-low > 0.5 {
		middle := (low + high) / 2
		if enough(at(middle)) {
			high = middle
		} else {
			low = middle
		}
	}
	return math.Ceil(high), true
}

// MinimumDetectable is the smallest true difference that n units in all arms together find with that power by the last look,
// when the units spread as in d.
func MinimumDetectable(d Difference, n, alpha, rho, power float64) float64 {
	if d.N <= 0 || n <= 0 {
		return math.Inf(1)
	}
	at := Difference{Variance: d.Variance * d.N / n, N: n}
	return HalfWidth(at, alpha, rho) + NormalQuantile(power)*at.SE()
}
