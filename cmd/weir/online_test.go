package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/eval/online"
)

// scoresLiveCalls lets a rule score what is asked of a weir whose model prose is no judge, and whose model five has no price. The prompt strict is in its registry.
func scoresLiveCalls(t *testing.T, w *service) {
	rule := linesFile(t, "rule.yaml", "name: live", "rate: 1", `filter: {user: visitor}`, "scorers:",
		`  - {name: short, metric: expression, expression: "len(answer) < 10000"}`,
		`  - {name: live_five, metric: judge, judge: {rubric: helpfulness, model: five, prompt: strict@1}}`,
		`  - {name: live_mini, metric: judge, judge: {rubric: helpfulness, model: gpt-4o-mini}}`,
		`  - {name: live_prose, metric: judge, judge: {rubric: helpfulness, model: prose}}`)
	if _, said, err := does(t, "eval", "online", "set", rule, "--url", w.url); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	status := func() (r shownOnline) {
		t.Helper()
		out, said, err := does(t, "eval", "online", "status", "live", "--url", w.url, "--json")
		var list struct{ Rules []shownOnline }
		if err != nil || json.Unmarshal([]byte(out), &list) != nil || len(list.Rules) != 1 {
			t.Fatalf("%v\n%s\n%s", err, out, said)
		}
		return list.Rules[0]
	}
	until := func(what string, is func(shownOnline) bool) shownOnline {
		t.Helper()
		deadline := time.Now().Add(90 * time.Second)
		for {
			r := status()
			if is(r) {
				return r
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: not in 90 s: %+v", what, r)
			}
			<-time.After(50 * time.Millisecond)
		}
	}
	until("the rule begins", func(r shownOnline) bool { return !r.LookedUntil.IsZero() })
	for _, user := range []string{"visitor", "visitor", "another"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.gateway+"/chat/completions", bytes.NewReader([]byte(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}],"max_tokens":5}`)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+w.firstKey.Reveal())
		req.Header.Set("X-Weir-User", user)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	got := until("both calls are decided", func(r shownOnline) bool { w.settle(t); return r.Totals.Eligible >= 8 })
	if got.Totals.Eligible != 8 || got.Totals.Scored != 6 || got.Totals.Failed[online.Unscorable] != 2 || got.Waiting != 0 || got.Totals.Cost <= 0 || got.Totals.Unpriced == 0 { // five has no price
		t.Errorf("the ledger is %+v", got.Totals)
	}
	var scores struct {
		Scores []struct {
			Source, Author string
			Value          float64
			Config         string  `json:"config_version"`
			Cost           *string `json:"cost_usd"`
			User           string
		}
	}
	w.get(t, "/scores?name=live_five", &scores)
	if len(scores.Scores) != 2 {
		t.Fatalf("scores %+v, want two", scores)
	}
	// Equal questions are asked by both workers at once, or once: the first has a cost in any case.
	for _, s := range scores.Scores {
		if s.Source != "judge" || s.Author != "online:live" || s.Value != 1 || !strings.HasPrefix(s.Config, "live@") || s.User != "visitor" {
			t.Errorf("the score is %+v", s)
		}
	}
	w.settle(t)
	var asked struct{ Calls []apiCall }
	w.get(t, "/calls?project=online&tag.online=live&limit=100", &asked)
	if len(asked.Calls) == 0 {
		t.Error("the judge's questions are not recorded on the account of online")
	}
	if out, said, err := does(t, "eval", "online", "list", "--url", w.url); err != nil || !strings.Contains(out, "live") {
		t.Errorf("list: %v\n%s\n%s", err, out, said)
	}
	if _, said, err := does(t, "eval", "online", "remove", "live", "--url", w.url); err != nil {
		t.Errorf("remove: %v\n%s", err, said)
	}
	if _, _, err := does(t, "eval", "online", "status", "live", "--url", w.url); err == nil {
		t.Error("the removed rule is there")
	}
}
