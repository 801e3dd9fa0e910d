package clickhouse

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// count asks for one number.
func count(t *testing.T, db *DB, sql string) uint64 {
	t.Helper()
	var n uint64
	if err := db.scan(t.Context(), "count", []any{&n}, sql); err != nil {
		t.Fatal(err)
	}
	return n
}

func exec(t *testing.T, db *DB, sql string) {
	t.Helper()
	if err := db.conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// TestWriteAgainAfterFailure breaks an insert at each of its steps, mends what broke, writes the same batch again, twice,
// and wants everything there once.
func TestWriteAgainAfterFailure(t *testing.T) {
	for _, table := range []string{"bodies", "usage_1m", "usage_1h", "usage_1d", "usage_user_1h", "usage_user_1d", "trace_ts"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			db, mem := openTest(t, testConfig(t)), &tracetest.Memory{}
			if err := db.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			since := time.Date(2026, 5, 31, 22, 0, 0, 0, time.UTC)
			records := tracetest.Random(rand.New(rand.NewPCG(1, 1)), 300, since, since.Add(4*time.Hour))
			batch := trace.Batch{Token: "spool-1/1-300", Records: trace.Slice(records)}

			exec(t, db, "RENAME TABLE "+table+" TO gone")
			if err := db.Write(t.Context(), batch); err == nil {
				t.Fatalf("Write without %s succeeded", table)
			}
			exec(t, db, "RENAME TABLE gone TO "+table)
			for range 2 {
				if err := db.Write(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
			}
			if err := mem.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}

			var attempts, bodies uint64
			for _, r := range records {
				attempts += uint64(len(r.Attempts))
				if len(r.Body.Request) > 0 {
					bodies++
				}
			}
			for sql, want := range map[string]uint64{
				"SELECT count() FROM calls":                300 + attempts,
				"SELECT count() FROM bodies":               bodies,
				"SELECT sum(calls) FROM usage_1m":          300,
				"SELECT sum(calls) FROM usage_1h":          300,
				"SELECT sum(calls) FROM usage_1d":          300,
				"SELECT sum(calls) FROM usage_user_1h":     300,
				"SELECT sum(calls) FROM usage_user_1d":     300,
				"SELECT uniqExact(trace_id) FROM trace_ts": 300,
				"SELECT count() FROM (SELECT call_id FROM calls WHERE kind = 'call' GROUP BY call_id HAVING count() > 1)": 0,
			} {
				if got := count(t, db, sql); got != want {
					t.Errorf("%s = %d, want %d", sql, got, want)
				}
			}
			for _, by := range []string{"minute", "hour", "day"} {
				q := trace.CostQuery{By: []string{by}}
				got, err := db.Costs(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				want, _ := mem.Costs(t.Context(), q)
				compareCosts(t, "by "+by, got, want)
			}
		})
	}
}

func TestLargeBatchTwice(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t))
	since := time.Date(2026, 1, 31, 22, 0, 0, 0, time.UTC)
	records := tracetest.Random(rand.New(rand.NewPCG(2, 2)), insertRows/2, since, since.Add(50*time.Hour))
	const big = 3 << 20
	for i := range 7 { // more than insertBytes together
		records[i].Body = trace.Body{Request: []byte(strings.Repeat("x", big)), Response: []byte{byte('0' + i)}}
	}
	for range 4 { // attempts make more rows than insertRows
		records[0].Attempts = slices.Concat(records[0].Attempts, records[0].Attempts, records[1].Attempts, records[2].Attempts)
	}
	var want trace.Sums
	bodies := uint64(0)
	for _, r := range records {
		if cost, known := r.Call.KnownCost(); known {
			want.Cost += cost
		}
		if len(r.Body.Request) > 0 {
			bodies++
		}
	}
	for range 2 {
		if err := db.Write(t.Context(), trace.Batch{Token: "large", Records: trace.Slice(records)}); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(t, db, "SELECT count() FROM bodies"); got != bodies {
		t.Errorf("%d bodies, want %d", got, bodies)
	}
	got, err := db.Costs(t.Context(), trace.CostQuery{By: []string{"user"}})
	if err != nil {
		t.Fatal(err)
	}
	if got.Total.Cost != want.Cost || got.Total.Calls != int64(len(records)) {
		t.Errorf("%d calls, %s, want %d, %s", got.Total.Calls, got.Total.Cost, len(records), want.Cost)
	}
	seen := 0
	for r, err := range db.Export(t.Context(), trace.Filter{}, true) { // more calls than a page, bodies larger than a page's
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Body.Request) == big {
			seen++
		}
	}
	if seen != 7 {
		t.Errorf("the export has %d large bodies, want 7", seen)
	}
}

func TestRowsHoldExtremes(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t))
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	span := func(id string, edit func(*trace.Span)) trace.Record {
		s := trace.Span{ID: id, Kind: trace.KindCall, Start: start, PriceStatus: price.Exact}
		edit(&s)
		return trace.Record{Call: s}
	}
	records := trace.Slice{
		span("large", func(s *trace.Span) { s.Cost, s.Held, s.Flags = price.MaxUSD+1, 1<<63-1, []string{"usage_clamped"} }),
		span("small", func(s *trace.Span) { s.Cost, s.Saved = -1<<63, -price.MaxUSD-1 }),
		span("largest", func(s *trace.Span) { s.Cost = price.MaxUSD }),
		span("unknown", func(s *trace.Span) { s.Cost, s.PriceStatus = 5, price.Unpriced }),
		span("zero", func(*trace.Span) {}),
		span("long ago", func(s *trace.Span) { s.Start = time.Time{} }),
		span("far off", func(s *trace.Span) { s.Start = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }),
	}
	if err := db.Write(t.Context(), trace.Batch{Token: "x", Records: records}); err != nil {
		t.Fatal(err)
	}
	type held struct {
		Cost, Saved, Held price.USD
		Start             time.Time
		Flags             []string
	}
	for id, want := range map[string]held{
		"large":    {price.MaxUSD, 0, price.MaxUSD, start, []string{"usage_clamped", "cost_clamped"}},
		"small":    {-price.MaxUSD, -price.MaxUSD, 0, start, []string{"cost_clamped"}},
		"largest":  {price.MaxUSD, 0, 0, start, nil},
		"unknown":  {0, 0, 0, start, nil},
		"zero":     {0, 0, 0, start, nil},
		"long ago": {0, 0, 0, earliest, []string{"time_clamped"}},
		"far off":  {0, 0, 0, latest, []string{"time_clamped"}},
	} {
		r, err := db.Call(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		got := held{r.Call.Cost, r.Call.Saved, r.Call.Held, r.Call.Start, r.Call.Flags}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", id, diff)
		}
	}
	if got := count(t, db, "SELECT count() FROM calls WHERE isNull(cost)"); got != 1 {
		t.Errorf("%d calls have no cost, want 1", got)
	}
	if records[0].Call.Flags[0] != "usage_clamped" || len(records[0].Call.Flags) != 1 {
		t.Errorf("Write changed the caller's flags to %v", records[0].Call.Flags)
	}
}

// TestSumsBeyondOneRow adds up more dollars than one row can hold.
func TestSumsBeyondOneRow(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t))
	var records []trace.Record
	for i := range 20 {
		records = append(records, trace.Record{Call: trace.Span{
			ID: fmt.Sprint(i), Kind: trace.KindCall, Start: time.Date(2026, 3, 1, 0, i, 0, 0, time.UTC),
			Cost: price.MaxUSD, PriceStatus: price.Exact, Project: []string{"a", "b", "b", "b"}[i%4],
		}})
	}
	if err := db.Write(t.Context(), trace.Batch{Token: "x", Records: trace.Slice(records)}); err != nil {
		t.Fatal(err)
	}
	got, err := db.Costs(t.Context(), trace.CostQuery{By: []string{"project"}})
	if err != nil {
		t.Fatal(err)
	}
	costs := []price.USD{got.Rows[0].Cost, got.Rows[1].Cost, got.Total.Cost}
	if want := []price.USD{1<<63 - 1, 5 * price.MaxUSD, 1<<63 - 1}; !slices.Equal(costs, want) {
		t.Errorf("costs %v, want %v", costs, want)
	}
}

func TestParseSum(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]price.USD{
		"0": 0, "0.000000001": 1, "-0.000000001": -1, "1": price.Dollar, "-12.5": -12*price.Dollar - 500_000_000,
		"9223372036.854775807": 1<<63 - 1, "9223372036.854775808": 1<<63 - 1, "100000000000000": 1<<63 - 1,
	} {
		if got, err := parseSum(text); err != nil || got != want {
			t.Errorf("parseSum(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "x", "1.0000000000", "nan"} {
		if got, err := parseSum(bad); err == nil {
			t.Errorf("parseSum(%q) = %v, want an error", bad, got)
		}
	}
}

func TestCutTexts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ s, runes, bytes string }{
		{"abc", "abc", "abc"},
		{"abcdefgh", "abcd", "abcde"},
		{"ääää", "ääää", "ää"},
		{"äääääää", "ääää", "ää"},
		{"日本語日本", "日本語日", "日"},
		{"\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff", "\xff\xff\xff\xff\xff"},
		{"", "", ""},
	} {
		if got := cutRunes(test.s, 4); got != test.runes {
			t.Errorf("cutRunes(%q, 4) = %q, want %q", test.s, got, test.runes)
		}
		if got := cutBytes(test.s, 5); got != test.bytes {
			t.Errorf("cutBytes(%q, 5) = %q, want %q", test.s, got, test.bytes)
		}
	}
}

func TestWriteNamesWhatFailed(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t))
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "RENAME TABLE bodies TO gone")
	r := trace.Record{Call: trace.Span{ID: "1", Kind: trace.KindCall, Start: time.Now()}, Body: trace.Body{Request: []byte("secret words")}}
	err := db.Write(t.Context(), trace.Batch{Token: "x", Records: trace.Slice{r}})
	if err == nil || !strings.HasPrefix(err.Error(), "write clickhouse bodies: ") {
		t.Errorf("Write = %v, want an error of bodies", err)
	}
	if errors.Is(err, trace.ErrAway) {
		t.Error("a missing table is taken for a store that is away")
	}
	if strings.Contains(fmt.Sprint(err), "secret words") {
		t.Errorf("the error holds content: %v", err)
	}
}
