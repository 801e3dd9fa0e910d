package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/weir-dev/weir/clickhouse/engine"
	"github.com/weir-dev/weir/internal/testutil/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// connect opens clickhouse-go on an engine, in a database of the test's own.
func connect(t *testing.T, e *engine.Engine) driver.Conn {
	t.Helper()
	open := func(database string) driver.Conn {
		conn, err := clickhouse.Open(&clickhouse.Options{
			Protocol:     clickhouse.HTTP,
			Addr:         []string{"engine"},
			Auth:         clickhouse.Auth{Database: database},
			MaxOpenConns: 10,
			MaxIdleConns: 10,
			DialContext: func(ctx context.Context, addr string) (net.Conn, error) {
				return e.DialContext(ctx, "unix", addr)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	database := strings.ToLower(t.Name())
	execute(t, open(""), "CREATE DATABASE IF NOT EXISTS "+database)
	return open(database)
}

// connectShared is connect on the shared engine, where the database is dropped after the test.
func connectShared(t *testing.T) driver.Conn {
	t.Helper()
	conn := connect(t, enginetest.Start(t))
	t.Cleanup(func() {
		if err := conn.Exec(context.Background(), "DROP DATABASE "+strings.ToLower(t.Name())); err != nil { //nolint:usetesting // t.Context has ended
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return conn
}

func execute(t *testing.T, conn driver.Conn, sql string) {
	t.Helper()
	if err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func count(t *testing.T, conn driver.Conn, sql string) uint64 {
	t.Helper()
	var n uint64
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

type row struct {
	ID       uuid.UUID         `ch:"id"`
	At       time.Time         `ch:"at"`
	Cost     decimal.Decimal   `ch:"cost"`
	Model    string            `ch:"model"`
	Tags     map[string]string `ch:"tags"`
	Tokens   []uint32          `ch:"tokens"`
	Latency  *float64          `ch:"latency"`
	User     *string           `ch:"user"`
	Streamed bool              `ch:"streamed"`
}

func TestRoundTrip(t *testing.T) {
	conn := connectShared(t)
	execute(t, conn, `CREATE TABLE calls (
		id UUID, at DateTime64(6, 'UTC'), cost Decimal(18, 9), model LowCardinality(String), tags Map(String, String),
		tokens Array(UInt32), latency Nullable(Float64), user LowCardinality(Nullable(String)), streamed Bool
	) ENGINE = MergeTree ORDER BY at`)

	latency, user := 812.25, "o'brien\x00\n"
	want := []row{
		{uuid.MustParse("0197c0de-0000-7000-8000-000000000001"), time.Date(2026, 11, 23, 8, 0, 0, 123456000, time.UTC), decimal.RequireFromString("-0.000013501"), "gpt", map[string]string{"team": "a", "": "ü"}, []uint32{1, 4294967295}, &latency, &user, true},
		{uuid.MustParse("0197c0de-0000-7000-8000-000000000002"), time.Date(2026, 11, 23, 8, 0, 1, 0, time.UTC), decimal.RequireFromString("999999999.999999999"), "", map[string]string{}, []uint32{}, nil, nil, false},
	}
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO calls")
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if err := batch.AppendStruct(&want[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}

	var got []row
	if err := conn.Select(t.Context(), &got, "SELECT * FROM calls ORDER BY at"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("rows differ (-got +want):\n%s", diff)
	}
}

func TestParametersAndSettings(t *testing.T) {
	conn := connectShared(t)
	var (
		text string
		n    int32
	)
	ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"text": `it's`, "n": "-7"}))
	if err := conn.QueryRow(ctx, "SELECT {text:String}, {n:Int32}").Scan(&text, &n); err != nil {
		t.Fatal(err)
	}
	if text != "it's" || n != -7 {
		t.Errorf("parameters arrived as %q, %d", text, n)
	}

	var threads uint64
	ctx = clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_threads": 1, "max_rows_to_read": 5}))
	if err := conn.QueryRow(ctx, "SELECT toUInt64(getSetting('max_threads'))").Scan(&threads); err != nil || threads != 1 {
		t.Errorf("max_threads = %d, %v, want 1", threads, err)
	}
	// More queries than connections: each of them is back at the profile.
	for range 2 * engine.DefaultConnections {
		if got := count(t, conn, "SELECT toUInt64(getSetting('max_threads')) * 1000 + toUInt64(getSetting('max_rows_to_read'))"); got != 2000 {
			t.Fatalf("a setting outlived its query: %d", got)
		}
	}
	if got, want := count(t, conn, "SELECT count() FROM numbers(0)"), uint64(0); got != want {
		t.Errorf("empty count = %d", got)
	}
	rows, err := conn.Query(t.Context(), "SELECT number FROM numbers(3) WHERE number > 5")
	if err != nil || rows.Next() || rows.Close() != nil {
		t.Errorf("a query without rows: %v", err)
	}
}

func TestServerErrors(t *testing.T) {
	conn := connectShared(t)
	execute(t, conn, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
	for _, tt := range []struct {
		name, sql string
		code      int32
		status    int
	}{
		{"table", "SELECT * FROM nowhere", 60, 404},
		{"syntax", "SELECT (", 62, 400},
		{"two statements", "SELECT 1; SELECT 2", 62, 400},
		{"thrown while it runs", "SELECT throwIf(number = 70000) FROM numbers(100000)", 395, 500},
		{"setting", "SELECT 1 SETTINGS nonsense = 1", 115, 404},
		{"time", "SELECT sleepEachRow(0.1) FROM numbers(100) SETTINGS max_execution_time = 0.2, max_block_size = 1", 159, 500},
		{"values", "INSERT INTO t VALUES ('x')", 6, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := conn.Exec(t.Context(), tt.sql)
			var exception *clickhouse.Exception
			if !errors.As(err, &exception) || exception.Code != tt.code {
				t.Fatalf("got %v, want code %d", err, tt.code)
			}
			var status *clickhouse.HTTPError
			if !errors.As(err, &status) || status.StatusCode != tt.status {
				t.Errorf("got %v, want status %d", err, tt.status)
			}
		})
	}
	if got := count(t, conn, "SELECT toUInt64(42)"); got != 42 {
		t.Errorf("after errors: %d", got)
	}
}

// A batch sent twice under one token counts once, in the table and in the rollup that a view fills.
func TestDeduplicationToken(t *testing.T) {
	conn := connectShared(t)
	execute(t, conn, "CREATE TABLE calls (model LowCardinality(String), cost Decimal(18, 9)) ENGINE = MergeTree ORDER BY model SETTINGS non_replicated_deduplication_window = 100")
	execute(t, conn, "CREATE TABLE usage (model LowCardinality(String), calls SimpleAggregateFunction(sum, UInt64), cost SimpleAggregateFunction(sum, Decimal(38, 9)), spread AggregateFunction(quantilesTDigest(0.5), Float64)) ENGINE = AggregatingMergeTree ORDER BY model SETTINGS non_replicated_deduplication_window = 100")
	execute(t, conn, "CREATE MATERIALIZED VIEW usage_view TO usage AS SELECT model, count() AS calls, sum(calls.cost) AS cost, quantilesTDigestState(0.5)(toFloat64(calls.cost)) AS spread FROM calls GROUP BY model")
	send := func(token string) {
		t.Helper()
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{
			"insert_deduplication_token": token, "deduplicate_blocks_in_dependent_materialized_views": 1,
		}))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO calls (cost, model)")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if err := batch.Append(decimal.New(int64(i), -9), []string{"a", "b"}[i%2]); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			t.Fatal(err)
		}
	}
	send("x:1-1000")
	send("x:1-1000")
	for _, tt := range []struct {
		sql  string
		want uint64
	}{
		{"SELECT count() FROM calls", 1000},
		{"SELECT sum(calls) FROM usage", 1000},
		{"SELECT toUInt64(sum(cost) * 1000000000) FROM usage", 499500},
	} {
		if got := count(t, conn, tt.sql); got != tt.want {
			t.Errorf("%s = %d, want %d", tt.sql, got, tt.want)
		}
	}
	send("x:1001-2000") // the same rows under another token are other rows
	if got := count(t, conn, "SELECT sum(calls) FROM usage"); got != 2000 {
		t.Errorf("after a second token: %d calls in the rollup, want 2000", got)
	}
}

// What a store does besides inserting must fit the engine's small pools.
func TestMaintenance(t *testing.T) {
	conn := connectShared(t)
	execute(t, conn, "CREATE TABLE t (day Date, n UInt64, v Array(Float32), INDEX near v TYPE vector_similarity('hnsw', 'cosineDistance', 2)) ENGINE = MergeTree PARTITION BY day ORDER BY n TTL day + INTERVAL 1 DAY")
	execute(t, conn, "INSERT INTO t SELECT '2100-01-01', number, [number, 1] FROM numbers(100)")
	execute(t, conn, "INSERT INTO t SELECT '2100-01-02', number, [1, number] FROM numbers(100)")
	execute(t, conn, "INSERT INTO t SELECT '2001-01-01', number, [1, number] FROM numbers(100)")
	execute(t, conn, "ALTER TABLE t DELETE WHERE n >= 90 SETTINGS mutations_sync = 2")
	execute(t, conn, "DELETE FROM t WHERE n < 10")
	execute(t, conn, "OPTIMIZE TABLE t FINAL")
	if got := count(t, conn, "SELECT count() FROM t"); got != 160 {
		t.Errorf("%d rows after deletes and TTL, want 160", got)
	}
	if got := count(t, conn, "SELECT n FROM t WHERE day = '2100-01-02' ORDER BY cosineDistance(v, [0., 1.]) LIMIT 1"); got != 89 {
		t.Errorf("nearest is %d, want 89", got)
	}
	execute(t, conn, "ALTER TABLE t DROP PARTITION '2100-01-01'")
	execute(t, conn, "ALTER TABLE t ADD COLUMN note String DEFAULT 'x'")
	if got := count(t, conn, "SELECT count() FROM t WHERE note = 'x' AND n > 0"); got != 80 {
		t.Errorf("%d rows after ALTER, want 80", got)
	}
}

func TestLargeInsert(t *testing.T) {
	conn := connectShared(t)
	execute(t, conn, "CREATE TABLE bodies (n UInt64, body String) ENGINE = MergeTree ORDER BY n")
	const rows, size = 25_000, 2_100 // 52 MB
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO bodies")
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		body := fmt.Sprintf("%d ", i)
		if err := batch.Append(uint64(i), body+strings.Repeat("x", size-len(body))); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	if got, want := count(t, conn, "SELECT sum(length(body)) + uniqExact(body) FROM bodies"), uint64(rows*size+rows); got != want {
		t.Errorf("bytes + distinct bodies = %d, want %d", got, want)
	}
	// The whole of it comes back through one result.
	result, err := conn.Query(t.Context(), "SELECT n, body FROM bodies")
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	var got int
	for result.Next() {
		var (
			n    uint64
			body string
		)
		if err := result.Scan(&n, &body); err != nil {
			t.Fatal(err)
		}
		got += len(body)
	}
	if got != rows*size || result.Err() != nil {
		t.Errorf("read %d bytes back, %v, want %d", got, result.Err(), rows*size)
	}
}
