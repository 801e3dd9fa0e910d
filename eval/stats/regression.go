package stats

import (
	"errors"
	"fmt"
	"math"
)

// Gate decides whether a candidate is worse than its baseline. The zero value is ready: α 0.05, no minimum effect, power 0.9.
type Gate struct {
	// Alpha bounds how often a candidate that is no worse fails.
	Alpha float64
	// MinEffect is how large the observed drop must be to matter, in the score's unit. A smaller one never fails.
	MinEffect float64
	// Power is that of the smallest drop reported as detectable.
	Power  float64
	Trials int // of the randomisation; 0 is DefaultTrials
	Seed   uint64
}

// Verdict is a gate's decision on one score.
type Verdict struct {
	// Regressed is set when the drop is both at least MinEffect and unlikely by chance: P ≤ Alpha.
	Regressed bool    `json:"regressed"`
	Test      string  `json:"test"` // "randomisation" or "mcnemar"
	N         int     `json:"n"`
	Baseline  float64 `json:"baseline"`
	Candidate float64 `json:"candidate"`
	Drop      float64 `json:"drop"` // Baseline-Candidate: positive is worse
	P         float64 `json:"p"`    // one-sided, of "no worse"
	Alpha     float64 `json:"alpha"`
	MinEffect float64 `json:"min_effect"`
	// SD is of the paired differences; nil with fewer than two pairs.
	SD *float64 `json:"sd"`
	// Detectable is the smallest true drop these pairs would have found with probability Power; nil when it cannot be known.
	Detectable *float64 `json:"detectable"`
	Power      float64  `json:"power"`
	// Effect is Cohen's d of the pairs, negative when the candidate is worse; nil when not defined.
	Effect *float64 `json:"effect"`
	// Interval is the drop's, by the normal approximation, two-sided at 95 %; nil with fewer than two pairs.
	Interval *Interval `json:"interval"`
}

// String says the verdict in one line.
func (v Verdict) String() string {
	word := "no regression shown"
	if v.Regressed {
		word = "regression"
	}
	s := fmt.Sprintf("%s: %.4f to %.4f (drop %.4f, p %.4f, n %d)", word, v.Baseline, v.Candidate, v.Drop, v.P, v.N)
	if !v.Regressed && v.Detectable != nil {
		s += fmt.Sprintf("; a drop below %.4f would have been missed more often than in %.0f of 100 runs", *v.Detectable, math.Round(100*(1-v.Power)))
	}
	return s
}

// Scores decides on the mean of one score an item, higher better, by a paired randomisation test. Items are paired by position.
// Outcomes that are all 0 or 1 are decided by McNemar's exact test, which is the same question asked without chance.
func (g Gate) Scores(baseline, candidate []float64) (Verdict, error) {
	if a, ok := binary01(baseline); ok {
		if b, ok := binary01(candidate); ok && len(a) == len(b) {
			return g.Passes(a, b)
		}
	}
	g, err := g.filled()
	if err != nil {
		return Verdict{}, err
	}
	test, err := RandomiseMeans(baseline, candidate, Randomisation{Trials: g.Trials, Seed: g.Seed})
	if err != nil {
		return Verdict{}, fmt.Errorf("gate: %w", err)
	}
	v := Verdict{Test: "randomisation", N: test.N, Baseline: test.A, Candidate: test.B, Drop: -test.Delta, P: test.PLess}
	return g.decide(v, baseline, candidate), nil
}

// Passes decides on the share of items passed, by McNemar's exact test.
func (g Gate) Passes(baseline, candidate []bool) (Verdict, error) {
	g, err := g.filled()
	if err != nil {
		return Verdict{}, err
	}
	if len(baseline) == 0 {
		return Verdict{}, fmt.Errorf("gate: %w", errNoData)
	}
	d, err := McNemar(baseline, candidate)
	if err != nil {
		return Verdict{}, fmt.Errorf("gate: %w", err)
	}
	a, b := numbers(baseline), numbers(candidate)
	n := float64(len(a))
	v := Verdict{
		Test: "mcnemar", N: len(a), P: d.PLess, Drop: float64(d.OnlyA-d.OnlyB) / n,
		Baseline: float64(d.BothPass+d.OnlyA) / n, Candidate: float64(d.BothPass+d.OnlyB) / n,
	}
	return g.decide(v, a, b), nil
}

func (g Gate) filled() (Gate, error) {
	if math.IsNaN(g.MinEffect) || math.IsInf(g.MinEffect, 0) || g.MinEffect < 0 {
		return g, errors.New("gate: the minimum effect must be a number that is not below zero")
	}
	if math.IsNaN(g.Alpha) || g.Alpha < 0 || g.Alpha >= 1 || math.IsNaN(g.Power) || g.Power < 0 || g.Power >= 1 {
		return g, errors.New("gate: alpha and power must be between 0 and 1")
	}
	d := Design{Alpha: g.Alpha, Power: g.Power}.filled()
	g.Alpha, g.Power = d.Alpha, d.Power
	return g, nil
}

// decide fills the rest of a verdict.
func (g Gate) decide(v Verdict, baseline, candidate []float64) Verdict {
	v.Alpha, v.MinEffect, v.Power = g.Alpha, g.MinEffect, g.Power
	// A drop of exactly the minimum counts, whatever the last bits of its sum are.
	v.Regressed = v.Drop > 0 && v.Drop >= g.MinEffect-1e-12 && v.P <= g.Alpha
	d, err := differences(baseline, candidate)
	if err != nil {
		return v
	}
	sd, ok := SD(d)
	if !ok {
		return v
	}
	v.SD = &sd
	if found, ok := (Design{N: len(d), SD: sd, Alpha: g.Alpha, Power: g.Power, OneSided: true}).Detectable(); ok {
		// The observed drop must reach the minimum effect as well, which a true drop d does with the power from d - z·SE ≥ minimum on.
		found = max(found, g.MinEffect+quantile(g.Power)*sd/math.Sqrt(float64(len(d))))
		v.Detectable = &found
	}
	if effect, ok := CohenPaired(baseline, candidate); ok {
		v.Effect = &effect
	}
	half := quantile(1-(1-DefaultLevel)/2) * sd / math.Sqrt(float64(len(d)))
	v.Interval = &Interval{Low: v.Drop - half, High: v.Drop + half, Level: DefaultLevel}
	return v
}

// binary01 reads scores that are all 0 or 1 as outcomes.
func binary01(x []float64) ([]bool, bool) {
	out := make([]bool, len(x))
	for i, v := range x {
		if v != 0 && v != 1 {
			return nil, false
		}
		out[i] = v == 1
	}
	return out, len(x) > 0
}

func numbers(x []bool) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		if v {
			out[i] = 1
		}
	}
	return out
}
