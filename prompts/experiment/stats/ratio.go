package stats

// Ratio is Σy/Σx over units, such as dollars per call where users were assigned, with its variance by the delta method. The
// second result is false when x is nothing but zeros.
func Ratio(m Moments) (Estimate, bool) {
	x := m.MeanX()
	if m.N == 0 || x == 0 {
		return Estimate{N: m.N}, false
	}
	r := m.Y / m.X
	spread := m.VarY() - 2*r*m.Cov() + r*r*m.VarX()
	// Below this the parts have cancelled each other: every unit has the same ratio.
	if spread < 1e-13*(m.VarY()+r*r*m.VarX()) {
		spread = 0
	}
	return Estimate{Value: r, Variance: spread / (float64(m.N) * x * x), N: m.N}, true
}
