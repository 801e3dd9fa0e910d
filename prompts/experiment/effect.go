package experiment

import (
	"math"

	"github.com/weir-dev/weir/prompts/experiment/stats"
)

// Role says what a metric is in an experiment for.
type Role string

// Primary decides, a guardrail can forbid, and what is shown does neither.
const (
	PrimaryRole Role = "primary"
	Guardrail   Role = "guardrail"
	Shown       Role = "shown"
)

// Interval is a range that holds the truth at all times at once, with the experiment's error rate.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Effect is what one challenger does to one metric.
type Effect struct {
	Arm       string    `json:"arm"`
	Metric    string    `json:"metric"`
	Role      Role      `json:"role"`
	Per       Per       `json:"per"`
	Direction Direction `json:"direction"`
	SLO       float64   `json:"slo_ms,omitempty"`

	// Data is false when an arm has fewer than two units with a value; the rest is then empty.
	Data         bool    `json:"data"`
	ControlUnits int64   `json:"control_units"`
	Units        int64   `json:"units"`
	Control      float64 `json:"control"`
	Value        float64 `json:"value"`

	Difference Interval  `json:"difference"`
	Relative   *Interval `json:"relative,omitempty"` // to the control's value, which is not zero; 0.05 is five percent
	Geometric  *Interval `json:"geometric,omitempty"`
	// LogE is the logarithm of the e-value against no difference, P the always-valid p-value. Both are before any correction.
	LogE float64 `json:"log_e"`
	P    float64 `json:"p"`
	// Spared is the share of the variance that the covariate took off.
	Spared float64 `json:"spared,omitempty"`
	// Detectable is the smallest true difference that the planned units find in 80 of 100 experiments.
	Detectable float64 `json:"detectable"`

	Margin *Amount `json:"margin,omitempty"` // of a guardrail
	// Accepted is true when it is shown to be not worse than the margin, Harmful when it is shown to be worse.
	Accepted bool `json:"accepted,omitempty"`
	Harmful  bool `json:"harmful,omitempty"`

	pair stats.Pair
}

// better is how much better the challenger is: positive is good, whatever the direction.
func (e *Effect) better() float64 {
	if e.Direction == Lower {
		return -e.Difference.Value
	}
	return e.Difference.Value
}

// worseThan is by how much the challenger is worse than the control by more than an amount (below zero: better by less than it).
// It is false when an amount relative to a control that is not above zero means nothing.
func (e *Effect) worseThan(amount Amount) (stats.Difference, bool) {
	a, b := e.pair.A, e.pair.B
	sign := 1.0
	if e.Direction == Higher {
		sign = -1
	}
	if !amount.Relative {
		d := b.Minus(a)
		d.Delta = sign*d.Delta - amount.Value
		return d, true
	}
	d := b.Against(a, 1+sign*amount.Value)
	d.Delta *= sign
	return d, a.Value > 0
}

// bounds are the error rate and the planned units that one comparison of two arms has.
type bounds struct {
	alpha   float64 // of one challenger
	planned float64 // units of both arms
}

func (b bounds) rho() float64 { return stats.Rho(b.alpha, b.planned) }

// shown says whether d is above zero, at one side and a share of alpha.
func (b bounds) shown(d stats.Difference, share float64) bool {
	alpha := b.alpha * share
	return d.Delta > 0 && d.Delta > stats.OneSided(d, alpha, stats.Rho(2*alpha, b.planned))
}

func (b bounds) interval(d stats.Difference) Interval {
	half := stats.HalfWidth(d, b.alpha, b.rho())
	return Interval{Value: d.Delta, Low: d.Delta - half, High: d.Delta + half}
}

// effectOf compares a challenger's cells with the control's, epoch by epoch.
func effectOf(m Measure, strata []stratum, b bounds) Effect {
	out := Effect{Metric: m.Metric, Per: m.Per, SLO: m.SLO}
	pair, plain := estimate(m, strata)
	if pair.A.N < 2 || pair.B.N < 2 {
		for _, s := range strata {
			out.ControlUnits += s.a.N
			out.Units += s.b.N
		}
		return out
	}
	out.pair, out.Data = pair, true
	out.ControlUnits, out.Units = pair.A.N, pair.B.N
	out.Control, out.Value = pair.A.Value, pair.B.Value
	d := pair.B.Minus(pair.A)
	out.Difference = b.interval(d)
	out.LogE = stats.LogE(d, b.rho())
	out.P = stats.P(out.LogE)
	out.Detectable = stats.MinimumDetectable(d, b.planned, b.alpha, b.rho(), 0.8)
	if relative, ok := pair.B.Relative(pair.A); ok {
		interval := b.interval(relative)
		out.Relative = &interval
	}
	if before := plain.B.Minus(plain.A).Variance; before > 0 {
		out.Spared = max(0, 1-d.Variance/before)
	}
	return out
}

// stratum is the two arms' sums in one epoch, and those of all arms, by which a covariate is centred.
type stratum struct{ a, b, all stats.Moments }

// estimate is the pair of the measure, and the one without the covariate.
func estimate(m Measure, strata []stratum) (pair, plain stats.Pair) {
	var arms []stats.Moments
	for _, s := range strata {
		arms = append(arms, s.a, s.b)
	}
	theta := 0.0
	if m.Per == PerUnit && m.Covariate != NoCovariate {
		theta = stats.Theta(arms...)
	}
	var pairs, plains []stats.Pair
	for _, s := range strata {
		if m.Per == PerCall {
			a, okA := stats.Ratio(s.a)
			b, okB := stats.Ratio(s.b)
			if okA && okB {
				pairs = append(pairs, stats.Pair{A: steady(m, a), B: steady(m, b)})
			}
			continue
		}
		center := s.all.MeanX()
		pairs = append(pairs, stats.Pair{A: steady(m, stats.Adjust(s.a, theta, center)), B: steady(m, stats.Adjust(s.b, theta, center))})
		plains = append(plains, stats.Pair{A: stats.Mean(s.a), B: stats.Mean(s.b)})
	}
	return stats.Stratify(pairs), stats.Stratify(plains)
}

// steady keeps a share or a score without any spread so far, such as no failure yet, from being taken for a certainty: its variance
// is that of one unit in n+2 which is different.
func steady(m Measure, e stats.Estimate) stats.Estimate {
	if e.Variance > 0 || e.N == 0 || isTotal(m.Metric) {
		return e
	}
	scale := max(1, math.Abs(e.Value))
	p := 1 / float64(e.N+2)
	e.Variance = scale * scale * p * (1 - p) / float64(e.N)
	return e
}
