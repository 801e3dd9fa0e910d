package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/trace"
)

func TestTwoStartersMigrate(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	var wg sync.WaitGroup
	errs := make(chan error, 4)
	for i := range 4 {
		db := openTest(t, cfg)
		wg.Go(func() {
			err := db.Migrate(t.Context())
			if err == nil { // and start to write at once
				call := trace.Span{ID: string(rune('a' + i)), Kind: trace.KindCall, Start: time.Now()}
				err = db.Write(t.Context(), trace.Batch{Token: call.ID, Records: trace.Slice{{Call: call}}})
			}
			errs <- err
		})
	}
	wg.Wait()
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	db := openTest(t, cfg)
	files, err := fs.Glob(migrations, "sql/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	if got := count(t, db, "SELECT uniqExact(name) FROM schema_migrations"); got != uint64(len(files)) {
		t.Errorf("%d migrations are recorded, want %d", got, len(files))
	}
	for _, table := range []string{"usage_1m", "usage_1h", "usage_1d", "usage_user_1h", "usage_user_1d"} {
		if got := count(t, db, "SELECT sum(calls) FROM "+table); got != 4 {
			t.Errorf("%s has %d calls, want 4", table, got)
		}
	}
}

// TestColumnsAreTheTables holds the tags of the row structs against the tables.
func TestColumnsAreTheTables(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t))
	for table, want := range map[string]columns{"calls": callColumns, "bodies": bodyColumns} {
		var got []string
		err := db.scan(t.Context(), "columns", []any{&got},
			"SELECT groupArray(name) FROM (SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {t:String} AND default_kind = '' ORDER BY position)", named("t", table))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string(want), got); diff != "" {
			t.Errorf("columns of %s: (-tags +table)\n%s", table, diff)
		}
	}
}

func TestEveryTableDeduplicates(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t))
	bad := count(t, db, `SELECT count() FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_migrations' AND NOT startsWith(name, 'rag_') -- whose rows have numbers, and come from no spool
		AND NOT (create_table_query LIKE '%non_replicated_deduplication_window = 10000%' AND create_table_query LIKE '%replicated_deduplication_window_seconds = 604800%')`)
	if bad != 0 {
		t.Errorf("%d tables have no deduplication window of their own", bad)
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	ttl := func(db *DB) (out [2]bool) {
		t.Helper()
		for i, table := range []string{"calls", "bodies"} {
			out[i] = count(t, db, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = '"+table+"' AND create_table_query LIKE '% TTL %'") == 1
		}
		return out
	}
	for _, step := range []struct {
		calls, bodies time.Duration
		want          [2]bool
	}{
		{0, 0, [2]bool{false, false}},
		{0, 30 * day, [2]bool{false, true}},
		{400 * day, 7 * day, [2]bool{true, true}},
		{400 * day, 7 * day, [2]bool{true, true}},
		{0, 0, [2]bool{false, false}},
	} {
		cfg.KeepCalls, cfg.KeepBodies = step.calls, step.bodies
		db := openTest(t, cfg)
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := ttl(db); got != step.want {
			t.Errorf("keeping %v and %v: TTLs %v, want %v", step.calls, step.bodies, got, step.want)
		}
	}
}

// TestAway starts without a store, waits for it, works, loses it and works again.
func TestAway(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	if cfg.Dial == nil {
		dialer := &net.Dialer{}
		cfg.Dial = func(ctx context.Context, _, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", addr)
		}
		t.Skip("needs the embedded engine, whose connections a test can cut")
	}
	var away atomic.Bool
	var mu sync.Mutex // guards open
	var open []net.Conn
	dial := cfg.Dial
	cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if away.Load() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
		}
		conn, err := dial(ctx, network, addr)
		mu.Lock()
		defer mu.Unlock()
		open = append(open, conn)
		return conn, err
	}
	leave := func() {
		away.Store(true)
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			_ = c.Close()
		}
		open = nil
	}
	var logged syncBuffer
	cfg.Log = slog.New(slog.NewTextHandler(&logged, nil))
	away.Store(true)
	db := openTest(t, cfg)
	ctx := t.Context()

	record := trace.Record{Call: trace.Span{ID: "1", Kind: trace.KindCall, Start: time.Now()}}
	batch := trace.Batch{Token: "x", Records: trace.Slice{record}}
	ask := func() map[string]error {
		_, calls := db.Calls(ctx, trace.Filter{}, 1, "")
		_, call := db.Call(ctx, "1")
		_, spans := db.Trace(ctx, "1", 1)
		_, costs := db.Costs(ctx, trace.CostQuery{})
		_, facets := db.Facets(ctx, trace.Filter{}, 1)
		_, counts := db.CountFacets(ctx, trace.FacetQuery{Fields: []string{"model"}, Limit: 1})
		_, sorted := db.SortedCalls(ctx, trace.Filter{}, trace.CallsByCost, 1, "")
		_, unpriced := db.Unpriced(ctx, time.Time{}, time.Time{})
		var export error
		for _, err := range db.Export(ctx, trace.Filter{}, false) {
			export = err
		}
		return map[string]error{
			"Ready": db.Ready(ctx), "Write": db.Write(ctx, batch), "Calls": calls, "Call": call, "Trace": spans,
			"Costs": costs, "Facets": facets, "CountFacets": counts, "SortedCalls": sorted, "Unpriced": unpriced, "Export": export,
		}
	}
	wantAway := func(when string) {
		t.Helper()
		for name, err := range ask() {
			if !errors.Is(err, trace.ErrAway) {
				t.Errorf("%s, %s = %v, want ErrAway", when, name, err)
			}
		}
	}
	wantAway("before the store is there")
	waiting, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { db.KeepMigrated(waiting); close(done) }()
	away.Store(false)
	<-done
	stop()
	if err := db.Write(ctx, batch); err != nil {
		t.Fatal(err)
	}
	for name, err := range ask() {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	leave()
	wantAway("after it left")
	away.Store(false)
	for name, err := range ask() {
		if err != nil {
			t.Errorf("after it came back, %s: %v", name, err)
		}
	}

	// A caller's own deadline says nothing about the store.
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := db.Calls(gone, trace.Filter{}, 1, ""); err == nil || errors.Is(err, trace.ErrAway) || !errors.Is(err, context.Canceled) {
		t.Errorf("Calls after its context ended = %v, want context.Canceled", err)
	}

	// A store that came back empty gets its schema again.
	if err := db.bare.Exec(ctx, "DROP DATABASE "+db.database); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(ctx, batch); err == nil {
		t.Error("Write into a dropped database succeeded")
	}
	if err := db.Write(ctx, batch); err != nil {
		t.Errorf("Write after the schema was lost: %v", err)
	}
	if got := count(t, db, "SELECT sum(calls) FROM usage_1d"); got != 1 {
		t.Errorf("%d calls, want 1", got)
	}
	if !strings.Contains(logged.String(), "clickhouse migrated") {
		t.Errorf("no word of migrations in the log: %s", logged.String())
	}
}

// syncBuffer is a buffer that loggers of several goroutines write to.
type syncBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func TestKeepMigratedEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var logged syncBuffer
	db := openTest(t, Config{
		Dial: func(context.Context, string, string) (net.Conn, error) {
			cancel()
			return nil, errors.New("refused")
		},
		Log: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	db.KeepMigrated(ctx) // returns, or the test does not end
}

func TestStatements(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations, "sql/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(files) || len(files) == 0 {
		t.Fatalf("migrations %v", files)
	}
	for _, file := range files {
		text, err := fs.ReadFile(migrations, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range statements(string(text)) {
			name := statementName(s)
			if strings.HasPrefix(name, "ALTER TABLE") {
				adds := regexp.MustCompile(`ADD (COLUMN|INDEX)( IF NOT EXISTS)?`).FindAllStringSubmatch(s, -1)
				if len(adds) == 0 && !strings.Contains(s, "MATERIALIZE INDEX") || slices.ContainsFunc(adds, func(a []string) bool { return a[2] == "" }) {
					t.Errorf("%s: %q may not be repeated", file, name)
				}
			} else if !strings.Contains(name, "IF NOT EXISTS") {
				t.Errorf("%s: %q may not be repeated", file, name)
			}
			if strings.Contains(s, "ENGINE =") && !strings.Contains(s, "-- ORDER BY: ") {
				t.Errorf("%s: %q does not say why its ORDER BY is what it is", file, name)
			}
		}
	}
	if got := statementName("-- words\nCREATE TABLE IF NOT EXISTS t\n(\n"); got != "CREATE TABLE IF NOT EXISTS t" {
		t.Errorf("statementName = %q", got)
	}
}
