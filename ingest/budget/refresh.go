package budget

import (
	"context"
	"fmt"
	"time"
)

// youth is how long a budget is young: a call that was under way when it was made ends within it.
const youth = time.Hour

// Start reads the budgets for the first time, and what was spent of them before: from the file of the process before and, if
// it comes before ctx ends, from the store of records. Else the store is asked again in the background. Call it before
// calls are served.
func (g *Guard) Start(ctx context.Context) error {
	list, err := g.cfg.Store.ListBudgets(ctx)
	if err != nil {
		return fmt.Errorf("read budgets: %w", err)
	}
	g.refreshing.Lock()
	defer g.refreshing.Unlock()
	now := time.Now()
	rules := make([]*rule, 0, len(list))
	for _, b := range list {
		r, err := newRule(b, g.started)
		if err != nil {
			g.cfg.Log.Error("a budget that is stored is none, and does not hold", "budget", b.Name, "error", err)
			continue
		}
		rules = append(rules, r)
	}
	if g.shared != nil {
		return g.startShared(ctx, rules)
	}
	set := newRuleset(rules)
	saved := g.load()
	if len(rules) > 0 {
		g.recall(ctx, set, rules, saved, false, now)
		g.admits.Store(true)
	}
	g.rules.Store(set)
	if pending := g.fill(ctx, rules); len(pending) > 0 {
		g.recall(context.WithoutCancel(ctx), set, pending, saved, true, time.Now())
		g.fillLater(pending) //nolint:contextcheck // it outlives the request
	}
	return nil
}

// Refresh reads the budgets again and puts them into force. What was spent of a new one before is asked for in the
// background.
func (g *Guard) Refresh(ctx context.Context) error {
	g.refreshing.Lock()
	defer g.refreshing.Unlock()
	list, err := g.cfg.Store.ListBudgets(ctx)
	if err != nil {
		return fmt.Errorf("read budgets: %w", err)
	}
	before, now := g.rules.Load(), time.Now()
	rules := make([]*rule, 0, len(list))
	var fresh, young, changed []*rule
	for _, b := range list {
		r, err := newRule(b, now)
		if err != nil {
			g.cfg.Log.Error("a budget that is stored is none, and does not hold", "budget", b.Name, "error", err)
			continue
		}
		old, known := before.byID[b.ID]
		switch {
		case known && old.sameSums(r):
			r.since, r.asked, r.joined, r.filled, r.known = old.since, old.asked, old.joined, old.filled, old.known
		case known && g.shared != nil:
			changed = append(changed, old)
			fresh = append(fresh, r)
		case known:
			if err := g.cfg.Ledger.Forget(ctx, &old.account); err != nil {
				return fmt.Errorf("forget what was counted for the budget %s: %w", b.Name, err)
			}
			fresh = append(fresh, r)
		default:
			fresh = append(fresh, r)
		}
		if r.since.After(g.started) && now.Sub(r.since) < youth {
			young = append(young, r)
		}
		rules = append(rules, r)
	}
	if g.shared != nil {
		return g.refreshShared(ctx, before, rules, changed)
	}
	set := newRuleset(rules)
	set.young = young
	g.mu.Lock()
	for _, r := range fresh {
		g.filling[r.budget.ID] = true
	}
	g.mu.Unlock()
	if len(rules) > 0 {
		g.admits.Store(true)
	}
	g.rules.Store(set)
	for id, gone := range before.byID {
		if _, there := set.byID[id]; !there {
			if err := g.cfg.Ledger.Forget(ctx, &gone.account); err != nil {
				g.cfg.Log.Warn("what was counted for a budget that is gone stays in the ledger", "error", err)
			}
		}
	}
	g.fillLater(fresh) //nolint:contextcheck // it outlives the request
	return nil
}

// fillLater fills in the background, and tries again while the store is away.
func (g *Guard) fillLater(rules []*rule) {
	if len(rules) == 0 || g.stopped.Err() != nil {
		return
	}
	g.background.Go(func() {
		pause := time.NewTimer(0)
		defer pause.Stop()
		for len(rules) > 0 {
			select {
			case <-g.stopped.Done():
				return
			case <-pause.C:
			}
			ctx, cancel := context.WithTimeout(g.stopped, time.Minute)
			rules = g.fill(ctx, rules)
			cancel()
			pause.Reset(5 * time.Second)
		}
	})
}

// fill asks the store what was spent before the rules began to count, and gives those back for which it has no answer.
func (g *Guard) fill(ctx context.Context, rules []*rule) (pending []*rule) {
	if g.cfg.Reader == nil || len(rules) == 0 {
		for _, r := range rules {
			if g.shared != nil {
				g.restored(g.shared.Fill(ctx, &r.account, nil, nil, time.Now()))
			}
		}
		g.filled(rules)
		return nil
	}
	for _, r := range rules {
		r.asked.Store(true) // whoever ends from now on is charged by late
	}
	if g.cfg.Flush != nil {
		if err := g.cfg.Flush(ctx); err != nil {
			g.mark(rules)
			return rules
		}
	}
	for _, r := range rules {
		now := time.Now()
		past, lost, err := g.past(ctx, r, now)
		if current := g.rules.Load().byID[r.budget.ID]; err == nil && (current == nil || current.since != r.since) {
			continue // it is gone, or another by now
		}
		if err == nil {
			err = g.cfg.Ledger.Fill(ctx, &r.account, past, lost, now)
		}
		if err != nil {
			g.cfg.Log.Warn("what was spent of a budget before is not known yet; the store is asked again", "budget", r.budget.Name, "error", err)
			g.mark([]*rule{r})
			pending = append(pending, r)
			continue
		}
		g.filled([]*rule{r})
	}
	return pending
}

func (g *Guard) mark(rules []*rule) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range rules {
		g.filling[r.budget.ID] = true
	}
}

func (g *Guard) filled(rules []*rule) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range rules {
		delete(g.filling, r.budget.ID)
	}
	g.changed = true
}

// Close ends what goes on in the background and writes the file. Calls may still end afterwards.
func (g *Guard) Close() error {
	g.stop()
	g.background.Wait()
	return g.write(time.Now())
}
