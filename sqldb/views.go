package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/account"
)

var _ account.Views = (*DB)(nil)

// viewRow is a row of saved_views.
type viewRow struct {
	bun.BaseModel `bun:"table:saved_views"`

	ID        string `bun:"id,pk"`
	Room      string `bun:"room"`
	Name      string `bun:"name"`
	Query     string `bun:"query"`
	Owner     string `bun:"owner"`
	Shared    bool   `bun:"shared"`
	CreatedAt int64  `bun:"created_at"`
	ChangedAt int64  `bun:"changed_at"`
}

func (r *viewRow) view() account.View {
	return account.View{
		ID: r.ID, Room: r.Room, Name: r.Name, Query: r.Query, Owner: r.Owner, Shared: r.Shared,
		CreatedAt: fromMicros(r.CreatedAt), ChangedAt: fromMicros(r.ChangedAt),
	}
}

func viewRowOf(v account.View) *viewRow {
	return &viewRow{
		ID: v.ID, Room: v.Room, Name: v.Name, Query: v.Query, Owner: v.Owner, Shared: v.Shared,
		CreatedAt: micros(v.CreatedAt), ChangedAt: micros(v.ChangedAt),
	}
}

// AddView implements account.Views.
func (db *DB) AddView(ctx context.Context, v account.View) error {
	made, err := changed(db.bun.NewInsert().Model(viewRowOf(v)).On("CONFLICT DO NOTHING").Exec(ctx))
	if err == nil && !made {
		err = account.ErrViewTaken
	}
	if err != nil {
		return fmt.Errorf("add view %.100q: %w", v.Name, err)
	}
	return nil
}

// View implements account.Views.
func (db *DB) View(ctx context.Context, id string) (account.View, error) {
	row := viewRow{ID: id}
	err := db.bun.NewSelect().Model(&row).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = account.ErrNoView
	}
	if err != nil {
		return account.View{}, fmt.Errorf("view %.100q: %w", id, err)
	}
	return row.view(), nil
}

// ListViews implements account.Views.
func (db *DB) ListViews(ctx context.Context, owner string) ([]account.View, error) {
	var rows []viewRow
	if err := db.bun.NewSelect().Model(&rows).Where("shared OR owner = ?", owner).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list views: %w", err)
	}
	out := make([]account.View, len(rows))
	for i := range rows {
		out[i] = rows[i].view()
	}
	slices.SortFunc(out, account.CompareViews) // as every database does
	return out, nil
}

// SetView implements account.Views.
func (db *DB) SetView(ctx context.Context, v account.View) error {
	err := db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		row := viewRow{ID: v.ID}
		if err := tx.NewSelect().Model(&row).WherePK().Scan(ctx); err != nil {
			return err
		}
		taken, err := tx.NewSelect().Model((*viewRow)(nil)).Where("owner = ? AND name = ? AND id <> ?", row.Owner, v.Name, v.ID).Exists(ctx)
		if err != nil {
			return err
		}
		if taken { // the index refuses it too, with an error that each database words in its own way
			return account.ErrViewTaken
		}
		there, err := changed(tx.NewUpdate().Model(viewRowOf(v)).Column("name", "query", "shared", "changed_at").WherePK().Exec(ctx))
		if err == nil && !there {
			return account.ErrNoView
		}
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = account.ErrNoView
	}
	if err != nil {
		return fmt.Errorf("change view %.100q: %w", v.Name, err)
	}
	return nil
}

// RemoveView implements account.Views.
func (db *DB) RemoveView(ctx context.Context, id string) error {
	gone, err := changed(db.bun.NewDelete().Model((*viewRow)(nil)).Where("id = ?", id).Exec(ctx))
	if err == nil && !gone {
		err = account.ErrNoView
	}
	if err != nil {
		return fmt.Errorf("remove view %.100q: %w", id, err)
	}
	return nil
}
