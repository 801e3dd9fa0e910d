package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/llm"
)

// scoresByModels says that models score this run: judges, or those that make vectors.
func (r *evalRun) scoresByModels() bool {
	return slices.ContainsFunc(r.d.Scorers, func(c eval.ScorerConfig) bool { return c.AsksModels() })
}

// scoringModels are those that score a run.
func scoringModels(d *eval.Definition) ([]string, error) {
	var models []string
	for i := range d.Scorers {
		switch c := &d.Scorers[i]; c.Metric {
		case "judge":
			cfg, err := c.JudgeConfig()
			if err != nil {
				return nil, err
			}
			models = append(models, judgeModels(&cfg)...)
		case "cosine":
			models = append(models, c.Model)
		}
	}
	return models, nil
}

// judges gives a run's judges models to ask, and says of each whether a gate may rest on it. endKey ends the key that was made for it, if one
// was.
func (r *evalRun) judges(ctx context.Context, runner *eval.Runner) (endKey func(), err error) {
	endKey = func() {}
	if !r.scoresByModels() {
		return endKey, nil
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	gateway := r.entered
	if gateway == nil {
		if gateway, endKey, err = r.enter(ctx, &runner.Run, client); err != nil {
			return func() {}, err
		}
	}
	models, err := scoringModels(&r.d)
	if err != nil {
		return endKey, err
	}
	ask := judge.AskerConfig{
		Send: judge.Over(gateway.URL, gateway.Key, gateway.Client), Price: judgePrices(ctx, r.c, models),
		Call: llm.Call{Session: runner.Run.ID, Tags: map[string]string{"eval_run": runner.Run.ID, "weir": "judge"}},
	}
	if most := r.d.MaxCost; most != nil && allPriced(ask.Price, models) {
		ask.Limit = *most // beside the run's own count, which looks back only
	}
	runner.Judges = eval.Judges{Asker: judge.NewAsker(ask), Prompts: judgePrompts(r.c)}
	for i := range runner.Run.Definition.Scorers {
		if c := &runner.Run.Definition.Scorers[i]; c.Metric == "judge" {
			if c.Fitness, err = r.fitness(ctx, c, runner.Judges); err != nil {
				return endKey, err
			}
			if _, gated := r.d.Gate[c.Name]; gated && !c.Fitness.MayGate() {
				r.s.note("scorer %s: no gate may rest on it: %s", c.Name, c.Fitness.Reason)
			}
		}
	}
	return endKey, nil
}

// allPriced says that all models have a known price.
func allPriced(p judge.Price, models []string) bool {
	for _, m := range models {
		if _, ok := p(m, llm.Usage{InputUncached: 1}); !ok {
			return false
		}
	}
	return true
}

// fitness reads a judge's comparison with people.
func (r *evalRun) fitness(ctx context.Context, c *eval.ScorerConfig, with eval.Judges) (*judge.Fitness, error) {
	cfg, err := c.JudgeConfig()
	if err != nil {
		return nil, err
	}
	j, err := judge.New(ctx, cfg, with.Asker, with.Prompts)
	if err != nil {
		return nil, err
	}
	var calibration *judge.Calibration
	if c.Calibration != "" {
		if calibration, err = readCalibration(besides(r.file, c.Calibration)); err != nil {
			return nil, err
		}
	}
	f := calibration.Fitness(j.Version(), c.Floor)
	return &f, nil
}
