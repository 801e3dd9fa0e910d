package gather

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// office is stores in memory, and sources over them.
type office struct {
	t       *testing.T
	calls   tracetest.Memory
	scores  tracetest.MemoryScores
	alerts  alert.Memory
	rules   []alert.Rule
	budgets []price.Budget
	events  []price.BudgetEvent
	n       int
}

func (o *office) Rules(context.Context) (out []alert.Listed, err error) {
	for _, r := range o.rules {
		out = append(out, alert.Listed{Rule: r})
	}
	return out, nil
}

func (o *office) Store() alert.Store { return &o.alerts }

func (o *office) ListBudgets(context.Context) ([]price.Budget, error) { return o.budgets, nil }

// ListBudgetEvents gives one at a time, so that pages are read.
func (o *office) ListBudgetEvents(_ context.Context, q price.BudgetEventQuery) ([]price.BudgetEvent, string, error) {
	i := 0
	if q.Cursor != "" {
		if _, err := fmt.Sscan(q.Cursor, &i); err != nil {
			return nil, "", err
		}
	}
	if i >= len(o.events) {
		return nil, "", nil
	}
	return o.events[i : i+1], fmt.Sprint(i + 1), nil
}

func (o *office) sources() *Sources {
	return &Sources{
		Calls: &o.calls, Scores: &o.scores, Budgets: o, BudgetEvents: o, Alerts: o, Book: price.Embedded, Console: "https://weir.test",
		Routes: []Route{{Model: "fast", Targets: []Target{{"my-openai", "openai", "gpt-4o-mini"}, {"my-openai", "openai", "gpt-4o"}}}, {Model: "unasked"}},
	}
}

// call records one that cost so much.
func (o *office) call(at time.Time, cost price.USD, change func(*trace.Span)) {
	o.t.Helper()
	o.n++
	s := trace.Span{
		ID: fmt.Sprintf("call-%04d", o.n), TraceID: fmt.Sprintf("%032x", o.n), SpanID: fmt.Sprintf("%016x", o.n), Kind: trace.KindCall, Start: at, Duration: time.Second, Project: "p", Key: "k", KeyID: "k",
		Endpoint: llm.ChatCompletions, Provider: "my-openai", ModelRequested: "gpt-4o-mini", Model: "gpt-4o-mini", Status: trace.StatusOK, HTTPStatus: 200,
		Usage: llm.Usage{InputUncached: 100, OutputText: 10}, UsageSource: llm.FromProvider, Cost: cost, PriceStatus: price.Exact, Cache: trace.CacheOff, Attempts: 1,
	}
	if change != nil {
		change(&s)
	}
	if err := o.calls.Write(o.t.Context(), trace.Batch{Token: s.ID, Records: trace.Slice([]trace.Record{{Call: s}})}); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) make(kind report.Kind, of, project string, now time.Time, zone *time.Location) *report.Report {
	o.t.Helper()
	p, err := report.Parse(kind, of, now, zone)
	if err != nil {
		o.t.Fatal(err)
	}
	r, err := o.sources().Make(o.t.Context(), p, project, now)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := r.HTML(); err != nil {
		o.t.Error(err)
	}
	return r
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func on(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 30, 0, 0, time.UTC) }

// of a week in November 2026 that is over.
var later = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func TestBudgets(t *testing.T) {
	o := &office{t: t}
	o.budgets = []price.Budget{
		{ID: "d", Name: "day", Scope: map[string]string{"project": "p"}, Window: price.Day, LimitUSD: 3 * price.Dollar},
		{ID: "m", Name: "month", Scope: map[string]string{"project": "p", "tag.team": "a"}, Window: price.Month, LimitUSD: 10 * price.Dollar, LimitCalls: 2},
		{ID: "r", Name: "rolling", Scope: map[string]string{"project": "p"}, Window: "rolling:24h", LimitCalls: 1},
		{ID: "q", Name: "other", Scope: map[string]string{"project": "q"}, Window: price.Week, LimitUSD: price.Dollar},
	}
	o.call(on(2, 9), 4*price.Dollar, func(s *trace.Span) { s.Tags = map[string]string{"team": "a"} }) // before the week, in the month
	o.call(on(17, 9), 2*price.Dollar, nil)
	o.call(on(17, 10), 2*price.Dollar, func(s *trace.Span) { s.Tags = map[string]string{"team": "a"} })
	o.call(on(18, 9), price.Dollar, nil)
	o.call(on(18, 9), 9*price.Dollar, func(s *trace.Span) { s.Project = "q" })
	r := o.make(report.Week, "2026-W47", "p", later, time.UTC)
	if len(r.Budgets) != 3 {
		t.Fatalf("%+v", r.Budgets)
	}
	day, month, rolling := r.Budgets[0], r.Budgets[1], r.Budgets[2]
	same(t, "day", []any{day.Windows, day.Reached, day.SpentUSD, int(*day.UsedPercent), *day.WindowSince, *day.PeriodUSD}, []any{7, 1, 4 * price.Dollar, 133, time.Date(2026, 11, 17, 0, 0, 0, 0, time.UTC), 5 * price.Dollar})
	same(t, "month", []any{month.Windows, month.Reached, month.SpentUSD, month.SpentCalls, *month.UsedPercent, *month.PeriodUSD}, []any{1, 1, 6 * price.Dollar, int64(2), 100.0, 2 * price.Dollar})
	if rolling.Windows != 0 || rolling.UsedPercent != nil || rolling.PeriodUSD != nil {
		t.Errorf("rolling %+v", rolling)
	}
	if all := o.make(report.Month, "2026-11", "", later, time.UTC); len(all.Budgets) != 4 || all.Budgets[3].Windows != 5 || all.Budgets[3].Reached != 1 {
		t.Errorf("%+v", all.Budgets)
	}
}

func TestIncidents(t *testing.T) {
	o := &office{t: t}
	o.rules = []alert.Rule{{Name: "errors", Metric: alert.ErrorRate}, {Name: "of-q", Metric: alert.Spend, Filter: alert.Filter{Project: "q"}}}
	o.budgets = []price.Budget{{ID: "b", Name: "team", Scope: map[string]string{"project": "p"}, Window: price.Day, LimitUSD: price.Dollar}}
	event := func(rule string, at time.Time, from, to alert.Severity, v float64, l alert.Labels) alert.Event {
		o.n++
		return alert.Event{ID: fmt.Sprintf("e%04d", o.n), Rule: rule, Labels: l, At: at, From: from, To: to, Value: v, Known: true}
	}
	group := alert.Labels{"model": "gpt-4o"}
	if err := o.alerts.SaveAlerts(t.Context(), alert.Result{Look: alert.Look{Rule: "errors"}, Events: []alert.Event{
		event("errors", on(13, 1), alert.OK, alert.Alert, .9, group), // began and ended before
		event("errors", on(16, 1), alert.Alert, alert.OK, .0, group),
		event("errors", on(17, 1), alert.OK, alert.Warning, .06, group),
		event("errors", on(17, 2), alert.Warning, alert.Alert, .5, group),
		event("errors", on(17, 3), alert.Alert, alert.Warning, .07, group),
		event("errors", on(17, 4), alert.Warning, alert.OK, .01, group),
		event("errors", on(22, 4), alert.OK, alert.Warning, .08, alert.Labels{"model": "other"}),
		event("errors", on(23, 4), alert.Warning, alert.OK, .01, alert.Labels{"model": "other"}), // after the week
		event("of-q", on(18, 1), alert.OK, alert.Alert, 7, nil),
		event("gone", on(18, 2), alert.OK, alert.Alert, 7, alert.Labels{"project": "q"}),
	}}); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		o.call(on(16, 0).Add(time.Duration(i)*40*time.Minute), 0, nil)
	}
	for i := range 12 { // two hours in a row
		o.call(time.Date(2026, 11, 19, 13, 50, 0, 0, time.UTC).Add(time.Duration(i)*time.Minute*20/11), 0, func(s *trace.Span) { s.Status = trace.StatusError })
	}
	for i := range 4 { // too few
		o.call(on(20, 13).Add(time.Duration(i)*time.Second), 0, func(s *trace.Span) { s.Status = trace.StatusError })
	}
	of := func(id string, kind price.BudgetEventKind, pct int, at time.Time, n int64) price.BudgetEvent {
		return price.BudgetEvent{Budget: id, Name: "team", Kind: kind, Percent: pct, Count: n, At: at, LastAt: at.Add(time.Hour)}
	}
	o.events = []price.BudgetEvent{
		of("b", price.EventRefused, 0, on(19, 9), 7), of("b", price.EventRefused, 0, on(18, 9), 3), of("b", price.EventThreshold, 100, on(18, 8), 1), of("b", price.EventThreshold, 80, on(18, 7), 1),
		of("b", price.EventRefused, 0, on(24, 9), 100), of("other", price.EventCut, 0, on(19, 9), 9),
		{Budget: "b", Name: "team", Kind: price.EventCut, Count: 5, At: on(22, 9), LastAt: on(24, 9)}, // in a window that is not over with the week
	}
	r := o.make(report.Week, "2026-W47", "p", later, time.UTC)
	ended := on(17, 4)
	same(t, "alerts", r.Incidents.Alerts, []report.Alert{
		{Rule: "errors", Labels: map[string]string{"model": "other"}, Severity: "WARNING", Since: on(22, 4), Value: "8 %", URL: "https://weir.test/alerts?rule=errors"},
		{Rule: "errors", Labels: map[string]string{"model": "gpt-4o"}, Severity: "ALERT", Since: on(17, 1), Until: &ended, Value: "50 %", URL: "https://weir.test/alerts?rule=errors"},
	})
	if len(r.Incidents.Peaks) != 1 {
		t.Fatalf("%+v", r.Incidents.Peaks)
	}
	p := r.Incidents.Peaks[0]
	same(t, "peak", []any{p.Since.Format("02T15"), p.Until.Format("02T15"), p.Errors, strings.Contains(p.URL, "status=error")}, []any{"19T13", "19T15", int64(12), true})
	refused, reached := on(19, 10), on(18, 9)
	same(t, "breaches", r.Incidents.Breaches, []report.Breach{
		{Budget: "team", Kind: "cut", Count: 5, Beyond: true, First: on(22, 9)},
		{Budget: "team", Kind: "refused", Count: 10, First: on(18, 9), Last: &refused},
		{Budget: "team", Kind: "reached", Count: 1, First: on(18, 8), Last: &reached},
	})
	if all := o.make(report.Week, "2026-W47", "", later, time.UTC); len(all.Incidents.Alerts) != 4 || len(all.Incidents.Breaches) != 3 { // those of two budgets of one name are together
		t.Errorf("all projects: %+v", all.Incidents)
	}
}

func TestSavingsAndRoutes(t *testing.T) {
	o := &office{t: t}
	book := price.Embedded()
	usage := llm.Usage{InputUncached: 800, CacheRead: 200, OutputText: 100}
	of := func(model string) price.USD {
		cost, ok := book.Quote(price.Charge{Provider: "openai", Model: model, Usage: usage, At: on(17, 0)}).Known()
		if !ok {
			t.Fatalf("%s has no price", model)
		}
		return cost
	}
	small, large := of("gpt-4o-mini"), of("gpt-4o")
	for i := range 10 {
		model, cost := "gpt-4o-mini", small
		if i%5 == 0 {
			model, cost = "gpt-4o", large
		}
		o.call(on(17, i), cost, func(s *trace.Span) {
			s.ModelRequested, s.Model, s.Usage, s.Cache = "fast", model, usage, trace.CacheMiss
		})
	}
	o.call(on(18, 1), 0, func(s *trace.Span) {
		s.ModelRequested, s.Usage, s.Cache, s.Saved = "fast", usage, trace.CacheHit, small
	})
	o.call(on(18, 2), 0, func(s *trace.Span) {
		s.ModelRequested, s.Usage, s.Cache, s.Saved = "fast", usage, trace.CacheSemantic, large
	})
	o.call(on(10, 2), 0, func(s *trace.Span) { s.Cache, s.Saved = trace.CacheHit, price.Cent })
	r := o.make(report.Week, "2026-W47", "p", later, time.UTC)
	s := r.Savings
	same(t, "savings", []any{s.SavedUSD, s.BeforeUSD, s.Asked, s.Exact, s.Semantic, s.CachedTokens, *s.CachedShare, *s.WithoutUSD},
		[]any{small + large, price.Cent, int64(12), report.CacheUse{Calls: 1, SavedUSD: small}, report.CacheUse{Calls: 1, SavedUSD: large}, int64(2000), 20.0, 9*small + 3*large})
	if len(r.Routes) != 1 {
		t.Fatalf("%+v", r.Routes)
	}
	x := r.Routes[0]
	same(t, "route", []any{x.Model, x.Calls, x.CostUSD, x.Compared, x.Dearest}, []any{"fast", int64(10), 8*small + 2*large, int64(10), "my-openai/gpt-4o"})
	if off := *x.DearestUSD - 10*large; size(off) > 10 || size(*x.ReturnUSD-8*(large-small)) > 10 {
		t.Errorf("at the dearest %s, want %s; return %s", x.DearestUSD, 10*large, x.ReturnUSD)
	}
	same(t, "targets", x.Targets, []report.RouteTarget{{Provider: "my-openai", Model: "gpt-4o-mini", Calls: 8, CostUSD: 8 * small}, {Provider: "my-openai", Model: "gpt-4o", Calls: 2, CostUSD: 2 * large}})
}

// A period that is not over is compared with as much of the one before.
func TestARunningPeriod(t *testing.T) {
	o := &office{t: t}
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	for day := 2; day <= 24; day++ { // a dollar at each 20:30 UTC, which is the next day there
		o.call(on(day, 20), price.Dollar, func(s *trace.Span) { s.User = fmt.Sprint("u", day%2) })
	}
	r := o.make(report.Week, "this", "", later, kolkata)
	same(t, "span", []string{r.Since.Format(time.RFC3339), r.Through.Format(time.RFC3339), r.Before.Since.Format(time.RFC3339), r.Before.Until.Format(time.RFC3339)},
		[]string{"2026-11-22T18:30:00Z", "2026-11-25T09:00:00Z", "2026-11-15T18:30:00Z", "2026-11-18T09:00:00Z"})
	var days []string
	for _, d := range r.Days {
		days = append(days, fmt.Sprint(d.Day, d.CostUSD, d.BeforeDay, d.BeforeUSD))
	}
	same(t, "days", []any{len(days), days[0], days[2], *r.Total.CostUSD, *r.Before.Total.CostUSD, *r.Before.ChangeUSD}, []any{
		3, "2026-11-231.0000000002026-11-161.000000000", "2026-11-251.0000000002026-11-181.000000000", 3 * price.Dollar, 3 * price.Dollar, price.USD(0),
	})
	f := r.Forecast
	if f.Method != "seasonal" || f.SpentUSD != 3*price.Dollar || f.ExpectedUSD == nil || *f.ExpectedUSD < 6*price.Dollar || *f.ExpectedUSD > 8*price.Dollar || !f.Until.Equal(r.Until) {
		t.Errorf("%+v", f)
	}
	if m := r.Movers[1]; m.By != "user" || len(m.Rows) != 2 || m.Rows[0].ChangeUSD+m.Rows[1].ChangeUSD != 0 || !strings.HasPrefix(m.Rows[0].URL, "https://weir.test/calls?since=2026-11-22T18%3A30%3A00Z&until=2026-11-25") {
		t.Errorf("%+v", m)
	}
	if !r.Running() || !strings.Contains(r.Text(), "not over yet: figures until Wed 25 Nov 14:30 (Asia/Kolkata), so far, against the same time of 2026-W47") || !strings.HasSuffix(r.URL, "/reports?of=2026-W48&period=week&timezone=Asia%2FKolkata") {
		t.Errorf("%s %s", r.URL, r.Text())
	}
	over := o.make(report.Week, "2026-W47", "", later, kolkata)
	if f := over.Forecast; f.SpentUSD != 0 || !f.Since.Equal(over.Until) || !f.At.Equal(over.Until) {
		t.Errorf("of the next week: %+v", f)
	}
}

func TestScores(t *testing.T) {
	o := &office{t: t}
	put := func(at time.Time, project, name string, kind trace.ScoreKind, v float64, category string) {
		o.n++
		err := o.scores.PutScores(t.Context(), []trace.Score{{ID: fmt.Sprint(o.n), Revision: 1, CallID: fmt.Sprint("c", o.n), CallStart: at, Project: project, Name: name, Kind: kind, Value: v, Category: category, Source: trace.FromAPI, At: at}})
		if err != nil {
			t.Fatal(err)
		}
	}
	put(on(17, 1), "p", "helpful", trace.NumberScore, 4, "")
	put(on(17, 2), "p", "helpful", trace.NumberScore, 2, "")
	put(on(10, 2), "p", "helpful", trace.NumberScore, 1, "")
	put(on(17, 2), "q", "helpful", trace.NumberScore, 0, "")
	put(on(17, 2), "p", "tone", trace.CategoryScore, 0, "warm")
	r := o.make(report.Week, "2026-W47", "p", later, time.UTC)
	three, one := 3.0, 1.0
	same(t, "scores", r.Scores, []report.Score{
		{Name: "helpful", Kind: "number", N: 2, Mean: &three, BeforeN: 1, BeforeMean: &one, Categories: map[string]int64{}},
		{Name: "tone", Kind: "category", N: 1, Categories: map[string]int64{"warm": 1}},
	})
}

// away is a store that cannot be reached.
type away struct{}

func (away) Costs(context.Context, trace.CostQuery) (trace.Costs, error) {
	return trace.Costs{}, trace.ErrAway
}

func TestAStoreThatIsAway(t *testing.T) {
	s := (&office{t: t}).sources()
	s.Calls = away{}
	if _, err := s.Make(t.Context(), report.Last(report.Week, later, time.UTC), "", later); !errors.Is(err, trace.ErrAway) || !strings.Contains(err.Error(), "2026-W47") {
		t.Errorf("error %v", err)
	}
}
