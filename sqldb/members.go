package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/account"
)

var _ account.Members = (*DB)(nil)

// memberRow is a row of members.
type memberRow struct {
	bun.BaseModel `bun:"table:members"`

	ID        string `bun:"id,pk"`
	Name      string `bun:"name"`
	Email     string `bun:"email"`
	Role      string `bun:"role"`
	Hash      string `bun:"hash"`
	CreatedAt int64  `bun:"created_at"`
	RemovedAt int64  `bun:"removed_at"`
}

func (r *memberRow) member() (account.Member, error) {
	m := account.Member{
		ID: r.ID, Name: r.Name, Email: r.Email, Role: account.Role(r.Role), CreatedAt: fromMicros(r.CreatedAt), RemovedAt: fromMicros(r.RemovedAt),
	}
	if n, err := hex.Decode(m.Hash[:], []byte(r.Hash)); err != nil || n != len(m.Hash) {
		return account.Member{}, fmt.Errorf("member %s: the stored hash of the token is damaged; give the member another token", r.Name)
	}
	return m, nil
}

// AddMember implements account.Members.
func (db *DB) AddMember(ctx context.Context, m account.Member) error {
	row := &memberRow{
		ID: m.ID, Name: m.Name, Email: m.Email, Role: string(m.Role), Hash: hex.EncodeToString(m.Hash[:]),
		CreatedAt: micros(m.CreatedAt), RemovedAt: micros(m.RemovedAt),
	}
	made, err := changed(db.bun.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx))
	if err == nil && !made {
		err = account.ErrMemberTaken
	}
	if err != nil {
		return fmt.Errorf("add member %s: %w", m.Name, err)
	}
	return nil
}

// Member implements account.Members.
func (db *DB) Member(ctx context.Context, id string) (account.Member, error) {
	row := memberRow{ID: id}
	err := db.bun.NewSelect().Model(&row).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = account.ErrNoMember
	}
	if err != nil {
		return account.Member{}, fmt.Errorf("member %s: %w", id, err)
	}
	return row.member()
}

// ListMembers implements account.Members.
func (db *DB) ListMembers(ctx context.Context) ([]account.Member, error) {
	var rows []memberRow
	if err := db.bun.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	out := make([]account.Member, len(rows))
	for i := range rows {
		m, err := rows[i].member()
		if err != nil {
			return nil, err
		}
		out[i] = m
	}
	slices.SortFunc(out, func(a, b account.Member) int { return cmp.Compare(a.Name, b.Name) }) // as every database does
	return out, nil
}

// SetMemberRole implements account.Members.
func (db *DB) SetMemberRole(ctx context.Context, id string, role account.Role) error {
	return db.setMember(ctx, &memberRow{ID: id, Role: string(role)}, "role")
}

// SetMemberToken implements account.Members.
func (db *DB) SetMemberToken(ctx context.Context, id string, hash [32]byte) error {
	return db.setMember(ctx, &memberRow{ID: id, Hash: hex.EncodeToString(hash[:])}, "hash")
}

// RemoveMember implements account.Members.
func (db *DB) RemoveMember(ctx context.Context, id string, t time.Time) error {
	return db.setMember(ctx, &memberRow{ID: id, RemovedAt: micros(t)}, "removed_at")
}

// setMember writes one column of a member that is not removed.
func (db *DB) setMember(ctx context.Context, row *memberRow, column string) error {
	there, err := changed(db.bun.NewUpdate().Model(row).Column(column).WherePK().Where("removed_at = 0").Exec(ctx))
	if err == nil && !there {
		err = account.ErrNoMember
	}
	if err != nil {
		return fmt.Errorf("set %s of member %s: %w", column, row.ID, err)
	}
	return nil
}
