package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/weir-dev/weir/clickhouse/engine"
	"github.com/weir-dev/weir/internal/testutil/enginetest"
	"github.com/weir-dev/weir/trace"
)

// BenchmarkRead asks the usual questions, one by one, of WEIR_BENCH_CALLS calls (1,000,000) over 30 days; see asks.measure for
// what it reports, and BenchmarkPages for whole pages. WEIR_BENCH_DATA names a directory that keeps the calls for the next run:
//
//	WEIR_BENCH_CALLS=10000000 WEIR_BENCH_DATA=/var/tmp/weir-bench go test ./clickhouse -run - -bench Read -benchtime 30x -timeout 2h
func BenchmarkRead(b *testing.B) {
	db, start, end := benchCalls(b)
	middle, err := db.Calls(b.Context(), trace.Filter{Until: end.Add(-10 * day)}, 1, "")
	if err != nil {
		b.Fatal(err)
	}
	call := middle.Calls[0]
	month, week := trace.Filter{Since: start}, trace.Filter{Since: end.Add(-7*day + 7*time.Second)}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	ask := asks{db}
	list, sorted, costs, counts := ask.list, ask.sorted, ask.costs, ask.counts
	usual := []string{"project", "model", "provider", "status", "endpoint", "cache", "key", "user", "error_code"}
	first := map[trace.CallOrder]string{} // cursors of second pages
	for _, by := range trace.CallOrders {
		page, err := db.SortedCalls(b.Context(), month, by, 50, "")
		if err != nil {
			b.Fatal(err)
		}
		first[by] = page.Next
	}
	for _, q := range []struct {
		name string
		ask  question
	}{
		{"newest 50", list(trace.Filter{})},
		{"newest 50 of a project", list(trace.Filter{Project: call.Project})},
		{"newest 50 of a key", list(trace.Filter{Key: call.Key})},
		{"newest 50 of a provider", list(trace.Filter{Provider: call.Provider})},
		{"newest 50 of a model", list(trace.Filter{Model: call.Model})},
		{"newest 50 of a busy user", list(trace.Filter{User: "user7"})},
		{"newest 50 of a user", list(trace.Filter{User: "user1677"})},
		{"newest 50 of a session", list(trace.Filter{Session: call.Session})},
		{"newest 50 errors", list(trace.Filter{Status: "error"})},
		{"newest 50 errors of a code", list(trace.Filter{ErrorCode: "overloaded_error"})},
		{"newest 50 errors of a model", list(trace.Filter{Status: "error", Model: "model-3"})},
		{"newest 50 of an endpoint", list(trace.Filter{Endpoint: "embeddings"})},
		{"newest 50 cache hits", list(trace.Filter{Cache: "hit"})},
		{"newest 50 of a prompt's version", list(trace.Filter{Prompt: "prompt-3@1"})},
		{"newest 50 unpriced", list(trace.Filter{Unpriced: true})},
		{"newest 50 with a common tag", list(trace.Filter{Tags: map[string]string{"team": "team-7"}})},
		{"the calls with a rare tag", list(trace.Filter{Tags: map[string]string{"run": call.Tags["run"]}})},
		{"the calls with a rare tag, 30 days", list(trace.Filter{Since: start, Tags: map[string]string{"run": call.Tags["run"]}})},
		{"no call has the tag", func(ctx context.Context) error {
			_, err := db.Calls(ctx, trace.Filter{Since: start, Tags: map[string]string{"run": "none"}}, 50, "")
			return err
		}},
		{"50 from 10 days ago", list(trace.Filter{Until: end.Add(-10 * day)})},
		{"one call by id", func(ctx context.Context) error { _, err := db.Call(ctx, call.ID); return err }},
		{"one call by a foreign id", func(ctx context.Context) error {
			if _, err := db.Call(ctx, "no such id"); !errors.Is(err, trace.ErrNoCall) {
				return fmt.Errorf("found, or %w", err)
			}
			return nil
		}},
		{"one trace", func(ctx context.Context) error {
			spans, err := db.Trace(ctx, call.TraceID, 100)
			if err == nil && len(spans) == 0 {
				err = errors.New("no spans")
			}
			return err
		}},
		{"newest 50 traces", ask.bundles(db.Traces, month, 50)},
		{"newest 50 traces of a model's errors", ask.bundles(db.Traces, trace.Filter{Since: start, Status: "error", Model: "model-3"}, 50)},
		{"newest 50 sessions", ask.bundles(db.Sessions, month, 50)},
		{"newest 50 sessions of a user", ask.bundles(db.Sessions, trace.Filter{Since: start, User: "user7"}, 50)},
		{"users by cost, 30 days", ask.users(month, 50)},
		{"users by cost, 7 days", ask.users(week, 50)},
		{"one user, 30 days", ask.users(trace.Filter{Since: start, User: "user77"}, 50)},
		{"search a day", list(trace.Filter{Text: "needle", Since: end.Add(-day)})},
		{"search a week", list(trace.Filter{Text: "needle", Since: end.Add(-7 * day)})},
		{"costs by model and user, 30 days", costs(month, "model", "user")},
		{"costs by model and day, 30 days", costs(month, "model", "day")},
		{"costs by model, 7 days, odd edges", costs(week, "model")},
		{"costs by model, 30 days", costs(month, "model")},
		{"costs by project, 30 days", costs(month, "project")},
		{"costs by user, 30 days", costs(month, "user")},
		{"costs of a user by day, 30 days", costs(trace.Filter{Since: start, User: "user77"}, "day")},
		{"costs of a project by prompt, 30 days", costs(trace.Filter{Since: start, Project: call.Project}, "prompt")},
		{"costs by model and day of Berlin", func(ctx context.Context) error {
			_, err := db.Costs(ctx, trace.CostQuery{Filter: month, By: []string{"model", "day"}, Timezone: berlin})
			return err
		}},
		{"costs by minute, last hour", costs(trace.Filter{Since: end.Add(-time.Hour)}, "minute")},
		{"costs by tag, 30 days", costs(month, "tag.team")},
		{"costs of a session, 30 days", costs(trace.Filter{Since: start, Session: call.Session})},
		{"facets, 30 days", ask.facets(month)},
		{"counts by the usual fields, 30 days", counts(month, usual...)},
		{"counts by the usual fields, 7 days, odd edges", counts(week, usual...)},
		{"counts by the usual fields of a model's errors, 30 days", counts(trace.Filter{Since: start, Status: "error", Model: "model-3"}, usual...)},
		{"counts by the usual fields of a user, 30 days", counts(trace.Filter{Since: start, User: "user7"}, usual...)},
		{"counts by the usual fields of a session, 30 days", counts(trace.Filter{Since: start, Session: call.Session}, usual...)},
		{"counts by the usual fields of an error, 30 days", counts(trace.Filter{Since: start, ErrorCode: "server_error"}, usual...)},
		{"counts by the usual fields with a tag, 30 days", counts(trace.Filter{Since: start, Tags: map[string]string{"team": "team-7"}}, usual...)},
		{"counts by the usual fields of a word, a day", counts(trace.Filter{Since: end.Add(-day), Text: "needle"}, usual...)},
		{"counts by price, 30 days", counts(month, "price_status")},
		{"counts by tags' names, 30 days", counts(month, "tag")},
		{"counts by a tag, 30 days", counts(month, "tag.team")},
		{"counts by a tag of many values, 30 days", counts(month, "tag.run")},
		{"50 by cost, 30 days", sorted(month, trace.CallsByCost, 50, "")},
		{"the second 50 by cost, 30 days", sorted(month, trace.CallsByCost, 50, first[trace.CallsByCost])},
		{"50 by duration, 30 days", sorted(month, trace.CallsByDuration, 50, "")},
		{"50 by first token, 30 days", sorted(month, trace.CallsByTTFT, 50, "")},
		{"50 by tokens, 30 days", sorted(month, trace.CallsByTokens, 50, "")},
		{"50 of a project by cost, 30 days", sorted(trace.Filter{Since: start, Project: call.Project}, trace.CallsByCost, 50, "")},
		{"50 of a model's errors by duration, 7 days", sorted(trace.Filter{Since: week.Since, Status: "error", Model: "model-3"}, trace.CallsByDuration, 50, "")},
		{"50 with a word by cost, a day", sorted(trace.Filter{Since: end.Add(-day), Text: "needle"}, trace.CallsByCost, 50, "")},
		{"search a week of a project", list(trace.Filter{Text: "needle", Since: end.Add(-7 * day), Project: call.Project})},
		{"search a month of a user", list(trace.Filter{Text: "order", Since: start, User: "user77"})},
		{"unpriced, 30 days", ask.unpriced(month)},
	} {
		b.Run(q.name, func(b *testing.B) { ask.measure(b, q.ask) })
	}
}

// benchCalls opens a database with WEIR_BENCH_CALLS calls and gives the time they are from.
func benchCalls(b *testing.B) (db *DB, start, end time.Time) {
	b.Helper()
	n := 1_000_000
	if s := os.Getenv("WEIR_BENCH_CALLS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	db = openTest(b, benchConfig(b))
	start, end = filled(b, db, n)
	return db, start, end
}

// benchConfig is the configuration of a new database, or of the one in WEIR_BENCH_DATA.
func benchConfig(b *testing.B) Config {
	b.Helper()
	dir := os.Getenv("WEIR_BENCH_DATA")
	if dir == "" {
		return testConfig(b)
	}
	eng, err := engine.Start(b.Context(), enginetest.Config(b, dir))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := eng.Close(); err != nil {
			b.Error(err)
		}
	})
	return Config{URL: "clickhouse://engine/weir_bench", Dial: eng.DialContext}
}

// filled makes the calls that are not there yet, waits until the parts are merged and gives the time the calls are from.
func filled(b *testing.B, db *DB, n int) (start, end time.Time) {
	b.Helper()
	ctx := b.Context()
	var calls uint64
	if err := db.scan(ctx, "count calls", []any{&calls, &start}, "SELECT count(), min(start_time) FROM calls WHERE kind = 'call'"); err != nil {
		b.Fatal(err)
	}
	if calls > uint64(n) {
		b.Fatalf("WEIR_BENCH_DATA holds %d calls, want %d: give another directory, or WEIR_BENCH_CALLS=%d", calls, n, calls)
	}
	if calls == 0 {
		start = time.Now().UTC().Truncate(time.Second).Add(-30 * day)
	}
	if calls < uint64(n) {
		began := time.Now()
		// A chunk whose making was cut short is made again: its token keeps what is there from being there twice.
		from := max(0, int(calls)-1) / fillChunk * fillChunk
		fill(b, db, from, n, start, 30*day/time.Duration(n))
		b.Logf("%d calls made in %v", n-from, time.Since(began).Round(time.Second))
	}
	settle(b, db)
	return start, start.Add(30 * day)
}

// settle waits until no merge has run for a second.
func settle(b *testing.B, db *DB) {
	b.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(20 * time.Minute)
	for quiet := 0; quiet < 10; <-tick.C {
		var merges uint64
		if err := db.scan(b.Context(), "count merges", []any{&merges}, "SELECT count() FROM system.merges"); err != nil {
			b.Fatal(err)
		}
		quiet++
		if merges > 0 {
			quiet = 0
		}
		if time.Now().After(deadline) {
			b.Fatal("merges have not ended for 20 minutes")
		}
	}
}
