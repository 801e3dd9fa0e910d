package budget

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// recoverer is a ledger that has something to tell another.
type recoverer interface {
	Recover(ctx context.Context) error
}

// glancer is a ledger that remembers what it said last.
type glancer interface {
	Glance(a *Account) (Usage, bool)
}

// glance is an account's usage, from the last time it was asked for where the ledger is far.
func (g *Guard) glance(a *Account, now time.Time) (Usage, error) {
	if l, ok := g.cfg.Ledger.(glancer); ok {
		if u, ok := l.Glance(a); ok {
			return u, nil
		}
	}
	return g.cfg.Ledger.Usage(context.Background(), a, now)
}

// carriedID is the id under which the hold of a ticket is carried.
func carriedID(id string) string { return id + "~" }

// settle settles a ticket with what it cost.
func (g *Guard) settle(t *Ticket, cost Amount, now time.Time) {
	g.settled(g.cfg.Ledger.Settle(context.Background(), t.id, cost, now))
	g.mu.Lock()
	carried := t.carried
	g.mu.Unlock()
	if carried {
		g.settled(g.cfg.Ledger.Settle(context.Background(), carriedID(t.id), cost, now))
	}
}

// holdsOf says whether one of the tickets claims of an account.
func holdsOf(tickets []*Ticket, a *Account) bool {
	for _, t := range tickets {
		for _, c := range t.claims {
			if c.Account.ID == a.ID && c.Account.Sums == a.Sums {
				return true
			}
		}
	}
	return false
}

// aged is how long a budget has been there before its account, when the account that there was must have been lost.
const aged = time.Minute

// unsummed says that a call may not be held against a budget, because a shared ledger has lost what was spent of it and the
// store has not told yet.
func (g *Guard) unsummed(r *rule) bool {
	return g.shared != nil && r.joined && !r.filled && g.cfg.OnAway.FailsClosed(&r.account) && r.budget.CreatedAt.Before(r.since.Add(-aged))
}

// startShared puts the rules into force for the first time over a shared ledger. One that is away is joined when it is back.
func (g *Guard) startShared(ctx context.Context, rules []*rule) error {
	g.admits.Store(len(rules) > 0)
	fill, err := g.join(ctx, rules)
	if err != nil {
		g.cfg.Log.Error("the shared ledger of the budgets is not there; it is asked again", "error", err)
	}
	g.rules.Store(newRuleset(rules))
	g.marked(rules)
	g.fill(ctx, fill)
	if len(fill) > 0 {
		if _, err := g.joined(ctx); err != nil && !errors.Is(err, ErrAway) {
			return err
		}
	}
	return nil
}

// refreshShared puts rules into force that were read again. The caller has refreshing.
func (g *Guard) refreshShared(ctx context.Context, before *ruleset, rules, changed []*rule) error {
	fill, err := g.join(ctx, rules)
	if err != nil && !errors.Is(err, ErrAway) {
		return fmt.Errorf("join the ledger of the budgets: %w", err)
	}
	set := newRuleset(rules)
	set.young = g.young(rules)
	if len(rules) > 0 {
		g.admits.Store(true)
	}
	g.rules.Store(set)
	g.marked(rules)
	for id, gone := range before.byID {
		if _, there := set.byID[id]; !there {
			changed = append(changed, gone)
		}
	}
	for _, r := range changed {
		if err := g.cfg.Ledger.Forget(ctx, &r.account); err != nil {
			g.cfg.Log.Warn("what was counted for a budget that is gone stays in the ledger", "error", err)
		}
	}
	g.fillNow(fill) //nolint:contextcheck // it outlives the request
	return nil
}

// young are the rules that calls under way may not be held against, because they began before this process knew of them.
func (g *Guard) young(rules []*rule) []*rule {
	var out []*rule
	for _, r := range rules {
		if r.known.After(g.started) && time.Since(r.known) < youth {
			out = append(out, r)
		}
	}
	return out
}

// join opens the rules' accounts and notes in the rules, which nobody else sees yet, how they stand. It gives those that
// are to be filled.
func (g *Guard) join(ctx context.Context, rules []*rule) ([]*rule, error) {
	accounts := make([]*Account, len(rules))
	for i, r := range rules {
		accounts[i] = &r.account
	}
	standings, err := g.shared.Join(ctx, accounts, time.Now())
	if err != nil {
		return nil, err
	}
	var fill []*rule
	for i, s := range standings {
		r := rules[i]
		r.since, r.joined, r.filled, r.account.Since = s.Since, true, s.Filled, s.Since
		if s.Fill {
			fill = append(fill, r)
		}
	}
	return fill, nil
}

// joined joins again, puts into force what has changed and holds again what was lost. The caller has refreshing. It gives
// the rules that are to be filled.
func (g *Guard) joined(ctx context.Context) ([]*rule, error) {
	before := g.rules.Load()
	rules := make([]*rule, len(before.list))
	for i, r := range before.list {
		again := *r
		rules[i] = &again
	}
	fill, err := g.join(ctx, rules)
	if err != nil {
		return nil, err
	}
	lost, changed := map[string]*rule{}, false
	for i, r := range rules {
		old := before.list[i]
		if old.joined && !old.since.Equal(r.since) {
			lost[r.budget.ID] = r
		}
		changed = changed || old.joined != r.joined || old.filled != r.filled || !old.since.Equal(r.since)
	}
	if !changed {
		kept := make([]*rule, 0, len(fill))
		for _, r := range fill {
			kept = append(kept, before.byID[r.budget.ID])
		}
		return kept, nil
	}
	set := newRuleset(rules)
	set.young = g.young(rules)
	g.rules.Store(set)
	g.marked(rules)
	if len(lost) > 0 {
		g.cfg.Log.Error("the shared ledger has lost what was counted for budgets; it is added up from the store of records anew", "budgets", len(lost))
		g.carry(ctx, lost)
	}
	return fill, nil
}

// rejoin joins again after the ledger did not know an account.
func (g *Guard) rejoin(ctx context.Context) error {
	g.refreshing.Lock()
	defer g.refreshing.Unlock()
	fill, err := g.joined(ctx)
	if err != nil {
		return err
	}
	g.fillNow(fill) //nolint:contextcheck // it outlives the request
	return nil
}

// holdLost holds a call whose accounts were lost since it began: if none fails closed, it is carried.
func (g *Guard) holdLost(ctx context.Context, matched []*rule, h *Hold, now time.Time) error {
	if err := g.rejoin(ctx); err != nil {
		return err
	}
	set := g.rules.Load()
	for _, r := range matched {
		if again, ok := set.byID[r.budget.ID]; ok && g.unsummed(again) {
			return fmt.Errorf("%w: what was spent of the budget %s is added up anew", ErrLost, r.budget.Name)
		}
	}
	return g.shared.Carry(ctx, h, now)
}

// carry holds the calls under way again in accounts that were lost.
func (g *Guard) carry(ctx context.Context, lost map[string]*rule) {
	now := time.Now()
	var holds []*Hold
	g.mu.Lock()
	for _, c := range g.calls {
		for _, t := range c.tickets {
			if !t.made {
				continue
			}
			h := &Hold{ID: carriedID(t.id), Call: t.owner, Expires: now.Add(lease), Project: t.call.Project, Key: t.call.Key, Model: t.model}
			for _, claim := range t.claims {
				r, ok := lost[claim.Account.ID]
				if ok && claim.Account.Sums == r.account.Sums && t.call.Start.Before(r.since) {
					h.Claims = append(h.Claims, Claim{&r.account, claim.Amount})
				}
			}
			if len(h.Claims) > 0 {
				t.carried = true
				holds = append(holds, h)
			}
		}
	}
	g.mu.Unlock()
	for _, h := range holds {
		g.settled(g.shared.Carry(ctx, h, now))
	}
}

// healed bounds how many presumed holds are looked up at a time.
const healed = 50

// Heal settles holds that a shared ledger presumes to be spent and whose calls are in the store of records: who held them died
// between the record and the settlement. Run calls it; all replicas may.
func (g *Guard) Heal(ctx context.Context) error {
	if g.shared == nil || g.cfg.Reader == nil {
		return nil
	}
	list, err := g.shared.Holds(ctx)
	if err != nil {
		return err
	}
	last := map[string]int{} // attempt of a call: that is the one which was charged
	for _, h := range list {
		last[h.Call] = max(last[h.Call], h.Attempt)
	}
	n := 0
	for _, h := range list {
		if h.State != Presumed || h.Attempt == 0 {
			continue
		}
		if n++; n > healed {
			break
		}
		rec, err := g.cfg.Reader.Call(ctx, h.Call)
		if errors.Is(err, trace.ErrNoCall) || err == nil && rec.Call.ErrorCode == string(llm.Lost) {
			continue
		}
		if err != nil {
			return err
		}
		cost, known := costOf(&rec.Call)
		switch {
		case h.Attempt != last[h.Call]:
			cost = Amount{}
		case !known: // what was held is as near as anybody knows
			continue
		}
		g.settled(g.shared.Settle(ctx, h.ID, cost, time.Now()))
	}
	return nil
}

// marked notes which budgets are being filled.
func (g *Guard) marked(rules []*rule) {
	g.mu.Lock()
	defer g.mu.Unlock()
	filling := map[string]bool{}
	for _, r := range rules {
		if r.joined && !r.filled {
			filling[r.budget.ID] = true
		}
	}
	clear(g.filling)
	maps.Copy(g.filling, filling)
}

// fillNow fills in the background. Where that fails, the ledger asks somebody again.
func (g *Guard) fillNow(rules []*rule) {
	if len(rules) == 0 || g.stopped.Err() != nil {
		return
	}
	g.background.Go(func() {
		ctx, cancel := context.WithTimeout(g.stopped, fillWithin)
		defer cancel()
		g.fill(ctx, rules)
		if err := g.rejoinAfterFill(ctx); err != nil && !errors.Is(err, ErrAway) && g.stopped.Err() == nil {
			g.cfg.Log.Warn("the ledger of the budgets was not joined", "error", err)
		}
	})
}

// fillWithin bounds how long the store may take to say what was spent before.
const fillWithin = 20 * time.Second

// rejoinAfterFill learns that the accounts are filled. What is to be filled by then is asked for at the next look.
func (g *Guard) rejoinAfterFill(ctx context.Context) error {
	g.refreshing.Lock()
	defer g.refreshing.Unlock()
	_, err := g.joined(ctx)
	return err
}

// keepUp looks whether a shared ledger still has what it had, and tells it what it could not be told.
func (g *Guard) keepUp(ctx context.Context) {
	if g.shared == nil {
		return
	}
	if err := g.rejoin(ctx); err != nil {
		if !errors.Is(err, ErrAway) && ctx.Err() == nil {
			g.cfg.Log.Warn("the ledger of the budgets was not joined", "error", err)
		}
		return // it is told of once, where it went away
	}
	if l, ok := g.cfg.Ledger.(recoverer); ok {
		if err := l.Recover(ctx); err != nil && !errors.Is(err, ErrAway) && ctx.Err() == nil {
			g.cfg.Log.Warn("the ledger of the budgets was not told all", "error", err)
		}
	}
}
