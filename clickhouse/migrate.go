package clickhouse

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/trace"
)

//go:embed sql/*.sql
var migrations embed.FS

// ensure migrates the schema before its first use.
func (db *DB) ensure(ctx context.Context) error {
	if db.migrated.Load() {
		return nil
	}
	return db.Migrate(ctx)
}

// Migrate brings the schema up to date: it creates the database and applies, in the order of their names, the
// migrations that are not recorded in schema_migrations. Several processes may migrate one store at the same time:
// every statement may be repeated. Calls after the first success return at once, unless the schema got lost.
func (db *DB) Migrate(ctx context.Context) error {
	db.migrating.Lock()
	defer db.migrating.Unlock()
	if db.migrated.Load() {
		return nil
	}
	if err := db.createDatabase(ctx); err != nil {
		return err
	}
	applied, err := db.applied(ctx)
	if err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "sql/*.sql")
	if err != nil {
		return fmt.Errorf("migrate clickhouse: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "sql/"), ".sql")
		if applied[name] {
			continue
		}
		if err := db.apply(ctx, name, file); err != nil {
			return err
		}
		db.log.Info("clickhouse migrated", "migration", name, "database", db.database)
	}
	if err := db.keep(ctx); err != nil {
		return err
	}
	db.migrated.Store(true)
	return nil
}

func (db *DB) createDatabase(ctx context.Context) error {
	var one uint8
	err := db.conn.QueryRow(ctx, "SELECT 1").Scan(&one)
	if err == nil {
		return nil
	}
	if code(err) != codeUnknownDatabase {
		return db.wrap(ctx, "reach clickhouse", err)
	}
	if err := db.bare.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+quoteIdentifier(db.database)); err != nil {
		return db.wrap(ctx, "create clickhouse database "+db.database, err)
	}
	return nil
}

func (db *DB) applied(ctx context.Context) (map[string]bool, error) {
	const step = "read clickhouse schema_migrations"
	err := db.conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS schema_migrations
		(name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY name`)
	if err != nil {
		return nil, db.wrap(ctx, step, err)
	}
	rows, err := db.conn.Query(ctx, "SELECT DISTINCT name FROM schema_migrations")
	if err != nil {
		return nil, db.wrap(ctx, step, err)
	}
	defer rows.Close()
	applied := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("%s: %w", step, err)
		}
		applied[name] = true
	}
	if err := rows.Err(); err != nil {
		return nil, db.wrap(ctx, step, err)
	}
	return applied, nil
}

func (db *DB) apply(ctx context.Context, name, file string) error {
	text, err := migrations.ReadFile(file)
	if err != nil {
		return fmt.Errorf("migrate clickhouse: %w", err)
	}
	for _, s := range statements(string(text)) {
		step := fmt.Sprintf("migrate clickhouse: %s: %s", name, statementName(s))
		if err := db.conn.Exec(ctx, s); err != nil {
			return db.wrap(ctx, step, err)
		}
	}
	// Two starters may both record a migration; reading takes each name once.
	if err := db.conn.Exec(ctx, "INSERT INTO schema_migrations (name) SELECT {name:String}", named("name", name)); err != nil {
		return db.wrap(ctx, "record clickhouse migration "+name, err)
	}
	return nil
}

// statements splits a migration at the semicolons that end a line.
func statements(text string) []string {
	var out []string
	for s := range strings.SplitSeq(text, ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

var headline = regexp.MustCompile(`(?m)^(CREATE|ALTER|DROP|INSERT)\b[^(\n]*`)

// statementName is what a person would call a statement: its first line of SQL.
func statementName(s string) string {
	return strings.TrimSpace(headline.FindString(s))
}

// keep sets how long calls and bodies stay, where that differs from what the tables say.
func (db *DB) keep(ctx context.Context) error {
	for _, t := range []struct {
		table, column string
		keep          time.Duration
	}{
		{"calls", "start_time", db.cfg.KeepCalls},
		{"adjustments", "start_time", db.cfg.KeepCalls},
		{"trace_ts", "last", db.cfg.KeepCalls},
		{"bodies", "start_time", db.cfg.KeepBodies},
	} {
		step := "set how long clickhouse keeps " + t.table
		var create string
		err := db.conn.QueryRow(ctx, "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = {table:String}",
			named("table", t.table)).Scan(&create)
		if err != nil {
			return db.wrap(ctx, step, err)
		}
		var now string // days, "" for no TTL
		if found := ttlOf.FindStringSubmatch(create); len(found) == 2 {
			now = found[1]
		}
		days := int64(t.keep / day)
		switch {
		case days <= 0 && now != "":
			err = db.conn.Exec(ctx, fmt.Sprintf("ALTER TABLE %s REMOVE TTL", t.table))
		case days > 0 && now != strconv.FormatInt(days, 10):
			err = db.conn.Exec(ctx, fmt.Sprintf("ALTER TABLE %s MODIFY TTL toDateTime(%s) + toIntervalDay(%d)", t.table, t.column, days))
		}
		if err != nil {
			return db.wrap(ctx, step, err)
		}
	}
	return nil
}

var ttlOf = regexp.MustCompile(`\sTTL toDateTime\(\w+\) \+ toIntervalDay\((\d+)\)`)

// KeepMigrated tries to migrate until it succeeds or ctx ends, at first every second and then every half minute, so
// that a service may start before its store. It says once that it waits, and what for.
func (db *DB) KeepMigrated(ctx context.Context) {
	said := ""
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		attempt, cancel := context.WithTimeout(ctx, time.Minute)
		err := db.Migrate(attempt)
		cancel()
		if err == nil || ctx.Err() != nil {
			return
		}
		reason := "the schema cannot be brought up to date"
		if errors.Is(err, trace.ErrAway) {
			reason = "it cannot be reached"
		}
		if reason != said {
			db.log.Warn("clickhouse is not ready; trying again", "reason", reason, "error", err)
			said = reason
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func quoteIdentifier(s string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(s) + "`"
}
