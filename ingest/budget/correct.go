package budget

import (
	"context"
	"slices"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Corrector is a Ledger that can change what a call cost which was settled in it.
type Corrector interface {
	// Correct adds to what is spent of an account in the window that holds a moment, or takes from it, down to nothing. A window
	// that is over is left as it is.
	Correct(ctx context.Context, a *Account, usd price.USD, at, now time.Time) error
}

var _ Corrector = (*Memory)(nil)

// Correct implements Corrector.
func (m *Memory) Correct(_ context.Context, a *Account, usd price.USD, at, now time.Time) error {
	now = m.at(now)
	defer m.mu.Unlock()
	t := m.tally(a, now)
	from, until := t.bounds(at)
	if at.After(now) || !t.covers(&cell{from: from, until: until}, now) {
		return nil
	}
	c := t.cellAt(at)
	if usd >= 0 {
		more := Amount{USD: usd}
		c.spent, t.spent = c.spent.Plus(more), t.spent.Plus(more)
		return nil
	}
	rest := -usd
	for _, c := range t.from(c) {
		less := Amount{USD: min(rest, c.spent.USD)}
		c.spent, t.spent = c.spent.Minus(less), t.spent.Minus(less)
		rest -= less.USD
		less.USD = min(rest, c.past.USD)
		c.past, t.past = c.past.Minus(less), t.past.Minus(less)
		rest -= less.USD
	}
	return nil
}

// from are the live cells from one on: what began in it may have been counted in a later one.
func (t *tally) from(first *cell) []*cell {
	var out []*cell
	for _, c := range t.cells {
		if c.live && !c.from.Before(first.from) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *cell) int { return a.from.Compare(b.from) })
	return out
}

// Adjusted takes in what was added to the cost of recorded calls, once it is in the store of records. A budget whose past is not
// known yet is left alone: the store will tell it.
func (g *Guard) Adjusted(ctx context.Context, added []trace.Adjustment) {
	now := time.Now()
	corrector, can := g.cfg.Ledger.(Corrector)
	for i := range added {
		s := added[i].Call
		if free(s.Endpoint) {
			continue
		}
		subject := subjectOfSpan(s)
		for _, r := range g.rules.Load().list {
			if !r.covers(subject) || !r.present(s.Start, now) {
				continue
			}
			g.mu.Lock()
			filling := g.filling[r.budget.ID]
			g.mu.Unlock()
			if filling && s.Start.Before(r.since) {
				continue
			}
			usd := added[i].Amount
			if added[i].Priced {
				usd -= s.Held // what was charged while the cost was not known
			}
			if !can {
				g.cfg.Log.Warn("what a call cost was corrected, and the budgets' ledger cannot take it in", "budget", r.budget.Name, "call", s.ID)
				continue
			}
			g.settled(corrector.Correct(ctx, &r.account, usd, s.Start, now))
		}
	}
	g.mu.Lock()
	g.changed = true
	g.mu.Unlock()
}

// present says whether a moment is in the present window.
func (r *rule) present(at, now time.Time) bool {
	from, until := r.budget.Window.Span(now, r.account.Zone)
	return !at.Before(from) && (until.IsZero() || at.Before(until) || until.Equal(now))
}

// Keep wraps what records calls, so that a record whose cost is not known says what was held for it: that is what its budgets were
// charged, now and after a restart.
func (g *Guard) Keep(next trace.Recorder) trace.Recorder { return keeper{g, next} }

type keeper struct {
	guard *Guard
	trace.Recorder
}

// Record implements trace.Recorder.
func (k keeper) Record(r *trace.Record) error {
	if held, ok := k.guard.unpriced.LoadAndDelete(r.Call.ID); ok {
		if usd, isUSD := held.(price.USD); isUSD {
			r.Call.Held = usd
		}
	}
	return k.Recorder.Record(r)
}

// unknowns are the calls of a rule whose cost is not known, beside those that were lost, each with what was held for it.
func (g *Guard) unknowns(ctx context.Context, r *rule, since, until time.Time) ([]Past, error) {
	f := filterOf(r)
	f.Since, f.Until, f.Unpriced = since, until, true
	var out []Past
	take := func(s *trace.Span) {
		if s.Held > 0 && s.ErrorCode != string(llm.Lost) && !free(s.Endpoint) {
			out = append(out, Past{s.Start, Amount{USD: s.Held}})
		}
	}
	if g.cfg.Adjuster != nil { // some have a cost by now
		for a, err := range g.cfg.Adjuster.Adjusted(ctx, f) {
			if err != nil {
				return nil, err
			}
			if !a.Known {
				take(&a.Call)
			}
		}
		return out, nil
	}
	for cursor := ""; ; {
		page, err := g.cfg.Reader.Calls(ctx, f, lostPage, cursor)
		if err != nil {
			return nil, err
		}
		for i := range page.Calls {
			take(&page.Calls[i].Span)
		}
		if cursor = page.Next; cursor == "" {
			return out, nil
		}
	}
}
