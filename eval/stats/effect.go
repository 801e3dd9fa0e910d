package stats

import "math"

// CohenPaired is Cohen's d of pairs: the mean of b-a over its standard deviation (d_z). False when there are fewer than two pairs
// or all differ by the same.
func CohenPaired(a, b []float64) (float64, bool) {
	d, err := differences(a, b)
	if err != nil {
		return 0, false
	}
	sd, ok := SD(d)
	if !ok || sd == 0 {
		return 0, false
	}
	mean, _ := Mean(d)
	return mean / sd, true
}

// OddsRatio is that of passA of nA against passB of nB, unpaired: (odds of b) / (odds of a). False when it would divide by zero.
func OddsRatio(passA, nA, passB, nB int) (float64, bool) {
	failA, failB := nA-passA, nB-passB
	if passA <= 0 || failB <= 0 || failA < 0 || passB < 0 {
		return 0, false
	}
	return float64(passB) / float64(failB) * float64(failA) / float64(passA), true
}

// Design is what the power of a paired comparison of means depends on.
type Design struct {
	N     int     // pairs
	SD    float64 // of the paired differences
	Alpha float64 // 0 is 0.05
	Power float64 // 0 is 0.9
	// OneSided is set when only one direction counts, as in a gate.
	OneSided bool
}

func (d Design) filled() Design {
	if d.Alpha <= 0 || d.Alpha >= 1 {
		d.Alpha = 0.05
	}
	if d.Power <= 0 || d.Power >= 1 {
		d.Power = 0.9
	}
	return d
}

// critical is how many standard errors reject.
func (d Design) critical() float64 {
	if d.OneSided {
		return quantile(1 - d.Alpha)
	}
	return quantile(1 - d.Alpha/2)
}

// Detectable is the smallest true difference of means that such a comparison would find with its power. False without pairs or
// with a deviation that is not a number.
func (d Design) Detectable() (float64, bool) {
	d = d.filled()
	if d.N <= 0 || math.IsNaN(d.SD) || d.SD < 0 {
		return 0, false
	}
	return (d.critical() + quantile(d.Power)) * d.SD / math.Sqrt(float64(d.N)), true
}

// PowerOf is the probability of finding a true difference of means.
func (d Design) PowerOf(difference float64) (float64, bool) {
	d = d.filled()
	if d.N <= 0 || math.IsNaN(d.SD) || d.SD < 0 {
		return 0, false
	}
	if d.SD == 0 {
		if difference == 0 {
			return d.Alpha, true
		}
		return 1, true
	}
	z := math.Abs(difference) * math.Sqrt(float64(d.N)) / d.SD
	if d.OneSided {
		return cumulative(z - d.critical()), true
	}
	return cumulative(z-d.critical()) + cumulative(-z-d.critical()), true
}

// PairsFor is how many pairs a true difference needs to be found with the power. False when the difference is zero.
func (d Design) PairsFor(difference float64) (int, bool) {
	d = d.filled()
	if difference == 0 || math.IsNaN(difference) || math.IsNaN(d.SD) || d.SD < 0 {
		return 0, false
	}
	root := (d.critical() + quantile(d.Power)) * d.SD / difference
	n := math.Ceil(root * root)
	if n > math.MaxInt32 {
		return 0, false
	}
	return max(1, int(n)), true
}
