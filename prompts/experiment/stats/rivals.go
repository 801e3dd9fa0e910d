package stats

import "math"

// WelchResult is the classical test of two means: right when one looks once, at a time fixed before.
type WelchResult struct {
	Difference
	DegreesOfFreedom float64
	P                float64
	Low, High        float64
}

// Welch tests at alpha, the plain difference or the one relative to a.
func Welch(a, b Moments, relative bool, alpha float64) WelchResult {
	left, right := Mean(a), Mean(b)
	out := WelchResult{Difference: right.Minus(left)}
	if relative {
		out.Difference, _ = right.Relative(left)
	}
	va, vb := left.Variance, right.Variance
	out.DegreesOfFreedom = (va + vb) * (va + vb) / (va*va/float64(a.N-1) + vb*vb/float64(b.N-1))
	out.P = StudentTwoSided(out.Delta/out.SE(), out.DegreesOfFreedom)
	half := StudentQuantile(1-alpha/2, out.DegreesOfFreedom) * out.SE()
	out.Low, out.High = out.Delta-half, out.Delta+half
	return out
}

// MSPRT is the mixture sequential probability ratio of n pairs with difference diff, variance v of a pair's difference and a
// normal mixture of variance tau2: the likelihood ratio and the half-width of its interval.
// Johari, Koomen, Pekelis, Walsh, "Always valid inference", Operations Research 70(3), 2022.
func MSPRT(diff, v, n, tau2, alpha float64) (ratio, half float64) {
	w := v + n*tau2
	ratio = math.Sqrt(v/w) * math.Exp(n*n*tau2*diff*diff/(2*v*w))
	half = math.Sqrt(v * w / (n * n * tau2) * (-2*math.Log(alpha) + math.Log(w/v)))
	return ratio, half
}

// StatsigMSPRT is Statsig's sequential test as documented: the half-width around the difference.
func StatsigMSPRT(d Difference, varA, varB, nA, nB, alpha float64) (tau, z, half float64) {
	q := NormalQuantile(1 - alpha/2)
	tau = q * q * (varA + varB) / (nA + nB)
	v := d.Variance
	z = math.Sqrt((v + tau) / tau * (-2*math.Log(alpha/2) - math.Log(v/(v+tau))))
	return tau, z, z * d.SE()
}

// MeanBand is the half-width of the asymptotic confidence sequence for one arm's mean, with the variance of its n units and a rho
// that is per unit of the value. Bands of two arms that do not touch show a difference, late.
func MeanBand(variance, n, alpha, rho float64) float64 {
	g := n*variance*rho*rho + 1
	return math.Sqrt(2 * g / (n * n * rho * rho) * math.Log(math.Sqrt(g)/alpha))
}

// GLRStop is the stopping rule of track-and-stop: the generalised likelihood ratios of the best mean against each other one, the
// threshold at ln((1+ln t)/delta), and whether all are above it. Higher is better. Garivier and Kaufmann, COLT 2016.
func GLRStop(means, variances []float64, counts []int64, epsilon, delta float64) (ratios []float64, threshold float64, stop bool) {
	best, total := 0, int64(0)
	for i, m := range means {
		total += counts[i]
		if m > means[best] {
			best = i
		}
	}
	threshold = math.Log((1 + math.Log(float64(total))) / delta)
	stop = true
	for i, m := range means {
		if i == best {
			continue
		}
		gap := means[best] - m + epsilon
		ratio := gap * gap / (2 * (variances[best]/float64(counts[best]) + variances[i]/float64(counts[i])))
		ratios = append(ratios, ratio)
		stop = stop && ratio > threshold
	}
	return ratios, threshold, stop
}

// BetaGreater is the probability that a share with posterior Beta(a1, b1) is above one with posterior Beta(a0, b0), by
// Gauss-Legendre quadrature over where the second has its mass.
func BetaGreater(a1, b1, a0, b0 float64) float64 {
	mean := a0 / (a0 + b0)
	sd := math.Sqrt(mean * (1 - mean) / (a0 + b0 + 1))
	low, high := max(0, mean-12*sd), min(1, mean+12*sd)
	norm := logGamma(a0+b0) - logGamma(a0) - logGamma(b0)
	const panels = 400
	var sum float64
	width := (high - low) / panels
	for i := range panels {
		middle := low + (float64(i)+0.5)*width
		for k, node := range legendreNodes {
			x := middle + node*width/2
			if x <= 0 || x >= 1 {
				continue
			}
			density := math.Exp(norm + (a0-1)*math.Log(x) + (b0-1)*math.Log1p(-x))
			sum += legendreWeights[k] * width / 2 * density * (1 - RegularBeta(x, a1, b1))
		}
	}
	return sum
}

var (
	legendreNodes   = [5]float64{-0.9061798459386640, -0.5384693101056831, 0, 0.5384693101056831, 0.9061798459386640}
	legendreWeights = [5]float64{0.2369268850561891, 0.4786286704993665, 0.5688888888888889, 0.4786286704993665, 0.2369268850561891}
)
