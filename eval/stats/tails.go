package stats

import "math"

// ChiSquareTail is the chance that a chi-square variable of so many degrees of freedom, at least 1, is larger than x: the regularised
// incomplete gamma function Q(df/2, x/2), by its series or its continued fraction, whichever converges.
func ChiSquareTail(x float64, freedom int) float64 {
	if x <= 0 || freedom < 1 {
		return 1
	}
	a, z := float64(freedom)/2, x/2
	log, _ := math.Lgamma(a)
	scale := math.Exp(a*math.Log(z) - z - log)
	const most, small = 1000, 1e-16
	if z < a+1 {
		term := 1 / a
		sum := term
		for k := 1.0; k < most && term > sum*small; k++ {
			term *= z / (a + k)
			sum += term
		}
		return max(0, 1-sum*scale)
	}
	// Lentz's way to the continued fraction 1/(z+1-a- 1(1-a)/(z+3-a- 2(2-a)/(z+5-a- …))).
	const tiny = 1e-300
	b := z + 1 - a
	c, d := 1/tiny, 1/b
	out := d
	for k := 1.0; k < most; k++ {
		by := -k * (k - a)
		b += 2
		d = by*d + b
		if math.Abs(d) < tiny {
			d = tiny
		}
		c = b + by/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		out *= d * c
		if math.Abs(d*c-1) < small {
			break
		}
	}
	return min(1, out*scale)
}

// NormalTail is the chance that a standard normal variable is further from zero than z, on either side.
func NormalTail(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }

// NormalOf is the z that has a two-sided chance: NormalTail(NormalOf(p)) is p. Of chances too small for a number it is 38.
func NormalOf(p float64) float64 {
	switch {
	case p >= 1:
		return 0
	case p <= 0:
		return 38
	case p > 1e-10:
		return math.Sqrt2 * math.Erfinv(1-p)
	}
	// Far out Erfinv has no digits left: Newton's steps on the logarithm of the tail, from its leading term.
	z := math.Sqrt(-2 * math.Log(p))
	for range 60 {
		tail := NormalTail(z)
		if tail <= 0 {
			return 38
		}
		step := (math.Log(tail) - math.Log(p)) * tail / (2 / math.Sqrt(2*math.Pi) * math.Exp(-z*z/2))
		z += step
		if math.Abs(step) < 1e-12*z {
			break
		}
	}
	return min(38, z)
}

// StudentTail is the chance that Student's t of an even number of degrees of freedom is further from zero than t, on either side.
// It is the finite sum of Abramowitz and Stegun 26.7.4, whose last digits are 1e-15: smaller chances are that.
func StudentTail(t float64, freedom int) float64 {
	if freedom < 2 {
		freedom = 2
	}
	theta := math.Atan(math.Abs(t) / math.Sqrt(float64(freedom)))
	sin, cos2 := math.Sin(theta), math.Cos(theta)*math.Cos(theta)
	term, sum := 1.0, 1.0
	for k := 2; k <= freedom-2; k += 2 {
		term *= float64(k-1) / float64(k) * cos2
		sum += term
	}
	return min(1, max(1e-15, 1-sin*sum))
}
