package accounttest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
)

// Views runs the contract of account.Views over empty stores made by open.
func Views(t *testing.T, open func(t *testing.T) account.Views) {
	at := time.Date(2026, 11, 24, 8, 0, 0, 123456000, time.UTC)
	view := func(id, owner, name string, shared bool) account.View {
		return account.View{ID: id, Room: "calls", Name: name, Query: "status=error&tag.team=a%26b", Owner: owner, Shared: shared, CreatedAt: at, ChangedAt: at}
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(t *testing.T, what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}

	t.Run("a view comes back whole", func(t *testing.T) {
		store, v := open(t), view("1", "ann", "late ö", true)
		if list, err := store.ListViews(t.Context(), "ann"); err != nil || len(list) != 0 {
			t.Fatalf("an empty store: %v, %v", list, err)
		}
		must(t, store.AddView(t.Context(), v))
		got, err := store.View(t.Context(), "1")
		must(t, err)
		if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})

	t.Run("one sees one's own and those that are shared, by name", func(t *testing.T) {
		store := open(t)
		b, a, theirs, secret := view("1", "ann", "b", false), view("2", "ann", "a", false), view("3", "bob", "b", true), view("4", "bob", "c", false)
		for _, v := range []account.View{b, a, theirs, secret} {
			must(t, store.AddView(t.Context(), v))
		}
		for who, want := range map[string][]account.View{"ann": {a, b, theirs}, "bob": {theirs, secret}, "eve": {theirs}} {
			got, err := store.ListViews(t.Context(), who)
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", who, diff)
			}
		}
	})

	t.Run("a name is its owner's once", func(t *testing.T) {
		store := open(t)
		must(t, store.AddView(t.Context(), view("1", "ann", "a", false)))
		must(t, store.AddView(t.Context(), view("2", "bob", "a", false)))
		must(t, store.AddView(t.Context(), view("3", "ann", "b", false)))
		is(t, "a second of the name", store.AddView(t.Context(), view("4", "ann", "a", true)), account.ErrViewTaken)
		is(t, "renamed to a taken name", store.SetView(t.Context(), view("3", "ann", "a", false)), account.ErrViewTaken)
		got, err := store.View(t.Context(), "3")
		must(t, err)
		if got.Name != "b" {
			t.Errorf("after a refused change the name is %q", got.Name)
		}
		must(t, store.RemoveView(t.Context(), "1"))
		must(t, store.SetView(t.Context(), view("3", "ann", "a", false)))
	})

	t.Run("a change leaves owner, room and the time it was made", func(t *testing.T) {
		store, v := open(t), view("1", "ann", "a", false)
		must(t, store.AddView(t.Context(), v))
		must(t, store.SetView(t.Context(), account.View{ID: "1", Room: "traces", Owner: "eve", Name: "b", Query: "", Shared: true, CreatedAt: at.Add(time.Hour), ChangedAt: at.Add(time.Hour)}))
		v.Name, v.Query, v.Shared, v.ChangedAt = "b", "", true, at.Add(time.Hour)
		got, err := store.View(t.Context(), "1")
		must(t, err)
		if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		must(t, store.SetView(t.Context(), v)) // the same again
	})

	t.Run("what is not there is ErrNoView", func(t *testing.T) {
		store := open(t)
		_, err := store.View(t.Context(), "nothere")
		is(t, "View", err, account.ErrNoView)
		is(t, "SetView", store.SetView(t.Context(), view("nothere", "ann", "a", false)), account.ErrNoView)
		is(t, "RemoveView", store.RemoveView(t.Context(), "nothere"), account.ErrNoView)
	})

	t.Run("of many that want a name at once, one gets it", func(t *testing.T) {
		store := open(t)
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() { errs[i] = store.AddView(t.Context(), view(string(rune('1'+i)), "ann", "a", false)) })
		}
		wg.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else {
				is(t, "the others", err, account.ErrViewTaken)
			}
		}
		if made != 1 {
			t.Errorf("%d views made, want 1", made)
		}
	})
}
