// Package accounttest says in tests what every account.Keys must do.
package accounttest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
)

// Keys runs the contract of account.Keys over empty stores made by open.
func Keys(t *testing.T, open func(t *testing.T) account.Keys) {
	at := time.Date(2026, 11, 24, 8, 0, 0, 123456000, time.UTC)
	key := func(project, name string) account.Key {
		id, _, hash := account.Mint()
		return account.Key{ID: id, Project: project, Name: name, Hash: hash, CreatedAt: at}
	}
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	t.Run("a key comes back whole", func(t *testing.T) {
		store, k := open(t), key("p", "n")
		k.Models, k.Endpoints, k.ExpiresAt = []string{"gpt-*", "a,b \"c\""}, []string{"images/*"}, at.Add(time.Hour)
		k.Limits = account.Limits{RequestsPerMinute: 60, TokensPerMinute: 1 << 40, Concurrent: 3}
		must(t, store.CreateKey(t.Context(), k))
		got, err := store.Key(t.Context(), k.ID)
		must(t, err)
		if diff := cmp.Diff(k, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})

	t.Run("a live name is taken, a revoked one is free", func(t *testing.T) {
		store, k := open(t), key("p", "n")
		must(t, store.CreateKey(t.Context(), k))
		must(t, store.CreateKey(t.Context(), key("other", "n")))
		if err := store.CreateKey(t.Context(), key("p", "n")); !errors.Is(err, account.ErrNameTaken) {
			t.Fatalf("second live key of one name: %v, want ErrNameTaken", err)
		}
		must(t, store.RevokeKey(t.Context(), k.ID, at))
		must(t, store.CreateKey(t.Context(), key("p", "n")))
	})

	t.Run("revoking keeps the first time", func(t *testing.T) {
		store, k := open(t), key("p", "n")
		must(t, store.CreateKey(t.Context(), k))
		must(t, store.RevokeKey(t.Context(), k.ID, at.Add(time.Minute)))
		must(t, store.RevokeKey(t.Context(), k.ID, at.Add(time.Hour)))
		got, err := store.Key(t.Context(), k.ID)
		must(t, err)
		if !got.RevokedAt.Equal(at.Add(time.Minute)) {
			t.Errorf("RevokedAt = %v", got.RevokedAt)
		}
	})

	t.Run("what is not there is ErrNoKey", func(t *testing.T) {
		store := open(t)
		if _, err := store.Key(t.Context(), "nothere"); !errors.Is(err, account.ErrNoKey) {
			t.Errorf("Key: %v", err)
		}
		if err := store.RevokeKey(t.Context(), "nothere", at); !errors.Is(err, account.ErrNoKey) {
			t.Errorf("RevokeKey: %v", err)
		}
		if err := store.ReplaceKey(t.Context(), "nothere", key("p", "n"), at); !errors.Is(err, account.ErrNoKey) {
			t.Errorf("ReplaceKey: %v", err)
		}
		must(t, store.TouchKeys(t.Context(), map[string]time.Time{"nothere": at}))
	})

	t.Run("replacing is one step", func(t *testing.T) {
		store, old, other := open(t), key("p", "n"), key("p", "taken")
		must(t, store.CreateKey(t.Context(), old))
		must(t, store.CreateKey(t.Context(), other))
		if err := store.ReplaceKey(t.Context(), old.ID, key("p", "taken"), at); !errors.Is(err, account.ErrNameTaken) {
			t.Fatalf("replacing by a taken name: %v, want ErrNameTaken", err)
		}
		if k, err := store.Key(t.Context(), old.ID); err != nil || !k.RevokedAt.IsZero() {
			t.Fatalf("the old key after a failed replacement: %+v, %v", k, err)
		}
		must(t, store.ReplaceKey(t.Context(), old.ID, key("p", "n"), at))
		if err := store.ReplaceKey(t.Context(), old.ID, key("p", "x"), at); !errors.Is(err, account.ErrNoKey) {
			t.Errorf("replacing a revoked key: %v, want ErrNoKey", err)
		}
	})

	t.Run("keys are listed oldest first", func(t *testing.T) {
		store := open(t)
		if list, err := store.ListKeys(t.Context()); err != nil || len(list) != 0 {
			t.Fatalf("empty store: %v, %v", list, err)
		}
		for i := range 3 {
			k := key("p", fmt.Sprint(i))
			k.CreatedAt = at.Add(-time.Duration(i) * time.Hour)
			must(t, store.CreateKey(t.Context(), k))
		}
		list, err := store.ListKeys(t.Context())
		must(t, err)
		var names []string
		for _, k := range list {
			names = append(names, k.Name)
		}
		if diff := cmp.Diff([]string{"2", "1", "0"}, names); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("last use never moves back", func(t *testing.T) {
		store, k := open(t), key("p", "n")
		must(t, store.CreateKey(t.Context(), k))
		must(t, store.TouchKeys(t.Context(), map[string]time.Time{k.ID: at.Add(time.Hour)}))
		must(t, store.TouchKeys(t.Context(), map[string]time.Time{k.ID: at}))
		got, err := store.Key(t.Context(), k.ID)
		must(t, err)
		if !got.LastUsedAt.Equal(at.Add(time.Hour)) {
			t.Errorf("LastUsedAt = %v", got.LastUsedAt)
		}
	})

	t.Run("of many that want a name at once, one gets it", func(t *testing.T) {
		store := open(t)
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() { errs[i] = store.CreateKey(t.Context(), key("p", "n")) })
		}
		wg.Wait()
		made := 0
		for _, err := range errs {
			switch {
			case err == nil:
				made++
			case !errors.Is(err, account.ErrNameTaken):
				t.Errorf("%v, want ErrNameTaken", err)
			}
		}
		if made != 1 {
			t.Errorf("%d keys made, want 1", made)
		}
	})
}
