package experiment

import (
	"errors"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	layered := running(t, func(e *Experiment) {
		e.ID, e.Name, e.Prompt, e.Layer = "exp-2", "layered", "leave", &Layer{"l", 0, 0.5}
		e.Arms = []Arm{{Name: "a", Prompt: "leave@1"}, {Name: "b", Prompt: "leave@2"}}
	})
	aimed := running(t, func(e *Experiment) {
		e.ID, e.Name, e.Prompt, e.Target = "exp-3", "aimed", "bow", `label == "live"`
		e.Arms = []Arm{{Name: "a", Prompt: "bow@1"}, {Name: "b", Prompt: "bow@2"}}
	})
	draft := valid(t)
	draft.Name, draft.ID = "draft", "exp-4"
	over := running(t, func(e *Experiment) { e.Name = "over" })
	over.Status = Concluded
	set, err := NewSet([]Experiment{running(t, nil), layered, aimed, draft, over})
	if err != nil {
		t.Fatal(err)
	}
	nobody, ann := &Subject{}, &Subject{User: "ann"}
	for name, tt := range map[string]struct {
		prompt  string
		subject *Subject
		asked   string
		arm     string // "": none
		counts  bool
		fault   string
	}{
		"assigned":                       {prompt: "greet", subject: ann, arm: "?", counts: true},
		"another prompt":                 {prompt: "other", subject: ann},
		"without a unit":                 {prompt: "greet", subject: nobody, arm: "a"},
		"without a unit, in a layer":     {prompt: "leave", subject: nobody},
		"without a unit, off target":     {prompt: "bow", subject: &Subject{Label: "staging"}},
		"without a unit, on target":      {prompt: "bow", subject: &Subject{Label: "live"}, arm: "a"},
		"on target by its label":         {prompt: "bow", subject: &Subject{User: "ann", Label: "live"}, arm: "?", counts: true},
		"asked for":                      {prompt: "greet", subject: ann, asked: "b", arm: "b"},
		"asked for, without a unit":      {prompt: "greet", subject: nobody, asked: "b", arm: "b"},
		"asked for off target":           {prompt: "bow", subject: ann, asked: "b", arm: "b"},
		"asked for of a draft":           {prompt: "greet", subject: ann, asked: "draft/b", arm: "b"},
		"not there":                      {prompt: "greet", subject: ann, asked: "c", fault: "tone has a and b"},
		"not in that experiment":         {prompt: "greet", subject: ann, asked: "draft/c", fault: "it has a and b"},
		"of a concluded experiment":      {prompt: "greet", subject: ann, asked: "over/b", fault: "no such experiment"},
		"of another prompt":              {prompt: "", subject: ann, asked: "tone/b", fault: "about the prompt greet"},
		"asked for where nothing stands": {prompt: "other", subject: ann, asked: "b", fault: "none runs for this call"},
	} {
		got, ok, err := set.Choose(tt.prompt, tt.subject, tt.asked)
		switch {
		case tt.fault != "":
			if err == nil || !strings.Contains(err.Error(), tt.fault) || !errors.Is(err, ErrExperiment) && !errors.Is(err, ErrNone) {
				t.Errorf("%s: got %v, want it to say %q", name, err, tt.fault)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case ok != (tt.arm != "") || tt.arm != "?" && got.Arm != tt.arm || got.InAnalysis != tt.counts || ok && got.Served.Name != got.Arm:
			t.Errorf("%s: got %+v, %v", name, got, ok)
		}
	}
	if !set.Any("greet") || set.Any("other") || (*Set)(nil).Any("greet") {
		t.Error("Any is wrong about what can be in an experiment")
	}
	if _, ok, err := (*Set)(nil).Choose("greet", ann, ""); ok || err != nil {
		t.Error("no set assigns")
	}
}

func TestNextStep(t *testing.T) {
	e := running(t, nil)
	if _, ok := e.NextStep(); ok {
		t.Error("all traffic has a next step")
	}
	e.Epochs[0].Traffic = 0.1
	if got, ok := e.NextStep(); !ok || got != 0.5 {
		t.Errorf("got %g, %v", got, ok)
	}
	draft := valid(t)
	if _, ok := draft.NextStep(); ok {
		t.Error("a draft has a next step")
	}
}
