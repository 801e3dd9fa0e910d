package gather

import (
	"cmp"
	"context"
	"slices"

	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// savings fills what caches saved.
func (s *Sources) savings(ctx context.Context, in *span, r *report.Report) error {
	now, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: in.filter(), By: []string{"cache"}})
	if err != nil {
		return err
	}
	before, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: in.filterBefore()})
	if err != nil {
		return err
	}
	out := &r.Savings
	*out = report.Savings{SavedUSD: now.Total.Saved, BeforeUSD: before.Total.Saved}
	for i := range now.Rows {
		row := &now.Rows[i]
		state := trace.Cache(row.Group[0])
		switch state {
		case trace.CacheHit:
			out.Exact = report.CacheUse{Calls: row.Calls, SavedUSD: row.Saved}
		case trace.CacheSemantic:
			out.Semantic = report.CacheUse{Calls: row.Calls, SavedUSD: row.Saved}
		default:
			out.InputTokens += row.Usage.Input()
			out.CachedTokens += row.Usage.CacheRead
		}
		if state != trace.CacheOff && state != "" {
			out.Asked += row.Calls
		}
	}
	out.HitPercent = percent(float64(out.Exact.Calls+out.Semantic.Calls), float64(out.Asked))
	out.CachedShare = percent(float64(out.CachedTokens), float64(out.InputTokens))
	if cost := costOf(&now.Total); cost != nil {
		without := *cost + out.SavedUSD
		out.WithoutUSD, out.SavedPercent = &without, percent(out.SavedUSD.Float64(), without.Float64())
	}
	return nil
}

// routes fills what calls cost that asked for a name of the configuration.
func (s *Sources) routes(ctx context.Context, in *span, r *report.Report) error {
	r.Routes = []report.Route{}
	for i := range s.Routes {
		route := &s.Routes[i]
		f := in.filter()
		f.Model = route.Model
		costs, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: f, By: []string{"provider", "model", "cache"}})
		if err != nil {
			return err
		}
		if out := s.routed(route, costs.Rows, in); out.Calls > 0 {
			r.Routes = append(r.Routes, out)
		}
	}
	return nil
}

// routed sums a route's calls that a provider answered.
func (s *Sources) routed(route *Route, rows []trace.CostRow, in *span) report.Route {
	out := report.Route{Model: route.Model, Targets: []report.RouteTarget{}}
	var paid []trace.Sums // whose costs are known
	spent := price.USD(0)
	for i := range rows {
		row := &rows[i]
		if cache := trace.Cache(row.Group[2]); cache == trace.CacheHit || cache == trace.CacheSemantic || row.Group[0] == "" {
			continue
		}
		out.Calls += row.Calls
		out.CostUSD += row.Cost
		k := slices.IndexFunc(out.Targets, func(t report.RouteTarget) bool { return t.Provider == row.Group[0] && t.Model == row.Group[1] })
		if k < 0 {
			k = len(out.Targets)
			out.Targets = append(out.Targets, report.RouteTarget{Provider: row.Group[0], Model: row.Group[1]})
		}
		out.Targets[k].Calls += row.Calls
		out.Targets[k].CostUSD += row.Cost
		if row.UnpricedCalls == 0 && row.Calls > row.Errors {
			paid = append(paid, row.Sums)
			spent += row.Cost
			out.Compared += row.Calls
		}
	}
	slices.SortFunc(out.Targets, func(a, b report.RouteTarget) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Model, b.Model))
	})
	if len(paid) == 0 {
		return out
	}
	for _, t := range route.Targets {
		if there, ok := s.elsewhere(&t, paid, in); ok && (out.DearestUSD == nil || there > *out.DearestUSD) {
			back := there - spent
			out.Dearest, out.DearestUSD, out.ReturnUSD = t.Provider+"/"+t.Model, &there, &back
		}
	}
	return out
}

// elsewhere is about what calls would have cost at a target: each group's mean call, as often as there were calls that bought something.
func (s *Sources) elsewhere(t *Target, groups []trace.Sums, in *span) (price.USD, bool) {
	total := price.USD(0)
	for i := range groups {
		g := &groups[i]
		n := g.Calls - g.Errors
		q := s.Book().Quote(price.Charge{Provider: t.PriceAs, Model: t.Model, Project: in.project, Usage: meanOf(&g.Usage, n), At: in.through.Add(-1)})
		cost, ok := q.Known()
		if !ok {
			return 0, false
		}
		total += price.USD(cost.Float64() * float64(n) * float64(price.Dollar))
	}
	return total, true
}

// meanOf is the usage of a mean call, rounded.
func meanOf(u *llm.Usage, n int64) llm.Usage {
	each := func(v int64) int64 { return (v + n/2) / n }
	return llm.Usage{
		InputUncached: each(u.InputUncached), CacheRead: each(u.CacheRead), CacheWrite5m: each(u.CacheWrite5m), CacheWrite1h: each(u.CacheWrite1h),
		InputAudio: each(u.InputAudio), OutputText: each(u.OutputText), Reasoning: each(u.Reasoning), OutputAudio: each(u.OutputAudio),
	}
}
