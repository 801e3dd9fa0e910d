// Package alerttest is the contract of an alert.Store as a test.
package alerttest

import (
	"errors"
	"testing"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/price"
)

// At is a moment that the tests count from.
var At = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

// TestStore runs the contract over stores that open makes, each empty.
func TestStore(t *testing.T, open func(*testing.T) alert.Store) {
	t.Run("rules", func(t *testing.T) { rules(t, open(t)) })
	t.Run("states", func(t *testing.T) { states(t, open(t)) })
	t.Run("history", func(t *testing.T) { history(t, open(t)) })
	t.Run("silences", func(t *testing.T) { silences(t, open(t)) })
	t.Run("deliveries", func(t *testing.T) { deliveries(t, open(t)) })
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error %v, want %v", err, kind)
	}
}

func rules(t *testing.T, s alert.Store) {
	ctx, limit := t.Context(), 0.5
	r := alert.Rule{Name: "b", Metric: alert.ErrorRate, Op: alert.GT, Alert: &limit, Window: "5m", Filter: alert.Filter{Tags: map[string]string{"team": "a"}}, GroupBy: []string{"model"}}
	check(t, s.PutAlertRule(ctx, r, true))
	want(t, s.PutAlertRule(ctx, r, true), alert.ErrRuleTaken)
	r.Window = "10m"
	check(t, s.PutAlertRule(ctx, r, false))
	check(t, s.PutAlertRule(ctx, alert.Rule{Name: "a"}, false))
	list, err := s.AlertRules(ctx)
	check(t, err)
	if len(list) != 2 || list[0].Name != "a" || list[1].Window != "10m" || *list[1].Alert != 0.5 || list[1].Filter.Tags["team"] != "a" {
		t.Errorf("%+v", list)
	}
	check(t, s.SaveAlerts(ctx, alert.Result{Look: alert.Look{Rule: "a", At: At}, States: []alert.State{{Rule: "a", Severity: alert.OK, Since: At}}}))
	check(t, s.DeleteAlertRule(ctx, "a"))
	want(t, s.DeleteAlertRule(ctx, "a"), alert.ErrNoRule)
	if left, err := s.AlertStates(ctx, ""); err != nil || len(left) != 0 {
		t.Errorf("the states of a rule that is gone: %v, %v", left, err)
	}
}

func states(t *testing.T, s alert.Store) {
	ctx := t.Context()
	model := func(name string) alert.Labels { return alert.Labels{"model": name} }
	bad := alert.State{Rule: "r", Labels: model("x"), Severity: alert.Alert, Since: At, Value: 0.9, Known: true, At: At, SeenAt: At, AlertFrom: At, Told: alert.Alert, ToldAt: At}
	fine := alert.State{Rule: "r", Labels: model("a"), Severity: alert.OK, Since: At}
	look := alert.Look{Rule: "r", At: At}
	check(t, s.SaveAlerts(ctx, alert.Result{Look: look, States: []alert.State{bad, fine}}))
	check(t, s.SaveAlerts(ctx, alert.Result{Look: alert.Look{Rule: "q", At: At}, States: []alert.State{{Rule: "q", Severity: alert.OK, Since: At}}}))
	check(t, s.AcknowledgeAlert(ctx, "r", bad.Labels.Key(), "ann", At.Add(time.Second)))
	want(t, s.AcknowledgeAlert(ctx, "r", fine.Labels.Key(), "ann", At), alert.ErrNoState)
	want(t, s.AcknowledgeAlert(ctx, "r", "model=z", "ann", At), alert.ErrNoState)

	bad.Value = 0.8 // a look that was begun before the acknowledgement
	check(t, s.SaveAlerts(ctx, alert.Result{Look: look, States: []alert.State{bad}}))
	got, err := s.AlertStates(ctx, "r")
	check(t, err)
	if len(got) != 1 || got[0].AckBy != "ann" || !got[0].AckAt.Equal(At.Add(time.Second)) || got[0].Value != 0.8 || got[0].Labels["model"] != "x" || !got[0].Since.Equal(At) || got[0].Told != alert.Alert {
		t.Errorf("%+v", got)
	}
	bad.Severity, bad.Since = alert.OK, At.Add(time.Minute)
	check(t, s.SaveAlerts(ctx, alert.Result{Look: look, States: []alert.State{bad}}))
	if got, _ = s.AlertStates(ctx, "r"); len(got) != 1 || got[0].AckBy != "" {
		t.Errorf("an acknowledgement of what is over: %+v", got)
	}
	check(t, s.SaveAlerts(ctx, alert.Result{Look: alert.Look{Rule: "r", At: At.Add(time.Hour), Error: "away"}}))
	if got, _ = s.AlertStates(ctx, "r"); len(got) != 1 {
		t.Errorf("a look that failed left %+v", got)
	}
	looks, err := s.AlertLooks(ctx)
	check(t, err)
	if len(looks) != 2 || looks[1].Error != "away" || !looks[1].At.Equal(At.Add(time.Hour)) {
		t.Errorf("%+v", looks)
	}
	check(t, s.ForgetAlerts(ctx, []string{"r"}))
	if got, _ = s.AlertStates(ctx, ""); len(got) != 1 || got[0].Rule != "r" {
		t.Errorf("after forgetting: %+v", got)
	}
	check(t, s.ForgetAlerts(ctx, nil))
	if got, _ = s.AlertStates(ctx, ""); len(got) != 0 {
		t.Errorf("after forgetting all: %+v", got)
	}
}

func history(t *testing.T, s alert.Store) {
	ctx, limit := t.Context(), 3.0
	var events []alert.Event
	for i, id := range []string{"1", "2", "3"} {
		events = append(events, alert.Event{
			ID: id, Rule: []string{"r", "q", "r"}[i], At: At.Add(time.Duration(i) * time.Hour), From: alert.OK, To: alert.Alert, Value: 4, Known: true, Threshold: &limit,
			Top: []alert.Contributor{{By: "user", Name: "<b>ann</b>", Value: 2, Calls: 3}},
		})
	}
	check(t, s.SaveAlerts(ctx, alert.Result{Look: alert.Look{Rule: "r", At: At}, Events: events}))
	got, next, err := s.AlertHistory(ctx, alert.HistoryQuery{Limit: 2})
	check(t, err)
	if len(got) != 2 || got[0].ID != "3" || next == "" || *got[0].Threshold != 3 || got[0].Top[0].Name != "<b>ann</b>" {
		t.Errorf("%+v, next %q", got, next)
	}
	got, next, err = s.AlertHistory(ctx, alert.HistoryQuery{Limit: 2, Cursor: next})
	check(t, err)
	if len(got) != 1 || got[0].ID != "1" || next != "" {
		t.Errorf("the second page: %+v, next %q", got, next)
	}
	if got, _, err = s.AlertHistory(ctx, alert.HistoryQuery{Rule: "r", Since: At.Add(time.Minute), Limit: 9}); err != nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	_, _, err = s.AlertHistory(ctx, alert.HistoryQuery{Limit: 1, Cursor: "nowhere"})
	want(t, err, alert.ErrCursor)
	check(t, s.PruneAlerts(ctx, At.Add(90*time.Minute)))
	if got, _, _ = s.AlertHistory(ctx, alert.HistoryQuery{Limit: 9}); len(got) != 1 {
		t.Errorf("after pruning: %+v", got)
	}
}

func silences(t *testing.T, s alert.Store) {
	ctx := t.Context()
	check(t, s.PutSilence(ctx, alert.Silence{ID: "1", Rule: "r", Labels: alert.Labels{"model": "x"}, From: At, Until: At.Add(time.Hour), By: "ann", Why: "move"}))
	check(t, s.PutSilence(ctx, alert.Silence{ID: "2", From: At, Until: At.Add(2 * time.Hour), By: "ann"}))
	got, err := s.ListSilences(ctx, At)
	check(t, err)
	if len(got) != 2 || got[0].ID != "2" || got[1].Why != "move" || got[1].Labels["model"] != "x" || !got[1].Until.Equal(At.Add(time.Hour)) {
		t.Errorf("%+v", got)
	}
	check(t, s.EndSilence(ctx, "2", "bob", At.Add(time.Minute)))
	want(t, s.EndSilence(ctx, "2", "bob", At.Add(2*time.Minute)), alert.ErrNoSilence)
	want(t, s.EndSilence(ctx, "9", "bob", At), alert.ErrNoSilence)
	if got, _ = s.ListSilences(ctx, At.Add(2*time.Minute)); len(got) != 1 || got[0].ID != "1" {
		t.Errorf("after the end of one: %+v", got)
	}
}

func deliveries(t *testing.T, s alert.Store) {
	ctx, v := t.Context(), 0.5
	one := func(id string) alert.Delivery {
		return alert.Delivery{ID: id, Channel: "ops", At: At, Way: price.Delivery{State: price.DeliveryWaiting, Next: At}, Message: alert.Message{ID: "m", Rule: "r", At: At, Findings: []alert.Finding{{Value: &v}}}}
	}
	check(t, s.SaveAlerts(ctx, alert.Result{Look: alert.Look{Rule: "r", At: At}, Deliveries: []alert.Delivery{one("1")}}))
	check(t, s.AddAlertDelivery(ctx, one("2")))
	got, err := s.ClaimAlertDeliveries(ctx, At, At.Add(time.Minute), 9)
	check(t, err)
	if len(got) != 2 || got[0].Channel != "ops" || *got[0].Message.Findings[0].Value != 0.5 {
		t.Fatalf("%+v", got)
	}
	if got, _ = s.ClaimAlertDeliveries(ctx, At, At.Add(time.Minute), 9); len(got) != 0 {
		t.Errorf("taken twice: %+v", got)
	}
	check(t, s.SetAlertDelivery(ctx, "1", price.Delivery{State: price.DeliveryFailed, Tries: 8, At: At, Error: "answered 500"}))
	check(t, s.SetAlertDelivery(ctx, "2", price.Delivery{State: price.DeliveryDone, Tries: 1, At: At}))
	if got, _ = s.AlertDeliveries(ctx, price.DeliveryFailed, 9); len(got) != 1 || got[0].Way.Error != "answered 500" || got[0].Way.Tries != 8 {
		t.Errorf("%+v", got)
	}
	check(t, s.ResendAlert(ctx, "1", At.Add(time.Hour)))
	want(t, s.ResendAlert(ctx, "1", At), alert.ErrNoDelivery)
	want(t, s.ResendAlert(ctx, "9", At), alert.ErrNoDelivery)
	if got, _ = s.ClaimAlertDeliveries(ctx, At.Add(time.Hour), At.Add(2*time.Hour), 1); len(got) != 1 || got[0].ID != "1" || got[0].Way.Tries != 0 {
		t.Errorf("%+v", got)
	}
	if got, _ = s.AlertDeliveries(ctx, "", 1); len(got) != 1 || got[0].ID != "2" {
		t.Errorf("%+v", got)
	}
	check(t, s.PruneAlerts(ctx, At.Add(time.Hour)))
	if got, _ = s.AlertDeliveries(ctx, "", 9); len(got) != 1 || got[0].ID != "1" {
		t.Errorf("after pruning: %+v", got)
	}
}
