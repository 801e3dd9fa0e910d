// Package budgettest is the contract of a ledger of budgets, as a test.
package budgettest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/price"
)

// Test tells whether what open gives, each time empty, is a ledger. rounds is how many times a hundred orders of events
// are tried.
func Test(t *testing.T, open func(testing.TB) budget.Ledger, rounds int) {
	start := func(tb testing.TB) budget.Ledger {
		tb.Helper()
		l := open(tb)
		if shared, ok := l.(budget.Shared); ok {
			return joining{shared}
		}
		return l
	}
	for name, test := range map[string]func(*testing.T, func(testing.TB) budget.Ledger){
		"many at once admit exactly what fits":        manyAtOnce,
		"a hold is of all accounts or of none":        allOrNone,
		"a hold is settled once":                      settledOnce,
		"holds heal themselves":                       heal,
		"an extension needs room":                     extension,
		"a hold is charged to the window it began in": windows,
		"a rolling window forgets within a sixtieth":  rolling,
		"a lifetime never ends":                       lifetime,
		"the past is filled in beside the present":    filled,
		"what a call cost is corrected":               corrected,
		"what nobody held is charged":                 charged,
		"large amounts are exact":                     large,
	} {
		t.Run(name, func(t *testing.T) { test(t, start) })
	}
	t.Run("no order of events overspends", func(t *testing.T) { anyOrders(t, start, rounds) })
}

// joining joins the accounts that it is told of.
type joining struct{ budget.Shared }

func (j joining) join(ctx context.Context, now time.Time, accounts ...*budget.Account) error {
	_, err := j.Join(ctx, accounts, now)
	return err
}

// Hold joins, then holds.
func (j joining) Hold(ctx context.Context, h *budget.Hold, now time.Time) ([]budget.Refusal, error) {
	var all []*budget.Account
	for _, c := range h.Claims {
		all = append(all, c.Account)
	}
	if err := j.join(ctx, now, all...); err != nil {
		return nil, err
	}
	return j.Shared.Hold(ctx, h, now)
}

// Fill joins, then fills.
func (j joining) Fill(ctx context.Context, a *budget.Account, past []budget.Past, lost []budget.Hold, now time.Time) error {
	if err := j.join(ctx, now, a); err != nil {
		return err
	}
	return j.Shared.Fill(ctx, a, past, lost, now)
}

// Charge joins, then charges.
func (j joining) Charge(ctx context.Context, accounts []*budget.Account, cost budget.Amount, now time.Time) error {
	if err := j.join(ctx, now, accounts...); err != nil {
		return err
	}
	return j.Shared.Charge(ctx, accounts, cost, now)
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func account(id string, w price.Window, limit budget.Amount) *budget.Account {
	return &budget.Account{ID: id, Window: w, Zone: time.UTC, Limit: limit, Hard: true}
}

func hold(id string, amount budget.Amount, of ...*budget.Account) *budget.Hold {
	h := &budget.Hold{ID: id, Call: id, Expires: noon.Add(time.Hour)}
	for _, a := range of {
		h.Claims = append(h.Claims, budget.Claim{Account: a, Amount: amount})
	}
	return h
}

// books is a ledger with the words that the tests use.
type books struct {
	testing.TB
	budget.Ledger
}

func (b books) hold(h *budget.Hold, at time.Time) bool {
	b.Helper()
	refused, err := b.Hold(context.Background(), h, at)
	if err != nil {
		b.Fatal(err)
	}
	return refused == nil
}

func (b books) want(a *budget.Account, at time.Time, spent, held, overrun budget.Amount) {
	b.Helper()
	u, err := b.Usage(context.Background(), a, at)
	if err != nil {
		b.Fatal(err)
	}
	if u.Spent != spent || u.Held != held || u.Overrun != overrun {
		b.Errorf("account %s: spent %v, held %v, overrun %v, want %v, %v, %v", a.ID, u.Spent, u.Held, u.Overrun, spent, held, overrun)
	}
}

func (b books) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func calls(n int64) budget.Amount { return budget.Amount{Calls: n} }

func usd(n int64) budget.Amount { return budget.Amount{USD: price.USD(n), Calls: 1} }

// 200 calls at once on budgets of k calls: k get through, whatever else they are held against.
func manyAtOnce(t *testing.T, open func(testing.TB) budget.Ledger) {
	for _, k := range []int64{0, 1, 17, 199, 200} {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			m := open(t)
			wide, narrow := account("wide", price.Month, calls(1000)), account("narrow", price.Day, budget.Amount{Calls: k, USD: 1 << 40})
			if k == 0 {
				narrow.Limit = budget.Amount{USD: 1} // less than any of them
			}
			var admitted atomic.Int64
			var wg sync.WaitGroup
			for i := range 200 {
				wg.Go(func() {
					h := hold(fmt.Sprint(i), usd(2), wide, narrow)
					refused, err := m.Hold(t.Context(), h, noon)
					if err != nil {
						t.Error(err)
					}
					if refused != nil {
						return
					}
					admitted.Add(1)
					if err := m.Settle(t.Context(), h.ID, usd(2), noon); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if admitted.Load() != k {
				t.Errorf("%d of 200 were admitted, want %d", admitted.Load(), k)
			}
			for _, a := range []*budget.Account{wide, narrow} {
				books{t, m}.want(a, noon, budget.Amount{USD: price.USD(2 * k), Calls: k}, budget.Amount{}, budget.Amount{})
			}
		})
	}
}

func allOrNone(t *testing.T, open func(testing.TB) budget.Ledger) {
	b := books{t, open(t)}
	full, empty := account("full", price.Day, calls(1)), account("empty", price.Day, calls(10))
	if !b.hold(hold("1", calls(1), full, empty), noon) {
		t.Fatal("the first was refused")
	}
	refused, err := b.Hold(t.Context(), hold("2", calls(1), empty, full), noon)
	if err != nil || len(refused) != 1 || refused[0].Account.ID != full.ID || !refused[0].Usage.Until.Equal(noon.Add(12*time.Hour)) {
		t.Errorf("refused %+v, %v, want by the full account until midnight", refused, err)
	}
	b.want(empty, noon, budget.Amount{}, calls(1), budget.Amount{})

	soft := account("soft", price.Day, calls(1))
	soft.Hard = false
	for i := range 3 {
		if !b.hold(hold(fmt.Sprint("s", i), calls(1), soft), noon) {
			t.Error("an account that only tells refused a call")
		}
	}
	b.want(soft, noon, budget.Amount{}, calls(3), budget.Amount{})
}

func settledOnce(t *testing.T, open func(testing.TB) budget.Ledger) {
	b := books{t, open(t)}
	a := account("a", price.Day, budget.Amount{USD: 100})
	b.hold(hold("1", usd(40), a), noon)
	b.must(b.Settle(t.Context(), "1", usd(30), noon))
	if err := b.Settle(t.Context(), "1", usd(30), noon); !errors.Is(err, budget.ErrNoHold) {
		t.Errorf("settled twice: %v, want ErrNoHold", err)
	}
	if err := b.Release(t.Context(), "1", noon); !errors.Is(err, budget.ErrNoHold) {
		t.Errorf("released after it was settled: %v, want ErrNoHold", err)
	}
	b.want(a, noon, usd(30), budget.Amount{}, budget.Amount{})

	b.hold(hold("2", usd(40), a), noon)
	b.must(b.Settle(t.Context(), "2", usd(90), noon)) // beyond the hold: charged, and shown
	b.want(a, noon, budget.Amount{USD: 120, Calls: 2}, budget.Amount{}, budget.Amount{USD: 50})

	c := account("c", price.Day, budget.Amount{USD: 100})
	b.hold(hold("3", usd(40), c), noon)
	b.must(b.Settle(t.Context(), "3", budget.Amount{USD: -1000, Tokens: -5}, noon))
	b.want(c, noon, budget.Amount{}, budget.Amount{}, budget.Amount{}) // what is below zero gives nothing back
}

func heal(t *testing.T, open func(testing.TB) budget.Ledger) {
	b := books{t, open(t)}
	a := account("a", price.Week, budget.Amount{USD: 100})
	for _, id := range []string{"open", "sent", "late", "alive"} {
		b.hold(hold(id, usd(10), a), noon)
	}
	b.must(b.Dispatched(t.Context(), "sent"))
	b.must(b.Dispatched(t.Context(), "alive"))
	b.must(b.Expire(t.Context(), noon.Add(59*time.Minute)))
	b.want(a, noon, budget.Amount{}, budget.Amount{USD: 40, Calls: 4}, budget.Amount{})

	later := noon.Add(time.Hour)
	_, err := b.Extend(t.Context(), "alive", budget.Amount{}, later.Add(time.Hour), later)
	b.must(err)
	b.must(b.Expire(t.Context(), later))
	b.want(a, later, budget.Amount{}, budget.Amount{USD: 20, Calls: 2}, budget.Amount{}) // what was not sent came back
	states := map[string]budget.State{}
	list, err := b.Holds(t.Context())
	b.must(err)
	for _, h := range list {
		states[h.ID] = h.State
	}
	if want := map[string]budget.State{"sent": budget.Presumed, "alive": budget.Sent}; !maps.Equal(states, want) {
		t.Errorf("holds %v, want %v", states, want)
	}

	b.must(b.Settle(t.Context(), "late", usd(7), later)) // it had been sent after all
	b.want(a, later, usd(7), budget.Amount{USD: 20, Calls: 2}, budget.Amount{USD: 7})
	b.must(b.Release(t.Context(), "sent", later))
	b.must(b.Settle(t.Context(), "sent", usd(5), later))
	b.must(b.Settle(t.Context(), "alive", usd(10), later))
	b.want(a, later, budget.Amount{USD: 22, Calls: 3}, budget.Amount{}, budget.Amount{USD: 12})

	b.hold(hold("gone", usd(10), a), later)
	b.must(b.Dispatched(t.Context(), "gone"))
	b.must(b.Expire(t.Context(), later.Add(2*time.Hour)))
	b.must(b.Expire(t.Context(), noon.AddDate(0, 0, 7))) // its window is over: nobody need release it
	if list, err := b.Holds(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("holds of past windows: %v, %v", list, err)
	}
}

func extension(t *testing.T, open func(testing.TB) budget.Ledger) {
	b := books{t, open(t)}
	a := account("a", price.Day, budget.Amount{USD: 100})
	b.hold(hold("1", usd(60), a), noon)
	if refused, err := b.Extend(t.Context(), "1", budget.Amount{USD: 101}, noon, noon); err != nil || len(refused) != 1 {
		t.Errorf("41 more on 60 of 100: %v, %v", refused, err)
	}
	if refused, err := b.Extend(t.Context(), "1", budget.Amount{USD: 100}, noon, noon); err != nil || refused != nil {
		t.Errorf("40 more on 60 of 100: %v, %v", refused, err)
	}
	b.want(a, noon, budget.Amount{}, budget.Amount{USD: 100, Calls: 1}, budget.Amount{})
	b.must(b.Settle(t.Context(), "1", usd(95), noon))
	b.want(a, noon, usd(95), budget.Amount{}, budget.Amount{})
	if _, err := b.Extend(t.Context(), "1", budget.Amount{}, noon, noon); !errors.Is(err, budget.ErrNoHold) {
		t.Errorf("extended after it was settled: %v", err)
	}
}
