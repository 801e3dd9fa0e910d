package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/trace"
)

// The experiments of the demo: one that was decided, and one that runs.
const (
	demoWon  = "support-next-step"
	demoRuns = "support-two-sentences"
)

// demoTrial is an experiment of the demo and when it ran.
type demoTrial struct {
	name, yaml  string
	from, until float64 // of the story; until 0: it still runs
	begun       string  // why
	ended       string
	winner      string
}

// Both compare what production points to with the next version.
var demoTrials = []demoTrial{
	{
		name: demoWon, from: .37, until: .695, winner: "next-step",
		begun: "Does it help to say the next step first?", ended: "Helpful answers went up, and it costs less.",
		yaml: `{"name": "support-next-step", "unit": "user", "prompt": "support-answer", "target": "label == \"production\"",
			"arms": [{"name": "control", "prompt": "support-answer@2", "weight": 50}, {"name": "next-step", "prompt": "support-answer@3", "weight": 50}],
			"metrics": {
				"primary": {"metric": "score:helpful", "direction": "higher", "per": "call"},
				"guardrails": [{"metric": "cost", "direction": "lower", "per": "call", "margin": "10%"}, {"metric": "errors", "direction": "lower", "margin": 0.03}]
			},
			"planned_units": 1500, "worth": "5%"}`,
	},
	{
		name: demoRuns, from: .86, begun: "Are two sentences enough?",
		yaml: `{"name": "support-two-sentences", "unit": "user", "prompt": "support-answer", "target": "label == \"production\"",
			"arms": [{"name": "control", "prompt": "support-answer@3", "weight": 50}, {"name": "two-sentences", "prompt": "support-answer@4", "weight": 50}],
			"metrics": {
				"primary": {"metric": "cost", "direction": "lower", "per": "call"},
				"guardrails": [{"metric": "score:helpful", "direction": "higher", "per": "call", "margin": "3%"}, {"metric": "errors", "direction": "lower", "margin": 0.03}]
			},
			"planned_units": 2000, "worth": "5%"}`,
	},
}

// begin makes the experiments and starts them at their time of the past. The first one ends before the second begins.
func (d *demoStory) begin(ctx context.Context) error {
	for i := range demoTrials {
		t := &demoTrials[i]
		made, err := experiment.Parse([]byte(t.yaml))
		if err != nil {
			return fmt.Errorf("the experiment %s: %w", t.name, err)
		}
		was, err := findTrial(ctx, d.s.stores.experiments, t.name)
		if err != nil {
			return err
		}
		if was == nil {
			step := experiment.Step{Author: demoWriter, At: d.at(t.from).Add(-3 * time.Hour)}
			if _, err := d.s.stores.experiments.ChangeExperiment(ctx, t.name, experiment.Create(made, step)); err != nil {
				return fmt.Errorf("make the experiment %s: %w", t.name, err)
			}
		}
		if was == nil || was.Status == experiment.Draft {
			step := experiment.Step{Author: demoWriter, Reason: t.begun, At: d.at(t.from)}
			pin := func(ref string) (string, error) { return ref, nil } // they name versions by number
			if _, err := d.s.stores.experiments.ChangeExperiment(ctx, t.name, experiment.Start(t.name, step, pin)); err != nil {
				return fmt.Errorf("start the experiment %s: %w", t.name, err)
			}
		}
		if t.until > 0 {
			if err := d.end(ctx, t, was); err != nil {
				return fmt.Errorf("end the experiment %s: %w", t.name, err)
			}
		}
	}
	return d.s.stores.inForce(ctx)
}

// end concludes an experiment, and notes what came of it.
func (d *demoStory) end(ctx context.Context, t *demoTrial, was *experiment.Record) error {
	store := d.s.stores.experiments
	if was == nil || was.Status != experiment.Concluded {
		step := experiment.Step{Author: demoApprover, Reason: t.ended, At: d.at(t.until)}
		if _, err := store.ChangeExperiment(ctx, t.name, experiment.Finish(t.name, step, t.winner)); err != nil {
			return err
		}
	}
	events, err := store.ExperimentEvents(ctx, t.name)
	if err != nil || slices.ContainsFunc(events, func(e experiment.Event) bool { return e.Did == experiment.Promoted }) {
		return err
	}
	step := experiment.Step{Author: demoApprover, At: d.at(.7)}
	_, err = store.ChangeExperiment(ctx, t.name, experiment.Note(t.name, step, "production of "+demoSupport+" moved to version 3"))
	return err
}

// findTrial finds an experiment, nil when there is none.
func findTrial(ctx context.Context, store experiment.Store, name string) (*experiment.Record, error) {
	list, err := store.Experiments(ctx)
	if err != nil {
		return nil, fmt.Errorf("read experiments: %w", err)
	}
	if i := slices.IndexFunc(list, func(r experiment.Record) bool { return r.Name == name }); i >= 0 {
		return &list[i], nil
	}
	return nil, nil //nolint:nilnil // none is no fault
}

// demoUse says which version of its prompt a call of the past got, and in which experiment it took part.
type demoUse struct {
	past   *promptPast
	trials []pastTrial
}

// pastTrial assigned arms in a time of the past.
type pastTrial struct {
	*experiment.Assigner
	prompt      string
	from, until time.Time
}

// openUse reads prompts and experiments.
func (d *demoStory) openUse(ctx context.Context) (*demoUse, error) {
	past, err := readPrompts(ctx, d.s.stores.prompts)
	if err != nil {
		return nil, err
	}
	out := &demoUse{past: past}
	for i := range demoTrials {
		t := &demoTrials[i]
		was, err := findTrial(ctx, d.s.stores.experiments, t.name)
		if err != nil {
			return nil, err
		}
		if was == nil {
			continue // somebody has removed it
		}
		until := d.Now
		if t.until > 0 {
			until = d.at(t.until)
		}
		e := was.Experiment
		e.Status = experiment.Running // as it was then
		a, err := experiment.NewAssigner(e)
		if err != nil {
			return nil, fmt.Errorf("assign units of %s: %w", t.name, err)
		}
		out.trials = append(out.trials, pastTrial{a, e.Prompt, d.at(t.from), until})
	}
	return out, nil
}

// use completes a call as the gateway would have at its time.
func (u *demoUse) use(s *trace.Span) {
	label := prompts.Production
	if s.Tags["env"] == demoStaging {
		label = demoStaging
	}
	if m, ok := u.past.pointed(s.Prompt, label, s.Start); ok {
		s.PromptVersion, s.PromptRevision = m.Number, m.Revision
	}
	subject := experiment.Subject{Project: s.Project, Key: s.KeyID, User: s.User, Session: s.Session, Model: s.ModelRequested, Label: label, Tags: s.Tags}
	for i := range u.trials {
		t := &u.trials[i]
		if t.prompt != s.Prompt || s.Start.Before(t.from) || !s.Start.Before(t.until) {
			continue
		}
		given, ok := t.Assign(&subject)
		if !ok {
			continue
		}
		if ref, err := prompts.ParseRef(given.Served.Prompt); err == nil && ref.Number > 0 {
			s.PromptVersion, s.PromptRevision = ref.Number, 0
		}
		s.Experiment, s.Arm, s.Unit = given.Experiment, given.Arm, given.Unit
		if given.InAnalysis {
			s.Epoch = given.Epoch
		}
		break
	}
	s.PromptHash = u.past.hash(s.Prompt, s.PromptVersion)
}
