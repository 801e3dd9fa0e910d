package stats

import "math"

// Theta is the slope of y on x within the arms, all arms together: what CUPED takes off. It is 0 when x does not vary.
func Theta(arms ...Moments) float64 {
	var xy, xx float64
	for _, m := range arms {
		free := float64(max(0, m.N-1))
		xy += free * m.Cov()
		xx += free * m.VarX()
	}
	if xx == 0 {
		return 0
	}
	return xy / xx
}

// Adjust is the mean of y − θ(x − center): the same expectation when x is from before the treatment, and less variance. Every
// arm must be given the same θ and center.
func Adjust(m Moments, theta, center float64) Estimate {
	if m.N == 0 {
		return Estimate{}
	}
	spread := m.VarY() - 2*theta*m.Cov() + theta*theta*m.VarX()
	if spread < 1e-13*(m.VarY()+theta*theta*m.VarX()) {
		spread = 0
	}
	return Estimate{
		Value:    m.MeanY() - theta*(m.MeanX()-center),
		Variance: spread / float64(m.N),
		N:        m.N,
	}
}

// Correlation of x and y, 0 when one of them does not vary. Adjusting takes off its square's share of the variance.
func Correlation(m Moments) float64 {
	product := m.VarX() * m.VarY()
	if product == 0 {
		return 0
	}
	return max(-1, min(1, m.Cov()/math.Sqrt(product)))
}
