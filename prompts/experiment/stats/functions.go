package stats

import "math"

// NormalQuantile is the standard normal's.
func NormalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// UpperGamma is the regularised upper incomplete gamma function Q(a, x): the chance of a χ² above 2x at 2a degrees of freedom.
func UpperGamma(a, x float64) float64 {
	switch {
	case x <= 0:
		return 1
	case math.IsInf(x, 1):
		return 0
	}
	front := math.Exp(a*math.Log(x) - x - logGamma(a))
	if x < a+1 {
		term := 1 / a
		sum := term
		for k := 1.0; k < 10_000; k++ {
			term *= x / (a + k)
			sum += term
			if term < sum*1e-17 {
				break
			}
		}
		return 1 - front*sum
	}
	// Lentz's method for the continued fraction.
	const tiny = 1e-300
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for k := 1.0; k < 10_000; k++ {
		an := -k * (k - a)
		b += 2
		d = 1 / nonzero(an*d+b)
		c = nonzero(b + an/c)
		step := c * d
		h *= step
		if abs(step-1) < 1e-16 {
			break
		}
	}
	return front * h
}

// RegularBeta is the regularised incomplete beta function I_x(a, b).
func RegularBeta(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - RegularBeta(1-x, b, a)
	}
	front := math.Exp(logGamma(a+b) - logGamma(a) - logGamma(b) + a*math.Log(x) + b*math.Log1p(-x))
	c, d := 1.0, 1/nonzero(1-(a+b)*x/(a+1))
	h := d
	for m := 1.0; m < 10_000; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / nonzero(1+even*d)
		c = nonzero(1 + even/c)
		h *= c * d
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / nonzero(1+odd*d)
		c = nonzero(1 + odd/c)
		step := c * d
		h *= step
		if abs(step-1) < 1e-16 {
			break
		}
	}
	return front * h / a
}

func nonzero(x float64) float64 {
	if abs(x) < 1e-300 {
		return 1e-300
	}
	return x
}

// StudentTwoSided is the chance of a t beyond ±t.
func StudentTwoSided(t, freedom float64) float64 {
	return RegularBeta(freedom/(freedom+t*t), freedom/2, 0.5)
}

// StudentQuantile is Student's, for p above a half.
func StudentQuantile(p, freedom float64) float64 {
	low, high := 0.0, 2.0
	for StudentTwoSided(high, freedom) > 2*(1-p) {
		high *= 2
	}
	for range 200 {
		middle := (low + high) / 2
		if middle == low || middle == high {
			break
		}
		if StudentTwoSided(middle, freedom) > 2*(1-p) {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}
