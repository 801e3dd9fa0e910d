package gather

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// dayWindows are the windows that are made of calendar days.
var dayWindows = []price.Window{price.Day, price.Week, price.Month, price.Quarter, price.Year}

// concerns says whether a budget is of the project that a report is of.
func concerns(b *price.Budget, project string) bool {
	return project == "" || b.Scope["project"] == project
}

// filterOf picks the calls that a budget counts.
func filterOf(scope map[string]string, since, until time.Time) trace.Filter {
	f := trace.Filter{Since: since, Until: until}
	fields := map[string]*string{"project": &f.Project, "key": &f.Key, "user": &f.User, "session": &f.Session, "model": &f.Model, "provider": &f.Provider}
	for name, value := range scope {
		if at, ok := fields[name]; ok {
			*at = value
			continue
		}
		if f.Tags == nil {
			f.Tags = map[string]string{}
		}
		f.Tags[strings.TrimPrefix(name, "tag.")] = value
	}
	return f
}

// budgets fills how much of each budget was used.
func (s *Sources) budgets(ctx context.Context, in *span, r *report.Report) error {
	list, err := s.Budgets.ListBudgets(ctx)
	if err != nil {
		return err
	}
	r.Budgets = []report.Budget{}
	for i := range list {
		if !concerns(&list[i], in.project) {
			continue
		}
		b, err := s.budget(ctx, in, &list[i])
		if err != nil {
			return err
		}
		r.Budgets = append(r.Budgets, b)
	}
	return nil
}

func (s *Sources) budget(ctx context.Context, in *span, b *price.Budget) (report.Budget, error) {
	out := report.Budget{ID: b.ID, Name: b.Name, Scope: b.Scope, Window: b.Window, LimitUSD: limit(b.LimitUSD), LimitTokens: limit(b.LimitTokens), LimitCalls: limit(b.LimitCalls)}
	if out.Scope == nil {
		out.Scope = map[string]string{}
	}
	zone, err := b.Location()
	if err != nil || !slices.Contains(dayWindows, b.Window) {
		return out, err
	}
	period, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: filterOf(b.Scope, in.since, in.through)})
	if err != nil {
		return out, err
	}
	out.PeriodUSD = &period.Total.Cost
	var days trace.Costs
	if b.Window == price.Day {
		first, _ := b.Window.Span(in.since, zone)
		if days, err = s.Calls.Costs(ctx, trace.CostQuery{Filter: filterOf(b.Scope, first, in.through), By: []string{"day"}, Timezone: zone}); err != nil {
			return out, err
		}
	}
	for at := in.since; at.Before(in.through); {
		since, until := b.Window.Span(at, zone)
		at = until
		var sums trace.Sums
		if b.Window == price.Day {
			sums = sumsOf(&days, since.Format(time.DateOnly))
		} else {
			end := until
			if in.through.Before(end) {
				end = in.through
			}
			costs, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: filterOf(b.Scope, since, end)})
			if err != nil {
				return out, err
			}
			sums = costs.Total
		}
		out.Windows++
		used := usedOf(b, &sums)
		if used >= 100 {
			out.Reached++
		}
		if out.UsedPercent == nil || used > *out.UsedPercent {
			since, until := since.UTC(), until.UTC()
			out.UsedPercent, out.WindowSince, out.WindowUntil = &used, &since, &until
			out.SpentUSD, out.SpentTokens, out.SpentCalls = sums.Cost, sums.Usage.Input()+sums.Usage.Output(), sums.Calls
		}
	}
	return out, nil
}

func limit[T price.USD | int64](v T) *T {
	if v == 0 {
		return nil
	}
	return &v
}

// usedOf is the share of the limit that is nearest, in percent.
func usedOf(b *price.Budget, s *trace.Sums) float64 {
	used := 0.0
	if b.LimitUSD > 0 {
		used = max(used, 100*s.Cost.Float64()/b.LimitUSD.Float64())
	}
	if b.LimitTokens > 0 {
		used = max(used, 100*float64(s.Usage.Input()+s.Usage.Output())/float64(b.LimitTokens))
	}
	if b.LimitCalls > 0 {
		used = max(used, 100*float64(s.Calls)/float64(b.LimitCalls))
	}
	return used
}
