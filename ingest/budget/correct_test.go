package budget

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

func adjustment(s *trace.Span, by price.USD, priced bool) trace.Adjustment {
	return trace.Adjustment{Call: s, Number: 1, Amount: by, Priced: priced, Status: price.Exact}
}

// What a reprice adds is in the ledger at once: of calls that were settled in it, and of those before.
func TestARepriceIsSeenAtOnce(t *testing.T) {
	s := newStage(t, "")
	before := chat("before")
	s.record(before, 10*price.Cent, trace.StatusOK)
	all := price.Budget{ID: "b", Name: "b", Window: price.Lifetime, LimitUSD: price.Dollar}
	_ = s.shelf.PutBudget(t.Context(), all)
	other := price.Budget{ID: "c", Name: "other's", Window: price.Lifetime, LimitUSD: price.Dollar, Scope: map[string]string{"project": "q"}}
	_ = s.shelf.PutBudget(t.Context(), other)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.background.Wait()
	s.wantSpent("b", Amount{USD: 10 * price.Cent, Tokens: 20, Calls: 1}, Amount{})
	after := chat("after")
	s.mustHold(after)
	s.record(after, 20*price.Cent, trace.StatusOK)
	s.wantSpent("b", Amount{USD: 30 * price.Cent, Tokens: 40, Calls: 2}, Amount{})

	span := func(c *llm.Call) *trace.Span {
		return &trace.Span{ID: c.ID, Start: c.Start, Project: "p", Endpoint: c.Endpoint, Provider: "openai", Model: c.Model, ModelRequested: c.Model}
	}
	s.Adjusted(t.Context(), []trace.Adjustment{adjustment(span(after), 5*price.Cent, false)})
	s.wantSpent("b", Amount{USD: 35 * price.Cent, Tokens: 40, Calls: 2}, Amount{})
	s.Adjusted(t.Context(), []trace.Adjustment{adjustment(span(after), -15*price.Cent, false)})
	s.wantSpent("b", Amount{USD: 20 * price.Cent, Tokens: 40, Calls: 2}, Amount{})

	s.Adjusted(t.Context(), []trace.Adjustment{adjustment(span(before), 7*price.Cent, false)})
	s.wantSpent("b", Amount{USD: 27 * price.Cent, Tokens: 40, Calls: 2}, Amount{})
	s.Adjusted(t.Context(), []trace.Adjustment{adjustment(span(before), -27*price.Cent, false)})
	s.wantSpent("b", Amount{Tokens: 40, Calls: 2}, Amount{})
	s.wantSpent("c", Amount{}, Amount{})
}

func TestACorrectionIsOfItsWindow(t *testing.T) {
	m, zone := &Memory{}, time.UTC
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	day := &Account{ID: "day", Window: price.Day, Zone: zone, Limit: Amount{USD: price.Dollar}}
	rolling := &Account{ID: "rolling", Window: "rolling:1h", Zone: zone, Limit: Amount{USD: price.Dollar}}
	spent := func(a *Account, want price.USD) {
		t.Helper()
		u, err := m.Usage(t.Context(), a, now)
		if err != nil || u.Spent.USD != want {
			t.Errorf("%s: spent %s, %v; want %s", a.ID, u.Spent.USD, err, want)
		}
	}
	correct := func(a *Account, by price.USD, at time.Time) {
		t.Helper()
		if err := m.Correct(t.Context(), a, by, at, now); err != nil {
			t.Fatal(err)
		}
	}
	for _, a := range []*Account{day, rolling} {
		if err := m.Charge(t.Context(), []*Account{a}, Amount{USD: 10 * price.Cent}, now); err != nil {
			t.Fatal(err)
		}
		correct(a, 5*price.Cent, now.Add(-25*time.Hour)) // over
		correct(a, 5*price.Cent, now.Add(time.Hour))     // not yet
		spent(a, 10*price.Cent)
		correct(a, 5*price.Cent, now.Add(-30*time.Minute))
		spent(a, 15*price.Cent)
		correct(a, -price.Dollar, now)
	}
	spent(day, 0) // never below nothing
	spent(rolling, 5*price.Cent)
}

// A call whose cost is not known counts as what was held for it, in the process that sent it, and in the next one by its record.
func TestAnUnknownCostIsTheSameAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, from := range []string{"store", "waiting"} {
			s := newStage(t, "", dollars("b", price.Dollar, price.Expected))
			c := chat("c")
			s.mustHold(c)
			held := s.usage("b").Held.USD
			rec := trace.Record{Call: trace.Span{
				ID: c.ID, Kind: trace.KindCall, Start: c.Start, Duration: time.Second, Project: c.Project, Key: c.Key, KeyID: c.KeyID, Endpoint: c.Endpoint, Provider: "openai",
				ModelRequested: c.Model, Model: "unheard-of", Status: trace.StatusOK, PriceStatus: price.Unpriced, UsageSource: llm.FromProvider,
				Usage: llm.Usage{InputUncached: 8, OutputText: 5},
			}}
			s.Observe(&rec)
			keep := s.Keep(trace.RecorderFunc(func(r *trace.Record) error { s.waiting = append(s.waiting, *r); return nil }))
			if err := keep.Record(&rec); err != nil {
				t.Fatal(err)
			}
			if rec.Call.Held != held || held == 0 {
				t.Errorf("the record says that %s was held, want %s", rec.Call.Held, held)
			}
			want := Amount{USD: held, Tokens: 13, Calls: 1}
			s.wantSpent("b", want, Amount{})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s.away.Store(from == "waiting")
			time.Sleep(time.Minute) // in the bubble
			s.open("")
			s.wantSpent("b", want, Amount{})
			_ = s.Close()
		}
	})
}

// A call that was lost counts against the budget of the provider that it was sent to.
func TestALostCallIsOfItsProvider(t *testing.T) {
	s := newStage(t, "")
	for i, provider := range []string{"openai", "anthropic", ""} {
		lost := lostCall(string(rune('a'+i)), 10*price.Cent)
		lost.Call.Provider = provider
		s.waiting = append(s.waiting, lost)
	}
	mine := dollars("b", price.Dollar, price.Expected)
	mine.Scope = map[string]string{"provider": "openai"}
	_ = s.shelf.PutBudget(t.Context(), mine)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.background.Wait()
	if u := s.usage("b"); u.Held.USD != 20*price.Cent {
		t.Errorf("%+v is held, want that of its own and of the one that nobody knows of", u.Held)
	}
}
