package budgettest

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/price"
)

func windows(t *testing.T, open func(testing.TB) budget.Ledger) {
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
			b := books{t, open(t)}
			a := account("a", c.window, calls(2))
			a.Zone = berlin
			last, next := at(c.last), at(c.next)
			b.hold(hold("1", calls(1), a), last)
			b.hold(hold("2", calls(1), a), last)
			if b.hold(hold("3", calls(1), a), last) {
				t.Error("a third call fits into a window of two")
			}
			b.want(a, next, budget.Amount{}, budget.Amount{}, budget.Amount{})
			if !b.hold(hold("4", calls(1), a), next) {
				t.Error("the next window is full")
			}
			b.must(b.Settle(t.Context(), "1", calls(1), next))
			b.must(b.Release(t.Context(), "2", next))
			b.want(a, next, budget.Amount{}, calls(1), budget.Amount{}) // neither came into it
			u, err := b.Usage(t.Context(), a, next)
			b.must(err)
			if got := u.Until.Sub(u.From).Hours(); !u.From.Equal(next) || got != c.hours {
				t.Errorf("the next window begins %v and has %v hours, want %v and %v", u.From, got, next, c.hours)
			}
		})
	}
}

func rolling(t *testing.T, open func(testing.TB) budget.Ledger) {
	b := books{t, open(t)}
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
		b.want(a, noon.Add(c.after), calls(c.spent), budget.Amount{}, budget.Amount{})
	}
}

func lifetime(t *testing.T, open func(testing.TB) budget.Ledger) {
	b := books{t, open(t)}
	a := account("a", price.Lifetime, calls(1))
	b.hold(hold("1", calls(1), a), noon)
	b.must(b.Settle(t.Context(), "1", calls(1), noon.AddDate(1, 0, 0)))
	refused, err := b.Hold(t.Context(), hold("2", calls(1), a), noon.AddDate(50, 0, 0))
	if err != nil || len(refused) != 1 || !refused[0].Usage.Until.IsZero() {
		t.Errorf("refused %+v, %v, want for ever", refused, err)
	}
}

func filled(t *testing.T, open func(testing.TB) budget.Ledger) {
	b := books{t, open(t)}
	a := account("a", price.Day, budget.Amount{USD: 100})
	b.hold(hold("1", usd(10), a), noon)
	lost := []budget.Hold{
		{ID: "l1", Call: "l1", Began: noon.Add(-time.Hour), Claims: []budget.Claim{{Account: a, Amount: usd(5)}}},
		{ID: "l0", Call: "l0", Began: noon.AddDate(0, 0, -1), Claims: []budget.Claim{{Account: a, Amount: usd(50)}}}, // yesterday
	}
	past := []budget.Past{{At: noon.Add(-2 * time.Hour), Amount: usd(20)}, {At: noon.AddDate(0, 0, -1), Amount: usd(99)}}
	b.must(b.Fill(t.Context(), a, past, lost, noon))
	b.want(a, noon, usd(20), budget.Amount{USD: 15, Calls: 2}, budget.Amount{})
	b.must(b.Fill(t.Context(), a, past[:1], lost[:1], noon)) // again: in place of the first
	b.want(a, noon, usd(20), budget.Amount{USD: 15, Calls: 2}, budget.Amount{})
	b.must(b.Settle(t.Context(), "1", usd(8), noon))
	b.must(b.Release(t.Context(), "l1", noon))
	b.want(a, noon, budget.Amount{USD: 28, Calls: 2}, budget.Amount{}, budget.Amount{})
	b.must(b.Forget(t.Context(), a))
	b.want(a, noon, budget.Amount{}, budget.Amount{}, budget.Amount{})
}

func charged(t *testing.T, open func(testing.TB) budget.Ledger) {
	b := books{t, open(t)}
	a := account("a", price.Day, budget.Amount{USD: 100})
	other := account("other", "rolling:24h", calls(5))
	b.must(b.Charge(t.Context(), []*budget.Account{a, other}, usd(30), noon))
	b.want(a, noon, usd(30), budget.Amount{}, budget.Amount{})
	b.want(other, noon, usd(30), budget.Amount{}, budget.Amount{})
	if refused, err := b.Hold(t.Context(), hold("1", usd(71), a), noon); err != nil || len(refused) != 1 || refused[0].Usage.Spent != usd(30) {
		t.Errorf("71 more on 30 of 100: %v, %v", refused, err)
	}
}

// Nanodollars of many millions, a limit between two of them.
func large(t *testing.T, open func(testing.TB) budget.Ledger) {
	b := books{t, open(t)}
	const most = price.USD(900_000_000_123_456_789)
	a := account("a", price.Lifetime, budget.Amount{USD: most})
	b.must(b.Charge(t.Context(), []*budget.Account{a}, budget.Amount{USD: most - 10}, noon))
	if b.hold(hold("1", budget.Amount{USD: 11}, a), noon) {
		t.Error("eleven nanodollars fit into ten")
	}
	if !b.hold(hold("2", budget.Amount{USD: 9}, a), noon) || !b.hold(hold("3", budget.Amount{USD: 1}, a), noon) || b.hold(hold("4", budget.Amount{USD: 1}, a), noon) {
		t.Error("ten nanodollars do not fit into ten")
	}
	b.must(b.Settle(t.Context(), "2", budget.Amount{USD: 3}, noon))
	b.want(a, noon, budget.Amount{USD: most - 7}, budget.Amount{USD: 1}, budget.Amount{})
}

func corrected(t *testing.T, open func(testing.TB) budget.Ledger) {
	b := books{t, open(t)}
	correct := func(a *budget.Account, usd price.USD, at time.Time) {
		t.Helper()
		if j, ok := b.Ledger.(joining); ok {
			b.must(j.Shared.(budget.Corrector).Correct(t.Context(), a, usd, at, noon))
			return
		}
		b.must(b.Ledger.(budget.Corrector).Correct(t.Context(), a, usd, at, noon))
	}
	a, r := account("a", price.Day, budget.Amount{USD: 100}), account("r", "rolling:1h", budget.Amount{USD: 100})
	early := noon.Add(-10 * time.Minute)
	b.must(b.Charge(t.Context(), []*budget.Account{a, r}, usd(10), early))
	b.must(b.Charge(t.Context(), []*budget.Account{a, r}, usd(20), noon))
	b.must(b.Fill(t.Context(), a, []budget.Past{{At: early, Amount: usd(5)}}, nil, noon))
	for _, one := range []*budget.Account{a, r} {
		correct(one, 7, early)
		correct(one, 100, noon.AddDate(0, 0, -1)) // a window that is over
		correct(one, 100, noon.Add(time.Second))
	}
	b.want(a, noon, budget.Amount{USD: 42, Calls: 3}, budget.Amount{}, budget.Amount{})
	b.want(r, noon, budget.Amount{USD: 37, Calls: 2}, budget.Amount{}, budget.Amount{})
	for _, one := range []*budget.Account{a, r} {
		correct(one, -30, early)
	}
	b.want(a, noon, budget.Amount{USD: 12, Calls: 3}, budget.Amount{}, budget.Amount{})
	b.want(r, noon, budget.Amount{USD: 7, Calls: 2}, budget.Amount{}, budget.Amount{})
	for _, one := range []*budget.Account{a, r} {
		correct(one, -3000, early) // down to nothing
	}
	b.want(a, noon, budget.Amount{Calls: 3}, budget.Amount{}, budget.Amount{})
	b.want(r, noon, budget.Amount{Calls: 2}, budget.Amount{}, budget.Amount{})
}
