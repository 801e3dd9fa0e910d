package sqldb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/prompts/experiment"
)

// experimentRow is a row of experiments.
type experimentRow struct {
	bun.BaseModel `bun:"table:experiments"`

	Name       string `bun:"name,pk"`
	ID         string `bun:"id"`
	Experiment string `bun:"experiment"`
	Revision   int64  `bun:"revision"`
	UpdatedAt  int64  `bun:"updated_at"`
	UpdatedBy  string `bun:"updated_by"`
}

func (r *experimentRow) record() (experiment.Record, error) {
	out := experiment.Record{Revision: r.Revision, UpdatedAt: fromMicros(r.UpdatedAt), UpdatedBy: r.UpdatedBy}
	if err := json.Unmarshal([]byte(r.Experiment), &out.Experiment); err != nil {
		return out, fmt.Errorf("experiment %s is damaged: %w", r.Name, err)
	}
	return out, nil
}

// experimentEventRow is a row of experiment_events.
type experimentEventRow struct {
	bun.BaseModel `bun:"table:experiment_events"`

	Revision   int64  `bun:"revision,pk"`
	Experiment string `bun:"experiment_id"`
	Name       string `bun:"name"`
	HappenedAt int64  `bun:"happened_at"`
	Author     string `bun:"author"`
	Did        string `bun:"did"`
	Detail     string `bun:"detail"`
	Reason     string `bun:"reason"`
}

var (
	_ experiment.Store  = (*DB)(nil)
	_ experiment.Leases = (*DB)(nil)
)

// Experiments implements experiment.Store.
func (db *DB) Experiments(ctx context.Context) ([]experiment.Record, error) {
	return readExperiments(ctx, db.bun)
}

func readExperiments(ctx context.Context, in bun.IDB) ([]experiment.Record, error) {
	var rows []experimentRow
	if err := in.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read experiments: %w", err)
	}
	out := make([]experiment.Record, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].record(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b experiment.Record) int { return cmp.Compare(a.Name, b.Name) }) // as every database does
	return out, nil
}

// ChangeExperiment implements experiment.Store. It takes its turn among the changes of prompts and raises their revision: who
// watches that hears of experiments too.
func (db *DB) ChangeExperiment(ctx context.Context, name string, change experiment.Change) (experiment.Record, error) {
	var out experiment.Record
	err := db.changePrompts(ctx, func(ctx context.Context, tx bun.Tx, revision int64) error {
		all, err := readExperiments(ctx, tx)
		if err != nil {
			return err
		}
		var now *experiment.Record
		others := make([]experiment.Experiment, 0, len(all))
		for i := range all {
			if all[i].Name == name {
				now = &all[i]
			} else {
				others = append(others, all[i].Experiment)
			}
		}
		next, event, err := change(now, others, revision)
		if err != nil {
			return err
		}
		event.Revision = revision
		switch {
		case next != nil:
			event.ID = next.ID
		case now != nil:
			event.ID = now.ID
		}
		if out, err = putExperiment(ctx, tx, name, next, &event); err != nil {
			return err
		}
		row := &experimentEventRow{
			Revision: revision, Experiment: event.ID, Name: name, HappenedAt: micros(event.At), Author: event.Author, Did: string(event.Did),
			Detail: event.Detail, Reason: event.Reason,
		}
		_, err = tx.NewInsert().Model(row).Exec(ctx)
		return err
	})
	if err != nil {
		return experiment.Record{}, fmt.Errorf("change experiment %s: %w", name, err)
	}
	return out, nil
}

// putExperiment stores an experiment in place of the one of its name, or removes that.
func putExperiment(ctx context.Context, tx bun.Tx, name string, e *experiment.Experiment, event *experiment.Event) (experiment.Record, error) {
	if e == nil {
		_, err := tx.NewDelete().Model((*experimentRow)(nil)).Where("name = ?", name).Exec(ctx)
		return experiment.Record{}, err
	}
	text, err := json.Marshal(e)
	if err != nil {
		return experiment.Record{}, err
	}
	row := &experimentRow{Name: name, ID: e.ID, Experiment: string(text), Revision: event.Revision, UpdatedAt: micros(event.At), UpdatedBy: event.Author}
	_, err = tx.NewInsert().Model(row).On("CONFLICT (name) DO UPDATE").Set("experiment = EXCLUDED.experiment").Set("revision = EXCLUDED.revision").
		Set("updated_at = EXCLUDED.updated_at").Set("updated_by = EXCLUDED.updated_by").Exec(ctx)
	if err != nil {
		return experiment.Record{}, err
	}
	return row.record()
}

// ExperimentEvents implements experiment.Store.
func (db *DB) ExperimentEvents(ctx context.Context, name string) ([]experiment.Event, error) {
	var of []experimentRow
	if err := db.bun.NewSelect().Model(&of).Column("name", "id").Where("name = ?", name).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read experiment %s: %w", name, err)
	}
	if len(of) == 0 {
		return nil, fmt.Errorf("%w: %s", experiment.ErrNone, strconv.Quote(name))
	}
	var rows []experimentEventRow
	if err := db.bun.NewSelect().Model(&rows).Where("experiment_id = ?", of[0].ID).Order("revision DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read what was done to experiment %s: %w", name, err)
	}
	out := make([]experiment.Event, len(rows))
	for i, r := range rows {
		out[i] = experiment.Event{
			Revision: r.Revision, ID: r.Experiment, At: fromMicros(r.HappenedAt), Author: r.Author, Did: experiment.Deed(r.Did), Detail: r.Detail, Reason: r.Reason,
		}
	}
	return out, nil
}

// TakeLease implements experiment.Leases.
func (db *DB) TakeLease(ctx context.Context, name, owner string, holds time.Duration) (bool, error) {
	clock := now
	if !db.postgres {
		clock = strconv.FormatInt(time.Now().UnixMicro(), 10) // one process: its own clock
	}
	took, err := changed(db.bun.NewRaw("INSERT INTO leases (name, owner, expires_at) VALUES (?, ?, "+clock+" + ?)"+
		" ON CONFLICT (name) DO UPDATE SET owner = EXCLUDED.owner, expires_at = EXCLUDED.expires_at"+
		" WHERE leases.owner = EXCLUDED.owner OR leases.expires_at <= "+clock, name, owner, holds.Microseconds()).Exec(ctx))
	if err != nil {
		return false, fmt.Errorf("take the lease %s: %w", name, err)
	}
	return took, nil
}
