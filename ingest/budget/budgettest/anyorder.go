package budgettest

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/price"
)

// model says of each hold what it should do, one by one and slowly.
type model struct {
	now   time.Time
	holds map[string]*modelHold
}

type modelHold struct {
	began   time.Time
	expires time.Time
	amount  budget.Amount
	cost    budget.Amount // charged
	held    bool
	sent    bool
	ended   bool // settled
	over    budget.Amount
	of      []*budget.Account
}

// sums are what an account's window should show.
func (m *model) sums(a *budget.Account) (spent, held, overrun budget.Amount) {
	for _, h := range m.holds {
		mine := false
		for _, o := range h.of {
			mine = mine || o == a
		}
		if !mine || !m.inWindow(a, h.began) {
			continue
		}
		spent, overrun = spent.Plus(h.cost), overrun.Plus(h.over)
		if h.held {
			held = held.Plus(h.amount)
		}
	}
	return spent, held, overrun
}

func (m *model) inWindow(a *budget.Account, began time.Time) bool {
	if d, ok := a.Window.Rolling(); ok {
		return began.Truncate(d / buckets).Add(d/buckets + d).After(m.now)
	}
	from, _ := a.Window.Span(m.now, a.Zone)
	return !began.Before(from)
}

// buckets of a rolling window.
const buckets = 60

func positive(a budget.Amount) budget.Amount { return a.Minus(budget.Amount{}) }

// Whatever the order of holds, extensions, settlements, crashes, expiries and ends of windows: no strict budget is overspent
// but by what is shown as overrun, no hold is stranded, and the books balance.
func anyOrders(t *testing.T, open func(testing.TB) budget.Ledger, rounds int) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for range rounds { // of 100 orders each
		rapid.Check(t, func(rt *rapid.T) { anyOrder(t, rt, open, berlin) })
	}
}

func anyOrder(t *testing.T, rt *rapid.T, open func(testing.TB) budget.Ledger, zone *time.Location) {
	ctx := t.Context()
	windows := []price.Window{price.Minute, price.Hour, price.Day, price.Lifetime, "rolling:10m"}
	var accounts []*budget.Account
	for i := range rapid.IntRange(1, 4).Draw(rt, "accounts") {
		accounts = append(accounts, &budget.Account{
			ID: fmt.Sprint("a", i), Window: rapid.SampledFrom(windows).Draw(rt, "window"), Zone: zone, Hard: true,
			Limit: budget.Amount{
				USD:    price.USD(rapid.Int64Range(0, 60).Draw(rt, "usd limit")),
				Tokens: rapid.Int64Range(0, 60).Draw(rt, "token limit"), Calls: rapid.Int64Range(1, 6).Draw(rt, "call limit"),
			},
		})
	}
	ledger := open(t)
	m := &model{now: time.Date(2026, 10, 25, 0, 58, 0, 0, time.UTC), holds: map[string]*modelHold{}}
	n := 0
	amount := func(rt *rapid.T) budget.Amount {
		return budget.Amount{USD: price.USD(rapid.Int64Range(0, 20).Draw(rt, "usd")), Tokens: rapid.Int64Range(0, 20).Draw(rt, "tokens"), Calls: 1}
	}
	some := func(rt *rapid.T) (string, *modelHold) {
		if n == 0 {
			rt.Skip("no hold yet")
		}
		id := fmt.Sprint("h", rapid.IntRange(max(1, n-8), n).Draw(rt, "hold"))
		h, ok := m.holds[id]
		if !ok {
			rt.Skip("it was refused")
		}
		return id, h
	}
	rt.Repeat(map[string]func(*rapid.T){
		"hold": func(rt *rapid.T) {
			n++
			h := &modelHold{began: m.now, expires: m.now.Add(30 * time.Second), amount: amount(rt), held: true}
			claim := &budget.Hold{ID: fmt.Sprint("h", n), Expires: h.expires}
			fits := true
			for _, a := range accounts {
				if rapid.Bool().Draw(rt, "matches") {
					h.of = append(h.of, a)
					claim.Claims = append(claim.Claims, budget.Claim{Account: a, Amount: h.amount})
					spent, held, _ := m.sums(a)
					fits = fits && spent.Plus(held).Plus(h.amount).Within(a.Limit)
				}
			}
			refused, err := ledger.Hold(ctx, claim, m.now)
			if err != nil || (refused == nil) != fits {
				rt.Fatalf("refused %v, %v; it fits: %v", refused, err, fits)
			}
			if fits {
				m.holds[claim.ID] = h
			}
		},
		"send": func(rt *rapid.T) {
			id, h := some(rt)
			if err := ledger.Dispatched(ctx, id); (err == nil) != h.held {
				rt.Fatalf("Dispatched: %v, held: %v", err, h.held)
			}
			h.sent = h.sent || h.held
		},
		"extend": func(rt *rapid.T) {
			id, h := some(rt)
			total := amount(rt)
			total.USD, total.Tokens = total.USD*2, total.Tokens*2
			more := total.Minus(h.amount)
			fits := true
			for _, a := range h.of {
				spent, held, _ := m.sums(a)
				fits = fits && (more == budget.Amount{} || !m.inWindow(a, h.began) || spent.Plus(held).Plus(more).Within(a.Limit))
			}
			refused, err := ledger.Extend(ctx, id, total, m.now.Add(time.Minute), m.now)
			if (err == nil) != h.held || err == nil && (refused == nil) != fits {
				rt.Fatalf("Extend: %v, %v, held: %v, fits: %v", refused, err, h.held, fits)
			}
			if h.held && fits {
				h.amount, h.expires = h.amount.Plus(more), m.now.Add(time.Minute)
			}
		},
		"settle": func(rt *rapid.T) {
			id, h := some(rt)
			if h.held && !h.ended {
				cost := budget.Amount{ // strict: never above the hold
					USD: price.USD(rapid.Int64Range(-5, int64(h.amount.USD)).Draw(rt, "cost")), Tokens: rapid.Int64Range(-5, h.amount.Tokens).Draw(rt, "used"),
					Calls: rapid.Int64Range(0, 1).Draw(rt, "counted"),
				}
				if err := ledger.Settle(ctx, id, cost, m.now); err != nil {
					rt.Fatal(err)
				}
				h.held, h.ended, h.cost = false, true, positive(cost)
				return
			}
			late := budget.Amount{USD: 3, Tokens: 2, Calls: 1}
			err := ledger.Settle(ctx, id, late, m.now)
			if h.ended && err == nil {
				rt.Fatal("a hold was settled twice")
			}
			if err == nil {
				h.ended, h.cost = true, late
				h.over = late
			}
			// An error is right too once all its windows are over.
			if err != nil && !h.ended {
				for _, a := range h.of {
					if m.inWindow(a, h.began) {
						rt.Fatalf("a late settlement was not charged: %v", err)
					}
				}
			}
		},
		"release": func(rt *rapid.T) {
			id, h := some(rt)
			if err := ledger.Release(ctx, id, m.now); (err == nil) != h.held {
				rt.Fatalf("Release: %v, held: %v", err, h.held)
			}
			h.held = false
		},
		"time passes": func(rt *rapid.T) {
			m.now = m.now.Add(time.Duration(rapid.Int64Range(1, (2*time.Minute).Microseconds()).Draw(rt, "by")) * time.Microsecond)
		},
		"owners crash and holds expire": func(rt *rapid.T) {
			if err := ledger.Expire(ctx, m.now); err != nil {
				rt.Fatal(err)
			}
			for _, h := range m.holds {
				if h.held && !h.expires.After(m.now) && !h.sent {
					h.held = false
				}
			}
			// A presumed hold whose windows are all over goes at the look after the one that presumed it.
			list, err := ledger.Holds(ctx)
			if err != nil {
				rt.Fatal(err)
			}
			there := map[string]bool{}
			for _, h := range list {
				there[h.ID] = true
			}
			for id, h := range m.holds {
				if h.held && !there[id] {
					for _, a := range h.of {
						if m.inWindow(a, h.began) {
							rt.Fatalf("the hold %s is gone, and its window is not", id)
						}
					}
					h.held = false
				}
			}
		},
		"": func(rt *rapid.T) {
			for _, a := range accounts {
				spent, held, over := m.sums(a)
				if a.Limit.USD == 0 {
					over.USD = 0
				}
				if a.Limit.Tokens == 0 {
					over.Tokens = 0
				}
				u, err := ledger.Usage(ctx, a, m.now)
				if err != nil {
					rt.Fatal(err)
				}
				if u.Spent != spent || u.Held != held || u.Overrun != over {
					rt.Fatalf("account %s (%s) has spent %v, held %v, overrun %v; want %v, %v, %v", a.ID, a.Window, u.Spent, u.Held, u.Overrun, spent, held, over)
				}
				if !u.Spent.Minus(u.Overrun).Plus(u.Held).Within(a.Limit) {
					rt.Fatalf("account %s is overspent: %v held, %v spent of %v", a.ID, u.Held, u.Spent, a.Limit)
				}
			}
		},
	})
	// In the end nothing is stranded: when every window has passed, nothing is held.
	m.now = m.now.AddDate(2, 0, 0)
	for range 2 {
		if err := ledger.Expire(ctx, m.now); err != nil {
			rt.Fatal(err)
		}
	}
	list, err := ledger.Holds(ctx)
	if err != nil {
		rt.Fatal(err)
	}
	for _, h := range list {
		lifelong := false
		for _, c := range h.Claims {
			lifelong = lifelong || c.Account.Window == price.Lifetime
		}
		if !lifelong || h.State != budget.Presumed {
			rt.Fatalf("the hold %s is stranded as %s", h.ID, h.State)
		}
	}
}
