package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-dev/weir/eval"
)

// demoEval is the evaluation that the support bot's prompt is held to.
const demoEval = "support-answers"

// demoDefinition asks one version of the prompt.
func demoDefinition(version int) eval.Definition {
	least := .7
	return eval.Definition{
		Name: demoEval, Dataset: demoGolden, Concurrency: 16, Repeat: 1,
		Targets: []eval.TargetConfig{{Name: fmt.Sprintf("v%d", version), Prompt: fmt.Sprintf("%s@%d", demoSupport, version), Model: "simulated/gpt-4.1-mini"}},
		Scorers: []eval.ScorerConfig{
			{Name: "like-the-good-answer", Metric: "rougeL"}, {Name: "says-where", Metric: "regex", Pattern: `(?i)account|page|order`}, {Name: "tokens", Metric: "tokens"},
		},
		Gate: eval.Gate{"says-where": {MinPassRate: &least}},
	}
}

// runs asks both versions that are compared, as the console does. They go on by themselves: endRuns waits for them.
func (d *demoStory) runs(ctx context.Context) error {
	if d.s.evals == nil {
		return nil
	}
	if _, err := d.s.stores.datasets.DatasetVersions(ctx, demoGolden); err != nil {
		if errors.Is(err, eval.ErrNoDataset) {
			return nil
		}
		return err
	}
	have, err := d.s.stores.runs.ListRuns(ctx, eval.RunFilter{Name: demoEval}, 10)
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	for version := 3 + len(have); version <= 4; version++ {
		if _, err := d.s.evals.Begin(ctx, demoDefinition(version), demoWriter); err != nil {
			return fmt.Errorf("begin a run of %s: %w", demoEval, err)
		}
	}
	return nil
}

// runsWait bounds how long the start waits for the demo's runs.
const runsWait = 20 * time.Second

// endRuns waits for the demo's runs, for a while: what is late is done soon.
func endRuns(ctx context.Context, s *service) error {
	if s.evals == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, runsWait)
	defer cancel()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		list, err := s.stores.runs.ListRuns(ctx, eval.RunFilter{Name: demoEval, State: eval.Running}, 1)
		if err != nil || len(list) == 0 {
			return err
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil
		}
	}
}
