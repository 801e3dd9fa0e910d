package clickhouse

import (
	"context"
	"fmt"
)

// An INSERT holds at most so many rows and about so many bytes of bodies, so that an engine with a few hundred
// megabytes takes any batch.
const (
	insertRows  = 25_000
	insertBytes = 16 << 20
)

// insertSettings are those of every INSERT, beside its token.
var insertSettings = map[string]int{
	"insert_deduplicate": 1,
	"deduplicate_blocks_in_dependent_materialized_views": 1,
	"async_insert":                     0, // an answer must mean stored
	"materialized_views_ignore_errors": 0,
	"max_partitions_per_insert_block":  0, // a backfill may span years
}

// insertion is one INSERT under way. send returns nil when its rows, and what views make of them, are stored.
type insertion interface {
	add(row binaryRow) error
	send() error
	abort() // has no effect after send
}

// inserts cuts the rows of a batch into INSERTs, each under a token of its own. Where it cuts depends on the rows
// alone, so that a batch that is sent again is cut into the same.
type inserts struct {
	db      *DB
	ctx     context.Context
	step    string
	table   string
	columns columns
	token   string

	n           int // of INSERTs begun
	rows, bytes int // of the one under way
	open        insertion
}

func (db *DB) inserts(ctx context.Context, table string, c columns, token string) *inserts {
	return &inserts{db: db, ctx: ctx, step: "write clickhouse " + table, table: table, columns: c, token: token}
}

// add gives a row, of which size bytes are content.
func (w *inserts) add(row binaryRow, size int) error {
	if w.open != nil && (w.rows >= insertRows || w.rows > 0 && w.bytes+size > insertBytes) {
		if err := w.send(); err != nil {
			return err
		}
	}
	if w.open == nil {
		token := fmt.Sprintf("%s/%s/%d", w.token, w.table, w.n)
		statement := fmt.Sprintf("INSERT INTO %s (%s)", w.table, w.columns)
		var err error
		if w.db.raw != nil {
			w.open = w.db.raw.insert(w.ctx, statement, token)
		} else if w.open, err = w.db.driverInsert(w.ctx, statement, token); err != nil {
			return w.db.wrap(w.ctx, w.step, err)
		}
		w.n, w.rows, w.bytes = w.n+1, 0, 0
	}
	w.rows++
	w.bytes += size
	if err := w.open.add(row); err != nil {
		return w.db.wrap(w.ctx, w.step, err)
	}
	return nil
}

// send ends the INSERT under way.
func (w *inserts) send() error {
	if w.open == nil {
		return nil
	}
	err := w.open.send()
	w.open = nil
	return w.db.wrap(w.ctx, w.step, err)
}

func (w *inserts) abort() {
	if w.open != nil {
		w.open.abort()
		w.open = nil
	}
}
