package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// key is a virtual key without its secret.
type key struct {
	ID        string   `json:"id"`
	Project   string   `json:"project"`
	Name      string   `json:"name"`
	Prefix    string   `json:"prefix"` // how its text begins
	Models    []string `json:"models"` // patterns; empty: all
	Endpoints []string `json:"endpoints"`
	keyLimits
	CreatedAt  stamp  `json:"created_at"`
	ExpiresAt  *stamp `json:"expires_at"`   // null: never
	RevokedAt  *stamp `json:"revoked_at"`   // null: live
	LastUsedAt *stamp `json:"last_used_at"` // null: never; accurate to a minute
}

// keyLimits are what a key may ask for; 0: no limit of its own.
type keyLimits struct {
	RequestsPerMinute int64 `json:"requests_per_minute"`
	TokensPerMinute   int64 `json:"tokens_per_minute"` // input and output
	Concurrent        int64 `json:"concurrent"`        // calls under way
}

// keyList is all keys.
type keyList struct {
	Keys []key `json:"keys"`
}

// newKey asks for a key.
type newKey struct {
	Project   string   `json:"project,omitempty"` // default unless given
	Name      string   `json:"name"`
	Models    []string `json:"models,omitempty"`     // patterns of models it may ask for; none: all
	Endpoints []string `json:"endpoints,omitempty"`  // patterns of unmodelled paths below /v1 it may reach
	ExpiresAt string   `json:"expires_at,omitempty"` // RFC 3339, or a day; none: never

	RequestsPerMinute int64 `json:"requests_per_minute,omitempty"` // none: no limit of its own
	TokensPerMinute   int64 `json:"tokens_per_minute,omitempty"`   // input and output
	Concurrent        int64 `json:"concurrent,omitempty"`          // calls under way
}

// madeKey is a key just made, with its secret.
type madeKey struct {
	ID        string   `json:"id"`
	Key       string   `json:"key"` // the secret, never to be read again
	Project   string   `json:"project"`
	Name      string   `json:"name"`
	Models    []string `json:"models"`
	Endpoints []string `json:"endpoints"`
	keyLimits
	CreatedAt stamp  `json:"created_at"`
	ExpiresAt *stamp `json:"expires_at"`
}

func (a *API) listKeys(w http.ResponseWriter, r *http.Request) error {
	keys, err := a.cfg.Keys.ListKeys(r.Context())
	if err != nil {
		return fmt.Errorf("list keys: %w", err)
	}
	out := keyList{Keys: make([]key, len(keys))}
	for i, k := range keys {
		out.Keys[i] = key{
			ID: k.ID, Project: k.Project, Name: k.Name, Prefix: account.KeyPrefix + k.ID, Models: list(k.Models), Endpoints: list(k.Endpoints),
			keyLimits: keyLimits(k.Limits),
			CreatedAt: stamp(k.CreatedAt), ExpiresAt: stampOf(k.ExpiresAt), RevokedAt: stampOf(k.RevokedAt), LastUsedAt: stampOf(k.LastUsedAt),
		}
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) createKey(w http.ResponseWriter, r *http.Request) error {
	var in newKey
	if err := read(r, &in); err != nil {
		return err
	}
	now := time.Now()
	k, err := in.key(now)
	if err != nil {
		return err
	}
	id, text, hash := account.Mint()
	k.ID, k.Hash, k.CreatedAt = id, hash, now
	if err := a.cfg.Keys.CreateKey(r.Context(), k); err != nil {
		return fmt.Errorf("create key: %w", err)
	}
	return a.showSecret(w, r, k, text)
}

// key checks what is asked for.
func (in *newKey) key(now time.Time) (account.Key, error) {
	k := account.Key{Project: in.Project, Name: in.Name, Models: in.Models, Endpoints: in.Endpoints}
	if k.Project == "" {
		k.Project = "default"
	}
	for _, f := range []struct{ field, text string }{{"project", k.Project}, {"name", k.Name}} {
		if f.text == "" {
			return k, bad(f.field, "the %s is missing; a key needs one, of 1 to 64 letters, digits, dots, dashes and underscores", f.field)
		}
		if !isName(f.text) {
			return k, bad(f.field, "the %s %q is no name: want 1 to 64 letters, digits, dots, dashes and underscores", f.field, clip(f.text))
		}
	}
	for _, f := range []struct {
		field    string
		patterns []string
	}{{"models", k.Models}, {"endpoints", k.Endpoints}} {
		if err := checkPatterns(f.field, f.patterns); err != nil {
			return k, err
		}
	}
	for _, f := range []struct {
		field string
		n     int64
		to    *int64
	}{
		{"requests_per_minute", in.RequestsPerMinute, &k.Limits.RequestsPerMinute},
		{"tokens_per_minute", in.TokensPerMinute, &k.Limits.TokensPerMinute},
		{"concurrent", in.Concurrent, &k.Limits.Concurrent},
	} {
		if f.n < 0 || f.n > mostLimit {
			return k, bad(f.field, "%s is %d: want 1 to %d, or 0 for no limit", f.field, f.n, mostLimit)
		}
		*f.to = f.n
	}
	for _, p := range k.Endpoints {
		if p[0] != '/' && p[0] != '*' {
			return k, bad("endpoints", "the endpoint %q is no path below /v1: want it as /files/*", clip(p))
		}
	}
	if in.ExpiresAt != "" {
		var ok bool
		if k.ExpiresAt, ok = parseMoment(in.ExpiresAt, time.UTC); !ok {
			return k, bad("expires_at", "expires_at %q is no time: want RFC 3339 (2027-01-31T08:00:00Z) or a day (2027-01-31)", clip(in.ExpiresAt))
		}
		if !k.ExpiresAt.After(now) {
			return k, bad("expires_at", "expires_at %q is not in the future", clip(in.ExpiresAt))
		}
	}
	return k, nil
}

func checkPatterns(field string, patterns []string) error {
	const most, longest = 100, 256
	if len(patterns) > most {
		return bad(field, "%d %s are more than the %d that a key may have; use patterns with *", len(patterns), field, most)
	}
	for _, p := range patterns {
		if p == "" || len(p) > longest || strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return bad(field, "%q in %s is no pattern: want 1 to %d characters without blanks, * for any run of them", clip(p), field, longest)
		}
	}
	return nil
}

// mostLimit bounds a key's limits.
const mostLimit = 1_000_000_000

// showSecret tells those who keep keys in memory, then answers with the one sight of the secret.
func (a *API) showSecret(w http.ResponseWriter, r *http.Request, k account.Key, text account.Secret) error {
	a.keysChanged(r.Context())
	return answer(w, http.StatusCreated, madeKey{
		ID: k.ID, Key: text.Reveal(), Project: k.Project, Name: k.Name, Models: list(k.Models), Endpoints: list(k.Endpoints),
		keyLimits: keyLimits(k.Limits),
		CreatedAt: stamp(k.CreatedAt), ExpiresAt: stampOf(k.ExpiresAt),
	})
}

// keysChanged must not fail the request: the change is stored, and is found a little later in any case.
func (a *API) keysChanged(ctx context.Context) {
	if err := a.cfg.KeysChanged(context.WithoutCancel(ctx)); err != nil {
		a.cfg.Log.Warn("keys changed, but were not read again", "error", err)
	}
}

func (a *API) revokeKey(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Keys.RevokeKey(r.Context(), r.PathValue("id"), time.Now()); err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	a.keysChanged(r.Context())
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) rotateKey(w http.ResponseWriter, r *http.Request) error {
	now := time.Now()
	old, err := a.cfg.Keys.Key(r.Context(), r.PathValue("id"))
	if err != nil {
		return fmt.Errorf("rotate key: %w", err)
	}
	if !old.Live(now) {
		return llm.Faultf(llm.InvalidRequest, "the key %s is revoked or expired and cannot be rotated; make a new one with POST %s/keys", old.ID, prefix)
	}
	id, text, hash := account.Mint()
	k := account.Key{
		ID: id, Project: old.Project, Name: old.Name, Hash: hash, Models: old.Models, Endpoints: old.Endpoints, Limits: old.Limits,
		CreatedAt: now, ExpiresAt: old.ExpiresAt,
	}
	if err := a.cfg.Keys.ReplaceKey(r.Context(), old.ID, k, now); err != nil {
		return fmt.Errorf("rotate key: %w", err)
	}
	return a.showSecret(w, r, k, text)
}
