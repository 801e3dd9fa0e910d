package engine_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/shopspring/decimal"

	"github.com/weir-dev/weir/clickhouse/engine"
	"github.com/weir-dev/weir/internal/testutil/enginetest"
)

// residentMB reads the resident and the highest resident memory of a process, where the kernel tells.
func residentMB(pid int) (now, peak float64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	field := func(name string) float64 {
		_, after, _ := strings.Cut(string(status), name+":")
		kb, _ := strconv.ParseFloat(strings.Fields(after)[0], 64)
		return kb / 1024
	}
	return field("VmRSS"), field("VmHWM")
}

// BenchmarkStart measures from nothing to a child that answers.
func BenchmarkStart(b *testing.B) {
	cfg := enginetest.Config(b, b.TempDir())
	for b.Loop() {
		e, err := engine.Start(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		now, _ := residentMB(e.Pid())
		b.ReportMetric(now, "MB-idle")
		b.StopTimer()
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkInsert sends batches of 10,000 calls to a table with a rollup; bodies have 0 or 2,000 bytes.
func BenchmarkInsert(b *testing.B) {
	for _, size := range []int{0, 2000} {
		b.Run(fmt.Sprintf("body=%d", size), func(b *testing.B) { benchmarkInsert(b, size) })
	}
}

func benchmarkInsert(b *testing.B, size int) {
	b.Helper()
	e, err := engine.Start(b.Context(), enginetest.Config(b, b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{"engine"},
		DialContext: func(ctx context.Context, addr string) (net.Conn, error) { return e.DialContext(ctx, "unix", addr) },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	for _, sql := range []string{
		"CREATE TABLE calls (id UInt64, at DateTime64(6, 'UTC'), project LowCardinality(String), model LowCardinality(String), cost Decimal(18, 9), tokens UInt64, body String CODEC(ZSTD(1))) ENGINE = MergeTree ORDER BY (project, at) SETTINGS non_replicated_deduplication_window = 10000",
		"CREATE TABLE usage (minute DateTime('UTC'), model LowCardinality(String), calls SimpleAggregateFunction(sum, UInt64), spent SimpleAggregateFunction(sum, Decimal(38, 9)), latency AggregateFunction(quantilesTDigest(0.5), Float64)) ENGINE = AggregatingMergeTree ORDER BY (minute, model) SETTINGS non_replicated_deduplication_window = 10000",
		"CREATE MATERIALIZED VIEW usage_view TO usage AS SELECT toStartOfMinute(at) AS minute, model, count() AS calls, sum(cost) AS spent, quantilesTDigestState(0.5)(toFloat64(tokens)) AS latency FROM calls GROUP BY minute, model",
	} {
		if err := conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	const rows = 10_000
	words := strings.Repeat("the weir measures the river and holds back the flood ", 60)
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	var sending time.Duration
	batches := 0
	for b.Loop() {
		ctx := clickhouse.Context(b.Context(), clickhouse.WithSettings(clickhouse.Settings{
			"insert_deduplication_token": fmt.Sprint(batches), "deduplicate_blocks_in_dependent_materialized_views": 1,
		}))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO calls")
		if err != nil {
			b.Fatal(err)
		}
		for i := range rows {
			n := batches*rows + i
			body := ""
			if size > 0 {
				body = strconv.Itoa(n*7919) + words[n%53:][:size-8]
			}
			if err := batch.Append(uint64(n), at.Add(time.Duration(n)*time.Millisecond), "p"+strconv.Itoa(n%5), "m"+strconv.Itoa(n%20), decimal.New(int64(n), -9), uint64(n%4000), body); err != nil {
				b.Fatal(err)
			}
		}
		began := time.Now()
		if err := batch.Send(); err != nil {
			b.Fatal(err)
		}
		sending += time.Since(began)
		batches++
	}
	now, peak := residentMB(e.Pid())
	b.ReportMetric(now, "MB-now")
	b.ReportMetric(peak, "MB-peak")
	b.ReportMetric(float64(batches*rows)/sending.Seconds(), "rows/s-sent")
	b.ReportMetric(float64(batches*rows)/b.Elapsed().Seconds(), "rows/s")
}
