package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/prompts"
)

// gateRuns is how many runs of an evaluation are looked through for one of a version.
const gateRuns = 100

// evalGates answers for the gates of protected labels from the runs that are stored. The gate of a label is the name of an evaluation.
type evalGates struct {
	runs    eval.Runs
	results eval.Results
}

var _ prompts.Gate = evalGates{}

// Gate implements prompts.Gate: the newest run of that name that is done, and that asked with exactly this version, is held against the gate it was
// made with, item by item as it is stored.
func (g evalGates) Gate(ctx context.Context, name string, v prompts.Version) (prompts.GateReport, error) {
	ref := fmt.Sprintf("%s@%d", v.Name, v.Number)
	runs, err := g.runs.ListRuns(ctx, eval.RunFilter{Name: name, State: eval.Done}, gateRuns)
	if err != nil {
		return prompts.GateReport{}, err
	}
	for i := range runs {
		run := &runs[i]
		at := slices.IndexFunc(run.Summary.Targets, func(t eval.TargetSummary) bool { return slices.Equal(t.Prompts, []string{ref}) })
		if at < 0 {
			continue
		}
		return g.judge(ctx, run, run.Summary.Targets[at].Target, ref)
	}
	return prompts.GateReport{Report: fmt.Sprintf("no run of the evaluation %s asked with %s: weir eval run makes one", name, ref)}, nil
}

// judge holds one target of a run against the run's gate.
func (g evalGates) judge(ctx context.Context, run *eval.Run, target, ref string) (prompts.GateReport, error) {
	if len(run.Definition.Gate) == 0 {
		return prompts.GateReport{Report: fmt.Sprintf("run %s of %s has no gate in its file", run.ID, run.Name)}, nil
	}
	of := run.Definition.Target(target)
	if of == nil {
		return prompts.GateReport{}, fmt.Errorf("run %s is damaged: it has figures of %s, and no such target", run.ID, target)
	}
	one := *run
	one.Definition.Targets = []eval.TargetConfig{*of}
	var results []eval.Result
	for row, err := range g.results.Results(ctx, run.ID, target, eval.Key{}, 0) {
		if err != nil {
			return prompts.GateReport{}, err
		}
		if row.Answer.Error == "" && row.Answer.Prompt != ref {
			continue // it then counts as missing
		}
		results = append(results, row.Result)
	}
	verdict, err := eval.Judge(&one, results, run.Definition.Gate, run.Baseline)
	if err != nil {
		return prompts.GateReport{}, err
	}
	return prompts.GateReport{Known: true, Passed: verdict.Passed, Report: "run " + run.ID + "\n" + strings.TrimSpace(verdict.Text())}, nil
}
