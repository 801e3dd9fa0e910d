// Package experimenttest holds the contract of an experiment's Reader as a test, and a Reader over a list of calls.
package experimenttest

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/prompts/experiment/stats"
)

// Observation is one recorded call.
type Observation struct {
	Time       time.Time
	Experiment string // its name; empty: the call took part in none
	Unit       string
	Epoch      int
	Arm        string
	InAnalysis bool

	CostUSD       *float64 // nil: not known
	LatencyMS     float64
	Failed        bool
	Input, Output int64
	OwnText       int64 // bytes of the user's own text
	Scores        map[string]float64
}

// Memory is a Reader over a list of calls. It is safe for concurrent use as long as the list does not change.
type Memory struct{ Calls []Observation }

var _ experiment.Reader = (*Memory)(nil)

// exposure is what a unit's first call in the analysis says.
type exposure struct {
	first *Observation
	calls []*Observation // those that count, in order of time
	past  float64        // dollars before it
}

// exposures are the units of a query, in order of their first exposure.
func (m *Memory) exposures(q experiment.Query) ([]*exposure, map[*Observation]bool) {
	sorted := make([]*Observation, 0, len(m.Calls))
	for i := range m.Calls {
		if o := &m.Calls[i]; q.Until.IsZero() || o.Time.Before(q.Until) {
			sorted = append(sorted, o)
		}
	}
	slices.SortStableFunc(sorted, func(a, b *Observation) int { return a.Time.Compare(b.Time) })
	byUnit := map[string]*exposure{}
	past := map[string]float64{}
	counted := map[*Observation]bool{}
	var out []*exposure
	for _, o := range sorted {
		u := byUnit[o.Unit]
		takesPart := o.Experiment == q.Experiment && o.InAnalysis && !o.Time.Before(q.Since)
		if u == nil && !takesPart {
			if o.CostUSD != nil {
				past[o.Unit] += *o.CostUSD
			}
			continue
		}
		if u == nil {
			u = &exposure{first: o, past: past[o.Unit]}
			byUnit[o.Unit] = u
			out = append(out, u)
		}
		if takesPart && o.Epoch == u.first.Epoch && o.Arm == u.first.Arm {
			u.calls = append(u.calls, o)
			counted[o] = true
		}
	}
	return out, counted
}

// Moments sums unit by unit.
func (m *Memory) Moments(_ context.Context, q experiment.Query, measures []experiment.Measure) ([]experiment.Cell, error) {
	exposures, _ := m.exposures(q)
	type place struct {
		epoch, measure int
		arm            string
	}
	sums := map[place]*stats.Moments{}
	var order []place
	for k, measure := range measures {
		type value struct {
			unit *exposure
			y, x float64
		}
		var values []value
		for _, u := range exposures {
			if y, x, ok := u.value(measure); ok {
				values = append(values, value{u, y, x})
			}
		}
		limit := math.Inf(1)
		if measure.Winsorize > 0 {
			all := make([]float64, len(values))
			for i, v := range values {
				all[i] = v.y
			}
			limit = stats.Percentile(all, measure.Winsorize)
		}
		for _, v := range values {
			p := place{v.unit.first.Epoch, k, v.unit.first.Arm}
			if sums[p] == nil {
				sums[p] = &stats.Moments{}
				order = append(order, p)
			}
			sums[p].Add(stats.Winsorize(v.y, limit), v.x)
		}
	}
	out := make([]experiment.Cell, 0, len(order))
	for _, p := range order {
		out = append(out, experiment.Cell{Epoch: p.epoch, Arm: p.arm, Measure: p.measure, Moments: *sums[p]})
	}
	return out, nil
}

// value is y and x of a unit, false when it has none.
func (u *exposure) value(m experiment.Measure) (y, x float64, ok bool) {
	if m.Metric == experiment.Utility {
		for _, term := range m.Terms {
			sum, n := u.sum(term.Metric, term.SLO)
			if n == 0 {
				return 0, 0, false
			}
			y += term.Weight * sum / n
		}
	} else {
		sum, n := u.sum(m.Metric, m.SLO)
		if n == 0 {
			return 0, 0, false
		}
		if m.Per == experiment.PerCall {
			return sum, n, true
		}
		y = sum
		if strings.HasPrefix(m.Metric, experiment.ScorePrefix) || m.Metric == "latency" || m.Metric == "errors" {
			y /= n
		}
	}
	if m.Log {
		if y <= 0 {
			return 0, 0, false
		}
		y = math.Log(y)
	}
	switch m.Covariate {
	case experiment.OwnText:
		x = float64(u.first.OwnText)
	case experiment.PastCost:
		x = u.past
	}
	return y, x, true
}

// sum is that of a metric over the unit's calls that have it, and how many have.
func (u *exposure) sum(metric string, slo float64) (sum, n float64) {
	for _, o := range u.calls {
		v, ok := o.value(metric, slo)
		if ok {
			sum += v
			n++
		}
	}
	return sum, n
}

func (o *Observation) value(metric string, slo float64) (float64, bool) {
	if name, isScore := strings.CutPrefix(metric, experiment.ScorePrefix); isScore {
		v, ok := o.Scores[name]
		return v, ok
	}
	switch metric {
	case "cost":
		if o.CostUSD == nil {
			return 0, false
		}
		return *o.CostUSD, true
	case "latency":
		return one(o.LatencyMS > slo), true
	case "errors":
		return one(o.Failed), true
	case "tokens":
		return float64(o.Input + o.Output), true
	case "input_tokens":
		return float64(o.Input), true
	case "output_tokens":
		return float64(o.Output), true
	case "calls":
		return 1, true
	}
	return 0, false
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// Growth counts step by step.
func (m *Memory) Growth(_ context.Context, q experiment.Query, step time.Duration) ([]experiment.Growth, error) {
	exposures, counted := m.exposures(q)
	type place struct {
		at    time.Time
		epoch int
		arm   string
	}
	rows := map[place]*experiment.Growth{}
	row := func(o *Observation, arm string) *experiment.Growth {
		p := place{o.Time.UTC().Truncate(step), o.Epoch, arm}
		if !o.InAnalysis {
			p.epoch = 0
		}
		if rows[p] == nil {
			rows[p] = &experiment.Growth{Time: p.at, Epoch: p.epoch, Arm: p.arm}
		}
		return rows[p]
	}
	for _, u := range exposures {
		row(u.first, u.first.Arm).Units++
	}
	for i := range m.Calls {
		o := &m.Calls[i]
		switch {
		case counted[o]:
			row(o, o.Arm).Calls++
		case o.Experiment == q.Experiment && !o.Time.Before(q.Since) && (q.Until.IsZero() || o.Time.Before(q.Until)):
			row(o, "").Calls++
		}
	}
	out := make([]experiment.Growth, 0, len(rows))
	for _, g := range rows {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b experiment.Growth) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Arm, b.Arm))
	})
	return out, nil
}
