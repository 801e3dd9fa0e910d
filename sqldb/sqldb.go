// Package sqldb keeps the control plane: SQLite in a file, or PostgreSQL when several replicas share it.
package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // driver "sqlite"

	"github.com/weir-dev/weir/account"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Config says where the control plane is.
type Config struct {
	URL  account.Secret // postgres://…; none: SQLite
	File string         // of SQLite
}

// DB is an open control plane. Safe for concurrent use by several processes.
type DB struct {
	bun      *bun.DB
	postgres bool
}

// Open connects and migrates. Several starters at once are safe: one migrates, the others wait.
func Open(ctx context.Context, cfg Config) (*DB, error) {
	if cfg.URL.IsZero() {
		return openSQLite(ctx, cfg.File)
	}
	return openPostgres(ctx, cfg.URL)
}

func openSQLite(ctx context.Context, file string) (*DB, error) {
	dsn := "file:" + escapePath(file) + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)&_txlock=immediate"
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open control plane %s: %w", file, err)
	}
	pool.SetMaxOpenConns(4)
	db := &DB{bun: bun.NewDB(pool, sqlitedialect.New())}
	if err := db.migrate(ctx, goose.DialectSQLite3); err != nil {
		return nil, errors.Join(fmt.Errorf("open control plane %s (is the disk full or the file another program's?): %w", file, err), pool.Close())
	}
	return db, nil
}

// escapePath keeps a file name from ending early in a URI.
func escapePath(file string) string {
	return strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(file)
}

func openPostgres(ctx context.Context, url account.Secret) (*DB, error) {
	pool, err := sql.Open("pgx", url.Reveal())
	if err != nil {
		return nil, errors.New("open control plane: control.url (WEIR_CONTROL_URL) is not a PostgreSQL URL") // the cause would show it
	}
	pool.SetMaxOpenConns(8)
	db := &DB{bun: bun.NewDB(pool, pgdialect.New()), postgres: true}
	if err := db.migrate(ctx, goose.DialectPostgres); err != nil {
		return nil, errors.Join(fmt.Errorf("open control plane in PostgreSQL (control.url or WEIR_CONTROL_URL): %w", err), pool.Close())
	}
	return db, nil
}

// migrationLock is weir's number among PostgreSQL's advisory locks.
const migrationLock = 0x77656972 // "weir"

func (db *DB) migrate(ctx context.Context, dialect goose.Dialect) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, db.bun.DB, dir)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	unlock, err := db.lockMigrations(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// lockMigrations lets one starter at a time migrate. SQLite's data directory is locked by its one weir already.
func (db *DB) lockMigrations(ctx context.Context) (unlock func(), err error) {
	if !db.postgres {
		return func() {}, nil
	}
	conn, err := db.bun.DB.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLock); err != nil {
		return nil, errors.Join(fmt.Errorf("lock migrations: %w", err), conn.Close())
	}
	return func() { // the lock ends with the connection if the statement fails
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", migrationLock)
		_ = conn.Close()
	}, nil
}

// Kind is "sqlite" or "postgres".
func (db *DB) Kind() string {
	if db.postgres {
		return "postgres"
	}
	return "sqlite"
}

// Ping says whether the control plane answers.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.bun.PingContext(ctx); err != nil {
		return fmt.Errorf("the control plane does not answer: %w", err)
	}
	return nil
}

// Close ends the connections. It can be called twice.
func (db *DB) Close() error { return db.bun.Close() }
