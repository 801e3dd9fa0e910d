package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/price"
)

func TestHappened(t *testing.T) {
	w := newWorld(t)
	read := func(query string) (kinds, text string) {
		t.Helper()
		var list struct {
			Events []struct{ Kind, Name, Text, By, URL string }
		}
		if err := json.Unmarshal([]byte(w.status("GET", "/happened"+query, "", http.StatusOK)), &list); err != nil {
			t.Fatal(err)
		}
		for _, e := range list.Events {
			kinds += e.Kind + " "
			text += strings.Join([]string{e.Kind, e.Name, e.Text, e.By, e.URL}, "|") + "\n"
		}
		return kinds, text
	}
	if kinds, _ := read(""); kinds != "" {
		t.Errorf("at first there are %s", kinds)
	}

	now := time.Now()
	w.status("POST", "/prompts", `{"name":"greet","content":{"messages":[{"role":"user","content":"Hello"}]}}`, http.StatusOK)
	w.status("PUT", "/prompts/greet/labels/production", `{"version":1,"reason":"<b>at last</b>"}`, http.StatusOK)
	if err := w.prices.PutPrice(t.Context(), price.Entry{Provider: "openai", Model: "m", EffectiveFrom: now.Add(-2 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := w.prices.PutPrice(t.Context(), price.Entry{Provider: "openai", Model: "later", EffectiveFrom: now.Add(2 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	w.budgets.events = []price.BudgetEvent{
		{Budget: "b", Name: "team", Kind: price.EventRefused, Count: 3, At: now.Add(-3 * time.Hour), LastAt: now},
		{Budget: "b", Name: "team", Kind: price.EventThreshold, Percent: 80, Count: 1, At: now.Add(-30 * time.Hour), LastAt: now},
	}
	events := []alert.Event{
		{ID: "1", Rule: "slow", At: now.Add(-5 * time.Hour), From: alert.OK, To: alert.Alert, Value: 7, Known: true, Labels: alert.Labels{"model": "m"}},
		{ID: "2", Rule: "slow", At: now.Add(-4 * time.Hour), From: alert.Alert, To: alert.OK},
	}
	if err := w.api.cfg.Alerts.Store().SaveAlerts(t.Context(), alert.Result{Look: alert.Look{Rule: "slow", At: now}, Events: events}); err != nil {
		t.Fatal(err)
	}

	kinds, text := read("")
	if kinds != "prompt price budget alert alert " {
		t.Errorf("what happened is %q:\n%s", kinds, text)
	}
	for _, want := range []string{
		"prompt|greet|production points to version 1: <b>at last</b>|admin|/prompts/greet\n", "price|openai/m|a price set by hand is in force||/models?q=m\n",
		"budget|team|refused 3 calls||/budgets\n", "alert|slow|alert at 7 for model=m||/alerts?rule=slow\n", "alert|slow|fine again||/alerts?rule=slow\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	if kinds, _ := read("?since=2d"); !strings.Contains(kinds, "budget alert alert budget ") {
		t.Errorf("of two days there are %s", kinds)
	}
	if kinds, _ := read("?since=1h"); kinds != "prompt " {
		t.Errorf("of an hour there are %s", kinds)
	}
	w.status("GET", "/happened?since=soon", "", http.StatusBadRequest)
}
