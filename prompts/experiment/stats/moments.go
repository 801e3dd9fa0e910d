// Package stats holds the statistics of experiments that may be looked at whenever one likes.
//
// An analysis keeps only sums over units (moments.go). From them come the difference of two arms with its variance (contrast.go,
// ratio.go, cuped.go), a confidence sequence around it that holds at all times at once (sequence.go), the check of the split
// (srm.go), and what is still needed (planning.go). Tests that other tools use stand in rivals.go, for comparison.
package stats

// Moments are the sums over the units of one arm: of a value y, and of a second value x, which is the denominator of a ratio
// or a covariate. The zero value is an arm without units.
type Moments struct {
	N  int64   `json:"n"`
	Y  float64 `json:"y"`
	YY float64 `json:"yy"`
	X  float64 `json:"x"`
	XX float64 `json:"xx"`
	XY float64 `json:"xy"`
}

// Add takes in one unit.
func (m *Moments) Add(y, x float64) {
	m.N++
	m.Y += y
	m.YY += y * y
	m.X += x
	m.XX += x * x
	m.XY += x * y
}

// Plus is the sum of two arms' moments.
func (m Moments) Plus(o Moments) Moments {
	return Moments{m.N + o.N, m.Y + o.Y, m.YY + o.YY, m.X + o.X, m.XX + o.XX, m.XY + o.XY}
}

// MeanY is the mean of y, 0 without units.
func (m Moments) MeanY() float64 { return over(m.Y, m.N) }

// MeanX is the mean of x, 0 without units.
func (m Moments) MeanX() float64 { return over(m.X, m.N) }

// VarY is the sample variance of y, 0 below two units.
func (m Moments) VarY() float64 { return max(0, m.spread(m.YY, m.Y, m.Y)) }

// VarX is the sample variance of x, 0 below two units.
func (m Moments) VarX() float64 { return max(0, m.spread(m.XX, m.X, m.X)) }

// Cov is the sample covariance of x and y, 0 below two units.
func (m Moments) Cov() float64 { return m.spread(m.XY, m.X, m.Y) }

func (m Moments) spread(product, a, b float64) float64 {
	if m.N < 2 {
		return 0
	}
	n := float64(m.N)
	spread := product - a/n*b
	// What rounding alone can leave is no spread: values that are all equal have variance zero.
	if tiny := 1e-13 * abs(product); spread < tiny && spread > -tiny {
		return 0
	}
	return spread / (n - 1)
}

func abs(x float64) float64 {
	if x < 0 {
		return -x
	}
	return x
}

func over(sum float64, n int64) float64 {
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}
