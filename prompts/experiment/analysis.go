package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/weir-dev/weir/prompts/experiment/stats"
)

// MinUnits is how many units each arm must have before there is a verdict: the intervals hold for large numbers.
const MinUnits = 100

// srmAlpha is the chance of ever freezing an experiment whose split is as planned.
const srmAlpha = 0.001

// ErrUnit is in the chain of an error that refuses an analysis by something else than the unit that was assigned.
var ErrUnit = errors.New("not the unit of the assignment")

// Options say how to look.
type Options struct {
	Now time.Time // until when; of a stopped experiment at most its end
	By  string    // what to count: the experiment's unit, or empty for it. Anything else is refused
}

// Analysis is what is known at one time. It can be made as often as one likes: the intervals hold at all times at once.
type Analysis struct {
	Experiment  string     `json:"experiment"`
	At          time.Time  `json:"at"`
	Unit        Unit       `json:"unit"`
	Arms        []ArmCount `json:"arms"`
	SRM         SRM        `json:"srm"`
	Effects     []Effect   `json:"effects"` // challenger by challenger: the primary, the guardrails, what is shown
	UnitsPerDay float64    `json:"units_per_day"`
	CallsPerDay float64    `json:"calls_per_day"`
	Money       []Money    `json:"money"`
	Days        float64    `json:"days"` // since the start
}

// ArmCount is how many units and calls an arm has in the analysis.
type ArmCount struct {
	Arm   string `json:"arm"`
	Units int64  `json:"units"`
	Calls int64  `json:"calls"`
}

// SRM is the check that arms have as many units as their weights say.
type SRM struct {
	LogE   float64   `json:"log_e"`  // the highest so far
	Alarm  bool      `json:"alarm"`  // verdicts are frozen
	Chi2   float64   `json:"chi2"`   // of the last epoch, now
	P      float64   `json:"p"`      // of Chi2: right only for one look
	Counts []int64   `json:"counts"` // of the last epoch
	Shares []float64 `json:"shares"` // planned, of the last epoch, sum 1
}

// Analyse looks at an experiment through a reader. An experiment that was never started has an analysis without units.
func Analyse(ctx context.Context, r Reader, e *Experiment, o Options) (*Analysis, error) {
	if err := e.refuse(o.By); err != nil {
		return nil, fmt.Errorf("analyse experiment %q: %w", e.Name, err)
	}
	now := o.Now
	if !e.Stopped.IsZero() && e.Stopped.Before(now) {
		now = e.Stopped
	}
	out := &Analysis{Experiment: e.Name, At: now, Unit: e.Unit, Money: []Money{}, Effects: []Effect{}}
	for _, a := range e.Arms {
		out.Arms = append(out.Arms, ArmCount{Arm: a.Name})
	}
	if len(e.Epochs) == 0 {
		return out, nil
	}
	query := Query{Experiment: e.Name, Unit: e.Unit, Since: e.Started, Until: now}
	out.Days = max(0, now.Sub(e.Started).Hours()/24)
	growth, err := r.Growth(ctx, query, step(now.Sub(e.Started)))
	if err != nil {
		return nil, fmt.Errorf("analyse experiment %q: read how units came: %w", e.Name, err)
	}
	out.count(e, growth)
	measures, roles := e.measures()
	cells, err := r.Moments(ctx, query, measures)
	if err != nil {
		return nil, fmt.Errorf("analyse experiment %q: read its sums: %w", e.Name, err)
	}
	out.compare(e, measures, roles, cells)
	return out, nil
}

// refuse says why an analysis by something else than the unit is not made.
func (e *Experiment) refuse(by string) error {
	switch by {
	case "", string(e.Unit):
		return nil
	case "call", "request":
		return fmt.Errorf("%w: by %s, but arms were given by %s: calls of one %s are alike, and counting them as independent finds "+
			"differences that are not there; count by %s, with per: call for means over calls", ErrUnit, by, e.Unit, e.Unit, e.Unit)
	}
	return fmt.Errorf("%w: by %.40q, but arms were given by %s; count by %s", ErrUnit, by, e.Unit, e.Unit)
}

// step is how finely growth is read: some hundred steps.
func step(age time.Duration) time.Duration {
	switch {
	case age <= 6*time.Hour:
		return time.Minute
	case age <= 14*24*time.Hour:
		return time.Hour
	default:
		return 24 * time.Hour
	}
}

// asked is what a measure is for.
type asked struct {
	role   Role
	metric *Metric // nil for a utility and what is only shown
	dir    Direction
	log    bool
	money  bool
}

// measures are what an analysis asks for, and what each is for. Money is always asked for.
func (e *Experiment) measures() ([]Measure, []asked) {
	var out []Measure
	var roles []asked
	add := func(m *Metric, role Role) {
		out = append(out, Measure{Metric: m.Metric, Per: m.Per, SLO: m.SLO, Winsorize: m.Winsorize, Covariate: m.Covariate})
		roles = append(roles, asked{role: role, metric: m, dir: m.Direction})
		if m.Metric == "cost" && m.Per == PerUnit {
			out = append(out, Measure{Metric: m.Metric, Per: PerUnit, Covariate: NoCovariate, Log: true})
			roles = append(roles, asked{log: true})
		}
	}
	if p := e.Metrics.Primary; p != nil {
		add(p, PrimaryRole)
	} else {
		out = append(out, Measure{Metric: Utility, Per: PerUnit, Covariate: NoCovariate, Terms: e.Metrics.Utility})
		roles = append(roles, asked{role: PrimaryRole, dir: Higher})
	}
	for i := range e.Metrics.Guardrails {
		add(&e.Metrics.Guardrails[i], Guardrail)
	}
	out = append(out, Measure{Metric: "cost", Per: PerCall, Covariate: NoCovariate})
	return out, append(roles, asked{role: Shown, dir: Lower, money: true})
}

// count adds up what came, and checks the split at every step.
func (a *Analysis) count(e *Experiment, growth []Growth) {
	index := map[string]int{}
	for i := range e.Arms {
		index[e.Arms[i].Name] = i
	}
	shares := map[int][]float64{}
	for i, epoch := range e.Epochs {
		shares[epoch.Number] = layOut(e.Epochs[:i+1], len(e.Arms)).shares()
	}
	counts := map[int][]int64{}
	for i, g := range growth {
		if arm, ok := index[g.Arm]; ok && shares[g.Epoch] != nil {
			if counts[g.Epoch] == nil {
				counts[g.Epoch] = make([]int64, len(e.Arms))
			}
			counts[g.Epoch][arm] += g.Units
			a.Arms[arm].Units += g.Units
			a.Arms[arm].Calls += g.Calls
		}
		if i+1 == len(growth) || !growth[i+1].Time.Equal(g.Time) {
			var logE float64
			for epoch, c := range counts {
				logE += stats.SRMLogE(c, shares[epoch])
			}
			a.SRM.LogE = max(a.SRM.LogE, logE)
		}
	}
	a.SRM.Alarm = a.SRM.LogE >= math.Log(1/srmAlpha)
	last := e.Epoch().Number
	a.SRM.Counts = counts[last]
	if a.SRM.Counts == nil {
		a.SRM.Counts = make([]int64, len(e.Arms))
	}
	a.SRM.Shares = normal(shares[last])
	a.SRM.Chi2, a.SRM.P = stats.SRMChi2(a.SRM.Counts, a.SRM.Shares)
	a.SRM.Chi2 = min(a.SRM.Chi2, math.MaxFloat64)
	a.pace(e, growth)
}

// pace is how fast units and calls come: over the last seven days, or as long as it runs.
func (a *Analysis) pace(e *Experiment, growth []Growth) {
	step := step(a.At.Sub(e.Started))
	since := e.Started
	if week := a.At.Add(-7 * 24 * time.Hour).Truncate(step); week.After(since) {
		since = week
	}
	days := a.At.Sub(since).Hours() / 24
	if days <= 0 {
		return
	}
	for _, g := range growth {
		if g.Time.Before(since.Truncate(step)) {
			continue
		}
		a.UnitsPerDay += float64(g.Units) / days
		a.CallsPerDay += float64(g.Calls) / days
	}
}

func normal(shares []float64) []float64 {
	var sum float64
	for _, s := range shares {
		sum += s
	}
	out := make([]float64, len(shares))
	for i, s := range shares {
		if sum > 0 {
			out[i] = s / sum
		}
	}
	return out
}

// bounds are those of the comparison of one challenger. They rest on what was declared, and never on what was seen.
func (e *Experiment) bounds(challenger int) bounds {
	weights := e.weights()
	pair := weights[0] + weights[challenger]
	return bounds{
		alpha:   e.Alpha / float64(len(e.Challengers())),
		planned: math.Max(2*MinUnits, float64(e.PlannedUnits)*pair),
	}
}

// compare makes the effects of the cells.
func (a *Analysis) compare(e *Experiment, measures []Measure, roles []asked, cells []Cell) {
	type place struct {
		measure, epoch int
		arm            string
	}
	sums := map[place]stats.Moments{}
	for _, c := range cells {
		p := place{c.Measure, c.Epoch, c.Arm}
		sums[p] = sums[p].Plus(c.Moments)
	}
	for i := range e.Challengers() {
		challenger := &e.Arms[i+1]
		b := e.bounds(i + 1)
		for k, m := range measures {
			strata := make([]stratum, 0, len(e.Epochs))
			for _, epoch := range e.Epochs {
				s := stratum{a: sums[place{k, epoch.Number, e.Control().Name}], b: sums[place{k, epoch.Number, challenger.Name}]}
				for _, arm := range e.Arms {
					s.all = s.all.Plus(sums[place{k, epoch.Number, arm.Name}])
				}
				strata = append(strata, s)
			}
			effect := effectOf(m, strata, b)
			switch role := roles[k]; {
			case role.log:
				if effect.Data && len(a.Effects) > 0 {
					d := effect.Difference
					a.Effects[len(a.Effects)-1].Geometric = &Interval{Value: math.Exp(d.Value), Low: finite(math.Exp(d.Low)), High: finite(math.Exp(d.High))}
				}
			case role.money:
				if money, ok := a.money(challenger.Name, &effect); ok {
					a.Money = append(a.Money, money)
				}
			default:
				effect.Arm, effect.Role, effect.Direction = challenger.Name, role.role, role.dir
				if role.role == Guardrail {
					effect.guard(role.metric.Margin, b, len(e.Metrics.Guardrails))
				}
				a.Effects = append(a.Effects, effect)
			}
		}
	}
}

func finite(x float64) float64 { return min(x, math.MaxFloat64) }

// guard sets what the margin of a guardrail says. Each of k guardrails stops for harm at its share of alpha; to accept, all must hold, and each may use all of it.
func (e *Effect) guard(margin *Amount, b bounds, k int) {
	e.Margin = margin
	if !e.Data {
		return
	}
	worse, ok := e.worseThan(*margin)
	if !ok {
		return
	}
	e.Harmful = b.shown(worse, 1/float64(k))
	worse.Delta = -worse.Delta
	e.Accepted = b.shown(worse, 1)
}

// effect is a challenger's effect of that role and metric: the first, or nil.
func (a *Analysis) effect(arm string, role Role) *Effect {
	for i := range a.Effects {
		if e := &a.Effects[i]; e.Arm == arm && e.Role == role {
			return e
		}
	}
	return nil
}

func (a *Analysis) guardrails(arm string) []*Effect {
	var out []*Effect
	for i := range a.Effects {
		if e := &a.Effects[i]; e.Arm == arm && e.Role == Guardrail {
			out = append(out, e)
		}
	}
	return out
}
