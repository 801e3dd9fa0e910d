package stats

import "math"

// Estimate is an arm's mean or ratio, with the variance of that estimate (not of the units).
type Estimate struct {
	Value    float64
	Variance float64
	N        int64 // units
}

// Mean is the plain mean of y.
func Mean(m Moments) Estimate {
	return Estimate{Value: m.MeanY(), Variance: over(m.VarY(), m.N), N: m.N}
}

// Difference is what one arm has more than another, with its variance and the units of both.
type Difference struct {
	Delta    float64
	Variance float64
	N        float64
}

// Minus is b − a.
func (b Estimate) Minus(a Estimate) Difference {
	return b.Against(a, 1)
}

// Against is b − factor·a: with factor 1+m it asks whether b is more than a by the share m.
func (b Estimate) Against(a Estimate, factor float64) Difference {
	return Difference{
		Delta:    b.Value - factor*a.Value,
		Variance: b.Variance + factor*factor*a.Variance,
		N:        float64(a.N + b.N),
	}
}

// Relative is (b − a)/a by the delta method, and whether a can be divided by.
func (b Estimate) Relative(a Estimate) (Difference, bool) {
	if a.Value == 0 {
		return Difference{N: float64(a.N + b.N)}, false
	}
	square := a.Value * a.Value
	return Difference{
		Delta:    (b.Value - a.Value) / a.Value,
		Variance: b.Variance/square + a.Variance*b.Value*b.Value/(square*square),
		N:        float64(a.N + b.N),
	}, true
}

// SE is the standard error.
func (d Difference) SE() float64 { return math.Sqrt(d.Variance) }

// Pair is the two arms' estimates in one stratum.
type Pair struct{ A, B Estimate }

// Stratify joins strata (epochs with different weights), each weighed by nₐn_b/(nₐ+n_b), which says how much it can tell about
// a difference. A stratum without two units in each arm says nothing and is left out. Arms that were split differently in
// different times are thereby compared only within one time, so that a change of the traffic is not taken for an effect.
func Stratify(pairs []Pair) Pair {
	var total float64
	for _, p := range pairs {
		total += p.weight()
	}
	var out Pair
	if total == 0 {
		return out
	}
	for _, p := range pairs {
		w := p.weight() / total
		if w == 0 {
			continue
		}
		out.A.join(p.A, w)
		out.B.join(p.B, w)
	}
	return out
}

func (p Pair) weight() float64 {
	if p.A.N < 2 || p.B.N < 2 {
		return 0
	}
	a, b := float64(p.A.N), float64(p.B.N)
	return a * b / (a + b)
}

func (b *Estimate) join(o Estimate, w float64) {
	b.Value += w * o.Value
	b.Variance += w * w * o.Variance
	b.N += o.N
}
