// Package promptstest says in tests what every prompts.Store must do.
package promptstest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/prompts"
)

// at is when everything happens in the suite.
var at = time.Date(2026, 11, 24, 8, 0, 0, 123456000, time.UTC)

// Store runs the contract of prompts.Store over empty stores made by open.
func Store(t *testing.T, open func(t *testing.T) prompts.Store) {
	t.Run("versions", func(t *testing.T) { versions(t, open) })
	t.Run("labels", func(t *testing.T) { labels(t, open) })
	t.Run("changes", func(t *testing.T) { changes(t, open) })
	t.Run("concurrent", func(t *testing.T) { concurrent(t, open) })
}

// shop is a store with a test's short words for it.
type shop struct {
	t *testing.T
	prompts.Store
}

// text is a content.
func text(s string) prompts.Content { return prompts.Content{Text: s} }

func (s shop) push(name, content string) prompts.Version {
	s.t.Helper()
	v, made, err := s.Push(s.t.Context(), prompts.Push{Name: name, Content: text(content), Author: "ann", Message: "m", At: at})
	if err != nil || !made {
		s.t.Fatalf("push %s: made %v, %v", name, made, err)
	}
	return v
}

func (s shop) state() *prompts.State {
	s.t.Helper()
	state, err := s.State(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if now, err := s.Revision(s.t.Context()); err != nil || now != state.Revision {
		s.t.Errorf("Revision = %d, %v; State's is %d", now, err, state.Revision)
	}
	return state
}

// moveTo asks for a move from wherever the label is.
func (s shop) moveTo(label string, number, expect int) (prompts.Move, error) {
	return s.MoveLabel(s.t.Context(), prompts.Move{
		Pointer: prompts.Pointer{Prompt: "greet", Label: label, Number: number, MovedAt: at}, Author: "ann", Reason: "why",
	}, expect)
}

func (s shop) moved(label string, number int) prompts.Move {
	s.t.Helper()
	m, err := s.moveTo(label, number, -1)
	if err != nil || m.Revision == 0 {
		s.t.Fatalf("move %s to %d: %+v, %v", label, number, m, err)
	}
	return m
}

// at wants a label to point to a version; 0: not to be there.
func (s shop) at(label string, number int) {
	s.t.Helper()
	if got := s.state().Prompts["greet"].Labels[label].Number; got != number {
		s.t.Errorf("label %s is at %d, want %d", label, got, number)
	}
}

func (s shop) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// is wants an error of a kind, and nothing changed since revision.
func (s shop) is(err, want error, revision int64) {
	s.t.Helper()
	if !errors.Is(err, want) {
		s.t.Errorf("got %v, want %v", err, want)
	}
	if got := s.state().Revision; got != revision {
		s.t.Errorf("the revision went from %d to %d with a refusal", revision, got)
	}
}

// sameJSON compares versions whose raw JSON a store may write in another way.
func same(a, b prompts.Version) string {
	for _, v := range []*prompts.Version{&a, &b} {
		if c, err := prompts.Canonical(v.Content); err == nil {
			v.Content = prompts.Content{Text: string(c)}
		}
	}
	return cmp.Diff(a, b)
}

func versions(t *testing.T, open func(t *testing.T) prompts.Store) {
	t.Run("an empty store is at revision 0", func(t *testing.T) {
		s := shop{t, open(t)}
		if state := s.state(); state.Revision != 0 || len(state.Prompts) != 0 {
			t.Errorf("%+v", state)
		}
	})

	t.Run("a version comes back whole", func(t *testing.T) {
		s := shop{t, open(t)}
		content := prompts.Content{
			Messages: []prompts.Message{{Role: "system", Content: "Be <brief> & \"kind\", {{name}}.\nÄ \u2028"}, {Role: "user", Content: "{{q}}"}},
			Model:    "gpt-4o-mini", Settings: []byte(`{"temperature": 0.10, "max_tokens": 20}`), Variables: []byte(`{"type":"object"}`),
			Defaults: []byte(`{"name":"<you>"}`), ResponseFormat: []byte(`{"type":"json_object"}`), Tools: []byte(`[{"type":"function"}]`),
		}
		hash, err := prompts.HashOf(content)
		s.must(err)
		v, made, err := s.Push(t.Context(), prompts.Push{Name: "greet", Content: content, Author: "ann ö", Message: "first\nline", At: at.In(time.FixedZone("x", 3600)).Add(7)})
		if err != nil || !made {
			t.Fatal(made, err)
		}
		want := prompts.Version{Name: "greet", Number: 1, Hash: hash, Content: content, Author: "ann ö", Message: "first\nline", CreatedAt: at}
		if diff := same(want, v); diff != "" {
			t.Errorf("pushed (-want +got):\n%s", diff)
		}
		state := s.state()
		p := state.Prompts["greet"]
		if p == nil || len(p.Versions) != 1 {
			t.Fatalf("%+v", state)
		}
		if diff := same(want, p.Versions[0]); diff != "" {
			t.Errorf("read (-want +got):\n%s", diff)
		}
		latest := map[string]prompts.Pointer{prompts.Latest: {Prompt: "greet", Label: prompts.Latest, Number: 1, Revision: state.Revision, MovedAt: at}}
		if diff := cmp.Diff(latest, p.Labels); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
	})

	t.Run("the same content is the same version", func(t *testing.T) {
		s := shop{t, open(t)}
		one := s.push("greet", "a")
		s.push("greet", "b")
		before := s.state().Revision
		for _, after := range []int{0, 2, 1, 7} {
			v, made, err := s.Push(t.Context(), prompts.Push{Name: "greet", Content: text("a"), Author: "bob", At: at.Add(time.Hour), After: after})
			if err != nil || made || v.Number != 1 || v.Author != one.Author || v.Hash != one.Hash {
				t.Errorf("after %d: %+v, %v, %v", after, v, made, err)
			}
		}
		s.at(prompts.Latest, 2)
		if now := s.state().Revision; now != before {
			t.Errorf("the revision went from %d to %d with nothing changed", before, now)
		}
		if other := s.push("other", "a"); other.Number != 1 || other.Hash != one.Hash {
			t.Errorf("the same content of another prompt: %+v", other)
		}
	})

	t.Run("a push after an older version is a conflict", func(t *testing.T) {
		s := shop{t, open(t)}
		s.push("greet", "a")
		s.push("greet", "b")
		before := s.state().Revision
		for _, after := range []int{1, 3, -1} {
			_, _, err := s.Push(t.Context(), prompts.Push{Name: "greet", Content: text("c"), At: at, After: after})
			s.is(err, prompts.ErrConflict, before)
		}
		if v, made, err := s.Push(t.Context(), prompts.Push{Name: "greet", Content: text("c"), At: at, After: 2}); err != nil || !made || v.Number != 3 {
			t.Errorf("%+v, %v, %v", v, made, err)
		}
	})

	t.Run("a deleted version has no content and its number is not given again", func(t *testing.T) {
		s := shop{t, open(t)}
		s.push("greet", "a")
		two := s.push("greet", "b")
		s.moved("live", 1)
		before := s.state().Revision
		s.is(s.DeleteVersion(t.Context(), "greet", 1, "bob", at), prompts.ErrPointed, before)
		s.is(s.DeleteVersion(t.Context(), "greet", 3, "bob", at), prompts.ErrNoVersion, before)
		s.is(s.DeleteVersion(t.Context(), "greet", 0, "bob", at), prompts.ErrNoVersion, before)
		s.is(s.DeleteVersion(t.Context(), "other", 1, "bob", at), prompts.ErrNoPrompt, before)
		s.must(s.DeleteVersion(t.Context(), "greet", 2, "bob", at.Add(time.Hour)))
		state := s.state()
		want := prompts.Version{
			Name: "greet", Number: 2, Hash: two.Hash, Author: "ann", Message: "m", CreatedAt: at, DeletedAt: at.Add(time.Hour), DeletedBy: "bob",
		}
		if diff := cmp.Diff(want, state.Prompts["greet"].Versions[1]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if p := state.Prompts["greet"].Labels[prompts.Latest]; p.Number != 1 || p.Revision != state.Revision || state.Revision <= before {
			t.Errorf("latest after the newest was deleted: %+v at revision %d, before %d", p, state.Revision, before)
		}
		s.is(s.DeleteVersion(t.Context(), "greet", 2, "bob", at), prompts.ErrDeleted, state.Revision)
		_, err := s.moveTo("live", 2, -1)
		s.is(err, prompts.ErrDeleted, state.Revision)
		if v := s.push("greet", "b"); v.Number != 3 {
			t.Errorf("the content pushed again is version %d, want 3", v.Number)
		}
	})

	t.Run("without a version left there is no latest", func(t *testing.T) {
		s := shop{t, open(t)}
		s.push("greet", "a")
		s.push("greet", "b")
		s.must(s.DeleteVersion(t.Context(), "greet", 1, "bob", at))
		s.at(prompts.Latest, 2)
		s.must(s.DeleteVersion(t.Context(), "greet", 2, "bob", at))
		s.at(prompts.Latest, 0)
		if v := s.push("greet", "c"); v.Number != 3 {
			t.Errorf("version %d, want 3", v.Number)
		}
		s.at(prompts.Latest, 3)
	})
}
