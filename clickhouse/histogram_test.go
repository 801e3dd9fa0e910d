package clickhouse

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// bars counts times as the usage tables do.
func (h *histogram) bars(times []time.Duration) string {
	counts := make([]byte, 4*barsPerColumn*h.columns)
	for _, t := range times {
		bar := 0
		for bar < barsPerColumn*h.columns-1 && float64(t) >= h.edge(bar+1) {
			bar++
		}
		at := counts[4*bar:]
		binary.LittleEndian.PutUint32(at, binary.LittleEndian.Uint32(at)+1)
	}
	return string(counts)
}

// TestQuantile wants quantiles of many times within a tenth of the true ones, and those of one time exact.
func TestQuantile(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 3))
	for _, spread := range []float64{0.1, 0.4, 1} {
		times := make([]time.Duration, 5000)
		for i := range times {
			times[i] = time.Duration(9e8 * math.Exp(spread*r.NormFloat64()))
		}
		slices.Sort(times)
		bars := latencies.bars(times)
		for _, q := range []float64{0.5, 0.95} {
			got := latencies.quantile(bars, q, int64(times[0]), int64(times[len(times)-1]))
			want := times[int(q*float64(len(times)))]
			if got < want*9/10 || got > want*11/10 {
				t.Errorf("spread %g, q %g: %v, want %v", spread, q, got, want)
			}
		}
	}
	for _, one := range []time.Duration{0, 1, 5 * time.Millisecond, 8 * time.Millisecond, 812 * time.Millisecond, time.Hour} {
		for _, q := range []float64{0.5, 0.95} {
			if got := latencies.quantile(latencies.bars([]time.Duration{one}), q, int64(one), int64(one)); got != one {
				t.Errorf("of %v alone: %v", one, got)
			}
		}
	}
	if got := latencies.quantile(latencies.bars(nil), 0.5, 0, 0); got != 0 {
		t.Errorf("of nothing: %v, want 0", got)
	}
}

// TestLatenciesOfCallsAndRollups asks one question of the calls and of each kind of usage table, whose bars must agree.
func TestLatenciesOfCallsAndRollups(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t))
	since := time.Date(2026, 5, 30, 22, 10, 0, 0, time.UTC)
	records := tracetest.Random(rand.New(rand.NewPCG(5, 5)), 2000, since, since.Add(50*time.Hour))
	for i := range records { // times at, just below and far beyond the edges of bars
		c := &records[i].Call
		c.Duration = time.Duration(latencies.edge(i%40)) + time.Duration(i%3-1)
		if c.Stream && i%2 == 0 {
			c.TTFT = time.Duration(ttfts.edge(i%30)) + time.Duration(i%3-1)
		}
	}
	if err := db.Write(t.Context(), trace.Batch{Token: "x", Records: trace.Slice(records)}); err != nil {
		t.Fatal(err)
	}
	want, err := db.Costs(t.Context(), trace.CostQuery{By: []string{"tag.none"}})
	if err != nil {
		t.Fatal(err)
	}
	if want.Total.Calls != 2000 || want.Total.LatencyP50 == 0 || want.Total.TTFTP50 == 0 {
		t.Fatalf("of calls: %+v", want.Total)
	}
	for _, by := range []string{"day", "hour", "minute", "user"} {
		got, err := db.Costs(t.Context(), trace.CostQuery{By: []string{by}})
		if err != nil {
			t.Fatal(err)
		}
		if got.Total != want.Total {
			t.Errorf("by %s: %+v, want %+v", by, got.Total, want.Total)
		}
	}
	got, err := db.Costs(t.Context(), trace.CostQuery{By: []string{"user", "status"}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Total != want.Total {
		t.Errorf("by user and status: %+v, want %+v", got.Total, want.Total)
	}
}
