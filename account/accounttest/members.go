package accounttest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
)

// Members runs the contract of account.Members over empty stores made by open.
func Members(t *testing.T, open func(t *testing.T) account.Members) {
	at := time.Date(2026, 11, 24, 8, 0, 0, 123456000, time.UTC)
	member := func(name string, role account.Role) account.Member {
		id, _, hash := account.MintMember()
		return account.Member{ID: id, Name: name, Role: role, Hash: hash, CreatedAt: at}
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

	t.Run("a member comes back whole, and they are listed by name", func(t *testing.T) {
		store, bob, ann := open(t), member("bob", account.Approver), member("Ann ö", account.Viewer)
		if list, err := store.ListMembers(t.Context()); err != nil || len(list) != 0 {
			t.Fatalf("an empty store: %v, %v", list, err)
		}
		bob.Email = "bob@example.org"
		must(t, store.AddMember(t.Context(), bob))
		must(t, store.AddMember(t.Context(), ann))
		got, err := store.Member(t.Context(), bob.ID)
		must(t, err)
		if diff := cmp.Diff(bob, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		list, err := store.ListMembers(t.Context())
		must(t, err)
		if diff := cmp.Diff([]account.Member{ann, bob}, list); diff != "" { // capitals first: the order is that of bytes
			t.Errorf("(-want +got):\n%s", diff)
		}
	})

	t.Run("a name is never given again", func(t *testing.T) {
		store, ann := open(t), member("ann", account.Admin)
		must(t, store.AddMember(t.Context(), ann))
		is(t, "a second of the name", store.AddMember(t.Context(), member("ann", account.Viewer)), account.ErrMemberTaken)
		must(t, store.RemoveMember(t.Context(), ann.ID, at))
		is(t, "after the removal", store.AddMember(t.Context(), member("ann", account.Viewer)), account.ErrMemberTaken)
	})

	t.Run("role and token change, and removal ends both", func(t *testing.T) {
		store, ann := open(t), member("ann", account.Viewer)
		must(t, store.AddMember(t.Context(), ann))
		must(t, store.SetMemberRole(t.Context(), ann.ID, account.Approver))
		text, hash := account.MintMemberToken(ann.ID)
		must(t, store.SetMemberToken(t.Context(), ann.ID, hash))
		ann.Role, ann.Hash = account.Approver, hash
		got, err := store.Member(t.Context(), ann.ID)
		must(t, err)
		if diff := cmp.Diff(ann, got); diff != "" || !got.Opens(text.Reveal()) {
			t.Errorf("(-want +got):\n%s", diff)
		}
		must(t, store.RemoveMember(t.Context(), ann.ID, at.Add(time.Hour)))
		is(t, "removed twice", store.RemoveMember(t.Context(), ann.ID, at), account.ErrNoMember)
		is(t, "a removed one's role", store.SetMemberRole(t.Context(), ann.ID, account.Admin), account.ErrNoMember)
		is(t, "a removed one's token", store.SetMemberToken(t.Context(), ann.ID, hash), account.ErrNoMember)
		ann.RemovedAt = at.Add(time.Hour)
		got, err = store.Member(t.Context(), ann.ID)
		must(t, err)
		if diff := cmp.Diff(ann, got); diff != "" || got.Opens(text.Reveal()) {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})

	t.Run("what is not there is ErrNoMember", func(t *testing.T) {
		store := open(t)
		_, err := store.Member(t.Context(), "nothere")
		is(t, "Member", err, account.ErrNoMember)
		is(t, "SetMemberRole", store.SetMemberRole(t.Context(), "nothere", account.Admin), account.ErrNoMember)
		is(t, "SetMemberToken", store.SetMemberToken(t.Context(), "nothere", [32]byte{}), account.ErrNoMember)
		is(t, "RemoveMember", store.RemoveMember(t.Context(), "nothere", at), account.ErrNoMember)
	})

	t.Run("of many that want a name at once, one gets it", func(t *testing.T) {
		store := open(t)
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() { errs[i] = store.AddMember(t.Context(), member("ann", account.Viewer)) })
		}
		wg.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else {
				is(t, "the others", err, account.ErrMemberTaken)
			}
		}
		if made != 1 {
			t.Errorf("%d members made, want 1", made)
		}
	})
}
