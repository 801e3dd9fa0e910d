package alert

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/price/forecast"
	"github.com/weir-dev/weir/trace"
)

// CallSums sums calls up; a trace.Reader does.
type CallSums interface {
	Costs(ctx context.Context, q trace.CostQuery) (trace.Costs, error)
}

// ScoreSums gives figures of scores; a trace.Scores does.
type ScoreSums interface {
	SumScores(ctx context.Context, q trace.ScoreQuery) ([]trace.ScoreFigures, error)
}

// BudgetUse is a budget with the share of its limit that is used; 1 is all of it.
type BudgetUse struct {
	Name  string
	Share float64
}

// Sources are where values come from. Safe for concurrent use when their parts are.
type Sources struct {
	Calls   CallSums
	Scores  ScoreSums
	Budgets func(context.Context) ([]BudgetUse, error)
	Spool   func() trace.Counters // of this weir
	// Drift compares the traffic of the 24 hours before a moment with that before them; nil: nothing is compared.
	Drift func(ctx context.Context, at time.Time) ([]DriftUse, error)
	// Coverage tells of an online evaluation in [since, until) how many calls it picked and how many of them were scored; nil: no
	// online evaluations are known.
	Coverage func(ctx context.Context, name string, since, until time.Time) (picked, scored int64, err error)
}

// Read gives what a rule sees at a moment: of groups, those with the most first. A rule without groups has one reading.
func (s *Sources) Read(ctx context.Context, r *Rule, at time.Time) ([]Reading, error) {
	i, ok := infoOf(r.Metric)
	if !ok {
		return nil, fmt.Errorf("metric %q is unknown", r.Metric)
	}
	var (
		out []Reading
		err error
	)
	switch i.source {
	case fromCalls:
		out, err = s.readCalls(ctx, r, i, at)
	case fromForecast:
		out, err = s.readForecast(ctx, r, at)
	case fromAnomaly:
		out, err = s.readAnomaly(ctx, r, at)
	case fromScores:
		out, err = s.readScores(ctx, r, at)
	case fromCoverage:
		out, err = s.readCoverage(ctx, r, at)
	case fromBudgets:
		out, err = s.readBudgets(ctx, r)
	case fromDrift:
		out, err = s.readDrift(ctx, r, at)
	case fromSpool:
		c := s.Spool()
		v := float64(c.Waiting)
		if r.Metric == SpoolOldest {
			v = c.OldestWaitingSeconds
		}
		return []Reading{{Value: v, Known: true, N: c.Waiting}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.Metric, err)
	}
	for k := range out {
		if out[k].N < r.MinCalls {
			out[k].Known = false
		}
	}
	if len(r.GroupBy) == 0 && len(out) == 0 && i.source != fromBudgets {
		out = []Reading{{}}
	}
	slices.SortStableFunc(out, func(a, b Reading) int { return cmp.Compare(b.N, a.N) })
	return out, nil
}

// window is [at - window, at) in whole minutes, which rollups have.
func (r *Rule) window(at time.Time) (since, until time.Time) {
	until = at.Truncate(time.Minute)
	return until.Add(-r.Window.or(time.Hour)), until
}

func (s *Sources) readCalls(ctx context.Context, r *Rule, i *info, at time.Time) ([]Reading, error) {
	since, until := r.window(at)
	by := r.GroupBy
	if i.name == CacheHitRate {
		by = append(slices.Clip(by), "cache")
	}
	costs, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: r.Filter.calls(since, until), By: by})
	if err != nil {
		return nil, err
	}
	if len(by) == 0 {
		return []Reading{readingOf(i, nil, &costs.Total)}, nil
	}
	groups := map[string]*trace.Sums{}
	labels := map[string]Labels{}
	for k := range costs.Rows {
		row := &costs.Rows[k]
		if i.name == CacheHitRate && row.Group[len(row.Group)-1] == string(trace.CacheOff) {
			continue
		}
		l := labelsOf(r.GroupBy, row.Group)
		key := l.Key()
		if groups[key] == nil {
			groups[key], labels[key] = &trace.Sums{}, l
			*groups[key] = row.Sums
			continue
		}
		add(groups[key], &row.Sums)
	}
	out := make([]Reading, 0, len(groups))
	for key, sums := range groups {
		out = append(out, readingOf(i, labels[key], sums))
	}
	slices.SortFunc(out, func(a, b Reading) int { return cmp.Compare(a.Labels.Key(), b.Labels.Key()) })
	if len(out) == 0 && len(r.GroupBy) == 0 {
		out = append(out, readingOf(i, nil, &trace.Sums{}))
	}
	return out, nil
}

func readingOf(i *info, l Labels, s *trace.Sums) Reading {
	v, known := i.of(s)
	return Reading{Labels: l, Value: v, Known: known, N: s.Calls}
}

// nothing is the reading of a group that nothing was found of.
func nothing(r *Rule, l Labels) Reading {
	if i, ok := infoOf(r.Metric); ok && i.source == fromCalls {
		out := readingOf(i, l, &trace.Sums{})
		out.Known, out.Absent = out.Known && r.MinCalls == 0, true
		return out
	}
	return Reading{Labels: l, Absent: true}
}

// add adds the figures up that add up.
func add(to, s *trace.Sums) {
	to.Calls += s.Calls
	to.Errors += s.Errors
	to.UnpricedCalls += s.UnpricedCalls
	to.CacheHits += s.CacheHits
	to.Cost += s.Cost
	to.Saved += s.Saved
	to.Usage.InputUncached += s.Usage.InputUncached
	to.Usage.CacheRead += s.Usage.CacheRead
	to.Usage.CacheWrite5m += s.Usage.CacheWrite5m
	to.Usage.CacheWrite1h += s.Usage.CacheWrite1h
	to.Usage.InputAudio += s.Usage.InputAudio
	to.Usage.OutputText += s.Usage.OutputText
	to.Usage.Reasoning += s.Usage.Reasoning
	to.Usage.OutputAudio += s.Usage.OutputAudio
}

// labelsOf names a row's values.
func labelsOf(by, group []string) Labels {
	if len(by) == 0 {
		return nil
	}
	l := Labels{}
	for i, name := range by {
		l[name] = group[i]
	}
	return l
}

// hourly is what each hour cost, by group.
type hourly struct {
	labels Labels
	cost   map[time.Time]float64
	calls  int64
}

// hours reads what each hour in [since, until) cost.
func (s *Sources) hours(ctx context.Context, r *Rule, since, until time.Time) (map[string]*hourly, error) {
	costs, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: r.Filter.calls(since, until), By: append(slices.Clip(r.GroupBy), "hour")})
	if err != nil {
		return nil, err
	}
	out := map[string]*hourly{}
	if len(r.GroupBy) == 0 {
		out[""] = &hourly{cost: map[time.Time]float64{}}
	}
	for k := range costs.Rows {
		row := &costs.Rows[k]
		l := labelsOf(r.GroupBy, row.Group)
		h := out[l.Key()]
		if h == nil {
			h = &hourly{labels: l, cost: map[time.Time]float64{}}
			out[l.Key()] = h
		}
		at, err := time.Parse(time.RFC3339, row.Group[len(r.GroupBy)])
		if err != nil {
			return nil, fmt.Errorf("the store names the hour %q: %w", row.Group[len(r.GroupBy)], err)
		}
		h.cost[at.UTC()] += row.Cost.Float64()
		h.calls += row.Calls
	}
	return out, nil
}

func (s *Sources) readForecast(ctx context.Context, r *Rule, at time.Time) ([]Reading, error) {
	begin, _ := price.Month.Span(at, r.zone())
	spent, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: r.Filter.calls(begin, at.Truncate(time.Minute)), By: r.GroupBy})
	if err != nil {
		return nil, err
	}
	by := map[string]float64{"": spent.Total.Cost.Float64()}
	for k := range spent.Rows {
		by[labelsOf(r.GroupBy, spent.Rows[k].Group).Key()] = spent.Rows[k].Cost.Float64()
	}
	until := at.UTC().Truncate(time.Hour)
	groups, err := s.hours(ctx, r, until.Add(-forecast.Weeks*week), until)
	if err != nil {
		return nil, err
	}
	var out []Reading
	for key, h := range groups {
		out = append(out, forecastOf(r, h, by[key], at))
	}
	return out, nil
}

func forecastOf(r *Rule, h *hourly, spent float64, at time.Time) Reading {
	_, end := price.Month.Span(at, r.zone())
	f := forecast.Make(forecast.Input{Hours: h.cost, Spent: spent, Now: at, End: end, Zone: r.zone()})
	return Reading{Labels: h.labels, Value: f.Expected, Known: f.Method != forecast.None, N: h.calls}
}

func (s *Sources) readAnomaly(ctx context.Context, r *Rule, at time.Time) ([]Reading, error) {
	until := at.UTC().Truncate(time.Hour)
	groups, err := s.hours(ctx, r, until.Add(-anomalyWeeks*week-time.Hour), until)
	if err != nil {
		return nil, err
	}
	var out []Reading
	for _, h := range groups {
		v, known := Deviation(h.series(until), until.Add(-time.Hour), r.zone())
		out = append(out, Reading{Labels: h.labels, Value: v, Known: known, N: h.calls})
	}
	return out, nil
}

// series is what the hours until a moment cost, from the first one known on.
func (h *hourly) series(until time.Time) []float64 {
	first := until
	for at := range h.cost {
		if at.Before(first) {
			first = at
		}
	}
	if least := until.Add(-anomalyWeeks*week - time.Hour); first.Before(least) {
		first = least
	}
	var out []float64
	for at := first; at.Before(until); at = at.Add(time.Hour) {
		out = append(out, h.cost[at])
	}
	return out
}

func (s *Sources) readScores(ctx context.Context, r *Rule, at time.Time) ([]Reading, error) {
	since, until := r.window(at)
	figures, err := s.Scores.SumScores(ctx, trace.ScoreQuery{
		Filter: trace.ScoreFilter{Since: since, Until: until, Name: r.Score, Project: r.Filter.Project, Model: r.Filter.Model, Prompt: r.Filter.Prompt},
		By:     r.GroupBy,
	})
	if err != nil {
		return nil, err
	}
	groups := map[string]*Reading{}
	var order []string
	for k := range figures {
		f := &figures[k]
		if f.Kind == trace.CategoryScore || f.N == 0 {
			continue
		}
		l := labelsOf(r.GroupBy, f.Group)
		g := groups[l.Key()]
		if g == nil {
			g = &Reading{Labels: l}
			groups[l.Key()] = g
			order = append(order, l.Key())
		}
		g.Value = (g.Value*float64(g.N) + f.Mean*float64(f.N)) / float64(g.N+f.N)
		g.N += f.N
		g.Known = true
	}
	out := make([]Reading, len(order))
	for k, key := range order {
		out[k] = *groups[key]
	}
	return out, nil
}

func (s *Sources) readCoverage(ctx context.Context, r *Rule, at time.Time) ([]Reading, error) {
	if s.Coverage == nil {
		return nil, nil
	}
	since, until := r.window(at)
	picked, scored, err := s.Coverage(ctx, r.Score, since, until)
	if err != nil {
		return nil, err
	}
	return []Reading{{Value: float64(scored) / float64(max(picked, 1)), Known: picked > 0, N: picked}}, nil
}

func (s *Sources) readBudgets(ctx context.Context, r *Rule) ([]Reading, error) {
	list, err := s.Budgets(ctx)
	if err != nil {
		return nil, err
	}
	var out []Reading
	for _, b := range list {
		if r.Budget == "" || r.Budget == b.Name {
			out = append(out, Reading{Labels: Labels{"budget": b.Name}, Value: b.Share, Known: true, N: max(1, r.MinCalls)})
		}
	}
	return out, nil
}
