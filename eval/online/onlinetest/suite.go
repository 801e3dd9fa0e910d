package onlinetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/price"
)

var (
	noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	hour = noon.Add(time.Hour)
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", what, diff)
	}
}

func rule(name string) online.Rule {
	usd := price.USD(250_000_000)
	return online.Rule{
		Name: name, Rate: 0.25, By: online.BySession, Filter: online.Filter{Project: "p", Tags: map[string]string{"a": "b"}}, Budget: &usd, Delay: eval.Duration(time.Minute),
		Scorers: []eval.ScorerConfig{{Name: "polite", Metric: "contains", Values: []string{"please"}}, {Name: "long", Metric: "expression", Expression: "1.0"}}, Author: "me", UpdatedAt: noon,
	}
}

// TestStore checks the contract of online.Store on an empty store.
func TestStore(t *testing.T, db online.Store) {
	t.Helper()
	ctx := t.Context()
	a := rule("a")
	check(t, db.PutOnlineRule(ctx, rule("b")))
	check(t, db.PutOnlineRule(ctx, a))
	rules, err := db.OnlineRules(ctx)
	check(t, err)
	equal(t, "rules", rules, []online.Stored{{Rule: a}, {Rule: rule("b")}})

	first := online.Position{From: noon, Until: hour, Minute: noon, Taken: 3}
	calls := []online.Taken{
		{CallID: "c1", Came: noon, Due: noon.Add(2 * time.Minute)},
		{CallID: "c2", Came: noon, Due: noon.Add(time.Minute)},
		{CallID: "c3", Came: noon, Decided: []online.Decision{{Scorer: "polite", Outcome: online.Skipped, Reason: online.OverRate}, {Scorer: "long", Outcome: online.Skipped, Reason: online.OverRate}}},
	}
	check(t, db.TakeCalls(ctx, "a", 0, first, calls, time.Time{}, hour))
	if err := db.TakeCalls(ctx, "a", 0, first, calls, time.Time{}, hour); !errors.Is(err, online.ErrMoved) {
		t.Errorf("take from an old position: %v, want ErrMoved", err)
	}
	if err := db.TakeCalls(ctx, "none", 0, first, calls, time.Time{}, hour); !errors.Is(err, online.ErrMoved) {
		t.Errorf("take for no rule: %v, want ErrMoved", err)
	}
	check(t, db.TakeCalls(ctx, "a", 1, first, append(calls, online.Taken{CallID: "c4", Came: hour, Due: hour}), time.Time{}, hour)) // three of them again
	a.Rate = 0.5
	check(t, db.PutOnlineRule(ctx, a)) // its position stays
	rules, err = db.OnlineRules(ctx)
	check(t, err)
	first.Moves = 2
	equal(t, "the rule that took calls", rules[0], online.Stored{Rule: a, Position: first, Waiting: 3})

	ids, err := db.WaitingCalls(ctx, "a", noon.Add(2*time.Minute), 10)
	check(t, err)
	equal(t, "what waits", ids, []string{"c2", "c1"})
	ids, err = db.WaitingCalls(ctx, "a", hour, 1)
	check(t, err)
	equal(t, "one of what waits", ids, []string{"c2"})

	scored := []online.Decision{{Scorer: "polite", Outcome: online.Scored, Cost: 5, Unpriced: 1}, {Scorer: "long", Outcome: online.Failed, Reason: online.Unscorable, Detail: "why"}}
	for _, want := range []bool{true, false} { // the second time it does not wait
		got, err := db.DecideCall(ctx, "a", "c2", scored, hour)
		check(t, err)
		equal(t, "decided", got, want)
	}
	scored[1].Detail = ""
	_, err = db.DecideCall(ctx, "a", "c1", scored, hour.Add(time.Minute))
	check(t, err)
	entries, err := db.Ledger(ctx, "a", noon)
	check(t, err)
	want := []online.Entry{
		{Rule: "a", Scorer: "long", Hour: hour, Outcome: online.Failed, Reason: online.Unscorable, Calls: 2, Detail: "why"},
		{Rule: "a", Scorer: "long", Hour: hour, Outcome: online.Skipped, Reason: online.OverRate, Calls: 1},
		{Rule: "a", Scorer: "polite", Hour: hour, Outcome: online.Scored, Calls: 2, Cost: 10, Unpriced: 2},
		{Rule: "a", Scorer: "polite", Hour: hour, Outcome: online.Skipped, Reason: online.OverRate, Calls: 1},
	}
	equal(t, "ledger", entries, want)

	// Decided calls are forgotten when they are old; those that wait are not.
	check(t, db.TakeCalls(ctx, "a", 2, first, nil, hour, hour))
	check(t, db.TakeCalls(ctx, "a", 3, first, calls[:1], time.Time{}, hour))
	rules, err = db.OnlineRules(ctx)
	check(t, err)
	equal(t, "waiting after one was forgotten and came again", rules[0].Waiting, int64(2))

	check(t, db.RemoveOnlineRule(ctx, "a", hour.Add(time.Hour)))
	if err := db.RemoveOnlineRule(ctx, "a", hour); !errors.Is(err, online.ErrNoRule) {
		t.Errorf("remove again: %v, want ErrNoRule", err)
	}
	entries, err = db.Ledger(ctx, "", hour.Add(time.Hour))
	check(t, err)
	equal(t, "what waited for the removed rule", entries, []online.Entry{
		{Rule: "a", Scorer: "long", Hour: hour.Add(time.Hour), Outcome: online.Skipped, Reason: online.Removed, Calls: 2},
		{Rule: "a", Scorer: "polite", Hour: hour.Add(time.Hour), Outcome: online.Skipped, Reason: online.Removed, Calls: 2},
	})
	got, err := db.DecideCall(ctx, "a", "c4", scored, hour)
	check(t, err)
	equal(t, "decided without a rule", got, false)

	day, mean := noon.Truncate(24*time.Hour), 0.5
	drifts := []online.Drift{{Rule: "a", Scorer: "long", Day: day, State: online.Drifted, Mean: &mean}, {Rule: "a", Scorer: "polite", Day: day, State: online.TooFew}}
	check(t, db.PutDrift(ctx, drifts))
	older := online.Drift{Rule: "a", Scorer: "long", Day: day.Add(-24 * time.Hour), State: online.Steady}
	check(t, db.PutDrift(ctx, []online.Drift{older}))
	drifts[1].State = online.Steady
	check(t, db.PutDrift(ctx, drifts[1:]))
	rows, err := db.Drifts(ctx, older.Day)
	check(t, err)
	equal(t, "drift", rows, append(drifts, older))
	check(t, db.ForgetOnline(ctx, hour.Add(time.Hour)))
	entries, err = db.Ledger(ctx, "", time.Time{})
	check(t, err)
	rows, err = db.Drifts(ctx, time.Time{})
	check(t, err)
	equal(t, "what is left after all was forgotten", []int{len(entries), len(rows)}, []int{2, 0})
}
