package prompts_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/prompts"
)

// kept is a store with five versions of the prompt greet.
type kept struct {
	t *testing.T
	prompts.Memory
}

func newKept(t *testing.T) *kept {
	s := &kept{t: t}
	for i := range 5 {
		if _, _, err := s.Push(t.Context(), prompts.Push{Name: "greet", Content: prompts.Content{Text: fmt.Sprint(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *kept) move(n int) prompts.Move {
	s.t.Helper()
	m, err := s.MoveLabel(s.t.Context(), prompts.Move{Pointer: prompts.Pointer{Prompt: "greet", Label: "live", Number: n}}, -1)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *kept) at() int {
	s.t.Helper()
	state, err := s.State(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return state.Prompts["greet"].Labels["live"].Number
}

func TestRollbackGoesBackFurtherEachTime(t *testing.T) {
	s := newKept(t)
	step := prompts.Step{Author: "ann", Reason: "worse", At: time.Now()}
	for _, n := range []int{1, 2, 4, 5} {
		s.move(n)
	}
	if err := s.DeleteVersion(t.Context(), "greet", 2, "ann", step.At); err != nil {
		t.Fatal(err)
	}
	if err := s.Protect(t.Context(), "greet", "live", prompts.Protection{Approvals: 1}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{4, 1} { // 2 was deleted
		m, err := prompts.Rollback(t.Context(), s, "greet", "live", 0, step)
		if err != nil || m.Number != want || m.Author != "ann" || m.Reason != "worse" || s.at() != want {
			t.Fatalf("%+v, %v; the label is at %d, want %d", m, err, s.at(), want)
		}
	}
	if _, err := prompts.Rollback(t.Context(), s, "greet", "live", 0, step); !errors.Is(err, prompts.ErrNoVersion) {
		t.Errorf("further than the first: %v", err)
	}
	if m, err := prompts.Rollback(t.Context(), s, "greet", "live", 5, step); err != nil || m.Number != 5 {
		t.Errorf("to a version named: %+v, %v", m, err)
	}
	for to, want := range map[int]error{3: prompts.ErrNoVersion, 2: prompts.ErrDeleted, 9: prompts.ErrNoVersion} {
		if _, err := prompts.Rollback(t.Context(), s, "greet", "live", to, step); !errors.Is(err, want) {
			t.Errorf("to %d: %v, want %v", to, err, want)
		}
	}
	if _, err := prompts.Rollback(t.Context(), s, "greet", "none", 0, step); !errors.Is(err, prompts.ErrNoLabel) {
		t.Errorf("no label: %v", err)
	}
	if _, err := prompts.Rollback(t.Context(), s, "none", "live", 0, step); !errors.Is(err, prompts.ErrNoPrompt) {
		t.Errorf("no prompt: %v", err)
	}
}

func TestUndo(t *testing.T) {
	s := newKept(t)
	step := prompts.Step{Author: "ann", Reason: "a slip"}
	undo := func(revision int64) error {
		_, err := prompts.Undo(t.Context(), s, "greet", revision, step)
		return err
	}
	first, second := s.move(1), s.move(3)
	if err := undo(first.Revision); !errors.Is(err, prompts.ErrConflict) {
		t.Errorf("an older move: %v", err)
	}
	if err := undo(second.Revision); err != nil || s.at() != 1 {
		t.Errorf("%v; the label is at %d, want 1", err, s.at())
	}
	if err := undo(second.Revision); !errors.Is(err, prompts.ErrConflict) {
		t.Errorf("undone twice: %v", err)
	}
	third := s.move(1) // is there already
	if err := undo(third.Revision); !errors.Is(err, prompts.ErrNoMove) {
		t.Errorf("what was no move: %v", err)
	}

	s = newKept(t)
	only := s.move(2)
	if err := undo(only.Revision); err != nil || s.at() != 0 {
		t.Errorf("the first move: %v; the label is at %d, want none", err, s.at())
	}
	moves, err := s.Moves(t.Context(), "greet")
	if err != nil || len(moves) != 2 || moves[0].Number != 0 || moves[0].Author != "ann" {
		t.Fatalf("%+v, %v", moves, err)
	}
	if err := undo(moves[0].Revision); err != nil || s.at() != 2 { // the removal
		t.Errorf("the removal: %v; the label is at %d, want 2", err, s.at())
	}
}

// gate answers what it is told.
type gate struct {
	report prompts.GateReport
	err    error
	asked  string
}

func (g *gate) Gate(_ context.Context, name string, v prompts.Version) (prompts.GateReport, error) {
	g.asked = fmt.Sprintf("%s of %s@%d", name, v.Name, v.Number)
	return g.report, g.err
}

func TestMergeAsksTheGate(t *testing.T) {
	s := newKept(t)
	s.move(1)
	if err := s.Protect(t.Context(), "greet", "live", prompts.Protection{Approvals: 1, Gate: "quality"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenChange(t.Context(), prompts.Change{ID: "c", Prompt: "greet", Label: "live", To: 2, Author: "ann"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReviewChange(t.Context(), "c", prompts.Review{Author: "bob", Approve: true}); err != nil {
		t.Fatal(err)
	}
	away := errors.New("away")
	for _, tt := range []struct {
		name string
		gate prompts.Gate
		want error
		word string
	}{
		{"nothing to answer", nil, prompts.ErrGate, "no evaluation that could answer for the gate quality"},
		{"nothing known", &gate{report: prompts.GateReport{Passed: true, Report: "never run"}}, prompts.ErrGate, "never run"},
		{"failed", &gate{report: prompts.GateReport{Known: true, Report: "0.71 below 0.80"}}, prompts.ErrGate, "0.71 below 0.80"},
		{"broken", &gate{err: away}, away, "ask the gate quality"},
	} {
		_, _, err := prompts.Merge(t.Context(), s, tt.gate, "c", prompts.Step{Author: "bob"})
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.word) || s.at() != 1 {
			t.Errorf("%s: %v; the label is at %d", tt.name, err, s.at())
		}
	}
	passed := &gate{report: prompts.GateReport{Known: true, Passed: true}}
	c, m, err := prompts.Merge(t.Context(), s, passed, "c", prompts.Step{Author: "bob"})
	if err != nil || m.Change != "c" || c.Status != prompts.ChangeMerged || s.at() != 2 || passed.asked != "quality of greet@2" {
		t.Errorf("%+v, %+v, %v; asked %s", c, m, err, passed.asked)
	}
}
