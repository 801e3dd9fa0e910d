package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts"
)

// The prompts of the demo that more is told of than their versions.
const (
	demoSupport = "support-answer"
	demoTags    = "ticket-tags"
	demoStaging = "staging"
)

// demoTagsSchema is what a ticket's tags are.
const demoTagsSchema = `{"type": "object", "additionalProperties": false, "required": ["topic", "urgency", "language"], "properties": {` +
	`"topic": {"enum": ["returns", "billing", "delivery", "subscription", "warranty", "product question"]}, "urgency": {"enum": ["low", "normal", "high"]}, "language": {"enum": ["en", "de"]}}}`

// promptStep is what happens to a version of a prompt, and when.
type promptStep struct {
	version int
	pushed  time.Time
	staged  time.Time
	live    time.Time // when production moved to it; zero: it has not
	change  bool      // by a change request
}

// promptSteps are those of a prompt.
func (d *demoStory) promptSteps(name string, texts []simulator.PromptText) []promptStep {
	out := make([]promptStep, len(texts))
	for i := range texts {
		live := d.at(texts[i].From)
		s := promptStep{version: i + 1, pushed: live.Add(-30 * time.Hour), staged: live.Add(-26 * time.Hour), live: live}
		switch {
		case i == 0:
			s.pushed = d.at(0).Add(-20 * 24 * time.Hour)
			s.staged, s.live = s.pushed.Add(time.Hour), s.pushed.Add(25*time.Hour)
		case name == demoTags: // the change of last night
			s.pushed, s.staged, s.live = d.night().Add(-9*time.Hour), d.night().Add(-8*time.Hour), d.night().Add(-130*time.Minute)
		case name == demoSupport && i == 2:
			s.pushed, s.staged, s.change = d.at(.355), d.at(.36), true
		case name == demoSupport && i == 3:
			s.pushed, s.staged, s.live = d.at(.8), d.at(.82), time.Time{}
		}
		out[i] = s
	}
	return out
}

// prompts stores the prompts with their past: versions, moves of labels, a protected label, a change that was made by request and one
// that waits for approval.
func (d *demoStory) prompts(ctx context.Context) error {
	all := simulator.Prompts()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name == "" {
			continue
		}
		texts := all[name]
		steps := d.promptSteps(name, texts)
		for i, step := range steps {
			content := prompts.Content{Messages: []prompts.Message{{Role: "system", Content: texts[i].System}}}
			if name == demoTags {
				content.ResponseFormat = json.RawMessage(`{"type": "json_schema", "json_schema": {"name": "tags", "strict": true, "schema": ` + demoTagsSchema + `}}`)
			}
			push := prompts.Push{Name: name, Content: content, Author: texts[i].Author, Message: texts[i].Message, At: step.pushed}
			if _, _, err := d.s.stores.prompts.Push(ctx, push); err != nil {
				return fmt.Errorf("push %s: %w", name, err)
			}
		}
		for i, step := range steps {
			why := texts[i].Message
			if err := d.point(ctx, name, demoStaging, step.version, texts[i].Author, "to be tried", step.staged); err != nil {
				return err
			}
			if step.live.IsZero() {
				continue
			}
			if step.change {
				if err := d.protect(ctx, name, "", d.at(.34)); err != nil {
					return err
				}
				if err := d.request(ctx, name, step, "It won the experiment "+demoWon+".", true); err != nil {
					return err
				}
				if err := d.protect(ctx, name, demoEval, d.at(.75)); err != nil { // from then on
					return err
				}
				continue
			}
			if err := d.point(ctx, name, prompts.Production, step.version, demoApprover, why, step.live); err != nil {
				return err
			}
		}
		if name == demoSupport {
			waiting := promptStep{version: len(steps), live: d.Now.Add(-19 * time.Hour)}
			if err := d.request(ctx, name, waiting, "Half the tokens, and people seem as happy. The experiment "+demoRuns+" is not over yet.", false); err != nil {
				return err
			}
		}
	}
	return d.s.stores.inForce(ctx)
}

// protect guards production, with the gate of an evaluation unless that is "".
func (d *demoStory) protect(ctx context.Context, name, gate string, at time.Time) error {
	state, err := d.s.stores.prompts.State(ctx)
	if err != nil {
		return fmt.Errorf("read prompts: %w", err)
	}
	if rule, there := state.Prompts[name].Protected[prompts.Production]; there && (gate == "" || rule.Gate == gate) {
		return nil
	}
	rule := prompts.Protection{Approvals: 1, Gate: gate, Author: demoAdmin, At: at}
	if err := d.s.stores.prompts.Protect(ctx, name, prompts.Production, rule); err != nil {
		return fmt.Errorf("protect a label of %s: %w", name, err)
	}
	return nil
}

// point moves a label, unless it was at that version before.
func (d *demoStory) point(ctx context.Context, name, label string, version int, author, reason string, at time.Time) error {
	moves, err := d.s.stores.prompts.Moves(ctx, name)
	if err != nil {
		return fmt.Errorf("read the moves of %s: %w", name, err)
	}
	if slices.ContainsFunc(moves, func(m prompts.Move) bool { return m.Label == label && m.Number == version }) {
		return nil
	}
	move := prompts.Move{Pointer: prompts.Pointer{Prompt: name, Label: label, Number: version, MovedAt: at}, Author: author, Reason: reason}
	if _, err := d.s.stores.prompts.MoveLabel(ctx, move, -1); err != nil {
		return fmt.Errorf("move %s of %s: %w", label, name, err)
	}
	return nil
}

// request asks for production to move, and, where it is to be made, has it approved and made.
func (d *demoStory) request(ctx context.Context, name string, step promptStep, reason string, made bool) error {
	store := d.s.stores.prompts
	list, err := store.ListChanges(ctx, name)
	if err != nil {
		return fmt.Errorf("list the changes of %s: %w", name, err)
	}
	var c prompts.Change
	if i := slices.IndexFunc(list, func(c prompts.Change) bool { return c.To == step.version }); i >= 0 {
		c = list[i]
	} else {
		opened := step.live
		if made {
			opened = opened.Add(-3 * time.Hour)
		}
		c, err = store.OpenChange(ctx, prompts.Change{
			ID: llm.NewID(opened), Prompt: name, Label: prompts.Production, To: step.version, Author: demoWriter, Reason: reason, OpenedAt: opened, Status: prompts.ChangeOpen,
		})
		if err != nil {
			return fmt.Errorf("ask for a change of %s: %w", name, err)
		}
	}
	if !made || c.Status != prompts.ChangeOpen {
		return nil
	}
	if len(c.Approvals()) == 0 {
		review := prompts.Review{Author: demoApprover, Approve: true, Comment: "Read twenty answers of each arm: agreed.", At: step.live.Add(-20 * time.Minute)}
		if _, err = store.ReviewChange(ctx, c.ID, review); err != nil {
			return fmt.Errorf("approve a change of %s: %w", name, err)
		}
	}
	if _, _, err = store.MergeChange(ctx, c.ID, demoApprover, "", step.live); err != nil {
		return fmt.Errorf("make a change of %s: %w", name, err)
	}
	return nil
}

// promptPast answers which version a call of the past got.
type promptPast struct {
	prompts map[string]*prompts.Prompt
	moves   map[string][]prompts.Move // newest first
}

// readPrompts reads the prompts with the moves of their labels.
func readPrompts(ctx context.Context, store prompts.Store) (*promptPast, error) {
	state, err := store.State(ctx)
	if err != nil {
		return nil, fmt.Errorf("read prompts: %w", err)
	}
	out := &promptPast{state.Prompts, map[string][]prompts.Move{}}
	for name := range state.Prompts {
		moves, err := store.Moves(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("read the moves of %s: %w", name, err)
		}
		slices.SortStableFunc(moves, func(a, b prompts.Move) int { return b.MovedAt.Compare(a.MovedAt) })
		out.moves[name] = moves
	}
	return out, nil
}

// pointed is where a label pointed at a time; false where it did not.
func (p *promptPast) pointed(name, label string, at time.Time) (prompts.Move, bool) {
	for _, m := range p.moves[name] {
		if m.Label == label && !m.MovedAt.After(at) {
			return m, m.Number > 0
		}
	}
	return prompts.Move{}, false
}

// hash is that of a version's content, "" when there is no such version.
func (p *promptPast) hash(name string, version int) string {
	if of := p.prompts[name]; of != nil {
		v, _ := of.Version(version)
		return v.Hash
	}
	return ""
}
