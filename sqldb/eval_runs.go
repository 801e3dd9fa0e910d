package sqldb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/eval"
)

// evalRunRow is a row of eval_runs.
type evalRunRow struct {
	bun.BaseModel `bun:"table:eval_runs"`

	ID        string `bun:"id,pk"`
	Name      string `bun:"name"`
	State     string `bun:"state"`
	Run       string `bun:"run"`
	UpdatedAt int64  `bun:"updated_at"`
}

func (r *evalRunRow) run() (eval.Run, error) {
	var out eval.Run
	if err := json.Unmarshal([]byte(r.Run), &out); err != nil {
		return out, fmt.Errorf("run %s is damaged: %w", r.ID, err)
	}
	return out, nil
}

var _ eval.Runs = (*DB)(nil)

// PutRun implements eval.Runs.
func (db *DB) PutRun(ctx context.Context, run eval.Run) error {
	text, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("run %s: %w", run.ID, err)
	}
	row := &evalRunRow{ID: run.ID, Name: run.Name, State: string(run.State), Run: string(text), UpdatedAt: micros(run.UpdatedAt)}
	err = db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var was []evalRunRow
		if err := tx.NewSelect().Model(&was).Where("id = ?", run.ID).Scan(ctx); err != nil {
			return err
		}
		if len(was) == 1 && was[0].State == string(eval.Done) {
			before, err := was[0].run()
			if err == nil && !before.Same(&run) {
				err = eval.ErrRunDone
			}
			return err
		}
		_, err := tx.NewInsert().Model(row).On("CONFLICT (id) DO UPDATE").Set("name = EXCLUDED.name").Set("state = EXCLUDED.state").Set("run = EXCLUDED.run").
			Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("store run %s: %w", run.ID, err)
	}
	return nil
}

// GetRun implements eval.Runs.
func (db *DB) GetRun(ctx context.Context, id string) (eval.Run, error) {
	var rows []evalRunRow
	if err := db.bun.NewSelect().Model(&rows).Where("id = ?", id).Scan(ctx); err != nil {
		return eval.Run{}, fmt.Errorf("read run %.100s: %w", id, err)
	}
	if len(rows) == 0 {
		return eval.Run{}, fmt.Errorf("%w: %.100q", eval.ErrNoRun, id)
	}
	return rows[0].run()
}

// ListRuns implements eval.Runs.
func (db *DB) ListRuns(ctx context.Context, f eval.RunFilter, limit int) ([]eval.Run, error) {
	var rows []evalRunRow
	q := db.bun.NewSelect().Model(&rows).Order("id DESC").Limit(int64(limit))
	if f.Name != "" {
		q = q.Where("name = ?", f.Name)
	}
	if f.State != "" {
		q = q.Where("state = ?", string(f.State))
	}
	if f.Before != "" {
		q = q.Where("id < ?", f.Before)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	out := make([]eval.Run, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].run(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// DeleteRun implements eval.Runs.
func (db *DB) DeleteRun(ctx context.Context, id string) error {
	there, err := changed(db.bun.NewDelete().Model((*evalRunRow)(nil)).Where("id = ?", id).Exec(ctx))
	if err == nil && !there {
		err = eval.ErrNoRun
	}
	if err != nil {
		return fmt.Errorf("delete run %.100s: %w", id, err)
	}
	return nil
}
