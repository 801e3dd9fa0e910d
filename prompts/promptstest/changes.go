package promptstest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/prompts"
)

// guarded is a shop with three versions, whose label live is at 1 and protected.
func guarded(t *testing.T, open func(t *testing.T) prompts.Store, rule prompts.Protection) shop {
	s := shop{t, open(t)}
	s.push("greet", "a")
	s.push("greet", "b")
	s.push("greet", "c")
	s.moved("live", 1)
	s.must(s.Protect(t.Context(), "greet", "live", rule))
	return s
}

func (s shop) open(id string, to int) prompts.Change {
	s.t.Helper()
	c, err := s.OpenChange(s.t.Context(), prompts.Change{ID: id, Prompt: "greet", Label: "live", To: to, Author: "ann", Reason: "better", OpenedAt: at})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s shop) says(id, author string, approve bool) error {
	_, err := s.ReviewChange(s.t.Context(), id, prompts.Review{Author: author, Approve: approve, Comment: "so", At: at})
	return err
}

func (s shop) merge(id, passed string) (prompts.Change, prompts.Move, error) {
	return s.MergeChange(s.t.Context(), id, "cid", passed, at.Add(time.Hour))
}

func changes(t *testing.T, open func(t *testing.T) prompts.Store) {
	t.Run("an approved change moves the label", func(t *testing.T) {
		s := guarded(t, open, prompts.Protection{Approvals: 2, At: at})
		s.open("c1", 3)
		before := s.state().Revision
		_, _, err := s.merge("c1", "")
		s.is(err, prompts.ErrNotApproved, before)
		s.is(s.says("c1", "ann", true), prompts.ErrOwnChange, before)
		s.must(s.says("c1", "bob", true))
		s.must(s.says("c1", "bob", true)) // the same person twice is one
		_, _, err = s.merge("c1", "")
		s.is(err, prompts.ErrNotApproved, s.state().Revision)
		s.must(s.says("c1", "dan", true))
		c, m, err := s.merge("c1", "")
		s.must(err)
		revision := s.state().Revision
		wantMove := prompts.Move{
			Pointer: prompts.Pointer{Prompt: "greet", Label: "live", Number: 3, Revision: revision, MovedAt: at.Add(time.Hour)},
			From:    1, Author: "cid", Reason: "better", Change: "c1",
		}
		if diff := cmp.Diff(wantMove, m); diff != "" {
			t.Errorf("move (-want +got):\n%s", diff)
		}
		review := func(who string) prompts.Review {
			return prompts.Review{Author: who, Approve: true, Comment: "so", At: at}
		}
		want := prompts.Change{
			ID: "c1", Prompt: "greet", Label: "live", From: 1, To: 3, Author: "ann", Reason: "better", OpenedAt: at,
			Reviews: []prompts.Review{review("bob"), review("bob"), review("dan")},
			Status:  prompts.ChangeMerged, ClosedAt: at.Add(time.Hour), ClosedBy: "cid", Revision: revision,
		}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Errorf("change (-want +got):\n%s", diff)
		}
		got, err := s.Change(t.Context(), "c1")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("read %v (-want +got):\n%s", err, diff)
		}
		s.at("live", 3)
		if moves, err := s.Moves(t.Context(), "greet"); err != nil || !cmp.Equal(moves[0], m) {
			t.Errorf("%+v, %v", moves, err)
		}
		_, _, err = s.merge("c1", "")
		s.is(err, prompts.ErrNotOpen, revision)
		s.is(s.says("c1", "eve", true), prompts.ErrNotOpen, revision)
		_, err = s.CloseChange(t.Context(), "c1", "ann", at)
		s.is(err, prompts.ErrNotOpen, revision)

		s.moved("live", 1) // back, without a change
		s.moved("live", 3) // and to what was approved
	})

	t.Run("the last word of each counts", func(t *testing.T) {
		s := guarded(t, open, prompts.Protection{Approvals: 1, At: at})
		s.open("c1", 2)
		s.must(s.says("c1", "bob", true))
		s.must(s.says("c1", "dan", false))
		_, _, err := s.merge("c1", "")
		s.is(err, prompts.ErrNotApproved, s.state().Revision)
		s.must(s.says("c1", "dan", true))
		s.must(s.says("c1", "bob", false))
		_, _, err = s.merge("c1", "")
		s.is(err, prompts.ErrNotApproved, s.state().Revision)
		s.must(s.says("c1", "bob", true))
		if _, _, err := s.merge("c1", ""); err != nil {
			t.Error(err)
		}
	})

	t.Run("a gate must have passed", func(t *testing.T) {
		s := guarded(t, open, prompts.Protection{Approvals: 1, Gate: "quality", At: at})
		s.open("c1", 2)
		s.must(s.says("c1", "bob", true))
		for _, passed := range []string{"", "other"} {
			_, _, err := s.merge("c1", passed)
			s.is(err, prompts.ErrGate, s.state().Revision)
		}
		if _, _, err := s.merge("c1", "quality"); err != nil {
			t.Error(err)
		}
	})

	t.Run("a change is stale once the label has moved", func(t *testing.T) {
		s := guarded(t, open, prompts.Protection{Approvals: 1, At: at})
		s.open("c1", 2)
		s.open("c2", 3)
		for _, id := range []string{"c1", "c2"} {
			s.must(s.says(id, "bob", true))
		}
		if _, _, err := s.merge("c1", ""); err != nil {
			t.Fatal(err)
		}
		_, _, err := s.merge("c2", "")
		s.is(err, prompts.ErrStale, s.state().Revision)
		s.at("live", 2)
		if c, err := s.CloseChange(t.Context(), "c2", "ann", at); err != nil || c.Status != prompts.ChangeClosed || c.ClosedBy != "ann" || c.Revision != 0 || !c.ClosedAt.Equal(at) {
			t.Errorf("%+v, %v", c, err)
		}
		if c := s.open("c3", 3); c.From != 2 || len(c.Reviews) != 0 {
			t.Errorf("%+v", c)
		}
	})

	t.Run("a version deleted meanwhile is not moved to", func(t *testing.T) {
		s := guarded(t, open, prompts.Protection{Approvals: 1, At: at})
		s.open("c1", 2)
		s.must(s.says("c1", "bob", true))
		s.must(s.DeleteVersion(t.Context(), "greet", 2, "ann", at))
		_, _, err := s.merge("c1", "")
		s.is(err, prompts.ErrDeleted, s.state().Revision)
	})

	t.Run("a change needs a version and another place", func(t *testing.T) {
		s := guarded(t, open, prompts.Protection{Approvals: 1, At: at})
		s.open("c1", 2)
		before := s.state().Revision
		for _, tt := range []struct {
			c    prompts.Change
			want error
		}{
			{prompts.Change{ID: "x", Prompt: "other", Label: "live", To: 1}, prompts.ErrNoPrompt},
			{prompts.Change{ID: "x", Prompt: "greet", Label: "live", To: 9}, prompts.ErrNoVersion},
			{prompts.Change{ID: "x", Prompt: "greet", Label: "live", To: 1}, prompts.ErrConflict},
			{prompts.Change{ID: "c1", Prompt: "greet", Label: "live", To: 3}, prompts.ErrConflict},
		} {
			_, err := s.OpenChange(t.Context(), tt.c)
			s.is(err, tt.want, before)
		}
		_, err := s.Change(t.Context(), "x")
		s.is(err, prompts.ErrNoChange, before)
		s.is(s.says("x", "bob", true), prompts.ErrNoChange, before)
		_, _, err = s.merge("x", "")
		s.is(err, prompts.ErrNoChange, before)
		_, err = s.CloseChange(t.Context(), "x", "ann", at)
		s.is(err, prompts.ErrNoChange, before)
	})

	t.Run("changes are listed newest first, of one prompt or all", func(t *testing.T) {
		s := guarded(t, open, prompts.Protection{Approvals: 1, At: at})
		s.push("other", "a")
		s.open("c1", 2)
		s.must(s.says("c1", "bob", false))
		for i, name := range []string{"greet", "other"} {
			if _, err := s.OpenChange(t.Context(), prompts.Change{ID: "d-" + name, Prompt: name, Label: "new", To: 1, OpenedAt: at.Add(time.Duration(i+1) * time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		for name, want := range map[string][]string{"": {"d-other", "d-greet", "c1"}, "greet": {"d-greet", "c1"}, "none": nil} {
			list, err := s.ListChanges(t.Context(), name)
			var got []string
			for _, c := range list {
				got = append(got, c.ID)
				if c.ID == "c1" && (len(c.Reviews) != 1 || c.Reviews[0].Approve) || c.ID != "c1" && len(c.Reviews) != 0 {
					t.Errorf("%+v", c)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("of %q: %v (-want +got):\n%s", name, err, diff)
			}
		}
	})

	t.Run("the first move of a protected label", func(t *testing.T) {
		s := guarded(t, open, prompts.Protection{Approvals: 1, At: at})
		s.must(s.Protect(t.Context(), "greet", "new", prompts.Protection{Approvals: 1, At: at}))
		c, err := s.OpenChange(t.Context(), prompts.Change{ID: "c", Prompt: "greet", Label: "new", To: 2, Author: "ann", OpenedAt: at})
		if err != nil || c.From != 0 {
			t.Fatalf("%+v, %v", c, err)
		}
		s.must(s.says("c", "bob", true))
		if _, m, err := s.merge("c", ""); err != nil || m.From != 0 || m.Number != 2 || errors.Is(err, prompts.ErrStale) {
			t.Errorf("%+v, %v", m, err)
		}
	})
}
