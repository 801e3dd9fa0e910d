package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
)

// arms gives calls their arms, from the experiments of the control plane. It is exchanged whole when they change.
type arms struct {
	store experiment.Store
	log   *slog.Logger
	now   atomic.Pointer[armed]
}

// armed is the experiments of one moment. It never changes.
type armed struct {
	set     *experiment.Set
	choices map[*experiment.Arm]prompts.Choice // what each arm changes of a call
	turns   []metrics.Turn
}

var _ prompts.Arms = (*arms)(nil)

// refresh reads the experiments. One that cannot be used assigns nobody, and is logged.
func (a *arms) refresh(ctx context.Context) error {
	list, err := a.store.Experiments(ctx)
	if err != nil {
		return err
	}
	usable := make([]experiment.Experiment, 0, len(list))
	var turns []metrics.Turn
	for i := range list {
		e := list[i].Experiment
		if !e.Started.IsZero() {
			turns = append(turns, metrics.Turn{Experiment: e.Name, What: "started", At: e.Started})
		}
		if !e.Stopped.IsZero() {
			turns = append(turns, metrics.Turn{Experiment: e.Name, What: string(e.Status), Winner: e.Winner, At: e.Stopped})
		}
		if e.Status == experiment.Running {
			if _, err := experiment.NewAssigner(e); err != nil {
				a.log.Error("an experiment cannot assign anybody; calls are served as they ask", "experiment", e.Name, "error", err)
				continue
			}
		}
		usable = append(usable, e)
	}
	set, err := experiment.NewSet(usable)
	if err != nil {
		return err
	}
	next := &armed{set: set, choices: map[*experiment.Arm]prompts.Choice{}, turns: turns}
	for i := range usable {
		for k := range usable[i].Arms {
			arm := &usable[i].Arms[k]
			next.choices[arm] = choiceOf(arm)
		}
	}
	a.now.Store(next)
	return nil
}

// metrics are the turns that experiments took, for /metrics.
func (a *arms) metrics() []metrics.Turn {
	if now := a.now.Load(); now != nil {
		return slices.Clone(now.turns)
	}
	return nil
}

// choiceOf is what an arm changes.
func choiceOf(arm *experiment.Arm) prompts.Choice {
	c := prompts.Choice{Arm: arm.Name, Model: arm.Model}
	if ref, err := prompts.ParseRef(arm.Prompt); err == nil && arm.Prompt != "" {
		c.Prompt = ref
	}
	if len(arm.Parameters) > 0 {
		var b bytes.Buffer
		for i, name := range slices.Sorted(maps.Keys(arm.Parameters)) {
			b.WriteByte("{,"[min(i, 1)])
			b.Write(rawjson.Quote(name))
			b.WriteByte(':')
			b.Write(arm.Parameters[name])
		}
		b.WriteByte('}')
		c.Parameters = json.RawMessage(b.Bytes())
	}
	return c
}

// Choose implements prompts.Arms. A call that names a version by its number wants that one, and takes no part in an experiment on
// its prompt; nor does one that brought a provider's own key.
func (a *arms) Choose(call *llm.Call, asked prompts.Ref) (prompts.Choice, *llm.Fault) {
	now := a.now.Load()
	if now == nil {
		return prompts.Choice{}, nil
	}
	byPrompt := asked.Name != "" && asked.Number == 0 && now.set.Any(asked.Name)
	if call.Arm == "" && (call.UpstreamAuth != "" || !byPrompt && !now.set.Any("")) {
		return prompts.Choice{}, nil
	}
	subject := experiment.Subject{
		Project: call.Project, Key: call.KeyID, User: call.User, Session: call.Session, Model: call.Model, Label: asked.Label, Tags: call.Tags, Header: call.Header.Get,
	}
	if call.Arm != "" {
		given, _, err := now.set.Choose(asked.Name, &subject, call.Arm)
		if err != nil {
			return prompts.Choice{}, &llm.Fault{Code: llm.InvalidRequest, Param: "X-Weir-Arm", Message: "X-Weir-Arm: " + err.Error(), Err: err}
		}
		return now.choice(&given), nil
	}
	if byPrompt {
		if given, ok, _ := now.set.Choose(asked.Name, &subject, ""); ok {
			return now.choice(&given), nil
		}
	}
	if given, ok := now.set.Assign("", &subject); ok {
		return now.choice(&given), nil
	}
	return prompts.Choice{}, nil
}

// choice is an assignment as calls use it. Epoch 0 says that the call is outside the analysis.
func (n *armed) choice(a *experiment.Assignment) prompts.Choice {
	c := n.choices[a.Served]
	c.Experiment, c.Unit = a.Experiment, a.Unit
	if a.InAnalysis {
		c.Epoch = a.Epoch
	}
	return c
}

// gatewayState is what calls are answered with. Experiments raise the revision of prompts: whoever reads the one reads the other
// first, so that a revision that a weir says it serves holds for both.
type gatewayState struct {
	prompts.States
	arms *arms
}

// State reads experiments and prompts.
func (s gatewayState) State(ctx context.Context) (*prompts.State, error) {
	state, err := s.States.State(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.arms.refresh(ctx); err != nil {
		return nil, fmt.Errorf("read experiments: %w", err)
	}
	return state, nil
}
