package alert

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/price/forecast"
	"github.com/weir-dev/weir/trace"
)

// ErrNoPast says that a metric is what is now, and nothing is kept of what it was. Test with errors.Is.
var ErrNoPast = errors.New("the metric has no past")

// Bounds of a Replay.
const (
	maxReplay  = 31 * 24 * time.Hour
	maxGroups  = 20   // with the most calls
	mostPoints = 1500 // kept of a group, to be drawn
)

// Replay is what a rule would have said in the past.
type Replay struct {
	Since, Until time.Time
	Step         time.Duration // between two looks
	Groups       []ReplayGroup // the one that would have fired most first
	Fired        int           // times that anybody would have been told it is bad, silences aside
	Left         int           // groups that were not replayed
}

// ReplayGroup is a group's past.
type ReplayGroup struct {
	Labels Labels
	Fired  int
	Points []Point // at most mostPoints; of those between, the worst stands for its neighbours
	Events []Event // changes of severity, oldest first
}

// Point is a value at a moment.
type Point struct {
	At       time.Time
	Value    float64
	Known    bool
	Severity Severity
}

// Replay looks at the past of a rule from rollups, at a step that its metric and window allow: values of neighbouring spans are added
// up; percentiles, which do not add up, are looked at window by window. ErrNoPast for budgets and the spool.
func (s *Sources) Replay(ctx context.Context, r *Rule, since, until time.Time) (Replay, error) {
	i, ok := infoOf(r.Metric)
	if !ok {
		return Replay{}, fmt.Errorf("metric %q is unknown", r.Metric)
	}
	if until.Sub(since) > maxReplay {
		since = until.Add(-maxReplay)
	}
	var (
		series map[string]*past
		step   time.Duration
		err    error
	)
	switch i.source {
	case fromCalls:
		series, step, err = s.pastCalls(ctx, r, i, since, until)
	case fromAnomaly, fromForecast:
		series, step, err = s.pastHours(ctx, r, i, since, until)
	case fromScores, fromCoverage:
		series, step, err = s.pastReads(ctx, r, since, until)
	default:
		return Replay{}, ErrNoPast
	}
	if err != nil {
		return Replay{}, fmt.Errorf("replay %s: %w", r.Metric, err)
	}
	return replay(r, series, since, until, step), nil
}

// past is what would have been read of a group, by moment.
type past struct {
	labels Labels
	n      int64
	saw    map[time.Time]Reading
}

// replay moves every group through its past. It is a pure function.
func replay(r *Rule, series map[string]*past, since, until time.Time, step time.Duration) Replay {
	out := Replay{Since: since, Until: until, Step: step}
	groups := slices.SortedFunc(maps.Values(series), func(a, b *past) int {
		switch {
		case a.n != b.n:
			return int(max(-1, min(1, b.n-a.n)))
		case a.labels.Key() < b.labels.Key():
			return -1
		}
		return 1
	})
	if len(groups) > maxGroups {
		out.Left = len(groups) - maxGroups
		groups = groups[:maxGroups]
	}
	for _, p := range groups {
		g := ReplayGroup{Labels: p.labels}
		var s State
		for at := grid(since, step).Add(step); !at.After(until); at = at.Add(step) {
			reading, ok := p.saw[at]
			if !ok {
				reading = nothing(r, p.labels)
			}
			if reading.N < r.MinCalls {
				reading.Known = false
			}
			was := s.Severity
			next, changed := s.Step(r, reading, at)
			s = next
			if changed {
				if was == "" {
					was = OK
				}
				g.Events = append(g.Events, Event{Rule: r.Name, Labels: p.labels, At: at, From: was, To: s.Severity, Value: s.Value, Known: s.Known, Threshold: r.Threshold(s.Severity)})
			}
			if kind, owed := s.Owes(r, at); owed {
				if kind != Recovered {
					g.Fired++
				}
				s.Tell(at)
			}
			g.Points = append(g.Points, Point{At: at, Value: reading.Value, Known: reading.Known, Severity: s.Severity})
		}
		g.Points = thin(g.Points, r)
		out.Fired += g.Fired
		out.Groups = append(out.Groups, g)
	}
	slices.SortStableFunc(out.Groups, func(a, b ReplayGroup) int { return b.Fired - a.Fired })
	return out
}

// thin keeps of neighbouring points the worst.
func thin(points []Point, r *Rule) []Point {
	each := (len(points) + mostPoints - 1) / mostPoints
	if each <= 1 {
		return points
	}
	var out []Point
	for group := range slices.Chunk(points, each) {
		worst := group[0]
		for _, p := range group[1:] {
			if p.Known && (!worst.Known || r.Op.Holds(p.Value, worst.Value)) {
				worst = p
			}
		}
		out = append(out, worst)
	}
	return out
}

// grid is the last multiple of a step, counted from 1970 in UTC, as the store counts.
func grid(t time.Time, step time.Duration) time.Time {
	n := int64(step / time.Second)
	return time.Unix(t.Unix()/n*n, 0).UTC()
}

// bucket is the length of the spans that a window is made of.
func bucket(window time.Duration, additive bool) time.Duration {
	if !additive {
		return window
	}
	for _, of := range []struct{ from, is time.Duration }{{48 * time.Hour, 6 * time.Hour}, {6 * time.Hour, time.Hour}, {time.Hour, 15 * time.Minute}} {
		if window >= of.from && window%of.is == 0 {
			return of.is
		}
	}
	return window
}

func (s *Sources) pastCalls(ctx context.Context, r *Rule, i *info, since, until time.Time) (map[string]*past, time.Duration, error) {
	window := r.Window.or(time.Hour)
	step := bucket(window, i.additive)
	by := slices.Clone(r.GroupBy)
	if i.name == CacheHitRate {
		by = append(by, "cache")
	}
	by = append(by, "every."+step.String())
	costs, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: r.Filter.calls(grid(since, step).Add(-window), grid(until, step)), By: by})
	if err != nil {
		return nil, 0, err
	}
	type spans map[time.Time]*trace.Sums
	groups, out := map[string]spans{}, map[string]*past{}
	if len(r.GroupBy) == 0 {
		groups[""], out[""] = spans{}, &past{saw: map[time.Time]Reading{}}
	}
	for k := range costs.Rows {
		row := &costs.Rows[k]
		if i.name == CacheHitRate && row.Group[len(by)-2] == string(trace.CacheOff) {
			continue
		}
		begin, err := time.Parse(time.RFC3339, row.Group[len(by)-1])
		if err != nil {
			return nil, 0, fmt.Errorf("the store names the time %q: %w", row.Group[len(by)-1], err)
		}
		l := labelsOf(r.GroupBy, row.Group)
		key := l.Key()
		if groups[key] == nil {
			groups[key], out[key] = spans{}, &past{labels: l, saw: map[time.Time]Reading{}}
		}
		out[key].n += row.Calls
		if have := groups[key][begin.UTC()]; have != nil {
			add(have, &row.Sums)
		} else {
			sums := row.Sums
			groups[key][begin.UTC()] = &sums
		}
	}
	for key, by := range groups {
		for at := grid(since, step).Add(step); !at.After(until); at = at.Add(step) {
			var total trace.Sums
			for begin := at.Add(-window); begin.Before(at); begin = begin.Add(step) {
				if one := by[begin.UTC()]; one != nil && step == window {
					total = *one
				} else if one != nil {
					add(&total, one)
				}
			}
			out[key].saw[at] = readingOf(i, out[key].labels, &total)
		}
	}
	return out, step, nil
}

func (s *Sources) pastHours(ctx context.Context, r *Rule, i *info, since, until time.Time) (map[string]*past, time.Duration, error) {
	step, before := time.Hour, anomalyWeeks*week+time.Hour
	if i.source == fromForecast { // each is a thousand courses
		step, before = 12*time.Hour, forecast.Weeks*week
	}
	groups, err := s.hours(ctx, r, grid(since, step).Add(-before-31*24*time.Hour), until.Truncate(time.Hour))
	if err != nil {
		return nil, 0, err
	}
	out := map[string]*past{}
	for key, h := range groups {
		p := &past{labels: h.labels, n: h.calls, saw: map[time.Time]Reading{}}
		for at := grid(since, step).Add(step); !at.After(until); at = at.Add(step) {
			if ctx.Err() != nil {
				return nil, 0, ctx.Err()
			}
			if i.source == fromForecast {
				p.saw[at] = forecastOf(r, h, h.spent(r, at), at)
				continue
			}
			v, known := Deviation(h.series(at), at.Add(-time.Hour), r.zone())
			p.saw[at] = Reading{Labels: h.labels, Value: v, Known: known, N: h.calls}
		}
		out[key] = p
	}
	return out, step, nil
}

// spent is what was spent in the month of a moment until then.
func (h *hourly) spent(r *Rule, at time.Time) float64 {
	begin, _ := price.Month.Span(at, r.zone())
	sum := 0.0
	for hour, cost := range h.cost {
		if !hour.Before(begin) && hour.Before(at) {
			sum += cost
		}
	}
	return sum
}

// readsMost bounds the questions of a replay that asks one for each look.
const readsMost = 124

func (s *Sources) pastReads(ctx context.Context, r *Rule, since, until time.Time) (map[string]*past, time.Duration, error) {
	step := max(r.Window.or(time.Hour), until.Sub(since)/readsMost).Truncate(time.Minute)
	out := map[string]*past{}
	if len(r.GroupBy) == 0 {
		out[""] = &past{saw: map[time.Time]Reading{}}
	}
	for at := grid(since, step).Add(step); !at.After(until); at = at.Add(step) {
		saw, err := s.Read(ctx, r, at)
		if err != nil {
			return nil, 0, err
		}
		for _, reading := range saw {
			key := reading.Labels.Key()
			if out[key] == nil {
				out[key] = &past{labels: reading.Labels, saw: map[time.Time]Reading{}}
			}
			out[key].n += reading.N
			out[key].saw[at] = reading
		}
	}
	return out, step, nil
}
