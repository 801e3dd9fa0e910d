package gather

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/price/forecast"
	"github.com/weir-dev/weir/trace"
)

// columns are those that movers are looked for in.
var columns = []string{"model", "user", "prompt", "key"}

func figuresOf(s *trace.Sums) report.Figures {
	out := report.Figures{
		Calls: s.Calls, Errors: s.Errors, UnpricedCalls: s.UnpricedCalls, CacheHits: s.CacheHits, CostUSD: costOf(s), SavedUSD: s.Saved,
		InputTokens: s.Usage.Input(), OutputTokens: s.Usage.Output(),
	}
	if s.Calls > 0 {
		p50, p95 := millis(s.LatencyP50), millis(s.LatencyP95)
		out.LatencyP50MS, out.LatencyP95MS = &p50, &p95
	}
	if s.TTFTP50 > 0 {
		v := millis(s.TTFTP50)
		out.TTFTP50MS = &v
	}
	return out
}

// millis is a time in milliseconds, to the microsecond as the API says it.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// costOf is what priced calls cost; nil when no call has a price.
func costOf(s *trace.Sums) *price.USD {
	if s.Calls > 0 && s.UnpricedCalls >= s.Calls {
		return nil
	}
	v := s.Cost
	return &v
}

func percent(part, of float64) *float64 {
	if of == 0 {
		return nil
	}
	v := 100 * part / of
	return &v
}

// spend fills the totals, their change, and the days.
func (s *Sources) spend(ctx context.Context, in *span, r *report.Report) error {
	now, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: in.filter(), By: []string{"day"}, Timezone: in.zone})
	if err != nil {
		return err
	}
	// Days of the period before are shown whole, where its total may be of a part.
	days, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: trace.Filter{Since: in.before, Until: in.since, Project: in.project}, By: []string{"day"}, Timezone: in.zone})
	if err != nil {
		return err
	}
	before := days
	if !in.until.Equal(in.since) {
		if before, err = s.Calls.Costs(ctx, trace.CostQuery{Filter: in.filterBefore()}); err != nil {
			return err
		}
	}
	r.Total, r.Before.Total = figuresOf(&now.Total), figuresOf(&before.Total)
	if a, b := r.Total.CostUSD, r.Before.Total.CostUSD; a != nil && b != nil {
		d := *a - *b
		r.Before.ChangeUSD, r.Before.ChangePercent = &d, percent(d.Float64(), b.Float64())
	}
	past := in.period.Before().Days()
	last := in.through.Add(-1).In(in.zone).Format(time.DateOnly)
	for i, day := range in.period.Days() {
		if day > last {
			break
		}
		sums := sumsOf(&now, day)
		d := report.Day{Day: day, Calls: sums.Calls, Errors: sums.Errors, CostUSD: costOf(&sums), SavedUSD: sums.Saved}
		if i < len(past) {
			sums := sumsOf(&days, past[i])
			d.BeforeDay, d.BeforeUSD = past[i], costOf(&sums)
		}
		r.Days = append(r.Days, d)
	}
	return nil
}

// sumsOf are the figures of the row of a value.
func sumsOf(c *trace.Costs, value string) trace.Sums {
	if i := slices.IndexFunc(c.Rows, func(row trace.CostRow) bool { return row.Group[0] == value }); i >= 0 {
		return c.Rows[i].Sums
	}
	return trace.Sums{}
}

// movers fills the values of a column whose cost changed most.
func (s *Sources) movers(ctx context.Context, in *span, by string, out *report.Movers) error {
	now, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: in.filter(), By: []string{by}})
	if err != nil {
		return err
	}
	before, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: in.filterBefore(), By: []string{by}})
	if err != nil {
		return err
	}
	rows := map[string]*report.Mover{}
	of := func(name string) *report.Mover {
		if rows[name] == nil {
			rows[name] = &report.Mover{Name: name}
		}
		return rows[name]
	}
	for i := range now.Rows {
		row := &now.Rows[i]
		m := of(row.Group[0])
		m.CostUSD, m.Calls = row.Cost, row.Calls
	}
	for i := range before.Rows {
		of(before.Rows[i].Group[0]).BeforeUSD = before.Rows[i].Cost
	}
	*out = report.Movers{By: by, Rows: []report.Mover{}}
	for _, m := range rows {
		if m.ChangeUSD = m.CostUSD - m.BeforeUSD; m.ChangeUSD != 0 {
			out.Rows = append(out.Rows, *m)
		}
	}
	slices.SortFunc(out.Rows, func(a, b report.Mover) int {
		return cmp.Or(cmp.Compare(size(b.ChangeUSD), size(a.ChangeUSD)), cmp.Compare(a.Name, b.Name))
	})
	if n := len(out.Rows); n > movers {
		out.Rows, out.More = out.Rows[:movers], n-movers
	}
	for i := range out.Rows {
		m := &out.Rows[i]
		if since := in.since; m.Name != "" {
			if m.Calls == 0 {
				since = in.before // it was called then
			}
			m.URL = in.calls(since, in.through, by, m.Name)
		}
	}
	return nil
}

func size(u price.USD) price.USD { return max(u, -u) }

// forecast looks ahead to the end of the period, or of the next one when this one is over.
func (s *Sources) forecast(ctx context.Context, in *span, r *report.Report) error {
	ahead, spent := in.period, price.USD(0)
	if in.through.Before(in.period.Until) {
		costs, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: in.filter()})
		if err != nil {
			return err
		}
		spent = costs.Total.Cost
	} else {
		ahead = in.period.After()
	}
	until := in.through.UTC().Truncate(time.Hour)
	costs, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: trace.Filter{Since: until.Add(-forecast.Weeks * 7 * 24 * time.Hour), Until: until, Project: in.project}, By: []string{"hour"}})
	if err != nil {
		return err
	}
	hours := make(map[time.Time]float64, len(costs.Rows))
	for i := range costs.Rows {
		at, err := time.Parse(time.RFC3339, costs.Rows[i].Group[0])
		if err != nil {
			return err
		}
		hours[at.UTC()] = costs.Rows[i].Cost.Float64()
	}
	f := forecast.Make(forecast.Input{Hours: hours, Spent: spent.Float64(), Now: in.through, End: ahead.Until, Zone: in.zone})
	r.Forecast = report.Forecast{
		Name: ahead.Title(), Since: ahead.Since.UTC(), Until: ahead.Until.UTC(), At: in.through.UTC(), SpentUSD: spent, Level: forecast.Level, Method: string(f.Method),
	}
	if f.Method != forecast.None {
		r.Forecast.ExpectedUSD = dollars(f.Expected)
	}
	if f.Band {
		r.Forecast.LowUSD, r.Forecast.HighUSD = dollars(f.Low), dollars(f.High)
	}
	return nil
}

// dollars is an estimate as an amount.
func dollars(v float64) *price.USD {
	u := price.USD(min(v, price.MaxUSD.Float64()) * 1e9)
	return &u
}
