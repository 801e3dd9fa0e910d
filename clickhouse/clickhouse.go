// Package clickhouse keeps the record of calls in ClickHouse: it writes spans, and answers what was asked, said and spent.
package clickhouse

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/trace"
)

// Config says where ClickHouse is and what to keep in it.
type Config struct {
	// URL of a server: clickhouse://user:password@host:9000/database for the native protocol, http:// or https:// for
	// HTTP. Queries of the URL are the driver's: secure, skip_verify, dial_timeout, compress, …
	URL string
	// Dial reaches the embedded engine, which speaks HTTP. When it is set, only the database of URL counts.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Preview gives the texts of the last user message and of the answer, which lists show the beginning of and
	// searches look in: about so many bytes of each, at least. Nil leaves both empty. It is called by Write only.
	Preview func(r *trace.Record, bytes int) (input, output string)
	// KeepCalls and KeepBodies are how long rows of calls and bodies stay, in whole days; 0 keeps them for ever.
	// The usage tables are always kept: they hold no content.
	KeepCalls, KeepBodies time.Duration
	// MaxSearch bounds the bytes of what was said that one search reads; 0 means 4 GiB.
	MaxSearch int64
	// MaxConns bounds the connections that are open at one time; 0 means 8.
	MaxConns int
	// Log is told of migrations and of a store that went away or came back; nil means slog.Default().
	Log *slog.Logger
}

// DB is a ClickHouse that holds the record. It is safe for concurrent use, Write included. The store may be away when a
// DB is opened and may go away later: what needs it then fails with trace.ErrAway in the error's chain and works
// again when the store is back. The schema is brought up to date before first use.
type DB struct {
	cfg      Config
	log      *slog.Logger
	conn     driver.Conn
	bare     driver.Conn // without a database, to create it
	raw      *rawInserts // to the embedded engine; nil = the driver inserts
	database string

	migrated  atomic.Bool
	migrating sync.Mutex // one migration of this DB at a time
}

var (
	_ trace.Writer = (*DB)(nil)
	_ trace.Reader = (*DB)(nil)
)

// Open checks the configuration and makes a DB. It does not reach for the store: see Ready and KeepMigrated.
func Open(cfg Config) (*DB, error) {
	opt, err := options(cfg)
	if err != nil {
		return nil, fmt.Errorf("open clickhouse: %w", err)
	}
	db := &DB{cfg: cfg, log: cfg.Log, database: opt.Auth.Database}
	if db.log == nil {
		db.log = slog.Default()
	}
	if db.conn, err = ch.Open(opt); err != nil {
		return nil, fmt.Errorf("open clickhouse: %w", err)
	}
	if cfg.Dial != nil {
		db.raw = newRawInserts(db.database, cfg.Dial)
	}
	bare := *opt
	bare.Auth.Database, bare.MaxOpenConns, bare.MaxIdleConns = "", 1, 1
	if db.bare, err = ch.Open(&bare); err != nil {
		return nil, fmt.Errorf("open clickhouse: %w", err)
	}
	return db, nil
}

// Close lets go of all connections. Queries that run end with an error.
func (db *DB) Close() error {
	if db.raw != nil {
		db.raw.close()
	}
	err := db.conn.Close()
	if bareErr := db.bare.Close(); err == nil {
		err = bareErr
	}
	if err != nil {
		return fmt.Errorf("close clickhouse: %w", err)
	}
	return nil
}

// Ready asks the store whether it is there and brings its schema up to date if that was not done yet. It returns nil
// when reads and writes can be expected to work.
func (db *DB) Ready(ctx context.Context) error {
	if !db.migrated.Load() {
		return db.Migrate(ctx)
	}
	var one uint8
	return db.scan(ctx, "ask clickhouse for 1", []any{&one}, "SELECT 1")
}

// Version gives the server's version.
func (db *DB) Version(ctx context.Context) (string, error) {
	var v string
	if err := db.conn.QueryRow(ctx, "SELECT version()").Scan(&v); err != nil {
		return "", db.wrap(ctx, "ask clickhouse for its version", err)
	}
	return v, nil
}

// query runs a SELECT and hands each row to scan. step names it in errors.
func (db *DB) query(ctx context.Context, step string, scan func(driver.Rows) error, sql string, args ...any) error {
	if err := db.ensure(ctx); err != nil {
		return err
	}
	rows, err := db.conn.Query(ctx, sql, args...)
	if err != nil {
		return db.wrap(ctx, step, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	if err := rows.Err(); err != nil {
		return db.wrap(ctx, step, err)
	}
	return nil
}

// scan runs a SELECT of one row; no row leaves dest as it was.
func (db *DB) scan(ctx context.Context, step string, dest []any, sql string, args ...any) error {
	return db.query(ctx, step, func(r driver.Rows) error { return r.Scan(dest...) }, sql, args...)
}
