package promptstest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/weir-dev/weir/prompts"
)

// many is how many there are at once.
const many = 8

// race runs many at once and gives how many succeeded; the others must fail with want.
func race(t *testing.T, want error, do func(i int) error) int {
	t.Helper()
	errs := make([]error, many)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, want):
			t.Errorf("%v, want %v", err, want)
		}
	}
	return won
}

func concurrent(t *testing.T, open func(t *testing.T) prompts.Store) {
	t.Run("of many that push after the same version, one is first", func(t *testing.T) {
		s := shop{t, open(t)}
		s.push("greet", "a")
		won := race(t, prompts.ErrConflict, func(i int) error {
			_, _, err := s.Push(t.Context(), prompts.Push{Name: "greet", Content: text(fmt.Sprint(i)), At: at, After: 1})
			return err
		})
		if versions := s.state().Prompts["greet"].Versions; won != 1 || len(versions) != 2 {
			t.Errorf("%d won, %d versions", won, len(versions))
		}
	})

	t.Run("many that push the same make one version, others have numbers without gaps", func(t *testing.T) {
		s := shop{t, open(t)}
		race(t, nil, func(i int) error {
			_, _, err := s.Push(t.Context(), prompts.Push{Name: "greet", Content: text(fmt.Sprint(i / 2)), At: at})
			return err
		})
		versions := s.state().Prompts["greet"].Versions
		if len(versions) != many/2 {
			t.Errorf("%d versions, want %d", len(versions), many/2)
		}
		for i, v := range versions {
			if v.Number != i+1 {
				t.Errorf("version %d in place %d", v.Number, i+1)
			}
		}
		s.at(prompts.Latest, many/2)
	})

	t.Run("of many that move a label from the same place, one does", func(t *testing.T) {
		s := shop{t, open(t)}
		for i := range many + 1 {
			s.push("greet", fmt.Sprint(i))
		}
		s.moved("live", 1)
		won := race(t, prompts.ErrConflict, func(i int) error {
			_, err := s.moveTo("live", i+2, 1)
			return err
		})
		moves, err := s.Moves(t.Context(), "greet")
		s.must(err)
		if won != 1 || len(moves) != 2 || moves[0].From != 1 {
			t.Errorf("%d won: %+v", won, moves)
		}
	})

	t.Run("of many that merge a change, one does", func(t *testing.T) {
		s := guarded(t, open, prompts.Protection{Approvals: 1, At: at})
		s.open("c1", 2)
		s.must(s.says("c1", "bob", true))
		if won := race(t, prompts.ErrNotOpen, func(int) error { _, _, err := s.merge("c1", ""); return err }); won != 1 {
			t.Errorf("%d won", won)
		}
	})

	t.Run("every state is whole, and the moves lead to it", func(t *testing.T) {
		s := shop{t, open(t)}
		const rounds = 10
		s.push("greet", "0")
		s.push("greet", "1")
		var wg sync.WaitGroup
		for w := range 3 {
			wg.Go(func() {
				for i := range rounds {
					if _, err := s.moveTo("live", 1+(i+w)%2, -1); err != nil {
						t.Error(err)
					}
					if _, _, err := s.Push(t.Context(), prompts.Push{Name: "greet", Content: text(fmt.Sprint(w, i)), At: at}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		states := make([]*prompts.State, 20)
		wg.Go(func() {
			for i := range states {
				state, err := s.State(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				states[i] = state
			}
		})
		wg.Wait()
		moves, err := s.Moves(t.Context(), "greet")
		s.must(err)
		slices.Reverse(moves)
		for i, m := range moves {
			if i > 0 && (m.Revision <= moves[i-1].Revision || m.From != moves[i-1].Number) {
				t.Errorf("move %+v follows %+v", m, moves[i-1])
			}
		}
		last := int64(0)
		for _, state := range append(states, s.state()) {
			if state == nil {
				continue
			}
			p := state.Prompts["greet"]
			latest := p.Labels[prompts.Latest]
			if state.Revision < last || latest.Number != len(p.Versions) || latest.Revision > state.Revision {
				t.Errorf("revision %d after %d: latest %+v with %d versions", state.Revision, last, latest, len(p.Versions))
			}
			last = state.Revision
			want := 0
			for _, m := range moves {
				if m.Revision <= state.Revision {
					want = m.Number
				}
			}
			if got := p.Labels["live"].Number; got != want {
				t.Errorf("at revision %d the label is at %d, by the moves at %d", state.Revision, got, want)
			}
		}
		if want := int64(2 + len(moves) + 3*rounds); last != want {
			t.Errorf("revision %d after %d changes", last, want)
		}
	})
}
