package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/price"
)

const politeRule = `{"name":"polite","rate":0.5,"by":"session","filter":{"project":"shop","tags":{"a":"b"}},"budget_usd":"1.000000000","scorers":[{"metric":"contains","values":["please"]},{"name":"helpful","metric":"judge","judge":{"rubric":"helpfulness","model":"m"}}]}`

func TestOnlineRules(t *testing.T) {
	w := newWorld(t)
	if got := w.ask("GET", "/evals/online", "").Body.String(); !strings.Contains(got, `"rules":[]`) {
		t.Errorf("no rules: %s", got)
	}
	for body, param := range map[string]string{
		`{"name":"polite","rate":0,"scorers":[{"metric":"json_valid"}]}`:                           "rate",
		`{"name":"polite","rate":1,"scorers":[{"metric":"process","command":["id"]}]}`:             "scorers.0",
		`{"name":"polite","rate":1,"when":"now","scorers":[{"metric":"json_valid"}]}`:              "when",
		`{"name":"<script>","rate":1,"scorers":[{"metric":"json_valid"}]}`:                         "name",
		`{"name":"polite","rate":1,"condition":"1 +","scorers":[{"metric":"json_valid"}]}`:         "condition",
		`{"name":"polite","rate":1,"filter":{"colour":"red"},"scorers":[{"metric":"json_valid"}]}`: "colour",
	} {
		if got := w.ask("POST", "/evals/online", body); got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), `"param":"`+param+`"`) {
			t.Errorf("%s: %d %s, want 400 of %s", body, got.Code, got.Body, param)
		}
	}
	if got := w.ask("POST", "/evals/online", politeRule); got.Code != http.StatusCreated || !strings.Contains(got.Body.String(), `"author":"admin"`) {
		t.Fatalf("set: %d %s", got.Code, got.Body)
	}

	now := time.Now()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(w.online.TakeCalls(t.Context(), "polite", 0, online.Position{From: now, Until: now}, []online.Taken{{CallID: "a", Due: now}, {CallID: "b", Due: now}}, time.Time{}, now))
	_, err := w.online.DecideCall(t.Context(), "polite", "a", []online.Decision{
		{Scorer: "contains", Outcome: online.Scored}, {Scorer: "helpful", Outcome: online.Failed, Reason: online.Unscorable, Detail: "<b>", Cost: price.USD(2_000_000)},
	}, now)
	check(err)
	day, mean := now.UTC().Truncate(24*time.Hour).Add(-24*time.Hour), 0.25
	check(w.online.PutDrift(t.Context(), []online.Drift{
		{Rule: "polite", Scorer: "helpful", Version: "polite@other", Day: day, State: online.Steady},
		{Rule: "polite", Scorer: "contains", Version: (&online.Rule{}).Version(), Day: day.Add(-24 * time.Hour), State: online.Drifted, Mean: &mean},
	}))
	got := w.ask("GET", "/evals/online?since=2h", "").Body.String()
	for _, want := range []string{
		`"waiting":1`, `"eligible":2,"scored":1,"skipped":{},"failed":{"unscorable":1},"cost_usd":"0.002000000"`, `"spent_today_usd":"0.002000000"`,
		`{"outcome":"failed","reason":"unscorable","calls":1,"detail":"\u003cb\u003e"}`, `"scored":1,"skipped":0,"failed":1,"cost_usd":"0.002000000"`, `"drift":null`, `"rate":0.5`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the list lacks %s:\n%s", want, got)
		}
	}
	if got := w.ask("GET", "/scores/drift?state=drifted", "").Body.String(); !strings.Contains(got, `"scorer":"contains"`) || strings.Contains(got, `"scorer":"helpful"`) {
		t.Errorf("what has drifted: %s", got)
	}
	if got := w.ask("GET", "/scores/drift?state=odd", ""); got.Code != http.StatusBadRequest {
		t.Errorf("an unknown state: %d", got.Code)
	}
	for _, want := range []int{http.StatusNoContent, http.StatusNotFound} {
		if got := w.ask("DELETE", "/evals/online?name=polite", ""); got.Code != want {
			t.Errorf("remove: %d %s, want %d", got.Code, got.Body, want)
		}
	}
	if got := w.ask("DELETE", "/evals/online", ""); got.Code != http.StatusBadRequest {
		t.Errorf("remove nothing: %d", got.Code)
	}
}
