package clickhouse

import (
	"strconv"
	"testing"
	"time"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/trace"
)

// BenchmarkSize writes the simulator's calls with whole bodies, in batches as large as a busy spool's, and reports what
// they take on disk once they are merged:
//
//	go test ./clickhouse -run - -bench Size -benchtime 1x
func BenchmarkSize(b *testing.B) {
	const calls, batch = 60_000, 5_000
	for b.Loop() {
		db := openTest(b, testConfig(b))
		now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
		var records []trace.Record
		n := 0
		write := func() {
			n++
			if err := db.Write(b.Context(), trace.Batch{Token: strconv.Itoa(n), Records: trace.Slice(records)}); err != nil {
				b.Fatal(err)
			}
			records = records[:0]
		}
		for r := range simulator.History(simulator.HistoryConfig{Seed: 1, Now: now, Days: 4, CallsPerDay: calls / 4, Bodies: calls * 2}) {
			if records = append(records, r); len(records) == batch {
				write()
			}
		}
		write()
		for _, table := range []string{"calls", "bodies"} {
			if err := db.conn.Exec(b.Context(), "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
				b.Fatal(err)
			}
			var rows, packed, plain uint64
			err := db.scan(b.Context(), "size", []any{&rows, &packed, &plain}, `SELECT sum(rows), sum(bytes_on_disk), sum(data_uncompressed_bytes)
				FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String}`, named("table", table))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(packed)/float64(rows), table+"-B/row")
			b.ReportMetric(float64(plain)/float64(packed), table+"-ratio")
		}
	}
}
