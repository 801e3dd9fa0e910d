package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/price/advice"
	"github.com/weir-dev/weir/trace"
)

func (m *memoryBudgets) AddBudgetEvent(context.Context, price.BudgetEvent) (bool, error) {
	return false, nil
}

func (m *memoryBudgets) ListBudgetEvents(_ context.Context, q price.BudgetEventQuery) ([]price.BudgetEvent, string, error) {
	m.asked = q
	if q.Cursor == "bad" {
		return nil, "", price.ErrEventCursor
	}
	return m.events, "more", nil
}

func (m *memoryBudgets) ClaimBudgetEvents(context.Context, time.Time, time.Time, int) ([]price.BudgetEvent, error) {
	return nil, nil
}

func (m *memoryBudgets) PruneBudgetEvents(context.Context, time.Time) error { return nil }

func (m *memoryBudgets) SetDelivery(context.Context, string, price.Delivery) error { return nil }

func (m *memoryBudgets) AdviceFacts(_ context.Context, f trace.Filter) (advice.Facts, error) {
	m.filter = f
	m.facts.Span = advice.Span{Since: f.Since, Until: f.Until, First: f.Since, TextsSince: f.Since}
	return m.facts, nil
}

func TestAdvice(t *testing.T) {
	w := newWorld(t)
	w.budgets.facts = advice.Facts{
		Calls: 900, Cost: 5 * price.Dollar,
		Failures: []advice.Failures{
			{Group: advice.Group{Project: "p", Provider: "my-openai", Model: "gpt-4o", Key: "k"}, Calls: 20, Cost: 2 * price.Dollar, IDs: []string{"c1"}},
			{Group: advice.Group{Project: "q", Provider: "my-openai", Model: "gpt-4o"}, Calls: 20, Cost: 50 * price.Cent},
		},
		Writes: []advice.Writes{{Group: advice.Group{Provider: "my-anthropic", Model: "claude-sonnet-4-5"}, Calls: 99, Unread: 90, Unread5m: 4e6, Written: 5e6}},
	}
	var got adviceText
	w.get("/costs/advice?since=30d&project=p", &got)
	if got.Calls != 900 || got.CostUSD != "5.000000000" || got.FloorUSD != "1.000000000" || got.Below != 1 || len(got.Findings) != 2 || len(got.LeftOut) == 0 {
		t.Fatalf("%+v", got)
	}
	if w.budgets.filter.Project != "p" || w.budgets.filter.Until.Sub(w.budgets.filter.Since).Round(time.Hour) != 30*24*time.Hour {
		t.Errorf("asked with %+v", w.budgets.filter)
	}
	first, second := got.Findings[0], got.Findings[1]
	if first.Kind != "unread_writes" || first.Saving != "3.000000000" || second.Kind != "paid_failures" || second.Saving != "2.000000000" {
		t.Errorf("%+v", got.Findings)
	}
	want := map[string]string{"project": "p", "provider": "my-openai", "model": "gpt-4o", "key": "k", "since": got.Since, "until": got.Until}
	if diff := cmp.Diff(want, second.Filter); diff != "" {
		t.Errorf("filter (-want +got):\n%s", diff)
	}
	if len(second.Calls) != 1 || second.Calls[0] != "c1" || first.Calls == nil {
		t.Errorf("calls %v, %v", first.Calls, second.Calls)
	}
	w.get("/costs/advice?min_usd=2.5", &got)
	if len(got.Findings) != 1 || got.Below != 2 {
		t.Errorf("above 2.50: %+v", got)
	}
	w.refused(w.ask("GET", "/costs/advice?min_usd=-1", ""), 400, llm.InvalidRequest, "min_usd")
	w.refused(w.ask("GET", "/costs/advice?since=100d", ""), 400, llm.InvalidRequest, "92 days")
	w.refused(w.ask("GET", "/costs/advice?q=hello", ""), 400, llm.InvalidRequest, "no parameter")
}

// adviceText is advice as clients read it.
type adviceText struct {
	Since, Until string
	Calls        int64
	CostUSD      string `json:"cost_usd"`
	FloorUSD     string `json:"floor_usd"`
	Below        int    `json:"below_floor"`
	Findings     []struct {
		Kind   string
		Filter map[string]string
		Saving string `json:"saving_usd_30d"`
		Calls  []string
	}
	LeftOut []struct{ Kind, Why string } `json:"left_out"`
}

func TestBudgetEventsAreListed(t *testing.T) {
	w := newWorld(t)
	b := price.Budget{ID: "b1", Name: "team a/b", Window: price.Day, LimitUSD: price.Dollar}
	_ = w.budgets.PutBudget(t.Context(), b)
	w.budgets.events = []price.BudgetEvent{
		{
			Budget: "b1", Name: "team a/b", Kind: price.EventThreshold, Percent: 80, Count: 1, From: t0, Until: t0.Add(time.Hour), At: t0, LastAt: t0,
			Limit: price.BudgetFigures{USD: price.Dollar}, Delivery: price.Delivery{State: price.DeliveryWaiting, Tries: 2, Error: "answered 500"},
		},
		{Budget: "b1", Name: "team a/b", Kind: price.EventRefused, Count: 7, At: t0, LastAt: t0, Delivery: price.Delivery{State: price.DeliveryNone}},
	}
	var got struct {
		Events []struct {
			ID, BudgetID, Budget, Kind string
			Threshold                  *int
			Count                      int64
			WindowEndsAt               *time.Time `json:"window_ends_at"`
			Limit                      struct {
				USD   *string
				Calls *int64
			}
			Webhook struct {
				State string
				Tries int
				Error string
			}
		}
		Next string
	}
	for _, path := range []string{"/budgets/events", "/budgets/b1/events", "/budgets/team%20a%2Fb/events?since=1h&limit=2"} {
		w.get(path, &got)
		one, two := got.Events[0], got.Events[1]
		if got.Next != "more" || len(got.Events) != 2 || *one.Threshold != 80 || *one.Limit.USD != "1.000000000" || one.Limit.Calls != nil || one.Webhook.State != "waiting" ||
			one.Webhook.Tries != 2 || one.Webhook.Error != "answered 500" || two.Threshold != nil || two.Count != 7 || two.WindowEndsAt != nil {
			t.Errorf("%s: %+v", path, got)
		}
		if want := map[bool]string{true: "b1"}[path != "/budgets/events"]; w.budgets.asked.Budget != want {
			t.Errorf("%s asks for the events of %q", path, w.budgets.asked.Budget)
		}
	}
	if w.budgets.asked.Limit != 2 || time.Since(w.budgets.asked.Since).Round(time.Minute) != time.Hour {
		t.Errorf("asked %+v", w.budgets.asked)
	}
	w.refused(w.ask("GET", "/budgets/nobody/events", ""), 404, llm.NotFound)
	w.refused(w.ask("GET", "/budgets/events?cursor=bad", ""), 400, llm.InvalidRequest, "cursor")
	w.refused(w.ask("POST", "/budgets/events", "{}"), 405, llm.MethodNotAllowed)
}

func TestThresholdsAndTheBound(t *testing.T) {
	w := newWorld(t)
	make := func(name, more string) map[string]any {
		t.Helper()
		rec := w.ask("POST", "/budgets", fmt.Sprintf(`{"name":%q,"window":"day","limit_usd":"1"%s}`, name, more))
		if rec.Code != http.StatusCreated {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		return decode[map[string]any](t, rec.Body.Bytes())
	}
	for more, want := range map[string]string{
		"": "[50 80 100]", `,"thresholds":[90]`: "[90 100]", `,"soft":[10,100]`: "[10 100]", `,"thresholds":[]`: "[100]", `,"soft":[]`: "[100]",
	} {
		b := make("t"+more, more)
		if got := fmt.Sprint(b["thresholds"]); got != want {
			t.Errorf("%q: thresholds %s, want %s", more, got, want)
		}
		if b["overshoot_bound_usd"] != nil {
			t.Errorf("%q: a bound of what nobody knows: %v", more, b)
		}
	}
	w.refused(w.ask("POST", "/budgets", `{"name":"x","window":"day","limit_usd":"1","thresholds":[80,50]}`), 400, llm.InvalidRequest, "ascending")

	id := make("bound", "")["id"].(string)
	for _, c := range []struct {
		bound *BudgetOvershoot
		want  string
	}{
		{&BudgetOvershoot{USD: price.Cent}, `"overshoot_bound_usd":"0.010000000","unbounded_calls":0`},
		{&BudgetOvershoot{USD: price.Cent, Unbounded: 2}, `"overshoot_bound_usd":null,"unbounded_calls":2`},
		{nil, `"overshoot_bound_usd":null,"unbounded_calls":0`},
	} {
		w.budgets.usage = map[string]BudgetUsage{id: {Overshoot: c.bound}}
		if body := w.ask("GET", "/budgets", "").Body.String(); !strings.Contains(body, c.want) {
			t.Errorf("no %s in %s", c.want, body)
		}
	}
}

// Calls of a dollar an hour are forecast to go on so.
func TestForecasts(t *testing.T) {
	w := newWorld(t)
	now := time.Now().UTC()
	var records []trace.Record
	for i := range 5 * 24 {
		records = append(records, changed(fmt.Sprint("call-", i), func(r *trace.Record) {
			r.Call.Start, r.Call.Cost, r.Call.Project = now.Truncate(time.Hour).Add(-time.Duration(i)*time.Hour-time.Minute), price.Dollar, "p"
		}))
	}
	w.record(records...)
	_ = w.budgets.PutBudget(t.Context(), price.Budget{ID: "b1", Name: "month", Scope: map[string]string{"project": "p"}, Window: price.Month, LimitUSD: price.Dollar})
	_ = w.budgets.PutBudget(t.Context(), price.Budget{ID: "b2", Name: "rolling", Window: "rolling:24h", LimitUSD: price.Dollar})
	w.budgets.usage = map[string]BudgetUsage{"b1": {Spent: BudgetAmount{USD: 90 * price.Cent}}}
	type text struct {
		Method, How, Name string
		Spent             price.USD  `json:"spent_usd"`
		Expected          *price.USD `json:"expected_usd"`
		Low               *price.USD `json:"low_usd"`
		High              *price.USD `json:"high_usd"`
		EndsAt            *time.Time `json:"ends_at"`
		ReachesAt         *time.Time `json:"reaches_at"`
		Over              *float64   `json:"over_percent"`
		Course            []struct{ At time.Time }
	}
	check := func(path string) text {
		t.Helper()
		var got text
		w.get(path, &got)
		if got.Method != "linear" || got.Expected == nil || got.Low == nil || got.High == nil || got.EndsAt == nil || len(got.Course) == 0 {
			t.Fatalf("%s: %+v", path, got)
		}
		want := got.Spent.Float64() + got.EndsAt.Sub(now).Hours()
		if off := got.Expected.Float64() - want; off > 0.1 || off < -0.1 || *got.Low > *got.Expected || *got.High < *got.Expected {
			t.Errorf("%s: expects %s, low %s, high %s; want about %.2f", path, got.Expected, got.Low, got.High, want)
		}
		return got
	}
	check("/costs/forecast")
	check("/costs/forecast?window=week&timezone=Europe/Berlin&project=p")
	b := check("/budgets/month/forecast")
	if b.Spent != 90*price.Cent || b.Name != "month" || b.Over == nil {
		t.Errorf("%+v", b)
	}
	if left := b.EndsAt.Sub(now); left > 10*time.Minute && (b.ReachesAt == nil || b.ReachesAt.Sub(now).Round(time.Minute) != 6*time.Minute || *b.Over != 100) {
		t.Errorf("ten cents are left, and are reached at %v", b.ReachesAt)
	}
	for _, path := range []string{"/costs/forecast?project=nobody", "/budgets/b2/forecast"} {
		var got text
		w.get(path, &got)
		if got.Method != "none" || got.Expected != nil || got.How == "" {
			t.Errorf("%s: %+v", path, got)
		}
	}
	w.refused(w.ask("GET", "/costs/forecast?window=hour", ""), 400, llm.InvalidRequest, "month")
	w.refused(w.ask("GET", "/costs/forecast?since=1h", ""), 400, llm.InvalidRequest, "no parameter")
	w.refused(w.ask("GET", "/budgets/nobody/forecast", ""), 404, llm.NotFound)
}
