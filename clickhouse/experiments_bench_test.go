package clickhouse

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/weir-dev/weir/prompts/experiment"
)

var experimentRows = flag.Int("experiment-rows", 1_000_000, "calls in the store of BenchmarkExperiment, half of them in the experiment")

// fillExperiment makes calls by SQL, an even distance apart over 14 days, one in two of the experiment tone, with a score for every
// fourth of those: ten calls a user.
func fillExperiment(b *testing.B, db *DB, n int, start time.Time) {
	b.Helper()
	if err := db.ensure(b.Context()); err != nil {
		b.Fatal(err)
	}
	step := (14 * 24 * time.Hour / time.Duration(n)).Microseconds()
	for from := 0; from < n; from += fillChunk {
		source := fmt.Sprintf(" FROM (SELECT number, intHash64(number) AS h, number %% 2 = 0 AS part, toString(h %% %d) AS who, "+
			"if(sipHash64(who) %% 2 = 0, 'control', 'warm') AS which, fromUnixTimestamp64Micro(%d + toInt64(number) * %d, 'UTC') AS t "+
			"FROM numbers(%d, %d))", max(n/20, 1), start.UnixMicro(), step, from, min(fillChunk, n-from))
		for _, sql := range []string{
			"INSERT INTO calls (id, call_id, trace_id, span_id, kind, start_time, duration_ns, project, user, model, status, input_uncached, output_text, cost, experiment, arm, epoch, unit, own_text)" +
				" SELECT toString(h), toString(h), toString(h), toString(h), 'call', t, toInt64(h % 3000000000), 'shop', who, 'gpt-4o-mini', if(h % 50 = 0, 'error', 'ok'), toInt64(h % 900), toInt64(h % 300)," +
				" toDecimal64((h % 100000) / 1e7, 9), if(part, 'tone', ''), if(part, which, ''), if(part, 1, 0), if(part, who, ''), toInt64(h % 500)" + source,
			"INSERT INTO scores (id, revision, call_id, trace_id, start_time, experiment, arm, epoch, unit, name, kind, value)" +
				" SELECT toString(h), 1, toString(h), toString(h), t, 'tone', which, 1, who, 'good', 'number', toFloat64(h % 3 > 0)" + source + " WHERE number % 8 = 0",
		} {
			if err := db.conn.Exec(b.Context(), sql); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkExperiment times one whole analysis: growth, the sums of six measures, and the verdict.
func BenchmarkExperiment(b *testing.B) {
	db := openTest(b, testConfig(b))
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	fillExperiment(b, db, *experimentRows, start)
	for name, metrics := range map[string]string{
		"cost, errors, latency, score": `"primary": {"metric": "cost", "direction": "lower"}, "guardrails": [{"metric": "errors", "direction": "lower", "margin": 0.01},
			{"metric": "latency", "slo_ms": 2000, "direction": "lower", "margin": 0.05}, {"metric": "score:good", "direction": "higher", "margin": 0.02}]`,
		"winsorized cost with past cost": `"primary": {"metric": "cost", "direction": "lower", "winsorize": 99, "covariate": "past_cost"}`,
	} {
		e, err := experiment.Parse([]byte(`{"id": "x", "name": "tone", "unit": "user", "arms": [{"name": "control"}, {"name": "warm", "model": "m"}], "metrics": {` + metrics + `}}`))
		if err != nil {
			b.Fatal(err)
		}
		if e, err = e.Begin(start, "1"); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				a, err := experiment.Analyse(b.Context(), db, &e, experiment.Options{Now: start.Add(15 * 24 * time.Hour)})
				if err != nil {
					b.Fatal(err)
				}
				if v := experiment.Decide(&e, a); a.Arms[0].Calls+a.Arms[1].Calls != int64(*experimentRows/2) || v.Text == "" {
					b.Fatalf("%+v, %+v", a.Arms, v)
				}
			}
		})
	}
}
