package budget

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/price"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func account(id string, w price.Window, limit Amount) *Account {
	return &Account{ID: id, Window: w, Zone: time.UTC, Limit: limit, Hard: true}
}

func hold(id string, amount Amount, of ...*Account) *Hold {
	h := &Hold{ID: id, Call: id, Expires: noon.Add(time.Hour)}
	for _, a := range of {
		h.Claims = append(h.Claims, Claim{a, amount})
	}
	return h
}

// books is a ledger with the words that the tests use.
type books struct {
	*testing.T
	Ledger
}

func (b books) hold(h *Hold, at time.Time) bool {
	b.Helper()
	refused, err := b.Hold(context.Background(), h, at)
	if err != nil {
		b.Fatal(err)
	}
	return refused == nil
}

func (b books) want(a *Account, at time.Time, spent, held, overrun Amount) {
	b.Helper()
	u, err := b.Usage(context.Background(), a, at)
	if err != nil {
		b.Fatal(err)
	}
	if diff := cmp.Diff([]Amount{spent, held, overrun}, []Amount{u.Spent, u.Held, u.Overrun}); diff != "" {
		b.Errorf("account %s: spent, held, overrun (-want +got):\n%s", a.ID, diff)
	}
}

func (b books) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func calls(n int64) Amount { return Amount{Calls: n} }

func usd(n int64) Amount { return Amount{USD: price.USD(n), Calls: 1} }

// 200 calls at once on budgets of k calls: k get through, whatever else they are held against.
func TestManyAtOnceAdmitExactlyWhatFits(t *testing.T) {
	for _, k := range []int64{0, 1, 17, 199, 200} {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			m := &Memory{}
			wide, narrow := account("wide", price.Month, calls(1000)), account("narrow", price.Day, Amount{Calls: k, USD: 1 << 40})
			if k == 0 {
				narrow.Limit = Amount{USD: 1} // less than any of them
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
			for _, a := range []*Account{wide, narrow} {
				books{t, m}.want(a, noon, Amount{USD: price.USD(2 * k), Calls: k}, Amount{}, Amount{})
			}
		})
	}
}

func TestAHoldIsOfAllAccountsOrOfNone(t *testing.T) {
	b := books{t, &Memory{}}
	full, empty := account("full", price.Day, calls(1)), account("empty", price.Day, calls(10))
	if !b.hold(hold("1", calls(1), full, empty), noon) {
		t.Fatal("the first was refused")
	}
	refused, err := b.Hold(t.Context(), hold("2", calls(1), empty, full), noon)
	if err != nil || len(refused) != 1 || refused[0].Account != full || !refused[0].Usage.Until.Equal(noon.Add(12*time.Hour)) {
		t.Errorf("refused %+v, %v, want by the full account until midnight", refused, err)
	}
	b.want(empty, noon, Amount{}, calls(1), Amount{})

	soft := account("soft", price.Day, calls(1))
	soft.Hard = false
	for i := range 3 {
		if !b.hold(hold(fmt.Sprint("s", i), calls(1), soft), noon) {
			t.Error("an account that only tells refused a call")
		}
	}
	b.want(soft, noon, Amount{}, calls(3), Amount{})
}

func TestAHoldIsSettledOnce(t *testing.T) {
	b := books{t, &Memory{}}
	a := account("a", price.Day, Amount{USD: 100})
	b.hold(hold("1", usd(40), a), noon)
	b.must(b.Settle(t.Context(), "1", usd(30), noon))
	if err := b.Settle(t.Context(), "1", usd(30), noon); !errors.Is(err, ErrNoHold) {
		t.Errorf("settled twice: %v, want ErrNoHold", err)
	}
	if err := b.Release(t.Context(), "1", noon); !errors.Is(err, ErrNoHold) {
		t.Errorf("released after it was settled: %v, want ErrNoHold", err)
	}
	b.want(a, noon, usd(30), Amount{}, Amount{})

	b.hold(hold("2", usd(40), a), noon)
	b.must(b.Settle(t.Context(), "2", usd(90), noon)) // beyond the hold: charged, and shown
	b.want(a, noon, Amount{USD: 120, Calls: 2}, Amount{}, Amount{USD: 50})

	c := account("c", price.Day, Amount{USD: 100})
	b.hold(hold("3", usd(40), c), noon)
	b.must(b.Settle(t.Context(), "3", Amount{USD: -1000, Tokens: -5}, noon))
	b.want(c, noon, Amount{}, Amount{}, Amount{}) // what is below zero gives nothing back
}

func TestHoldsHealThemselves(t *testing.T) {
	b := books{t, &Memory{}}
	a := account("a", price.Week, Amount{USD: 100})
	for _, id := range []string{"open", "sent", "late", "alive"} {
		b.hold(hold(id, usd(10), a), noon)
	}
	b.must(b.Dispatched(t.Context(), "sent"))
	b.must(b.Dispatched(t.Context(), "alive"))
	b.must(b.Expire(t.Context(), noon.Add(59*time.Minute)))
	b.want(a, noon, Amount{}, Amount{USD: 40, Calls: 4}, Amount{})

	later := noon.Add(time.Hour)
	_, err := b.Extend(t.Context(), "alive", Amount{}, later.Add(time.Hour), later)
	b.must(err)
	b.must(b.Expire(t.Context(), later))
	b.want(a, later, Amount{}, Amount{USD: 20, Calls: 2}, Amount{}) // what was not sent came back
	states := map[string]State{}
	list, err := b.Holds(t.Context())
	b.must(err)
	for _, h := range list {
		states[h.ID] = h.State
	}
	if diff := cmp.Diff(map[string]State{"sent": Presumed, "alive": Sent}, states); diff != "" {
		t.Errorf("holds (-want +got):\n%s", diff)
	}

	b.must(b.Settle(t.Context(), "late", usd(7), later)) // it had been sent after all
	b.want(a, later, usd(7), Amount{USD: 20, Calls: 2}, Amount{USD: 7})
	b.must(b.Release(t.Context(), "sent", later))
	b.must(b.Settle(t.Context(), "sent", usd(5), later))
	b.must(b.Settle(t.Context(), "alive", usd(10), later))
	b.want(a, later, Amount{USD: 22, Calls: 3}, Amount{}, Amount{USD: 12})

	b.hold(hold("gone", usd(10), a), later)
	b.must(b.Dispatched(t.Context(), "gone"))
	b.must(b.Expire(t.Context(), later.Add(2*time.Hour)))
	b.must(b.Expire(t.Context(), noon.AddDate(0, 0, 7))) // its window is over: nobody need release it
	if list, err := b.Holds(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("holds of past windows: %v, %v", list, err)
	}
}

func TestAnExtensionNeedsRoom(t *testing.T) {
	b := books{t, &Memory{}}
	a := account("a", price.Day, Amount{USD: 100})
	b.hold(hold("1", usd(60), a), noon)
	if refused, err := b.Extend(t.Context(), "1", Amount{USD: 101}, noon, noon); err != nil || len(refused) != 1 {
		t.Errorf("41 more on 60 of 100: %v, %v", refused, err)
	}
	if refused, err := b.Extend(t.Context(), "1", Amount{USD: 100}, noon, noon); err != nil || refused != nil {
		t.Errorf("40 more on 60 of 100: %v, %v", refused, err)
	}
	b.want(a, noon, Amount{}, Amount{USD: 100, Calls: 1}, Amount{})
	b.must(b.Settle(t.Context(), "1", usd(95), noon))
	b.want(a, noon, usd(95), Amount{}, Amount{})
	if _, err := b.Extend(t.Context(), "1", Amount{}, noon, noon); !errors.Is(err, ErrNoHold) {
		t.Errorf("extended after it was settled: %v", err)
	}
}

func TestAHoldIsChargedToTheWindowItBeganIn(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		window     price.Window
		last, next string // moments of two windows that touch
		hours      float64
	}{
		{price.Minute, "2026-11-24T12:00:59.999999999Z", "2026-11-24T12:01:00Z", 1. / 60},
		{price.Hour, "2026-11-24T12:59:59Z", "2026-11-24T13:00:00Z", 1},
		{price.Hour, "2026-10-25T02:59:59+02:00", "2026-10-25T02:00:00+01:00", 1}, // the hour that is there twice
		{price.Day, "2026-11-24T23:59:59+01:00", "2026-11-25T00:00:00+01:00", 24},
		{price.Day, "2026-10-25T23:59:59+01:00", "2026-10-26T00:00:00+01:00", 24}, // after a day of 25 hours
		{price.Day, "2026-03-28T23:59:59+01:00", "2026-03-29T00:00:00+01:00", 23}, // before a day of 23
		{price.Day, "2026-10-24T23:59:59+02:00", "2026-10-25T00:00:00+02:00", 25},
		{price.Week, "2026-11-22T23:59:59+01:00", "2026-11-23T00:00:00+01:00", 7 * 24},
		{price.Month, "2026-02-28T23:59:59+01:00", "2026-03-01T00:00:00+01:00", 31*24 - 1},
		{price.Quarter, "2026-09-30T23:59:59+02:00", "2026-10-01T00:00:00+02:00", 92*24 + 1},
		{price.Year, "2026-12-31T23:59:59+01:00", "2027-01-01T00:00:00+01:00", 365 * 24},
	} {
		t.Run(string(c.window)+" "+c.last, func(t *testing.T) {
			b := books{t, &Memory{}}
			a := account("a", c.window, calls(2))
			a.Zone = berlin
			last, next := at(c.last), at(c.next)
			b.hold(hold("1", calls(1), a), last)
			b.hold(hold("2", calls(1), a), last)
			if b.hold(hold("3", calls(1), a), last) {
				t.Error("a third call fits into a window of two")
			}
			b.want(a, next, Amount{}, Amount{}, Amount{})
			if !b.hold(hold("4", calls(1), a), next) {
				t.Error("the next window is full")
			}
			b.must(b.Settle(t.Context(), "1", calls(1), next))
			b.must(b.Release(t.Context(), "2", next))
			b.want(a, next, Amount{}, calls(1), Amount{}) // neither came into it
			u, err := b.Usage(t.Context(), a, next)
			b.must(err)
			if got := u.Until.Sub(u.From).Hours(); !u.From.Equal(next) || got != c.hours {
				t.Errorf("the next window begins %v and has %v hours, want %v and %v", u.From, got, next, c.hours)
			}
		})
	}
}

func TestARollingWindowForgetsWithinASixtieth(t *testing.T) {
	b := books{t, &Memory{}}
	a := account("a", "rolling:1h", calls(2))
	for i, at := range []time.Duration{30 * time.Second, 20 * time.Minute} {
		b.hold(hold(fmt.Sprint(i), calls(1), a), noon.Add(at))
		b.must(b.Settle(t.Context(), fmt.Sprint(i), calls(1), noon.Add(at)))
	}
	for _, c := range []struct {
		after time.Duration
		spent int64
	}{
		{time.Hour, 2},
		{time.Hour + 30*time.Second, 2}, // a whole hour has passed
		{time.Hour + time.Minute, 1},
		{80 * time.Minute, 1},
		{81 * time.Minute, 0},
	} {
		b.want(a, noon.Add(c.after), calls(c.spent), Amount{}, Amount{})
	}
}

func TestALifetimeNeverEnds(t *testing.T) {
	b := books{t, &Memory{}}
	a := account("a", price.Lifetime, calls(1))
	b.hold(hold("1", calls(1), a), noon)
	b.must(b.Settle(t.Context(), "1", calls(1), noon.AddDate(1, 0, 0)))
	refused, err := b.Hold(t.Context(), hold("2", calls(1), a), noon.AddDate(50, 0, 0))
	if err != nil || len(refused) != 1 || !refused[0].Usage.Until.IsZero() {
		t.Errorf("refused %+v, %v, want for ever", refused, err)
	}
}

func TestThePastIsFilledInBesideThePresent(t *testing.T) {
	b := books{t, &Memory{}}
	a := account("a", price.Day, Amount{USD: 100})
	b.hold(hold("1", usd(10), a), noon)
	lost := []Hold{
		{ID: "l1", Call: "l1", Began: noon.Add(-time.Hour), Claims: []Claim{{a, usd(5)}}},
		{ID: "l0", Call: "l0", Began: noon.AddDate(0, 0, -1), Claims: []Claim{{a, usd(50)}}}, // yesterday
	}
	past := []Past{{noon.Add(-2 * time.Hour), usd(20)}, {noon.AddDate(0, 0, -1), usd(99)}}
	b.must(b.Fill(t.Context(), a, past, lost, noon))
	b.want(a, noon, usd(20), Amount{USD: 15, Calls: 2}, Amount{})
	b.must(b.Fill(t.Context(), a, past[:1], lost[:1], noon)) // again: in place of the first
	b.want(a, noon, usd(20), Amount{USD: 15, Calls: 2}, Amount{})
	b.must(b.Settle(t.Context(), "1", usd(8), noon))
	b.must(b.Release(t.Context(), "l1", noon))
	b.want(a, noon, Amount{USD: 28, Calls: 2}, Amount{}, Amount{})
	b.must(b.Forget(t.Context(), "a"))
	b.want(a, noon, Amount{}, Amount{}, Amount{})
}

func BenchmarkHoldAndSettle(b *testing.B) {
	m := &Memory{}
	accounts := []*Account{account("a", price.Day, Amount{USD: price.MaxUSD}), account("b", price.Month, Amount{USD: price.MaxUSD}), account("c", "rolling:24h", Amount{USD: price.MaxUSD})}
	ids := make([]string, 1024)
	for i := range ids {
		ids[i] = fmt.Sprint("0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d.", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now := time.Now()
		h := hold(ids[i%len(ids)], usd(10), accounts...)
		if refused, err := m.Hold(b.Context(), h, now); refused != nil || err != nil {
			b.Fatal(refused, err)
		}
		if err := m.Dispatched(b.Context(), h.ID); err != nil {
			b.Fatal(err)
		}
		if err := m.Settle(b.Context(), h.ID, usd(1), now); err != nil {
			b.Fatal(err)
		}
	}
}
