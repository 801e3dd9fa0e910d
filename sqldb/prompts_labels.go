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

// labelRow is a row of prompt_labels.
type labelRow struct {
	bun.BaseModel `bun:"table:prompt_labels"`

	Prompt   string `bun:"prompt,pk"`
	Label    string `bun:"label,pk"`
	Number   int    `bun:"number"`
	Revision int64  `bun:"revision"`
	MovedAt  int64  `bun:"moved_at"`
}

func (r *labelRow) pointer() prompts.Pointer {
	return prompts.Pointer{Prompt: r.Prompt, Label: r.Label, Number: r.Number, Revision: r.Revision, MovedAt: fromMicros(r.MovedAt)}
}

// moveRow is a row of prompt_moves.
type moveRow struct {
	bun.BaseModel `bun:"table:prompt_moves"`

	Revision int64  `bun:"revision,pk"`
	Prompt   string `bun:"prompt"`
	Label    string `bun:"label"`
	Number   int    `bun:"number"`
	From     int    `bun:"from_number"`
	MovedAt  int64  `bun:"moved_at"`
	Author   string `bun:"author"`
	Reason   string `bun:"reason"`
	Change   string `bun:"change_id"`
}

func (r *moveRow) move() prompts.Move {
	return prompts.Move{
		Pointer: prompts.Pointer{Prompt: r.Prompt, Label: r.Label, Number: r.Number, Revision: r.Revision, MovedAt: fromMicros(r.MovedAt)},
		From:    r.From, Author: r.Author, Reason: r.Reason, Change: r.Change,
	}
}

// protectionRow is a row of prompt_protections.
type protectionRow struct {
	bun.BaseModel `bun:"table:prompt_protections"`

	Prompt    string `bun:"prompt,pk"`
	Label     string `bun:"label,pk"`
	Approvals int    `bun:"approvals"`
	Gate      string `bun:"gate"`
	Author    string `bun:"author"`
	At        int64  `bun:"set_at"`
}

func (r *protectionRow) protection() prompts.Protection {
	return prompts.Protection{Approvals: r.Approvals, Gate: r.Gate, Author: r.Author, At: fromMicros(r.At)}
}

// putLabel writes where a label points.
func putLabel(ctx context.Context, tx bun.Tx, p prompts.Pointer) error {
	row := &labelRow{Prompt: p.Prompt, Label: p.Label, Number: p.Number, Revision: p.Revision, MovedAt: micros(p.MovedAt)}
	_, err := tx.NewInsert().Model(row).On("CONFLICT (prompt, label) DO UPDATE").
		Set("number = EXCLUDED.number").Set("revision = EXCLUDED.revision").Set("moved_at = EXCLUDED.moved_at").Exec(ctx)
	return err
}

func dropLabel(ctx context.Context, tx bun.Tx, name, label string) error {
	_, err := tx.NewDelete().Model(&labelRow{Prompt: name, Label: label}).WherePK().Exec(ctx)
	return err
}

// placeOf tells where a label is and whether it was at a version.
func placeOf(ctx context.Context, tx bun.Tx, name, label string, number int) (p prompts.Place, err error) {
	if p.Newest, err = newestVersion(ctx, tx, name); err != nil || p.Newest == 0 {
		return p, err
	}
	at := labelRow{Prompt: name, Label: label}
	if err := tx.NewSelect().Model(&at).WherePK().Scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return p, err
	}
	p.At = at.Number
	if p.Deleted, err = tx.NewSelect().Model(&versionRow{Prompt: name, Number: number}).WherePK().Where("deleted_at <> 0").Exists(ctx); err != nil {
		return p, err
	}
	if p.Protected, err = tx.NewSelect().Model(&protectionRow{Prompt: name, Label: label}).WherePK().Exists(ctx); err != nil {
		return p, err
	}
	p.WasAt, err = tx.NewSelect().Model((*moveRow)(nil)).Where("prompt = ?", name).Where("label = ?", label).Where("number = ?", number).Exists(ctx)
	return p, err
}

// writeMove points a label to a version, or takes it away when the number is 0, and keeps the move.
func writeMove(ctx context.Context, tx bun.Tx, m prompts.Move) (prompts.Move, error) {
	row := &moveRow{
		Revision: m.Revision, Prompt: m.Prompt, Label: m.Label, Number: m.Number, From: m.From, MovedAt: micros(m.MovedAt),
		Author: m.Author, Reason: m.Reason, Change: m.Change,
	}
	var err error
	if m.Number == 0 {
		err = dropLabel(ctx, tx, m.Prompt, m.Label)
	} else {
		err = putLabel(ctx, tx, m.Pointer)
	}
	if err != nil {
		return m, err
	}
	_, err = tx.NewInsert().Model(row).Exec(ctx)
	return row.move(), err
}

// MoveLabel implements prompts.Store.
func (db *DB) MoveLabel(ctx context.Context, m prompts.Move, expect int) (prompts.Move, error) {
	var out prompts.Move
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, revision int64) error {
		place, err := placeOf(ctx, tx, m.Prompt, m.Label, m.Number)
		if err != nil {
			return err
		}
		if err := prompts.CheckMove(m, expect, place); err != nil {
			return err
		}
		m.From, m.Revision, m.Change = place.At, revision, ""
		if place.At == m.Number {
			m.Revision, m.MovedAt = 0, fromMicros(micros(m.MovedAt))
			out = m
			return errSame
		}
		out, err = writeMove(ctx, tx, m)
		return err
	})
	if err != nil {
		return prompts.Move{}, fmt.Errorf("move label: %w", err)
	}
	return out, nil
}

// RemoveLabel implements prompts.Store.
func (db *DB) RemoveLabel(ctx context.Context, name, label, author, reason string, at time.Time) error {
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, revision int64) error {
		place, err := placeOf(ctx, tx, name, label, 0)
		if err != nil {
			return err
		}
		if err := prompts.CheckRemove(name, label, place); err != nil {
			return err
		}
		_, err = writeMove(ctx, tx, prompts.Move{
			Pointer: prompts.Pointer{Prompt: name, Label: label, Revision: revision, MovedAt: at}, From: place.At, Author: author, Reason: reason,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("remove label: %w", err)
	}
	return nil
}

// Moves implements prompts.Store.
func (db *DB) Moves(ctx context.Context, name string) ([]prompts.Move, error) {
	var rows []moveRow
	if err := db.bun.NewSelect().Model(&rows).Where("prompt = ?", name).Order("revision DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("moves of prompt %s: %w", name, err)
	}
	if len(rows) == 0 {
		if newest, err := newestVersion(ctx, db.bun, name); err != nil {
			return nil, fmt.Errorf("moves of prompt %s: %w", name, err)
		} else if newest == 0 {
			return nil, fmt.Errorf("moves of prompt %s: %w", name, prompts.ErrNoPrompt)
		}
	}
	out := make([]prompts.Move, len(rows))
	for i := range rows {
		out[i] = rows[i].move()
	}
	return out, nil
}

// Protect implements prompts.Store.
func (db *DB) Protect(ctx context.Context, name, label string, rule prompts.Protection) error {
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, _ int64) error {
		newest, err := newestVersion(ctx, tx, name)
		if err == nil && newest == 0 {
			err = prompts.ErrNoPrompt
		}
		if err != nil {
			return err
		}
		row := &protectionRow{Prompt: name, Label: label, Approvals: rule.Approvals, Gate: rule.Gate, Author: rule.Author, At: micros(rule.At)}
		_, err = tx.NewInsert().Model(row).On("CONFLICT (prompt, label) DO UPDATE").
			Set("approvals = EXCLUDED.approvals").Set("gate = EXCLUDED.gate").Set("author = EXCLUDED.author").Set("set_at = EXCLUDED.set_at").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("protect label %s of prompt %s: %w", label, name, err)
	}
	return nil
}

// Unprotect implements prompts.Store.
func (db *DB) Unprotect(ctx context.Context, name, label string) error {
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, _ int64) error {
		newest, err := newestVersion(ctx, tx, name)
		if err == nil && newest == 0 {
			err = prompts.ErrNoPrompt
		}
		if err != nil {
			return err
		}
		there, err := changed(tx.NewDelete().Model(&protectionRow{Prompt: name, Label: label}).WherePK().Exec(ctx))
		if err == nil && !there {
			err = prompts.NotProtected(name, label)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("unprotect label %s of prompt %s: %w", label, name, err)
	}
	return nil
}
