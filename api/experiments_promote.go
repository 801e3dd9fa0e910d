package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
)

// newPromotion asks for an arm's version to be served to all.
type newPromotion struct {
	experimentStep
	Arm   string `json:"arm,omitempty"`   // left out: the winner, or the one whose verdict is ship
	Label string `json:"label,omitempty"` // of the prompt; production unless given
}

// promotion is what became of it.
type promotion struct {
	Experiment experimentRow `json:"experiment"` // concluded: all calls get what the label points to
	Arm        string        `json:"arm"`
	Prompt     string        `json:"prompt"` // name@version
	Label      string        `json:"label"`
	Change     *changeText   `json:"change"` // the request that waits for approval; null: none was needed
	Moved      bool          `json:"moved"`  // the label points to the version
}

// Promotion is an arm that is to be served to all.
type Promotion struct {
	Experiment string
	Arm        string // "": the winner
	Label      string // "": production
	experiment.Step
}

func (a *API) promoteExperiment(w http.ResponseWriter, r *http.Request) error {
	var in newPromotion
	now, step, err := a.stepOf(r, &in, &in.experimentStep)
	if err != nil {
		return err
	}
	if in.Arm == "" && now.Winner == "" {
		analysis, err := experiment.Analyse(r.Context(), a.cfg.ExperimentReader, &now.Experiment, experiment.Options{Now: time.Now()})
		if err != nil {
			return err
		}
		verdict := experiment.Decide(&now.Experiment, analysis)
		if verdict.State != experiment.Ship {
			return bad("arm", "the verdict is not to ship: %s To promote an arm all the same, name it as arm", verdict.Text)
		}
		in.Arm, step.Reason = verdict.Arm, cmp.Or(step.Reason, verdict.Text)
	}
	out, err := a.promote(r.Context(), Promotion{Experiment: now.Name, Arm: in.Arm, Label: in.Label, Step: step})
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

// Promote asks for an arm's version to be served to all, and concludes the experiment for it: through a change request when the
// label is protected, else by moving the label. It says in words what was done.
func (a *API) Promote(ctx context.Context, p Promotion) (string, error) {
	out, err := a.promote(ctx, p)
	return out.words(), err
}

func (p *promotion) words() string {
	switch {
	case p.Change != nil:
		return fmt.Sprintf("asked for %s of %s to be %s: change request %s", p.Label, p.Experiment.Name, p.Prompt, p.Change.ID)
	case p.Moved:
		return fmt.Sprintf("%s is %s", p.Label, p.Prompt)
	}
	return ""
}

func (a *API) promote(ctx context.Context, p Promotion) (out promotion, err error) {
	records, err := a.cfg.Experiments.Experiments(ctx)
	if err != nil {
		return out, err
	}
	var now *experiment.Record
	for i := range records {
		if records[i].Name == p.Experiment {
			now = &records[i]
		}
	}
	if now == nil {
		return out, fmt.Errorf("%w: %q", experiment.ErrNone, clip(p.Experiment))
	}
	version, err := a.promotable(ctx, now, &p)
	if err != nil {
		return out, err
	}
	if now.Status != experiment.Concluded {
		// First of all: should the label not move, nobody is served an arm of an experiment that is said to be over.
		record, err := a.cfg.Experiments.ChangeExperiment(ctx, now.Name, experiment.Finish(now.Name, p.Step, p.Arm))
		if err != nil {
			return out, err
		}
		now = &record
	}
	out = promotion{Arm: p.Arm, Prompt: fmt.Sprintf("%s@%d", version.Name, version.Number), Label: p.Label}
	if err := a.requestMove(ctx, version, &p, &out); err != nil {
		a.cfg.Registry.Changed(ctx)
		return out, err
	}
	step := p.Step
	step.Expect = 0
	record, err := a.cfg.Experiments.ChangeExperiment(ctx, now.Name, experiment.Note(now.Name, step, out.words()))
	if err != nil {
		return out, err
	}
	a.cfg.Registry.Changed(ctx)
	out.Experiment = rowOfExperiment(&record)
	return out, nil
}

// promotable finds the version of the arm that is to be promoted, and fills in what is left open.
func (a *API) promotable(ctx context.Context, now *experiment.Record, p *Promotion) (*prompts.Version, error) {
	p.Arm, p.Label = cmp.Or(p.Arm, now.Winner), cmp.Or(p.Label, prompts.Production)
	arm := now.Arm(p.Arm)
	switch {
	case now.Status == experiment.Draft:
		return nil, llm.Faultf(llm.InvalidRequest, "%q has not run: there is no winner to promote", now.Name)
	case p.Arm == "":
		return nil, bad("arm", "%q was concluded for no arm: name the one to promote", now.Name)
	case arm == nil:
		return nil, bad("arm", "%q has no arm %q", now.Name, clip(p.Arm))
	case now.Winner != "" && now.Winner != p.Arm:
		return nil, bad("arm", "%q was concluded for %q, not for %q", now.Name, now.Winner, clip(p.Arm))
	case arm.Prompt == "":
		return nil, bad("arm", "%q differs by its model or parameters, which no label can point to: set them in a version of the prompt, or in the route, and conclude the experiment", arm.Name)
	}
	if err := checkMovable(nil, p.Label); err != nil {
		return nil, err
	}
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	ref, err := prompts.ParseRef(arm.Prompt)
	if err != nil {
		return nil, err
	}
	v, _, err := s.Find(ref)
	return v, err
}

// requestMove moves the label, or asks for it when the label is protected.
func (a *API) requestMove(ctx context.Context, v *prompts.Version, p *Promotion, out *promotion) error {
	state := a.cfg.Registry.Current().State().Prompts[v.Name]
	reason := cmp.Or(p.Reason, fmt.Sprintf("%q won the experiment %q", p.Arm, p.Experiment))
	if state.Labels[p.Label].Number == v.Number {
		out.Moved = true
		return nil
	}
	if _, protected := state.Protected[p.Label]; !protected {
		_, err := a.cfg.Prompts.MoveLabel(ctx, prompts.Move{
			Pointer: prompts.Pointer{Prompt: v.Name, Label: p.Label, Number: v.Number, MovedAt: p.At}, Author: p.Author, Reason: reason,
		}, -1)
		out.Moved = err == nil
		return err
	}
	c, err := a.cfg.Prompts.OpenChange(ctx, prompts.Change{
		ID: llm.NewID(p.At), Prompt: v.Name, Label: p.Label, To: v.Number, Author: p.Author, Reason: reason, OpenedAt: p.At,
	})
	if err != nil {
		return err
	}
	shown, err := a.showChange(ctx, &c)
	out.Change = &shown
	return err
}

// unserved refuses to take away a version that a running experiment serves.
func (a *API) unserved(ctx context.Context, name string, number int) error {
	records, err := a.cfg.Experiments.Experiments(ctx)
	if err != nil {
		return err
	}
	ref := fmt.Sprintf("%s@%d", name, number)
	for i := range records {
		for _, arm := range records[i].Arms {
			if records[i].Status == experiment.Running && arm.Prompt == ref {
				return llm.Faultf(llm.Conflict, "the running experiment %q serves %s as %q; stop it first", records[i].Name, ref, arm.Name)
			}
		}
	}
	return nil
}
