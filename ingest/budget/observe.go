package budget

import (
	"context"
	"errors"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// costOf is what a recorded call counts for, and false when its dollars are not known: then it is what was held for it. A call
// counts as one when it was answered by a provider, or left by its client, or cut.
func costOf(s *trace.Span) (Amount, bool) {
	if s.Cache == trace.CacheHit || s.Cache == trace.CacheSemantic { // the usage is that of the first call, which was counted then
		return Amount{}, true
	}
	usd, known := s.KnownCost()
	a := Amount{Tokens: add(s.Usage.Input(), s.Usage.Output()), USD: s.Held}
	if known {
		a.USD = usd
	}
	if countsAsCall(s.Status) {
		a.Calls = 1
	}
	return a.positive(), known
}

func countsAsCall(s trace.Status) bool {
	return s == trace.StatusOK || s == trace.StatusClientClosed || s == trace.StatusCut
}

// Observe settles a call's holds with what its record says it cost. Where that is not known, it is what was held.
func (g *Guard) Observe(rec *trace.Record) {
	if !g.admits.Load() {
		return
	}
	s, now := &rec.Call, time.Now()
	cost, known := costOf(s)
	c := g.leave(s.ID, now)
	tickets := c.tickets
	if c.made > 0 && len(tickets) == 0 && cost != (Amount{}) && s.Status == trace.StatusClientClosed {
		g.chargeAnyway(s, cost, now)
	}
	for i, t := range tickets {
		mine := Amount{}
		if i == len(tickets)-1 { // one attempt was charged: the last
			mine = cost
			if !known && t.held.USD > 0 {
				mine.USD = t.held.USD
				g.unpriced.Store(s.ID, t.held.USD) // see Keep
			}
			g.overrunOf(t, mine, now)
			if s.Status == trace.StatusOK {
				g.learn(t, s)
			}
		}
		g.settle(t, mine, now)
		g.exposed.end(t.shares)
	}
	g.breachesOf(&c, s.Status == trace.StatusBudget, now)
	g.late(s, cost, tickets, now)
}

// learn notes what an answered call used.
func (g *Guard) learn(t *Ticket, s *trace.Span) {
	bytes := 0
	if s.UsageSource == llm.FromProvider && !dense(t.call.Body) {
		bytes = len(t.call.Body)
	}
	g.learned.learn(t.model, s.Usage.Output(), s.Usage.Input(), bytes)
}

// chargeAnyway counts the cost of a call all of whose attempts were given up: its client left before the next one, and the
// provider had its prompt.
func (g *Guard) chargeAnyway(s *trace.Span, cost Amount, now time.Time) {
	var to []*Account
	for _, r := range g.rules.Load().match(subjectOfSpan(s), s.Start, nil) {
		to = append(to, &r.account)
	}
	if to != nil {
		g.settled(g.cfg.Ledger.Charge(context.Background(), to, cost, now))
	}
}

// leave takes the call out; zero when it never had a hold.
func (g *Guard) leave(id string, now time.Time) underWay {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed = true
	if g.cfg.File != "" {
		for len(g.recent) > 0 && now.Sub(g.recent[0].at) > 2*tailOverlap {
			g.recent = g.recent[1:]
		}
		g.recent = append(g.recent, observed{id, now})
	}
	c, ok := g.calls[id]
	if !ok {
		return underWay{}
	}
	delete(g.calls, id)
	return *c
}

// late charges a call that was under way when a budget was made, and that ended after the budget's past was asked for. A
// shared ledger's past is asked for again; there it is a call that began before this process heard of the budget.
func (g *Guard) late(s *trace.Span, cost Amount, tickets []*Ticket, now time.Time) {
	set := g.rules.Load()
	if len(set.young) == 0 || free(s.Endpoint) {
		return
	}
	var to []*Account
	subject := subjectOfSpan(s)
	for _, r := range set.young {
		if g.shared != nil {
			if s.Start.Before(r.since) || !s.Start.Before(r.known) || holdsOf(tickets, &r.account) {
				continue
			}
		} else if !s.Start.Before(r.since) || !r.asked.Load() {
			continue
		}
		if r.covers(subject) {
			to = append(to, &r.account)
		}
	}
	if to != nil {
		g.settled(g.cfg.Ledger.Charge(context.Background(), to, cost, now))
	}
}

func subjectOfSpan(s *trace.Span) *Subject {
	return &Subject{
		Project: s.Project, KeyID: s.KeyID, Key: s.Key, User: s.User, Session: s.Session, Tags: s.Tags,
		Model: s.ModelRequested, Target: s.Model, Provider: s.Provider,
	}
}

// Run keeps holds alive whose calls are, ends the others, tells of thresholds, reads budgets that other replicas changed and
// writes the file, until ctx ends.
func (g *Guard) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		g.keepUp(ctx)
		g.tell(ctx, now)
		g.recordBreaches(ctx)
		if g.cfg.Events != nil && n%3600 == 1 {
			if err := g.cfg.Events.PruneBudgetEvents(ctx, now.Add(-keepEvents)); err != nil {
				g.cfg.Log.Warn("old events of budgets were not removed", "error", err)
			}
		}
		if n%5 == 0 {
			g.save(now) //nolint:contextcheck // a local file
		}
		if n%10 == 0 {
			g.renew(ctx, now)
			if err := g.cfg.Ledger.Expire(ctx, now); err != nil {
				g.cfg.Log.Warn("holds of budgets were not looked through", "error", err)
			}
			if err := g.Heal(ctx); err != nil && !errors.Is(err, ErrAway) && ctx.Err() == nil {
				g.cfg.Log.Debug("presumed holds were not looked up", "error", err)
			}
			if err := g.Refresh(ctx); err != nil && ctx.Err() == nil {
				g.cfg.Log.Warn("budgets not refreshed", "error", err)
			}
		}
	}
}

// renew extends the holds whose clients are there. A call whose client has gone for an hour without a record has no ticket
// any more.
func (g *Guard) renew(ctx context.Context, now time.Time) {
	var live []string
	g.mu.Lock()
	for id, c := range g.calls {
		gone := c.ctx.Err() != nil
		for _, t := range c.tickets {
			if !gone && now.Sub(t.begun) >= renewEach {
				live = append(live, t.id)
				if t.carried {
					live = append(live, carriedID(t.id))
				}
			}
		}
		if gone && (len(c.tickets) == 0 || now.Sub(c.tickets[0].begun) > time.Hour) {
			delete(g.calls, id)
			for _, t := range c.tickets {
				g.exposed.end(t.shares)
			}
		}
	}
	g.mu.Unlock()
	for _, id := range live {
		if _, err := g.cfg.Ledger.Extend(ctx, id, Amount{}, now.Add(lease), now); !errors.Is(err, ErrAway) {
			g.settled(err)
		}
	}
}

// percentOf is the largest share of a limit that is spent, in whole percents.
func percentOf(spent, limit Amount) int {
	share := func(part, of int64) float64 {
		if of == 0 {
			return 0
		}
		return float64(part) / float64(of)
	}
	most := max(share(int64(spent.USD), int64(limit.USD)), share(spent.Tokens, limit.Tokens), share(spent.Calls, limit.Calls))
	return int(min(most*100, 1e6))
}

// Status is a budget with its present window.
type Status struct {
	Budget  price.Budget
	Usage   Usage
	Percent int // of the limit that is spent the furthest
	// Overshoot is by how much the limit in dollars can be overspent by what was admitted in the window; nil: the budget lets all
	// pass, or has no such limit.
	Overshoot *Overshoot
	Filling   bool // what was spent before this weir counted is not all known yet
}

// List gives all budgets by name.
func (g *Guard) List(ctx context.Context) ([]Status, error) {
	now := time.Now()
	list := g.rules.Load().list
	out := make([]Status, len(list))
	for i, r := range list {
		u, err := g.cfg.Ledger.Usage(ctx, &r.account, now)
		if err != nil {
			return nil, err
		}
		g.mu.Lock()
		filling := g.filling[r.budget.ID]
		g.mu.Unlock()
		out[i] = Status{Budget: r.budget, Usage: u, Percent: percentOf(u.Spent, r.account.Limit), Filling: filling}
		if o, stated := g.overshoot(r, now); stated {
			out[i].Overshoot = &o
		}
	}
	return out, nil
}

// Glances gives all budgets by name as List does, but for Overshoot, without asking a ledger that is far: from the last time it was
// asked. Those of which nothing can be told are left out.
func (g *Guard) Glances() []Status {
	now := time.Now()
	var out []Status
	for _, r := range g.rules.Load().list {
		if u, err := g.glance(&r.account, now); err == nil {
			out = append(out, Status{Budget: r.budget, Usage: u, Percent: percentOf(u.Spent, r.account.Limit)})
		}
	}
	return out
}

// Holds lists the holds there are, oldest first.
func (g *Guard) Holds(ctx context.Context) ([]HeldNow, error) { return g.cfg.Ledger.Holds(ctx) }

// Release gives back what a hold took. Should its call be settled later, it is charged all the same. ErrNoHold when
// there is none of this id.
func (g *Guard) Release(ctx context.Context, id string) error {
	now := time.Now()
	if err := g.cfg.Ledger.Release(ctx, id, now); err != nil {
		return err
	}
	g.mu.Lock()
	g.released[id], g.changed = now, true
	g.mu.Unlock()
	g.save(now) //nolint:contextcheck // a local file
	return nil
}
