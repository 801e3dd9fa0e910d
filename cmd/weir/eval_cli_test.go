package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/price"
)

// TestEvalScripts runs the command line, each verb a process of its own, against a weir that serves. Scripts find WEIR_URL and WEIR_ADMIN_TOKEN
// in their environment, and keep a run's id by keep-run.
func TestEvalScripts(t *testing.T) {
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 1})
	cfg.Data = t.TempDir()
	w := startWeirOn(t, cfg)
	t.Run("served", func(t *testing.T) { serveARun(t, w) })
	testscript.Run(t, testscript.Params{
		Dir: "testdata/evals",
		Setup: func(env *testscript.Env) error {
			env.Setenv("WEIR_URL", w.url)
			env.Setenv("WEIR_ADMIN_TOKEN", w.admin.Reveal())
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "keep-run": keepRun},
	})
}

// serveARun has the weir make a run of its own, and reads it back: the figures, what judges' vectors took beside the answers, the calls.
func serveARun(t *testing.T, w *service) {
	w.post(t, http.MethodPost, "/datasets", `{"name":"served","items":[{"id":"a","input":"hello","expected":"hello"},{"id":"b","input":"bye","expected":"bye"}]}`, http.StatusCreated, nil)
	definition := `{"definition":{"name":"served","dataset":"served","repeat":2,"max_cost_usd":"1","targets":[{"name":"mini","model":"gpt-4o-mini","parameters":{"max_tokens":20}}],` +
		`"scorers":[{"metric":"exact"},{"metric":"cosine","model":"text-embedding-3-small"}]}}`
	var estimate eval.Estimate
	w.post(t, http.MethodPost, "/evals/estimate", definition, http.StatusOK, &estimate)
	if estimate.Calls != 8 || estimate.Cost == 0 || len(estimate.Unpriced) != 0 {
		t.Errorf("estimated %+v", estimate)
	}
	var run eval.Run
	w.post(t, http.MethodPost, "/evals", definition, http.StatusCreated, &run)
	deadline := time.Now().Add(time.Minute)
	for run.State == eval.Running && time.Now().Before(deadline) {
		<-time.After(20 * time.Millisecond)
		w.post(t, http.MethodGet, "/evals/"+run.ID, "", http.StatusOK, &run)
	}
	like := run.Summary.Of("mini", "cosine")
	if run.State != eval.Done || like == nil || like.Scored != 4 || like.Cost == nil || *like.Cost == 0 || run.Summary.Targets[0].Cost == 0 || run.Summary.Targets[0].ScoreCost != *like.Cost || like.Interval == nil {
		t.Fatalf("%s %q: %+v", run.State, run.Reason, run.Summary)
	}
	var page struct{ Results []eval.Result }
	w.post(t, http.MethodGet, "/evals/"+run.ID+"/results", "", http.StatusOK, &page)
	if len(page.Results) != 4 {
		t.Fatalf("%d results", len(page.Results))
	}
	w.settle(t)
	var cost price.USD
	for i := range page.Results {
		r := &page.Results[i]
		if c := w.call(t, r.Answer.CallID).Call; c.Project != evalsProject || c.User != "admin" || c.Tags["eval_run"] != run.ID {
			t.Errorf("recorded %+v", c)
		}
		if r.Scores["cosine"].Cost != nil {
			cost += *r.Scores["cosine"].Cost
		}
	}
	if cost != *like.Cost {
		t.Errorf("the items' scores cost %s, and their sum is %s", cost, *like.Cost)
	}
}

// keepRun puts the id of the run that was just made into the environment: keep-run RUN.
func keepRun(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keep-run NAME")
	}
	var made struct{ Run string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &made))
	if made.Run == "" {
		ts.Fatalf("no run was made")
	}
	ts.Setenv(args[0], made.Run)
}
