package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// demoPlan is a budget of the demo: what becomes of it is planned, and its limit follows from what was spent. Live traffic comes with
// another key, so that it stays as it is told.
type demoPlan struct {
	name, key string
	used      float64 // share of the limit that is used now
	ahead     float64 // or: share of what is likely to be spent yet that there is room for
	reached   float64 // or: share of the window, until now, after which there is no room

	limit  price.USD
	spent  price.USD
	spends []demoSpend
	turned demoRefusals
}

// demoSpend is what a call cost, and when that was known.
type demoSpend struct {
	start, end time.Time
	cost       price.USD
	tokens     int64
}

// demoRefusals counts the calls for which there was no room.
type demoRefusals struct {
	count       int64
	first, last time.Time
}

// demoLedger counts the calls of the past against the demo's budgets.
type demoLedger struct {
	now         time.Time
	window      price.Window
	from, until time.Time
	plans       []*demoPlan
}

// demoSoft is when people are told.
var demoSoft = []int{50, 80}

func newDemoLedger(now time.Time) *demoLedger {
	l := &demoLedger{now: now, plans: []*demoPlan{
		{name: "Support by e-mail", key: "email-triage", used: .6},
		{name: "IDE plugin", key: "ide-plugin", ahead: .45},
		{name: "Code review in CI", key: "ci-review", reached: .86},
	}}
	l.window, l.from, l.until = demoWindow(now)
	return l
}

// demoWindow is the month, or a longer window when the month has hardly begun.
func demoWindow(now time.Time) (w price.Window, from, until time.Time) {
	for _, w := range []price.Window{price.Month, price.Quarter, price.Year} {
		from, until := w.Span(now, time.UTC)
		if now.Sub(from) >= 4*24*time.Hour && until.Sub(now) >= time.Hour {
			return w, from, until
		}
	}
	const month = 30 * 24 * time.Hour
	return price.Window("rolling:720h"), now.Add(-month), now
}

// plan is the one that counts a call, nil when none does.
func (l *demoLedger) plan(s *trace.Span) *demoPlan {
	if s.Start.Before(l.from) || !s.Start.Before(l.until) {
		return nil
	}
	if i := slices.IndexFunc(l.plans, func(p *demoPlan) bool { return p.key == s.Key }); i >= 0 {
		return l.plans[i]
	}
	return nil
}

// add counts a call.
func (l *demoLedger) add(s *trace.Span) {
	p := l.plan(s)
	if p == nil {
		return
	}
	if s.Status == trace.StatusBudget {
		if p.turned.count == 0 {
			p.turned.first = s.Start
		}
		p.turned.count, p.turned.last = p.turned.count+1, s.Start
		return
	}
	if cost, known := s.KnownCost(); known && cost > 0 {
		p.spent += cost
		p.spends = append(p.spends, demoSpend{s.Start, s.End(), cost, s.Usage.Input() + s.Usage.Output()})
	}
}

// refuse says why there is no room for a call, "" when there is.
func (l *demoLedger) refuse(s *trace.Span) string {
	p := l.plan(s)
	if p == nil || p.reached == 0 {
		return ""
	}
	if p.limit == 0 && s.Start.Sub(l.from) > time.Duration(p.reached*float64(l.now.Sub(l.from))) && p.spent > 0 {
		p.limit = upTo(p.spent+price.Cent/10, price.Cent)
	}
	if p.limit == 0 || p.spent < p.limit {
		return ""
	}
	return fmt.Sprintf("the budget %q has no room for this call: %s of %s US dollars are spent; it is renewed on %s", p.name, cents(p.spent), cents(p.limit), l.until.Format("2 January"))
}

// settle sets the limits that follow from what was spent.
func (l *demoLedger) settle() {
	for _, p := range l.plans {
		switch {
		case p.used > 0:
			p.limit = upTo(price.USD(float64(p.spent)/p.used), price.Cent*10)
		case p.ahead > 0:
			p.limit = max(p.spent+price.USD(p.ahead*float64(l.coming(p))), p.spent+p.spent/100)
			p.limit = upTo(p.limit, price.Cent*10)
		case p.limit == 0: // it did not come to it
			p.limit = upTo(p.spent, price.Cent)
		}
		p.limit = max(p.limit, price.Cent)
	}
}

// coming is what is likely to be spent in the rest of the window: as much as in the same hours of the weeks before.
func (l *demoLedger) coming(p *demoPlan) price.USD {
	const week = 7 * 24 * time.Hour
	var last, rest price.USD
	left := l.until.Sub(l.now)
	for _, s := range p.spends {
		if since := s.start.Sub(l.now.Add(-week)); since >= 0 {
			last += s.cost
			if since < left%week {
				rest += s.cost
			}
		}
	}
	return last*price.USD(left/week) + rest
}

// upTo rounds up to whole steps.
func upTo(v, step price.USD) price.USD { return (v + step - 1) / step * step }

// cents writes an amount with two decimals.
func cents(v price.USD) string { return fmt.Sprintf("%.2f", math.Floor(v.Float64()*100)/100) }

// budget is the plan as a budget.
func (l *demoLedger) budget(p *demoPlan) price.Budget {
	return price.Budget{
		ID: "demo-" + p.key, Name: p.name, Scope: map[string]string{"key": p.key}, Window: l.window, LimitUSD: p.limit, Policy: price.Expected, AtLimit: price.RefuseCall,
		Soft: demoSoft, CreatedAt: l.from.Add(-5 * 24 * time.Hour), UpdatedAt: l.from.Add(-5 * 24 * time.Hour),
	}
}

// events are what happened to a budget: the first call that took it past each threshold, and the calls that were refused.
func (l *demoLedger) events(b *price.Budget, p *demoPlan) []price.BudgetEvent {
	if _, rolling := l.window.Rolling(); rolling {
		return nil
	}
	event := price.BudgetEvent{Budget: b.ID, Name: b.Name, From: l.from, Until: l.until, Count: 1, Limit: price.BudgetFigures{USD: p.limit}}
	var out []price.BudgetEvent
	var sum price.BudgetFigures
	thresholds := append(slices.Clone(demoSoft), 100)
	for _, s := range p.spends {
		sum = sum.Plus(price.BudgetFigures{USD: s.cost, Tokens: s.tokens, Calls: 1})
		for len(thresholds) > 0 && float64(sum.USD)*100 >= float64(p.limit)*float64(thresholds[0]) {
			e := event
			e.Kind, e.Percent, e.At, e.LastAt, e.Spent = price.EventThreshold, thresholds[0], s.end, s.end, sum
			out, thresholds = append(out, e), thresholds[1:]
		}
	}
	if p.turned.count > 0 {
		e := event
		e.Kind, e.Count, e.At, e.LastAt, e.Spent = price.EventRefused, p.turned.count, p.turned.first, p.turned.last, sum
		out = append(out, e)
	}
	return out
}

// putBudgets stores the budgets and what happened to them. A budget is stored last: where it is, its events are.
func (d *demoStory) putBudgets(ctx context.Context) error {
	d.budgets.settle()
	have, err := d.s.stores.budgets.ListBudgets(ctx)
	if err != nil {
		return fmt.Errorf("list budgets: %w", err)
	}
	for _, p := range d.budgets.plans {
		b := d.budgets.budget(p)
		if slices.ContainsFunc(have, func(was price.Budget) bool { return was.Name == b.Name }) || p.spent == 0 {
			continue
		}
		told, _, err := d.s.stores.budgets.ListBudgetEvents(ctx, price.BudgetEventQuery{Budget: b.ID, Limit: 100})
		if err != nil {
			return fmt.Errorf("list what happened to budgets: %w", err)
		}
		for _, e := range d.budgets.events(&b, p) {
			if slices.ContainsFunc(told, func(was price.BudgetEvent) bool { return was.ID() == e.ID() }) {
				continue
			}
			if _, err := d.s.stores.budgets.AddBudgetEvent(ctx, e); err != nil {
				return fmt.Errorf("note what happened to the budget %s: %w", b.Name, err)
			}
		}
		if err := d.s.stores.budgets.PutBudget(ctx, b); err != nil {
			return fmt.Errorf("make the budget %s: %w", b.Name, err)
		}
	}
	return d.s.stores.inForce(ctx)
}
