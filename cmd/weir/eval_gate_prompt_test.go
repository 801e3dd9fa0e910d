package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/evaltest"
	"github.com/weir-dev/weir/prompts"
)

// A protected label's gate is answered by the newest run that asked with exactly this version, from what is stored of each item.
func TestGatesOfLabelsAreAnsweredByRuns(t *testing.T) {
	var db evaltest.Memory
	ctx := t.Context()
	least := 0.9
	put := func(id string, state eval.RunState, asked []string, scores ...float64) {
		t.Helper()
		run := eval.Run{
			ID: id, Name: "greeting", State: eval.Running, Items: len(scores), Snapshot: "h", CreatedAt: time.Now(),
			Definition: eval.Definition{
				Name: "greeting", Repeat: 1, Targets: []eval.TargetConfig{{Name: "now", Prompt: "greet@prod"}, {Name: "new", Prompt: "greet@3"}},
				Scorers: []eval.ScorerConfig{{Name: "exact", Metric: "exact"}}, Gate: eval.Gate{"exact": {MinMean: &least}},
			},
			Summary: eval.Summary{Targets: []eval.TargetSummary{{Target: "now", Prompts: []string{"greet@2"}}, {Target: "new", Prompts: asked}}},
		}
		var rows []eval.Row
		for i, v := range scores {
			for _, target := range []string{"now", "new"} {
				row := eval.Row{Result: eval.Result{Key: eval.Key{Target: target, Item: fmt.Sprint(i), Repeat: 1}, Answer: eval.Answer{Prompt: asked[0]}, Scores: map[string]eval.Score{"exact": {State: eval.Scored, Value: v}}}}
				if target == "now" {
					row.Answer.Prompt, row.Scores = "greet@2", map[string]eval.Score{"exact": {State: eval.Scored}}
				}
				rows = append(rows, row)
			}
		}
		if err := db.PutResults(ctx, id, rows); err != nil {
			t.Fatal(err)
		}
		run.State = state
		if err := db.PutRun(ctx, run); err != nil {
			t.Fatal(err)
		}
	}
	gate := func(name string, version int) prompts.GateReport {
		t.Helper()
		got, err := evalGates{&db, &db}.Gate(ctx, name, prompts.Version{Name: "greet", Number: version})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := gate("greeting", 3); got.Known || !strings.Contains(got.Report, "no run of the evaluation greeting asked with greet@3") {
		t.Errorf("without a run: %+v", got)
	}
	put("r1", eval.Done, []string{"greet@3"}, 1, 0)
	if got := gate("greeting", 3); !got.Known || got.Passed || !strings.Contains(got.Report, "FAIL  new / exact / min_mean: mean 0.5") {
		t.Errorf("a run that fails: %+v", got)
	}
	put("r2", eval.Done, []string{"greet@3"}, 1, 1)
	if got := gate("greeting", 3); !got.Passed {
		t.Errorf("a newer one that passes: %+v", got)
	}
	put("r3", eval.Stopped, []string{"greet@3"}, 0)
	put("r4", eval.Done, []string{"greet@3", "greet@4"}, 0, 0)
	if got := gate("greeting", 3); !got.Passed || !strings.Contains(got.Report, "run r2") {
		t.Errorf("runs that are not done, or asked with several versions, do not count: %+v", got)
	}
	if got := gate("greeting", 2); !got.Known || got.Passed {
		t.Errorf("the other target's version: %+v", got)
	}
	for name, version := range map[string]int{"greeting": 4, "other": 3} {
		if got := gate(name, version); got.Known || got.Passed {
			t.Errorf("%s for version %d: %+v", name, version, got)
		}
	}
}
