// Package gather fills reports with the figures of the stores, the same that the API and the console show for the same time.
package gather

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Costs sums over calls; a trace.Reader does.
type Costs interface {
	Costs(ctx context.Context, q trace.CostQuery) (trace.Costs, error)
}

// Scores sums over scores; a trace.Scores does.
type Scores interface {
	SumScores(ctx context.Context, q trace.ScoreQuery) ([]trace.ScoreFigures, error)
}

// Budgets lists budgets; a price.Budgets does.
type Budgets interface {
	ListBudgets(ctx context.Context) ([]price.Budget, error)
}

// BudgetEvents lists what happened to budgets; a price.BudgetEvents does.
type BudgetEvents interface {
	ListBudgetEvents(ctx context.Context, q price.BudgetEventQuery) (events []price.BudgetEvent, next string, err error)
}

// Rules lists rules of alerts, and has the store of what happened to them; an alert.Watch does.
type Rules interface {
	Rules(ctx context.Context) ([]alert.Listed, error)
	Store() alert.Store
}

// Target is where a route leads.
type Target struct {
	Provider string // as the configuration names it
	PriceAs  string // its name in the price book
	Model    string
}

// Route is a name that clients ask for, with its targets.
type Route struct {
	Model   string
	Targets []Target
}

// Sources are what reports are made from. Every field but Fresh, Routes and Zone is needed. Safe for concurrent use.
type Sources struct {
	Fresh        func(context.Context) // called before the figures of a report are read: so that what waits to be stored is in them
	Calls        Costs
	Scores       Scores
	Budgets      Budgets
	BudgetEvents BudgetEvents
	Alerts       Rules
	Routes       []Route
	Book         func() *price.Book // the price book in force
	Zone         *time.Location     // of periods unless they have their own; nil: UTC
	Console      string             // URL of the console, for links; "" makes them begin at its root
}

// DefaultZone is the time zone of periods that name none.
func (s *Sources) DefaultZone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

const (
	movers    = 5 // of each column
	incidents = 20
	atATime   = 4 // questions to the store
)

// span is the time that figures are of, with the part of the period before that they are compared with.
type span struct {
	period         report.Period
	project        string
	since, through time.Time
	before, until  time.Time
	zone           *time.Location
	console        string
}

// filter picks the calls of the period.
func (s *span) filter() trace.Filter {
	return trace.Filter{Since: s.since, Until: s.through, Project: s.project}
}

// filterBefore picks those that they are compared with.
func (s *span) filterBefore() trace.Filter {
	return trace.Filter{Since: s.before, Until: s.until, Project: s.project}
}

// calls is the list of calls in the console that pairs of a parameter and its value pick.
func (s *span) calls(since, until time.Time, pairs ...string) string {
	q := url.Values{"since": {since.UTC().Format(time.RFC3339)}, "until": {until.UTC().Format(time.RFC3339)}}
	if s.project != "" {
		q.Set("project", s.project)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return s.console + "/calls?" + q.Encode()
}

// Make makes the report of a period of a project, or of all when it is "". Of a period that is not over its figures end at the minute of now,
// and are compared with as long a part of the period before.
func (s *Sources) Make(ctx context.Context, p report.Period, project string, now time.Time) (*report.Report, error) {
	in := span{period: p, project: project, since: p.Since, through: p.Until, zone: p.Since.Location(), console: s.Console}
	before := p.Before()
	in.before, in.until = before.Since, before.Until
	if now.Before(p.Until) {
		in.through = now.Truncate(time.Minute)
		if until := before.Since.Add(in.through.Sub(p.Since)); until.Before(before.Until) {
			in.until = until
		}
	}
	r := &report.Report{
		Kind: p.Kind, Name: p.Name(), Title: p.Title(), Since: p.Since.UTC(), Until: p.Until.UTC(), Through: in.through.UTC(), Timezone: in.zone.String(),
		Project: project, MadeAt: now.UTC().Truncate(time.Microsecond), URL: s.Console + "/reports?" + address(p, project, in.zone).Encode(),
		Before: report.Before{Name: before.Name(), Since: in.before.UTC(), Until: in.until.UTC()},
	}
	if s.Fresh != nil {
		s.Fresh(ctx)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atATime)
	r.Movers = make([]report.Movers, len(columns))
	for i, by := range columns {
		g.Go(func() error { return s.movers(ctx, &in, by, &r.Movers[i]) })
	}
	for _, part := range []struct {
		name string
		fill func(context.Context, *span, *report.Report) error
	}{
		{"spend", s.spend},
		{"savings", s.savings},
		{"forecast", s.forecast},
		{"budgets", s.budgets},
		{"routes", s.routes},
		{"scores", s.scores},
		{"alerts", s.alerts},
		{"errors", s.peaks},
		{"breaches", s.breaches},
	} {
		g.Go(func() error {
			if err := part.fill(ctx, &in, r); err != nil {
				return fmt.Errorf("%s: %w", part.name, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("report of %s: %w", r.Name, err)
	}
	return r, nil
}

// address is a report's query in the console.
func address(p report.Period, project string, zone *time.Location) url.Values {
	q := url.Values{"period": {string(p.Kind)}, "of": {p.Name()}}
	if project != "" {
		q.Set("project", project)
	}
	if zone != time.UTC {
		q.Set("timezone", zone.String())
	}
	return q
}
