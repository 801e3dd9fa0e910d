package account_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/account/accounttest"
)

func TestMemoryKeys(t *testing.T) {
	accounttest.Keys(t, func(*testing.T) account.Keys { return &account.MemoryKeys{} })
}

func TestMintedKeysHaveTheForm(t *testing.T) {
	form := regexp.MustCompile(`^sk-weir-[a-z0-9]{12}-[A-Za-z0-9]{43}$`)
	seen := map[string]bool{}
	for range 1000 {
		id, text, hash := account.Mint()
		if !form.MatchString(text.Reveal()) || seen[id] {
			t.Fatalf("minted %q", text.Reveal())
		}
		seen[id] = true
		if got, ok := account.KeyID(text.Reveal()); !ok || got != id {
			t.Fatalf("KeyID = %q, %v, want %q", got, ok, id)
		}
		k := account.Key{ID: id, Hash: hash}
		if !k.Opens(text.Reveal()) || k.Opens(text.Reveal()+"x") || k.Opens("") {
			t.Fatal("a key opens the wrong texts")
		}
	}
}

func TestASecretDoesNotPrint(t *testing.T) {
	s := account.NewSecret("canary")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "in", struct{ S account.Secret }{s})
	j, err := json.Marshal(map[string]any{"s": s, "p": &s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		s.String(), fmt.Sprintf("%s %v %+v %#v %q %x %d", s, s, s, s, s, s, s), fmt.Sprintf("%+v %#v", struct{ S account.Secret }{s}, &s),
		string(j), log.String(),
	} {
		if strings.Contains(text, "canary") || strings.Contains(text, "63616e617279") {
			t.Errorf("printed %s", text)
		}
	}
	if !s.Equal("canary") || s.Equal("canar") || (account.Secret{}).Equal("") {
		t.Error("Equal is wrong")
	}
}

func TestTheKeyringKnowsKeysFromElsewhereAndForgetsRevokedOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &account.MemoryKeys{}
		ring, err := account.NewKeyring(t.Context(), store, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		go ring.Run(ctx, func(err error) { t.Error(err) })
		id, text, hash := account.Mint()
		if err := store.CreateKey(t.Context(), account.Key{ID: id, Project: "p", Name: "n", Hash: hash, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if k, ok := ring.Open(t.Context(), text.Reveal(), time.Now()); !ok || k.Project != "p" {
			t.Fatalf("a key made elsewhere does not open: %+v", k)
		}
		if _, ok := ring.Open(t.Context(), text.Reveal(), time.Now().Add(2*time.Hour)); ok {
			t.Error("an expired key opens")
		}
		if err := store.RevokeKey(t.Context(), id, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond) // of the bubble's clock
		synctest.Wait()
		if _, ok := ring.Open(t.Context(), text.Reveal(), time.Now()); ok {
			t.Error("a key revoked elsewhere still opens")
		}
		stop()
		synctest.Wait()
		if k, err := store.Key(t.Context(), id); err != nil || k.LastUsedAt.IsZero() {
			t.Errorf("last use not noted at the stop: %+v, %v", k, err)
		}
	})
}

// brokenKeys counts look-ups and always fails.
type brokenKeys struct {
	account.MemoryKeys
	asked int
}

func (b *brokenKeys) Key(context.Context, string) (account.Key, error) {
	b.asked++
	return account.Key{}, errors.New("away")
}

func TestGuessingIDsIsNoLoadOnTheStore(t *testing.T) {
	store := &brokenKeys{}
	ring, err := account.NewKeyring(t.Context(), store, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range 3000 {
		_, text, _ := account.Mint()
		for range 3 {
			if _, ok := ring.Open(t.Context(), text.Reveal(), time.Now()); ok {
				t.Fatal("opened")
			}
		}
	}
	if store.asked > 1000 {
		t.Errorf("the store was asked %d times", store.asked)
	}
}
