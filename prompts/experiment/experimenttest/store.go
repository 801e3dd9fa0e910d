package experimenttest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/prompts/experiment"
)

// Store is what TestStore checks.
type Store interface {
	experiment.Store
	experiment.Leases
}

// TestStore checks a store against the contract, and the steps of an experiment's life on it. Open must return an empty one.
func TestStore(t *testing.T, open func(t *testing.T) Store) {
	t.Run("life", func(t *testing.T) { testLife(t, open(t)) })
	t.Run("refusals", func(t *testing.T) { testRefusals(t, open(t)) })
	t.Run("at once", func(t *testing.T) { testAtOnce(t, open(t)) })
	t.Run("leases", func(t *testing.T) { testLeases(t, open(t)) })
}

// draft is a description.
func draft(t *testing.T, name, prompt string) experiment.Experiment {
	t.Helper()
	e, err := experiment.Parse(fmt.Appendf(nil, `{"name": %q, "unit": "user", "prompt": %q,
		"arms": [{"name": "a", "prompt": "%[2]s@production", "weight": 50}, {"name": "b", "prompt": "%[2]s@4", "weight": 50, "parameters": {"temperature": 0.25}}],
		"metrics": {"primary": {"metric": "cost", "direction": "lower"}}, "auto": {"ramp": {}}, "worth": "5%%"}`, name, prompt))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// pin gives the label production the version 3.
func pin(ref string) (string, error) {
	name, label, _ := strings.Cut(ref, "@")
	switch label {
	case "production":
		return name + "@3", nil
	case "3", "4":
		return ref, nil
	}
	return "", fmt.Errorf("no such label: %s", ref)
}

func step(minutes int) experiment.Step {
	return experiment.Step{Author: "ann", Reason: fmt.Sprintf("minute %d", minutes), At: at(minutes).Add(1234567 * time.Nanosecond)}
}

func testLife(t *testing.T, s Store) {
	ctx := t.Context()
	do := func(change experiment.Change) experiment.Record {
		t.Helper()
		r, err := s.ChangeExperiment(ctx, "tone", change)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	made := do(experiment.Create(draft(t, "tone", "greet"), step(0)))
	if made.ID == "" || made.Status != experiment.Draft || made.Revision == 0 || made.UpdatedBy != "ann" || !made.Created.Equal(at(0).Add(1234*time.Microsecond)) {
		t.Errorf("made: %+v", made)
	}
	other := draft(t, "tone", "greet")
	other.Target = `project == "shop"`
	edited := do(experiment.Edit("tone", other, experiment.Step{Author: "bob", At: at(1), Expect: made.Revision}))
	if edited.Target != other.Target || edited.ID != made.ID || edited.Revision <= made.Revision || edited.UpdatedBy != "bob" {
		t.Errorf("edited: %+v", edited)
	}
	if _, err := s.ChangeExperiment(ctx, "tone", experiment.Edit("tone", other, experiment.Step{At: at(1), Expect: made.Revision})); !errors.Is(err, experiment.ErrConflict) {
		t.Errorf("an old revision: %v", err)
	}
	began := do(experiment.Start("tone", step(2), pin))
	if began.Status != experiment.Running || len(began.Epochs) != 1 || began.Arms[0].Prompt != "greet@3" || began.Epochs[0].Traffic != 0.02 {
		t.Errorf("began: %+v", began)
	}
	if began.Epochs[0].Revision != fmt.Sprint(began.Revision) {
		t.Errorf("the epoch is of revision %s, it was made at %d", began.Epochs[0].Revision, began.Revision)
	}
	shifted := do(experiment.Reweigh("tone", step(3), 0.5, []float64{80, 20}))
	if len(shifted.Epochs) != 2 || shifted.Epoch().Weights[1] != 0.2 || shifted.Epoch().Traffic != 0.5 {
		t.Errorf("shifted: %+v", shifted.Epochs)
	}
	stopped := do(experiment.Cease("tone", step(4)))
	if stopped.Status != experiment.Halted || stopped.Reason != "minute 4" {
		t.Errorf("stopped: %+v", stopped)
	}
	do(experiment.Start("tone", step(5), pin))
	do(experiment.Finish("tone", step(6), "b"))
	do(experiment.Note("tone", step(7), "asked for"))

	list, err := s.Experiments(ctx)
	if err != nil || len(list) != 1 {
		t.Fatalf("got %v, %v", list, err)
	}
	if last := list[0]; last.Status != experiment.Concluded || last.Winner != "b" || string(last.Arms[1].Parameters["temperature"]) != "0.25" || last.Worth.String() != "5%" {
		t.Errorf("got %+v", last)
	}
	events, err := s.ExperimentEvents(ctx, "tone")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, e := range events {
		got = append(got, strings.TrimSpace(string(e.Did)+" "+e.Detail))
		if e.ID != made.ID || i > 0 && e.Revision >= events[i-1].Revision || e.Author == "" {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	want := []string{
		"promoted asked for", `concluded for "b"`, "started a 40 %, b 10 %", "stopped", "shifted a 40 %, b 10 %", "started a 1 %, b 1 %",
		"changed another description", "created a draft",
	}
	if !slices.Equal(got, want) {
		t.Errorf("what was done, newest first: got %q, want %q", got, want)
	}
	if e := events[0]; !e.At.Equal(at(7).Add(1234*time.Microsecond)) || e.Reason != "minute 7" {
		t.Errorf("got %+v", e)
	}
}

func testRefusals(t *testing.T, s Store) {
	ctx := t.Context()
	change := func(name string, change experiment.Change) error {
		_, err := s.ChangeExperiment(ctx, name, change)
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(change("tone", experiment.Create(draft(t, "tone", "greet"), step(0))))
	must(change("rival", experiment.Create(draft(t, "rival", "greet"), step(0))))
	must(change("draft", experiment.Create(draft(t, "draft", "leave"), step(0))))
	must(change("tone", experiment.Start("tone", step(1), pin)))

	given := draft(t, "given", "greet")
	given.ID, given.Epochs = "mine", []experiment.Epoch{{Number: 1}}
	unpinned := draft(t, "unpinned", "leave")
	unpinned.Arms[0].Prompt = "leave@nowhere"
	must(change("unpinned", experiment.Create(unpinned, step(1))))
	twins := draft(t, "twins", "leave")
	twins.Arms[1] = experiment.Arm{Name: "b", Prompt: "leave@3", Weight: 50}
	must(change("twins", experiment.Create(twins, step(1))))
	renamed := draft(t, "other", "leave")
	bad := draft(t, "bad", "greet")
	bad.Alpha, bad.Arms[1].Weight = 0.9, 20
	for name, tt := range map[string]struct {
		on     string
		change experiment.Change
		want   string
		kind   error
	}{
		"name taken":         {"tone", experiment.Create(draft(t, "tone", "leave"), step(2)), "is taken", experiment.ErrExperiment},
		"what weir sets":     {"given", experiment.Create(given, step(2)), "epochs: weir sets it; leave it out; id:", experiment.ErrExperiment},
		"all at once":        {"bad", experiment.Create(bad, step(2)), "alpha: 0.9", experiment.ErrExperiment},
		"all at once, too":   {"bad", experiment.Create(bad, step(2)), "the weights sum to 70", experiment.ErrExperiment},
		"and beside others":  {"bad", experiment.Create(bad, step(2)), `"tone" runs on "greet" already`, experiment.ErrExperiment},
		"overlap at start":   {"rival", experiment.Start("rival", step(2), pin), `"tone" runs on "greet" already`, experiment.ErrExperiment},
		"unknown prompt":     {"unpinned", experiment.Start("unpinned", step(2), pin), `arms: "a": no such label`, experiment.ErrExperiment},
		"one behind labels":  {"twins", experiment.Start("twins", step(2), pin), "the same in all but name", experiment.ErrExperiment},
		"edit a running one": {"tone", experiment.Edit("tone", draft(t, "tone", "greet"), step(2)), "cannot change after the start", experiment.ErrExperiment},
		"rename":             {"draft", experiment.Edit("draft", renamed, step(2)), "stays so", experiment.ErrExperiment},
		"start twice":        {"tone", experiment.Start("tone", step(2), pin), "runs already", experiment.ErrExperiment},
		"stop a draft":       {"draft", experiment.Cease("draft", step(2)), "not running", experiment.ErrExperiment},
		"weigh a draft":      {"draft", experiment.Reweigh("draft", step(2), 0.5, nil), "start it first", experiment.ErrExperiment},
		"the same weights":   {"tone", experiment.Reweigh("tone", step(2), 0, []float64{50, 50}), "already", experiment.ErrExperiment},
		"odd weights":        {"tone", experiment.Reweigh("tone", step(2), 0, []float64{50, 20}), "sum to 70", experiment.ErrExperiment},
		"no such winner":     {"tone", experiment.Finish("tone", step(2), "c"), `no arm "c"`, experiment.ErrExperiment},
		"delete a run":       {"tone", experiment.Discard("tone", step(2)), "calls bear its name", experiment.ErrExperiment},
		"start nothing":      {"none", experiment.Start("none", step(2), pin), `"none"`, experiment.ErrNone},
		"delete nothing":     {"none", experiment.Discard("none", step(2)), `"none"`, experiment.ErrNone},
	} {
		if err := change(tt.on, tt.change); err == nil || !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want it to say %q", name, err, tt.want)
		}
	}
	must(change("draft", experiment.Discard("draft", step(3))))
	if _, err := s.ExperimentEvents(ctx, "draft"); !errors.Is(err, experiment.ErrNone) {
		t.Errorf("the events of a deleted one: %v", err)
	}
	must(change("draft", experiment.Create(draft(t, "draft", "leave"), step(4))))
	if events, err := s.ExperimentEvents(ctx, "draft"); err != nil || len(events) != 1 {
		t.Errorf("a draft of a deleted one's name has %v, %v", events, err)
	}
	if events, err := s.ExperimentEvents(ctx, "tone"); err != nil || len(events) != 2 {
		t.Errorf("what was refused left %v, %v", events, err)
	}
}

// testAtOnce starts two experiments on one prompt at the same time, and changes one from many sides: one of each wins.
func testAtOnce(t *testing.T, s Store) {
	ctx := t.Context()
	for _, name := range []string{"one", "two"} {
		if _, err := s.ChangeExperiment(ctx, name, experiment.Create(draft(t, name, "greet"), step(0))); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	var mu sync.Mutex // guards won
	won := 0
	race := func(name string, change experiment.Change) {
		group.Go(func() {
			_, err := s.ChangeExperiment(ctx, name, change)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case !errors.Is(err, experiment.ErrExperiment) && !errors.Is(err, experiment.ErrConflict):
				t.Error(err)
			}
		})
	}
	race("one", experiment.Start("one", step(1), pin))
	race("two", experiment.Start("two", step(1), pin))
	group.Wait()
	if won != 1 {
		t.Errorf("%d experiments were started on one prompt", won)
	}
	third, err := s.ChangeExperiment(ctx, "third", experiment.Create(draft(t, "third", "leave"), step(2)))
	if err != nil {
		t.Fatal(err)
	}
	won = 0
	for i := range 5 {
		race("third", experiment.Edit("third", draft(t, "third", "leave"), experiment.Step{Author: fmt.Sprint(i), At: at(3), Expect: third.Revision}))
	}
	group.Wait()
	if won != 1 {
		t.Errorf("%d edits of one revision went through", won)
	}
}

func testLeases(t *testing.T, s Store) {
	take := func(name, owner string, holds time.Duration, want bool) {
		t.Helper()
		got, err := s.TakeLease(t.Context(), name, owner, holds)
		if err != nil || got != want {
			t.Errorf("%s takes %s: got %v, %v", owner, name, got, err)
		}
	}
	take("looks", "one", time.Hour, true)
	take("looks", "two", time.Hour, false)
	take("other", "two", time.Hour, true)
	take("looks", "one", -time.Second, true) // renewed, and given up
	take("looks", "two", time.Hour, true)
	take("looks", "one", time.Hour, false)
}
