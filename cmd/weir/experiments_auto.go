package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
)

const (
	lookEvery = 2 * time.Minute
	// autoAuthor signs what weir does to experiments by itself.
	autoAuthor = "weir"
	autoLease  = "experiments"
)

// autopilot looks at running experiments that ask for it and does what their verdicts say: stop for harm, raise the traffic, promote
// the winner. Of several weirs one looks, and no step is taken on an experiment that has changed since it was looked at.
type autopilot struct {
	store   experiment.Store
	leases  experiment.Leases
	owner   string // this weir among those that share the store
	reader  experiment.Reader
	changed func(context.Context) prompts.Convergence // called after a step
	promote func(context.Context, api.Promotion) (string, error)
	log     *slog.Logger
}

// Run looks again and again until ctx ends.
func (p *autopilot) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := p.look(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("experiments could not be looked at; automatic steps wait", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look looks at all once. One that cannot be looked at keeps none from it.
func (p *autopilot) look(ctx context.Context) error {
	mine, err := p.leases.TakeLease(ctx, autoLease, p.owner, 2*lookEvery)
	if err != nil || !mine {
		return err
	}
	records, err := p.store.Experiments(ctx)
	if err != nil {
		return err
	}
	var all []error
	for i := range records {
		r := &records[i]
		if r.Status != experiment.Running || r.Auto == (experiment.Automation{}) {
			continue
		}
		if err := p.step(ctx, r); err != nil && !errors.Is(err, experiment.ErrConflict) { // somebody was quicker: the next look sees it
			all = append(all, fmt.Errorf("experiment %s: %w", r.Name, err))
		}
	}
	return errors.Join(all...)
}

// step does what is to be done about one.
func (p *autopilot) step(ctx context.Context, r *experiment.Record) error {
	analysis, err := experiment.Analyse(ctx, p.reader, &r.Experiment, experiment.Options{Now: time.Now()})
	if err != nil {
		return err
	}
	verdict := experiment.Decide(&r.Experiment, analysis)
	action, ok := experiment.Next(&r.Experiment, analysis, &verdict)
	if !ok {
		return nil
	}
	step := experiment.Step{Author: autoAuthor, Reason: action.Reason, At: time.Now(), Expect: r.Revision}
	switch action.Do {
	case experiment.Stop:
		_, err = p.store.ChangeExperiment(ctx, r.Name, experiment.Cease(r.Name, step))
	case experiment.TakeOut:
		_, err = p.store.ChangeExperiment(ctx, r.Name, experiment.Reweigh(r.Name, step, 0, action.Weights))
	case experiment.Raise:
		_, err = p.store.ChangeExperiment(ctx, r.Name, experiment.Reweigh(r.Name, step, action.Traffic, nil))
	case experiment.Promote:
		_, err = p.promote(ctx, api.Promotion{Experiment: r.Name, Arm: action.Arm, Step: step})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", action.Do, err)
	}
	p.changed(ctx)
	p.log.Info("an experiment was changed by its own verdict", "experiment", r.Name, "did", string(action.Do), "reason", action.Reason)
	return nil
}

// freshExperiments is the analysis side of a store in front of which records wait; see freshReader.
type freshExperiments struct {
	experiment.Reader
	fresh freshReader
}

// Growth is what every analysis begins with.
func (f freshExperiments) Growth(ctx context.Context, q experiment.Query, step time.Duration) ([]experiment.Growth, error) {
	f.fresh.fresh(ctx)
	return f.Reader.Growth(ctx, q, step)
}
