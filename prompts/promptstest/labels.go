package promptstest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/prompts"
)

func labels(t *testing.T, open func(t *testing.T) prompts.Store) {
	three := func(t *testing.T) shop {
		s := shop{t, open(t)}
		s.push("greet", "a")
		s.push("greet", "b")
		s.push("greet", "c")
		return s
	}

	t.Run("moves are kept, newest first", func(t *testing.T) {
		s := three(t)
		first, second := s.moved("live", 1), s.moved("live", 2)
		s.must(s.RemoveLabel(t.Context(), "greet", "live", "bob", "not used", at.Add(time.Minute)))
		s.at("live", 0)
		got, err := s.Moves(t.Context(), "greet")
		s.must(err)
		last := prompts.Move{Pointer: prompts.Pointer{Prompt: "greet", Label: "live", Revision: s.state().Revision, MovedAt: at.Add(time.Minute)}, From: 2, Author: "bob", Reason: "not used"}
		if diff := cmp.Diff([]prompts.Move{last, second, first}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if first.From != 0 || second.From != 1 || first.Revision >= second.Revision || second.Revision >= last.Revision || first.Author != "ann" || first.Reason != "why" {
			t.Errorf("%+v\n%+v\n%+v", first, second, last)
		}
		if _, err := s.Moves(t.Context(), "other"); err == nil {
			t.Error("moves of a prompt that is not there")
		}
	})

	t.Run("a move names a version that is there", func(t *testing.T) {
		s := three(t)
		before := s.state().Revision
		for _, n := range []int{0, 4} {
			_, err := s.moveTo("live", n, -1)
			s.is(err, prompts.ErrNoVersion, before)
		}
		_, err := s.MoveLabel(t.Context(), prompts.Move{Pointer: prompts.Pointer{Prompt: "other", Label: "live", Number: 1}}, -1)
		s.is(err, prompts.ErrNoPrompt, before)
		s.is(s.RemoveLabel(t.Context(), "greet", "live", "a", "", at), prompts.ErrNoLabel, before)
		s.is(s.RemoveLabel(t.Context(), "other", "live", "a", "", at), prompts.ErrNoPrompt, before)
	})

	t.Run("a label moves from where it was expected", func(t *testing.T) {
		s := three(t)
		before := s.state().Revision
		_, err := s.moveTo("live", 1, 2)
		s.is(err, prompts.ErrConflict, before)
		if _, err := s.moveTo("live", 1, 0); err != nil {
			t.Fatal(err)
		}
		before = s.state().Revision
		_, err = s.moveTo("live", 2, 0)
		s.is(err, prompts.ErrConflict, before)
		if m, err := s.moveTo("live", 2, 1); err != nil || m.From != 1 {
			t.Errorf("%+v, %v", m, err)
		}
		before = s.state().Revision
		if m, err := s.moveTo("live", 2, -1); err != nil || m.Revision != 0 || m.From != 2 {
			t.Errorf("to where it is: %+v, %v", m, err)
		}
		if now := s.state().Revision; now != before {
			t.Errorf("the revision went from %d to %d with nothing moved", before, now)
		}
	})

	t.Run("a protected label goes only where it has been", func(t *testing.T) {
		s := three(t)
		s.moved("live", 1)
		s.moved("live", 2)
		rule := prompts.Protection{Approvals: 2, Gate: "quality", Author: "root", At: at}
		before := s.state().Revision
		s.is(s.Protect(t.Context(), "other", "live", rule), prompts.ErrNoPrompt, before)
		s.is(s.Unprotect(t.Context(), "other", "live"), prompts.ErrNoPrompt, before)
		s.is(s.Unprotect(t.Context(), "greet", "live"), prompts.ErrNoLabel, before)
		s.must(s.Protect(t.Context(), "greet", "live", rule))
		state := s.state()
		if diff := cmp.Diff(map[string]prompts.Protection{"live": rule}, state.Prompts["greet"].Protected); diff != "" || state.Revision <= before {
			t.Errorf("revision %d after %d (-want +got):\n%s", state.Revision, before, diff)
		}
		_, err := s.moveTo("live", 3, -1)
		s.is(err, prompts.ErrProtected, state.Revision)
		s.is(s.RemoveLabel(t.Context(), "greet", "live", "a", "", at), prompts.ErrProtected, state.Revision)
		m, err := s.MoveLabel(t.Context(), prompts.Move{Pointer: prompts.Pointer{Prompt: "greet", Label: "live", Number: 3, MovedAt: at}, Change: "made up"}, -1)
		if s.is(err, prompts.ErrProtected, state.Revision); err == nil {
			t.Errorf("a made-up change moved it: %+v", m)
		}
		s.moved("live", 1) // a roll-back
		s.at("live", 1)
		s.moved("free", 3) // another label
		rule.Approvals = 1
		s.must(s.Protect(t.Context(), "greet", "live", rule))
		if got := s.state().Prompts["greet"].Protected["live"]; got.Approvals != 1 {
			t.Errorf("%+v", got)
		}
		s.must(s.Unprotect(t.Context(), "greet", "live"))
		s.moved("live", 3)
	})

	t.Run("a label can be protected before it is there", func(t *testing.T) {
		s := three(t)
		s.must(s.Protect(t.Context(), "greet", "live", prompts.Protection{Approvals: 1, At: at}))
		_, err := s.moveTo("live", 1, 0)
		s.is(err, prompts.ErrProtected, s.state().Revision)
	})

	t.Run("a state does not change after it was given", func(t *testing.T) {
		s := three(t)
		s.moved("live", 1)
		old := s.state()
		s.moved("live", 2)
		s.push("greet", "d")
		s.must(s.DeleteVersion(t.Context(), "greet", 1, "bob", at))
		s.must(s.Protect(t.Context(), "greet", "live", prompts.Protection{Approvals: 1, At: at}))
		p := old.Prompts["greet"]
		if p.Labels["live"].Number != 1 || len(p.Versions) != 3 || p.Versions[0].Text != "a" || len(p.Protected) != 0 || p.Labels[prompts.Latest].Number != 3 {
			t.Errorf("%+v", p)
		}
	})
}
