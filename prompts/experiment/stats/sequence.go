package stats

import "math"

// MaxLogE bounds logarithms of e-values, so that a difference without any spread can be written down.
const MaxLogE = 1e6

// Rho tunes a confidence sequence to be tightest about planned units in all arms together, for an error rate alpha.
// Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
// Annals of Statistics 52(6), 2024, arXiv 2103.06476, eq. 161.
func Rho(alpha, planned float64) float64 {
	return math.Sqrt((-2*math.Log(alpha) + math.Log(1-2*math.Log(alpha))) / planned)
}

// HalfWidth is that of the two-sided asymptotic confidence sequence (eq. 9): with probability 1−alpha the truth is within it at
// all times at once.
func HalfWidth(d Difference, alpha, rho float64) float64 {
	if d.N <= 0 {
		return math.Inf(1)
	}
	g := d.N*rho*rho + 1
	return math.Sqrt(d.N * d.Variance * 2 * g / (d.N * d.N * rho * rho) * math.Log(math.Sqrt(g)/alpha))
}

// OneSided is the half-width of the one-sided sequence (eqs. 134 and 155): with probability 1−alpha the truth is never below
// Delta less it. Its rho is tuned with 2·alpha.
func OneSided(d Difference, alpha, rho float64) float64 {
	if d.N <= 0 {
		return math.Inf(1)
	}
	g := d.N*rho*rho + 1
	return math.Sqrt(d.N * d.Variance * 2 * g / (d.N * d.N * rho * rho) * math.Log(1+math.Sqrt(g)/(2*alpha)))
}

// LogE is the logarithm of the e-value against no difference: the evidence, as a bet that cannot be expected to win. It is
// above ln(1/alpha) exactly when HalfWidth is less than |Delta|.
func LogE(d Difference, rho float64) float64 {
	if d.N <= 0 {
		return 0
	}
	g := d.N*rho*rho + 1
	if d.Variance <= 0 {
		if d.Delta == 0 {
			return 0
		}
		return MaxLogE
	}
	return min(MaxLogE, exponent(d, rho)-0.5*math.Log(g))
}

// LogEAbove is the logarithm of the e-value against "not above zero": it is at least ln(1/alpha) exactly when OneSided is at
// most Delta.
func LogEAbove(d Difference, rho float64) float64 {
	switch {
	case d.N <= 0 || d.Delta <= 0:
		return -MaxLogE
	case d.Variance <= 0:
		return MaxLogE
	}
	q := exponent(d, rho)
	// ln(e^q − 1), for large q too.
	grown := q + math.Log(-math.Expm1(-q))
	return max(-MaxLogE, min(MaxLogE, math.Log(2)+grown-0.5*math.Log(d.N*rho*rho+1)))
}

func exponent(d Difference, rho float64) float64 {
	return rho * rho * d.N * d.Delta * d.Delta / (2 * d.Variance * (d.N*rho*rho + 1))
}

// P is the always-valid p-value of an e-value given by its logarithm.
func P(logE float64) float64 { return math.Min(1, math.Exp(-logE)) }
