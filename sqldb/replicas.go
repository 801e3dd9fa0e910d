package sqldb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-dev/weir/prompts"
)

// replicaRow is a row of replicas.
type replicaRow struct {
	ID        string `bun:"id"`
	Name      string `bun:"name"`
	StartedAt int64  `bun:"started_at"`
	Revision  int64  `bun:"revision"`
	ExpiresAt int64  `bun:"expires_at"`
}

// now is PostgreSQL's clock in microseconds since 1970: replicas need not agree on theirs.
const now = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"

// goneAfter is how long a replica that died is remembered.
const goneAfter = time.Hour

var _ prompts.Replicas = Replicas{}

// Replicas is the control plane as several weirs meet in it. It wants PostgreSQL.
type Replicas struct{ db *DB }

// Replicas gives what several weirs meet in; false in SQLite, which belongs to one.
func (db *DB) Replicas() (Replicas, bool) { return Replicas{db}, db.postgres }

// RenewReplica implements prompts.Replicas.
func (r Replicas) RenewReplica(ctx context.Context, rep prompts.Replica, lease time.Duration) error {
	_, err := r.db.bun.NewRaw("INSERT INTO replicas (id, name, started_at, revision, expires_at) VALUES (?, ?, ?, ?, "+now+" + ?)"+
		" ON CONFLICT (id) DO UPDATE SET revision = EXCLUDED.revision, expires_at = EXCLUDED.expires_at",
		rep.ID, rep.Name, micros(rep.StartedAt), rep.Revision, lease.Microseconds()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("renew replica %s: %w", rep.Name, err)
	}
	return nil
}

// RemoveReplica implements prompts.Replicas. It forgets those that died long ago besides.
func (r Replicas) RemoveReplica(ctx context.Context, id string) error {
	_, err := r.db.bun.NewRaw("DELETE FROM replicas WHERE id = ? OR expires_at < "+now+" - ?", id, goneAfter.Microseconds()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove replica %s: %w", id, err)
	}
	return nil
}

// LiveReplicas implements prompts.Replicas.
func (r Replicas) LiveReplicas(ctx context.Context) ([]prompts.Replica, error) {
	var rows []replicaRow
	err := r.db.bun.NewRaw("SELECT id, name, started_at, revision, expires_at FROM replicas WHERE expires_at > "+now+" ORDER BY name, id").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	out := make([]prompts.Replica, len(rows))
	for i, row := range rows {
		out[i] = prompts.Replica{ID: row.ID, Name: row.Name, StartedAt: fromMicros(row.StartedAt), Revision: row.Revision, Until: fromMicros(row.ExpiresAt)}
	}
	return out, nil
}

// errNoPush says that SQLite has nobody to wake.
var errNoPush = errors.New("SQLite belongs to one weir: there is nobody to wake")
