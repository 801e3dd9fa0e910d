package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/prompts"
)

// changeRow is a row of prompt_changes.
type changeRow struct {
	bun.BaseModel `bun:"table:prompt_changes"`

	ID       string `bun:"id,pk"`
	Prompt   string `bun:"prompt"`
	Label    string `bun:"label"`
	From     int    `bun:"from_number"`
	To       int    `bun:"to_number"`
	Author   string `bun:"author"`
	Reason   string `bun:"reason"`
	OpenedAt int64  `bun:"opened_at"`
	Status   string `bun:"status"`
	ClosedAt int64  `bun:"closed_at"`
	ClosedBy string `bun:"closed_by"`
	Revision int64  `bun:"revision"`
}

// reviewRow is a row of prompt_reviews.
type reviewRow struct {
	bun.BaseModel `bun:"table:prompt_reviews"`

	Change  string `bun:"change_id,pk"`
	Seq     int64  `bun:"seq,pk"`
	Author  string `bun:"author"`
	Approve int    `bun:"approve"` // 1 or 0
	Comment string `bun:"remark"`
	At      int64  `bun:"given_at"`
}

func (r *changeRow) change(reviews []reviewRow) prompts.Change {
	c := prompts.Change{
		ID: r.ID, Prompt: r.Prompt, Label: r.Label, From: r.From, To: r.To, Author: r.Author, Reason: r.Reason, OpenedAt: fromMicros(r.OpenedAt),
		Status: prompts.ChangeStatus(r.Status), ClosedAt: fromMicros(r.ClosedAt), ClosedBy: r.ClosedBy, Revision: r.Revision,
	}
	for _, v := range reviews {
		if v.Change == r.ID {
			c.Reviews = append(c.Reviews, prompts.Review{Author: v.Author, Approve: v.Approve != 0, Comment: v.Comment, At: fromMicros(v.At)})
		}
	}
	return c
}

// OpenChange implements prompts.Store.
func (db *DB) OpenChange(ctx context.Context, c prompts.Change) (prompts.Change, error) {
	var out prompts.Change
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, _ int64) error {
		place, err := placeOf(ctx, tx, c.Prompt, c.Label, c.To)
		if err != nil {
			return err
		}
		if err := prompts.CheckOpen(c, place); err != nil {
			return err
		}
		row := &changeRow{
			ID: c.ID, Prompt: c.Prompt, Label: c.Label, From: place.At, To: c.To, Author: c.Author, Reason: c.Reason, OpenedAt: micros(c.OpenedAt),
			Status: string(prompts.ChangeOpen),
		}
		made, err := changed(tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx))
		if err == nil && !made {
			err = fmt.Errorf("id %s is taken: %w", c.ID, prompts.ErrConflict)
		}
		out = row.change(nil)
		return err
	})
	if err != nil {
		return prompts.Change{}, fmt.Errorf("open change: %w", err)
	}
	return out, nil
}

// Change implements prompts.Store.
func (db *DB) Change(ctx context.Context, id string) (prompts.Change, error) {
	return readChange(ctx, db.bun, id)
}

func readChange(ctx context.Context, in bun.IDB, id string) (prompts.Change, error) {
	row := changeRow{ID: id}
	err := in.NewSelect().Model(&row).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = prompts.ErrNoChange
	}
	if err != nil {
		return prompts.Change{}, fmt.Errorf("change %s: %w", id, err)
	}
	var reviews []reviewRow
	if err := in.NewSelect().Model(&reviews).Where("change_id = ?", id).Order("seq").Scan(ctx); err != nil {
		return prompts.Change{}, fmt.Errorf("reviews of change %s: %w", id, err)
	}
	return row.change(reviews), nil
}

// ListChanges implements prompts.Store.
func (db *DB) ListChanges(ctx context.Context, name string) ([]prompts.Change, error) {
	var rows []changeRow
	var reviews []reviewRow
	changes := db.bun.NewSelect().Model(&rows).Order("opened_at DESC", "id DESC")
	said := db.bun.NewSelect().Model(&reviews).Order("seq")
	if name != "" {
		changes.Where("prompt = ?", name)
		said.Where("change_id IN (?)", db.bun.NewSelect().Model((*changeRow)(nil)).Column("id").Where("prompt = ?", name))
	}
	if err := changes.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	if err := said.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list reviews: %w", err)
	}
	by := map[string][]reviewRow{}
	for _, r := range reviews {
		by[r.Change] = append(by[r.Change], r)
	}
	out := make([]prompts.Change, len(rows))
	for i := range rows {
		out[i] = rows[i].change(by[rows[i].ID])
	}
	return out, nil
}

// ReviewChange implements prompts.Store.
func (db *DB) ReviewChange(ctx context.Context, id string, r prompts.Review) (prompts.Change, error) {
	var out prompts.Change
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, revision int64) error {
		c, err := readChange(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := c.CheckReview(r); err != nil {
			return err
		}
		row := &reviewRow{Change: id, Seq: revision, Author: r.Author, Comment: r.Comment, At: micros(r.At)}
		if r.Approve {
			row.Approve = 1
		}
		if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
			return err
		}
		out, err = readChange(ctx, tx, id)
		return err
	})
	if err != nil {
		return prompts.Change{}, fmt.Errorf("review: %w", err)
	}
	return out, nil
}

// CloseChange implements prompts.Store.
func (db *DB) CloseChange(ctx context.Context, id, author string, at time.Time) (prompts.Change, error) {
	var out prompts.Change
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, _ int64) error {
		c, err := readChange(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := c.CheckClose(); err != nil {
			return err
		}
		out, err = endChange(ctx, tx, id, prompts.ChangeClosed, author, at, 0)
		return err
	})
	if err != nil {
		return prompts.Change{}, fmt.Errorf("close: %w", err)
	}
	return out, nil
}

func endChange(ctx context.Context, tx bun.Tx, id string, status prompts.ChangeStatus, author string, at time.Time, revision int64) (prompts.Change, error) {
	row := &changeRow{ID: id, Status: string(status), ClosedAt: micros(at), ClosedBy: author, Revision: revision}
	if _, err := tx.NewUpdate().Model(row).Column("status", "closed_at", "closed_by", "revision").WherePK().Exec(ctx); err != nil {
		return prompts.Change{}, err
	}
	return readChange(ctx, tx, id)
}

// MergeChange implements prompts.Store.
func (db *DB) MergeChange(ctx context.Context, id, author, passed string, at time.Time) (prompts.Change, prompts.Move, error) {
	var out prompts.Change
	var move prompts.Move
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, revision int64) error {
		c, err := readChange(ctx, tx, id)
		if err != nil {
			return err
		}
		place, err := placeOf(ctx, tx, c.Prompt, c.Label, c.To)
		if err != nil {
			return err
		}
		rule := protectionRow{Prompt: c.Prompt, Label: c.Label}
		if err := tx.NewSelect().Model(&rule).WherePK().Scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := c.CheckMerge(rule.protection(), passed, place); err != nil {
			return err
		}
		move = c.Merged(author, at)
		move.Revision = revision
		if move, err = writeMove(ctx, tx, move); err != nil {
			return err
		}
		out, err = endChange(ctx, tx, id, prompts.ChangeMerged, author, at, revision)
		return err
	})
	if err != nil {
		return prompts.Change{}, prompts.Move{}, fmt.Errorf("merge: %w", err)
	}
	return out, move, nil
}
