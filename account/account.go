// Package account says who calls and on whose account: projects, virtual keys and the secrets that prove them.
package account

import (
	"context"
	"errors"
	"time"
)

// Key is a virtual key: what a client presents to weir in place of a provider's key.
type Key struct {
	ID         string   // 12 of [a-z0-9], the public half of the secret's text
	Project    string   // calls are recorded and budgeted under it
	Name       string   // unique within the project among live keys
	Hash       [32]byte // SHA-256 of the whole secret text; the secret itself is nowhere
	Models     []string // patterns of models it may ask for; empty allows all
	Endpoints  []string // unmodelled paths it may reach, as patterns under /v1; empty allows none
	Limits     Limits
	CreatedAt  time.Time // UTC
	ExpiresAt  time.Time // zero: never
	RevokedAt  time.Time // zero: live
	LastUsedAt time.Time // zero: never; accurate to a minute
}

// Limits bound the calls of one key. Zero fields are no limit.
type Limits struct {
	RequestsPerMinute int64
	TokensPerMinute   int64 // input and output
	Concurrent        int64 // calls under way
}

// Live says whether the key opens anything at t.
func (k Key) Live(t time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || t.Before(k.ExpiresAt))
}

// Errors of Keys. Test with errors.Is.
var (
	ErrNoKey     = errors.New("no such key")
	ErrNameTaken = errors.New("the project has a live key of this name")
)

// Keys stores virtual keys. Safe for concurrent use by several processes. Times come back in UTC, to the microsecond.
type Keys interface {
	// CreateKey stores a new key. ErrNameTaken when the project has a live one of its name.
	CreateKey(ctx context.Context, k Key) error
	// Key finds a key by id, revoked ones too. ErrNoKey when there is none.
	Key(ctx context.Context, id string) (Key, error)
	// ListKeys gives all keys, oldest first, then by id.
	ListKeys(ctx context.Context) ([]Key, error)
	// RevokeKey ends a key at t. Revoking twice keeps the first time. ErrNoKey when there is none.
	RevokeKey(ctx context.Context, id string, t time.Time) error
	// ReplaceKey revokes old at t and stores k in one step: what rotation needs. ErrNoKey when old is not there or not live.
	ReplaceKey(ctx context.Context, old string, k Key, t time.Time) error
	// TouchKeys notes last uses; ids that are not there are passed over, times never move back.
	TouchKeys(ctx context.Context, used map[string]time.Time) error
}
