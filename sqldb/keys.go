package sqldb

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/account"
)

var _ account.Keys = (*DB)(nil)

// keyRow is a row of api_keys.
type keyRow struct {
	bun.BaseModel `bun:"table:api_keys"`

	ID         string   `bun:"id,pk"`
	Project    string   `bun:"project"`
	Name       string   `bun:"name"`
	Hash       string   `bun:"hash"`
	Models     textList `bun:"models"`
	Endpoints  textList `bun:"endpoints"`
	CreatedAt  int64    `bun:"created_at"`
	ExpiresAt  int64    `bun:"expires_at"`
	RevokedAt  int64    `bun:"revoked_at"`
	LastUsedAt int64    `bun:"last_used_at"`

	RequestsPerMinute int64 `bun:"requests_per_minute"`
	TokensPerMinute   int64 `bun:"tokens_per_minute"`
	Concurrent        int64 `bun:"concurrent"`
}

func rowOf(k account.Key) *keyRow {
	return &keyRow{
		ID: k.ID, Project: k.Project, Name: k.Name, Hash: hex.EncodeToString(k.Hash[:]), Models: k.Models, Endpoints: k.Endpoints,
		CreatedAt: micros(k.CreatedAt), ExpiresAt: micros(k.ExpiresAt), RevokedAt: micros(k.RevokedAt), LastUsedAt: micros(k.LastUsedAt),
		RequestsPerMinute: k.Limits.RequestsPerMinute, TokensPerMinute: k.Limits.TokensPerMinute, Concurrent: k.Limits.Concurrent,
	}
}

func (r *keyRow) key() (account.Key, error) {
	k := account.Key{
		ID: r.ID, Project: r.Project, Name: r.Name, Models: r.Models, Endpoints: r.Endpoints,
		CreatedAt: fromMicros(r.CreatedAt), ExpiresAt: fromMicros(r.ExpiresAt), RevokedAt: fromMicros(r.RevokedAt), LastUsedAt: fromMicros(r.LastUsedAt),
		Limits: account.Limits{RequestsPerMinute: r.RequestsPerMinute, TokensPerMinute: r.TokensPerMinute, Concurrent: r.Concurrent},
	}
	if n, err := hex.Decode(k.Hash[:], []byte(r.Hash)); err != nil || n != len(k.Hash) {
		return account.Key{}, fmt.Errorf("key %s: its stored hash is damaged; revoke it and make another", r.ID)
	}
	return k, nil
}

// CreateKey implements account.Keys.
func (db *DB) CreateKey(ctx context.Context, k account.Key) error { return insertKey(ctx, db.bun, k) }

func insertKey(ctx context.Context, in bun.IDB, k account.Key) error {
	res, err := in.NewInsert().Model(rowOf(k)).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return fmt.Errorf("create key %s of project %s: %w", k.Name, k.Project, err)
	}
	if n, err := res.RowsAffected(); err == nil && n == 0 {
		return fmt.Errorf("create key %s of project %s: %w", k.Name, k.Project, account.ErrNameTaken)
	}
	return nil
}

// Key implements account.Keys.
func (db *DB) Key(ctx context.Context, id string) (account.Key, error) {
	var row keyRow
	err := db.bun.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return account.Key{}, fmt.Errorf("key %s: %w", id, account.ErrNoKey)
	}
	if err != nil {
		return account.Key{}, fmt.Errorf("read key %s: %w", id, err)
	}
	return row.key()
}

// ListKeys implements account.Keys.
func (db *DB) ListKeys(ctx context.Context) ([]account.Key, error) {
	var rows []keyRow
	if err := db.bun.NewSelect().Model(&rows).Order("created_at", "id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	out := make([]account.Key, len(rows))
	for i := range rows {
		k, err := rows[i].key()
		if err != nil {
			return nil, err
		}
		out[i] = k
	}
	return out, nil
}

// RevokeKey implements account.Keys.
func (db *DB) RevokeKey(ctx context.Context, id string, t time.Time) error {
	revoked, err := revokeLive(ctx, db.bun, id, t)
	if err != nil || revoked {
		return err
	}
	_, err = db.Key(ctx, id) // revoked before, or not there
	return err
}

func revokeLive(ctx context.Context, in bun.IDB, id string, t time.Time) (bool, error) {
	res, err := in.NewUpdate().Model((*keyRow)(nil)).Set("revoked_at = ?", micros(t)).Where("id = ?", id).Where("revoked_at = 0").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("revoke key %s: %w", id, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("revoke key %s: %w", id, err)
	}
	return n > 0, nil
}

// ReplaceKey implements account.Keys.
func (db *DB) ReplaceKey(ctx context.Context, old string, k account.Key, t time.Time) error {
	return db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		revoked, err := revokeLive(ctx, tx, old, t)
		if err != nil {
			return err
		}
		if !revoked {
			return fmt.Errorf("replace key %s: %w", old, account.ErrNoKey)
		}
		return insertKey(ctx, tx, k)
	})
}

// TouchKeys implements account.Keys.
func (db *DB) TouchKeys(ctx context.Context, used map[string]time.Time) error {
	return db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		for id, t := range used {
			at := micros(t)
			if _, err := tx.NewUpdate().Model((*keyRow)(nil)).Set("last_used_at = ?", at).Where("id = ?", id).Where("last_used_at < ?", at).Exec(ctx); err != nil {
				return fmt.Errorf("note use of key %s: %w", id, err)
			}
		}
		return nil
	})
}
