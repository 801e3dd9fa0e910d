package clickhouse

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// BenchmarkWrite writes batches of 25,000 calls, with and without bodies of 1.5 KB:
//
//	go test ./clickhouse -run - -bench Write -benchtime 10x
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{0, 1500} {
		b.Run(fmt.Sprintf("bodies=%d", size), func(b *testing.B) {
			cfg := testConfig(b)
			cfg.Preview = nil
			db := openTest(b, cfg)
			if err := db.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			batch := benchBatch(25_000, size)
			best := time.Hour
			for b.Loop() {
				batch.Token = "batch " + strconv.FormatUint(rand.Uint64(), 36)
				start := time.Now()
				if err := db.Write(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				best = min(best, time.Since(start))
			}
			b.ReportMetric(float64(b.N*len(batch.Records))/b.Elapsed().Seconds(), "calls/s")
			b.ReportMetric(float64(len(batch.Records))/best.Seconds(), "best-calls/s")
		})
	}
}

// benchBatch makes calls of the last hour with bodies of about size bytes of varied words.
func benchBatch(n, size int) trace.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	now := time.Now().UTC()
	records := tracetest.Random(r, n, now.Add(-time.Hour), now)
	for i := range records { // fewer combinations than Random's: what a service asks of two models under a few keys
		c := &records[i].Call
		c.User, c.Project, c.ModelRequested = "user"+strconv.Itoa(r.IntN(500)), "default", "fast"
		c.Provider, c.Model, c.Endpoint = "openai", []string{"gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"}[r.IntN(2)], llm.ChatCompletions
		c.Prompt, c.PromptVersion, c.Arm, c.Cache, c.PriceStatus = "", 0, "", trace.CacheOff, "exact"
		if r.IntN(30) > 0 {
			c.Status, c.Error, c.ErrorCode = trace.StatusOK, nil, ""
		}
		records[i].Attempts = nil
		records[i].Body = trace.Body{}
		if size > 0 {
			records[i].Body.Request = words(r, size*2/3)
			records[i].Body.Response = words(r, size/3)
		}
	}
	return trace.Batch{Records: records}
}

func words(r *rand.Rand, size int) []byte {
	b := []byte(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"`)
	for len(b) < size {
		b = strconv.AppendUint(append(b, "order "...), r.Uint64()>>48, 36)
		b = append(b, " was shipped to the customer "...)
	}
	return append(b, `"}]}`...)
}

// BenchmarkRead asks the usual questions of WEIR_BENCH_CALLS calls (1,000,000) over 30 days, every tenth with a body:
//
//	go test ./clickhouse -run - -bench Read -benchtime 20x
func BenchmarkRead(b *testing.B) {
	n := 1_000_000
	if s := os.Getenv("WEIR_BENCH_CALLS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	db := openTest(b, testConfig(b))
	end := time.Now().UTC().Truncate(time.Second)
	start := end.Add(-30 * day)
	generate(b, db, n, start, end)

	middle, err := db.Calls(b.Context(), trace.Filter{Until: end.Add(-10 * day)}, 1, "")
	if err != nil {
		b.Fatal(err)
	}
	call := middle.Calls[0]
	week := trace.Filter{Since: end.Add(-7*day + 7*time.Second)}
	month := trace.Filter{Since: start}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		b.Fatal(err)
	}
	list := func(f trace.Filter) func(context.Context) error {
		return func(ctx context.Context) error {
			page, err := db.Calls(ctx, f, 50, "")
			if err == nil && len(page.Calls) == 0 {
				return fmt.Errorf("no calls")
			}
			return err
		}
	}
	costs := func(q trace.CostQuery) func(context.Context) error {
		return func(ctx context.Context) error {
			got, err := db.Costs(ctx, q)
			if err == nil && got.Total.Calls == 0 {
				return fmt.Errorf("no calls")
			}
			return err
		}
	}
	for _, q := range []struct {
		name string
		ask  func(context.Context) error
	}{
		{"newest 50", list(trace.Filter{})},
		{"newest 50 of a project", list(trace.Filter{Project: "p3"})},
		{"newest 50 of a user", list(trace.Filter{User: "user77"})},
		{"newest 50 of a session", list(trace.Filter{Session: call.Session})},
		{"newest 50 errors of a model", list(trace.Filter{Status: "error", Model: "model1"})},
		{"newest 50 with a tag", list(trace.Filter{Tags: map[string]string{"team": "t7"}})},
		{"one with a tag", list(trace.Filter{Tags: map[string]string{"run": call.Tags["run"]}})},
		{"10 days ago", list(trace.Filter{Until: end.Add(-10 * day)})},
		{"one call by id", func(ctx context.Context) error { _, err := db.Call(ctx, call.ID); return err }},
		{"one call by a foreign id", func(ctx context.Context) error {
			_, err := db.Call(ctx, "no such id")
			if err == nil {
				return fmt.Errorf("found")
			}
			return nil
		}},
		{"one trace", func(ctx context.Context) error {
			spans, err := db.Trace(ctx, call.TraceID, 100)
			if err == nil && len(spans) == 0 {
				return fmt.Errorf("no spans")
			}
			return err
		}},
		{"search a week", list(trace.Filter{Text: "needle", Since: end.Add(-7 * day)})},
		{"costs by model and day, 30 days", costs(trace.CostQuery{Filter: month, By: []string{"model", "day"}})},
		{"costs by model, 7 days, odd edges", costs(trace.CostQuery{Filter: week, By: []string{"model"}})},
		{"costs by user, 30 days", costs(trace.CostQuery{Filter: month, By: []string{"user"}})},
		{"costs by model and day of Berlin", costs(trace.CostQuery{Filter: month, By: []string{"model", "day"}, Timezone: berlin})},
		{"costs by minute, last hour", costs(trace.CostQuery{Filter: trace.Filter{Since: end.Add(-time.Hour)}, By: []string{"minute"}})},
		{"costs by tag, 30 days", costs(trace.CostQuery{Filter: month, By: []string{"tag.team"}})},
		{"costs of a session, 30 days", costs(trace.CostQuery{Filter: trace.Filter{Since: start, Session: call.Session}})},
		{"facets, 30 days", func(ctx context.Context) error { _, err := db.Facets(ctx, month, 20); return err }},
		{"unpriced, 30 days", func(ctx context.Context) error { _, err := db.Unpriced(ctx, start, end); return err }},
	} {
		b.Run(q.name, func(b *testing.B) {
			best := time.Hour // on a shared machine it says more than the mean
			for b.Loop() {
				start := time.Now()
				if err := q.ask(b.Context()); err != nil {
					b.Fatal(err)
				}
				best = min(best, time.Since(start))
			}
			b.ReportMetric(float64(best.Microseconds())/1000, "best-ms")
		})
	}
}

// generate makes n calls by SQL, so that the benchmark is about reading.
func generate(b *testing.B, db *DB, n int, start, end time.Time) {
	b.Helper()
	if err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	step := end.Sub(start).Microseconds() / int64(n)
	const chunk = 50_000
	ctx := ch.Context(b.Context(), ch.WithSettings(ch.Settings{"max_insert_threads": 1}))
	for from := 0; from < n; from += chunk {
		values := map[string]string{
			"kind": "'call'", "id": "id", "call_id": "id", "trace_id": "lower(hex(MD5(concat('t', toString(intDiv(number, 3))))))",
			"span_id": "substring(lower(hex(MD5(toString(number)))), 1, 16)", "start_time": "t",
			"duration_ns": "toInt64(1e8 + h % 5000000000)", "ttft_ns": "if(h % 2 = 0, toInt64(2e8 + h % 100000000), NULL)",
			"project": "concat('p', toString(h % 10))", "key_id": "concat('k', toString(h % 30))", "key": "concat('key', toString(h % 30))",
			"user": "concat('user', toString(h % 2000))", "session": "concat('s', toString(intDiv(number, 10)))",
			"tag_names": "['run', 'team']", "tag_values": "[toString(cityHash64('run', number)), concat('t', toString(h % 50))]",
			"endpoint": "'chat.completions'", "path": "'/chat/completions'", "stream": "h % 2 = 0", "provider": "concat('provider', toString(h % 4))",
			"model_requested": "'fast'", "model": "concat('model', toString(h % 12))", "response_id": "concat('chatcmpl-', id)",
			"status": "if(h % 50 = 1, 'error', 'ok')", "http_status": "200", "input_uncached": "toInt64(h % 3000)", "output_text": "toInt64(h % 700)",
			"usage_source": "'provider'", "usage_raw": "concat('{\"prompt_tokens\":', toString(h % 3000), ',\"completion_tokens\":', toString(h % 700), '}')",
			"cost": "if(h % 100 = 0, NULL, toDecimal64(h % 10000000, 9) / 1000)", "price_status": "if(h % 100 = 0, 'unpriced', 'exact')",
			"price_version": "'openai/gpt-4o-mini@2024-07-18'", "price_rule": "'openai/gpt-4o-mini, effective 2024-07-18'", "cost_lines": "'[]'",
			"cache": "'off'", "attempts": "1",
			"input_preview":  "concat('Where is order ', toString(h), ' of customer ', toString(h % 2000), '?')",
			"output_preview": "repeat(concat('Order ', toString(h % 99991), ' is on its way. '), 8)",
		}
		var cols, exprs []string
		for _, c := range callColumns {
			if e, ok := values[c]; ok {
				cols, exprs = append(cols, c), append(exprs, e)
			}
		}
		source := fmt.Sprintf(`FROM (SELECT number, cityHash64(number) AS h, fromUnixTimestamp64Micro(toInt64(%d + number * %d), 'UTC') AS t,
			leftPad(lower(hex(toUnixTimestamp64Milli(t))), 16, '0') AS ms,
			concat(substring(ms, 5, 8), '-', substring(ms, 13, 4), '-7', substring(lower(hex(h)), 1, 3), '-8', substring(lower(hex(h)), 4, 3), '-', substring(lower(hex(MD5(toString(h)))), 1, 12)) AS id
			FROM numbers(%d, %d))`, start.UnixMicro(), step, from, min(chunk, n-from))
		sql := "INSERT INTO calls (" + strings.Join(cols, ", ") + ") SELECT " + strings.Join(exprs, ", ") + " " + source
		if err := db.conn.Exec(ctx, sql); err != nil {
			b.Fatal(err)
		}
		sql = `INSERT INTO bodies (call_id, trace_id, span_id, project, start_time, request, response, bytes)
			SELECT id, ` + values["trace_id"] + ", " + values["span_id"] + ", " + values["project"] + `, t,
			concat('{"messages":[{"role":"user","content":"', repeat(concat('Where is order ', toString(h), ' please? '), 20), if(number % 5000 = 0, 'needle', ''), '"}]}'),
			repeat('It was shipped and will be there soon. ', 15), 1500 ` + source + " WHERE number % 10 = 0"
		if err := db.conn.Exec(ctx, sql); err != nil {
			b.Fatal(err)
		}
	}
}
