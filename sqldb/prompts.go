package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/prompts"
)

var _ prompts.Store = (*DB)(nil)

// versionRow is a row of prompt_versions.
type versionRow struct {
	bun.BaseModel `bun:"table:prompt_versions"`

	Prompt    string `bun:"prompt,pk"`
	Number    int    `bun:"number,pk"`
	Hash      string `bun:"hash"`
	Content   string `bun:"content"`
	Author    string `bun:"author"`
	Message   string `bun:"message"`
	CreatedAt int64  `bun:"created_at"`
	DeletedAt int64  `bun:"deleted_at"`
	DeletedBy string `bun:"deleted_by"`
}

func (r *versionRow) version() (prompts.Version, error) {
	v := prompts.Version{
		Name: r.Prompt, Number: r.Number, Hash: r.Hash, Author: r.Author, Message: r.Message,
		CreatedAt: fromMicros(r.CreatedAt), DeletedAt: fromMicros(r.DeletedAt), DeletedBy: r.DeletedBy,
	}
	if r.DeletedAt != 0 {
		return v, nil
	}
	if err := json.Unmarshal([]byte(r.Content), &v.Content); err != nil {
		return v, fmt.Errorf("version %d of prompt %s is damaged: %w", r.Number, r.Prompt, err)
	}
	return v, nil
}

// errSame ends a change that changes nothing, so that the revision stays.
var errSame = errors.New("nothing to change")

// changePrompts runs a change at the next revision. The row that counts them is taken first and held to the end: changes of all
// replicas go one after the other, and what one reads stays as it is until it is done.
func (db *DB) changePrompts(ctx context.Context, change func(ctx context.Context, tx bun.Tx, revision int64) error) error {
	err := db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var revision int64
		if err := tx.NewRaw("UPDATE prompt_revision SET revision = revision + 1 WHERE id = 1 RETURNING revision").Scan(ctx, &revision); err != nil {
			return fmt.Errorf("raise the revision of prompts: %w", err)
		}
		return change(ctx, tx, revision)
	})
	if errors.Is(err, errSame) {
		return nil
	}
	return err
}

// Revision implements prompts.Store.
func (db *DB) Revision(ctx context.Context) (int64, error) {
	var revision int64
	if err := db.bun.NewRaw("SELECT revision FROM prompt_revision WHERE id = 1").Scan(ctx, &revision); err != nil {
		return 0, fmt.Errorf("read the revision of prompts: %w", err)
	}
	return revision, nil
}

// State implements prompts.Store. Changes raise the revision and are seen whole, so that what is read between two equal
// revisions is of that one; while others change much, it waits for its turn among them.
func (db *DB) State(ctx context.Context) (*prompts.State, error) {
	for range 5 {
		before, err := db.Revision(ctx)
		if err != nil {
			return nil, err
		}
		state, err := readState(ctx, db.bun)
		if err != nil {
			return nil, err
		}
		after, err := db.Revision(ctx)
		if err != nil {
			return nil, err
		}
		if before == after {
			state.Revision = after
			return state, nil
		}
	}
	var state *prompts.State
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, revision int64) (err error) {
		if state, err = readState(ctx, tx); err != nil {
			return err
		}
		state.Revision = revision - 1
		return errSame
	})
	return state, err
}

func readState(ctx context.Context, in bun.IDB) (*prompts.State, error) {
	var (
		versions    []versionRow
		labels      []labelRow
		protections []protectionRow
	)
	if err := in.NewSelect().Model(&versions).Order("prompt", "number").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read versions of prompts: %w", err)
	}
	if err := in.NewSelect().Model(&labels).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read labels of prompts: %w", err)
	}
	if err := in.NewSelect().Model(&protections).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read protected labels of prompts: %w", err)
	}
	state := &prompts.State{Prompts: map[string]*prompts.Prompt{}}
	for i := range versions {
		v, err := versions[i].version()
		if err != nil {
			return nil, err
		}
		p := state.Prompts[v.Name]
		if p == nil {
			p = &prompts.Prompt{Name: v.Name, Labels: map[string]prompts.Pointer{}, Protected: map[string]prompts.Protection{}}
			state.Prompts[v.Name] = p
		}
		p.Versions = append(p.Versions, v)
	}
	for i := range labels {
		if p := state.Prompts[labels[i].Prompt]; p != nil { // a label's prompt may be newer than what was read: the revision tells
			p.Labels[labels[i].Label] = labels[i].pointer()
		}
	}
	for i := range protections {
		if p := state.Prompts[protections[i].Prompt]; p != nil {
			p.Protected[protections[i].Label] = protections[i].protection()
		}
	}
	return state, nil
}

// Push implements prompts.Store.
func (db *DB) Push(ctx context.Context, p prompts.Push) (v prompts.Version, made bool, err error) {
	fail := func(err error) (prompts.Version, bool, error) {
		return prompts.Version{}, false, fmt.Errorf("push prompt %s: %w", p.Name, err)
	}
	hash, err := prompts.HashOf(p.Content)
	if err != nil {
		return fail(err)
	}
	content, err := json.Marshal(p.Content)
	if err != nil {
		return fail(err)
	}
	err = db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, revision int64) error {
		var same versionRow
		err := tx.NewSelect().Model(&same).Where("prompt = ?", p.Name).Where("hash = ?", hash).Where("deleted_at = 0").Limit(1).Scan(ctx)
		if err == nil {
			if v, err = same.version(); err != nil {
				return err
			}
			return errSame
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		newest, err := newestVersion(ctx, tx, p.Name)
		if err != nil {
			return err
		}
		if err := prompts.CheckAfter(p, newest); err != nil {
			return err
		}
		row := versionRow{
			Prompt: p.Name, Number: newest + 1, Hash: hash, Content: string(content), Author: p.Author, Message: p.Message, CreatedAt: micros(p.At),
		}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		made = true
		if v, err = row.version(); err != nil {
			return err
		}
		return putLabel(ctx, tx, prompts.Pointer{Prompt: p.Name, Label: prompts.Latest, Number: v.Number, Revision: revision, MovedAt: v.CreatedAt})
	})
	if err != nil {
		return fail(err)
	}
	return v, made, nil
}

// newestVersion is the number of a prompt's newest version, deleted ones too; 0 when there is no such prompt.
func newestVersion(ctx context.Context, in bun.IDB, name string) (int, error) {
	var n int
	err := in.NewSelect().Model((*versionRow)(nil)).ColumnExpr("COALESCE(MAX(number), 0)").Where("prompt = ?", name).Scan(ctx, &n)
	return n, err
}

// DeleteVersion implements prompts.Store.
func (db *DB) DeleteVersion(ctx context.Context, name string, number int, author string, at time.Time) error {
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, revision int64) error {
		place, err := placeOf(ctx, tx, name, prompts.Latest, number)
		if err != nil {
			return err
		}
		if err := prompts.CheckDelete(name, number, place); err != nil {
			return err
		}
		var held labelRow
		err = tx.NewSelect().Model(&held).Where("prompt = ?", name).Where("number = ?", number).Where("label <> ?", prompts.Latest).
			Order("label").Limit(1).Scan(ctx)
		switch {
		case err == nil:
			return prompts.Pointed(name, held.Label, number)
		case !errors.Is(err, sql.ErrNoRows):
			return err
		}
		gone := &versionRow{Prompt: name, Number: number, DeletedAt: micros(at), DeletedBy: author}
		if _, err := tx.NewUpdate().Model(gone).Column("content", "deleted_at", "deleted_by").WherePK().Exec(ctx); err != nil {
			return err
		}
		if place.At != number {
			return nil
		}
		return moveLatest(ctx, tx, name, revision, at)
	})
	if err != nil {
		return fmt.Errorf("delete version %d of prompt %s: %w", number, name, err)
	}
	return nil
}

// moveLatest points Latest to the newest version that is left.
func moveLatest(ctx context.Context, tx bun.Tx, name string, revision int64, at time.Time) error {
	var left int
	err := tx.NewSelect().Model((*versionRow)(nil)).ColumnExpr("COALESCE(MAX(number), 0)").Where("prompt = ?", name).Where("deleted_at = 0").Scan(ctx, &left)
	if err != nil {
		return err
	}
	if left == 0 {
		return dropLabel(ctx, tx, name, prompts.Latest)
	}
	return putLabel(ctx, tx, prompts.Pointer{Prompt: name, Label: prompts.Latest, Number: left, Revision: revision, MovedAt: at})
}
