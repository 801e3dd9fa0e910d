package clickhouse

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/dashboards/grafana"
	"github.com/weir-dev/weir/trace"
)

// asGrafana writes a query as the plugin grafana-clickhouse-datasource sends it, for the span of time [from, to], with
// each variable at All, or at the value chosen for it.
func asGrafana(tb testing.TB, sql string, from, to time.Time, chosen map[string]string) string {
	tb.Helper()
	seconds := max(1, int(to.Sub(from).Seconds())/500)
	sql = macro(tb, sql, "$__conditionalAll", func(args []string) string {
		name := strings.TrimPrefix(strings.TrimSpace(args[1]), "$")
		if _, ok := chosen[name]; !ok {
			return "1=1"
		}
		return args[0]
	})
	sql = macro(tb, sql, "$__timeFilter", func(args []string) string {
		return fmt.Sprintf("%[1]s >= toDateTime(%[2]d) AND %[1]s <= toDateTime(%[3]d)", args[0], from.Unix(), to.Unix())
	})
	sql = macro(tb, sql, "$__timeInterval", func(args []string) string {
		return fmt.Sprintf("toStartOfInterval(toDateTime(%s), INTERVAL %d second)", args[0], seconds)
	})
	sql = strings.NewReplacer("$__fromTime", fmt.Sprintf("toDateTime(%d)", from.Unix()), "$__toTime", fmt.Sprintf("toDateTime(%d)", to.Unix())).Replace(sql)
	sql = regexp.MustCompile(`\$\{(\w+):sqlstring\}`).ReplaceAllStringFunc(sql, func(v string) string {
		name := v[2 : len(v)-len(":sqlstring}")]
		value, ok := chosen[name]
		if !ok {
			tb.Errorf("%s is used outside of $__conditionalAll", v)
		}
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	})
	if i := strings.Index(sql, "$"); i >= 0 {
		tb.Errorf("not a macro or variable that is known: %.60s", sql[i:])
	}
	return sql
}

// macro replaces each use of a macro by what with makes of its arguments.
func macro(tb testing.TB, sql, name string, with func(args []string) string) string {
	tb.Helper()
	var out strings.Builder
	for {
		before, after, found := strings.Cut(sql, name+"(")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		depth, from, args, end := 0, 0, []string(nil), -1
		for i := 0; i < len(after) && end < 0; i++ {
			switch c := after[i]; {
			case c == '(':
				depth++
			case c == ')' && depth > 0:
				depth--
			case c == ')':
				args, end = append(args, after[from:i]), i
			case c == ',' && depth == 0:
				args, from = append(args, after[from:i]), i+1
			}
		}
		if end < 0 {
			tb.Fatalf("%s( is not closed in %.80s", name, after)
		}
		out.WriteString(with(args))
		sql = after[end+1:]
	}
}

// Every question of every board is one that ClickHouse answers, with rows where there should be some, for short and long
// spans of time, for all and for a choice.
func TestBoards(t *testing.T) {
	db := openTest(t, testConfig(t))
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	end := time.Now().UTC().Truncate(time.Hour)
	const calls = 4000
	fill(t, db, 0, calls, end.Add(-45*24*time.Hour), 45*24*time.Hour/calls)
	fill(t, db, calls, 2*calls, end.Add(-12*time.Hour), 6*time.Hour/calls) // where call 0 would be
	giveScores(t, db, end)
	spans := []time.Duration{6 * time.Hour, 30 * 24 * time.Hour}
	choice := map[string]string{}
	for name, column := range map[string]string{"project": "project", "model": "model", "key": "key", "prompt": "prompt", "user": "user", "environment": "'test'", "pipeline": "'handbook'"} {
		var value string
		if err := db.conn.QueryRow(t.Context(), "SELECT toString("+column+") AS v FROM calls WHERE kind = 'call' AND prompt != '' GROUP BY v ORDER BY count() DESC LIMIT 1").Scan(&value); err != nil {
			t.Fatal(err)
		}
		choice[name] = value
	}
	eachBoardQuery(t, func(what string, q grafana.Query) {
		for _, span := range spans {
			for _, chosen := range []map[string]string{nil, choice} {
				sql := asGrafana(t, q.SQL, end.Add(-span), end, chosen)
				rows, err := boardRows(t.Context(), db, sql)
				if err != nil {
					t.Errorf("%s over %s: %v\n%s", what, span, err, sql)
				} else if rows == 0 && !q.Empty && chosen == nil {
					t.Errorf("%s over %s: no rows\n%s", what, span, sql)
				}
			}
		}
	})
	checkBoardFigures(t, db, end, choice)
}

// checkBoardFigures compares figures that are read off sums of days, hours and minutes with those of the calls themselves.
func checkBoardFigures(t *testing.T, db *DB, end time.Time, choice map[string]string) {
	t.Helper()
	for _, c := range []struct {
		board, title, exact string
		within              float64 // as a share
	}{
		{"weir-cost", "Spent", "toFloat64(sum(ifNull(cost, 0)))", 1e-9},
		{"weir-cost", "Calls", "toFloat64(count())", 0},
		{"weir-reliability", "p50", "quantile(0.5)(duration_ns) / 1e6", 0.2},
		{"weir-reliability", "p95", "quantile(0.95)(duration_ns) / 1e6", 0.2},
		{"weir-reliability", "First token, p95", "quantile(0.95)(ttft_ns) / 1e6", 0.2},
	} {
		asked := boardQuestion(t, c.board, c.title)
		for _, span := range []time.Duration{6 * time.Hour, 30 * 24 * time.Hour} {
			for _, by := range [][]string{nil, {"user"}, {"user", "prompt"}, {"prompt", "project"}} {
				if c.board == "weir-reliability" && slices.Contains(by, "user") {
					continue // its histograms are of all users
				}
				chosen, only := map[string]string{}, ""
				for _, name := range by {
					chosen[name] = choice[name]
					only += " AND " + name + " = '" + choice[name] + "'"
				}
				var got, want *float64
				sql := asGrafana(t, asked.SQL, end.Add(-span), end, chosen)
				if err := db.conn.QueryRow(t.Context(), "SELECT toFloat64OrNull(toString(*)) FROM ("+sql+")").Scan(&got); err != nil {
					t.Fatalf("%s: %v", c.title, err)
				}
				exact := fmt.Sprintf("SELECT toNullable(%s) FROM calls WHERE kind = 'call' AND start_time >= toDateTime(%d)%s", c.exact, end.Add(-span).Unix(), only)
				if err := db.conn.QueryRow(t.Context(), exact).Scan(&want); err != nil {
					t.Fatalf("%s: %v", c.title, err)
				}
				if got == nil || want == nil || math.Abs(*got-*want) > c.within**want {
					t.Errorf("%s of %v over %s: got %v, want %v", c.title, by, span, show(got), show(want))
				}
			}
		}
	}
}

func show(v *float64) any {
	if v == nil {
		return "nothing"
	}
	return *v
}

// boardQuestion is what a panel asks.
func boardQuestion(t *testing.T, board, title string) grafana.Query {
	t.Helper()
	boards, err := grafana.Boards()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range boards {
		for _, p := range b.Panels {
			if b.UID == board && p.Title == title {
				return p.Queries[0]
			}
		}
	}
	t.Fatalf("%s has no panel %s", board, title)
	return grafana.Query{}
}

// eachBoardQuery visits the questions that boards ask ClickHouse.
func eachBoardQuery(tb testing.TB, visit func(what string, q grafana.Query)) {
	tb.Helper()
	boards, err := grafana.Boards()
	if err != nil {
		tb.Fatal(err)
	}
	for _, b := range boards {
		for _, p := range b.Panels {
			for _, q := range p.Queries {
				if q.SQL != "" {
					visit(b.UID+" / "+p.Title, q)
				}
			}
		}
		for _, q := range b.Variables {
			visit(b.UID+" / a list", q)
		}
		for _, q := range b.Marks {
			if q.SQL != "" {
				visit(b.UID+" / marks", q)
			}
		}
	}
}

func boardRows(ctx context.Context, db *DB, sql string) (n int, err error) {
	rows, err := db.conn.Query(ctx, sql)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	return n, rows.Err()
}

// giveScores gives some calls a score.
func giveScores(tb testing.TB, db *DB, end time.Time) {
	tb.Helper()
	page, err := db.Calls(tb.Context(), trace.Filter{Until: end}, 50, "")
	if err != nil {
		tb.Fatal(err)
	}
	var scores []trace.Score
	for i := range page.Calls {
		c := &page.Calls[i]
		scores = append(scores, trace.Score{
			ID: fmt.Sprint("board", i), Revision: 1, CallID: c.ID, TraceID: c.TraceID, CallStart: c.Start, Project: c.Project, Model: c.Model, Prompt: c.Prompt, PromptVersion: c.PromptVersion,
			Name: "helpful", Kind: trace.NumberScore, Value: float64(i%5) / 4, Source: "api", At: end,
		})
	}
	if err := db.PutScores(tb.Context(), scores); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkBoards asks what every panel asks of ClickHouse, of WEIR_BENCH_CALLS calls (1,000,000) over 30 days with a score for
// one call in fifty and a question to a pipeline for one in a hundred. It reports the median, and the engine's processor time;
// see BenchmarkRead for the variables.
func BenchmarkBoards(b *testing.B) {
	db, _, end := benchCalls(b)
	fillBeside(b, db)
	at := map[string]int{} // some panels ask twice
	eachBoardQuery(b, func(what string, q grafana.Query) {
		for _, span := range []time.Duration{6 * time.Hour, 30 * 24 * time.Hour} {
			name := fmt.Sprintf("%s in %dh", what, int(span.Hours()))
			at[name]++
			if at[name] > 1 {
				name += fmt.Sprint(" no ", at[name])
			}
			sql := asGrafana(b, q.SQL, end.Add(-span), end, nil)
			b.Run(strings.TrimPrefix(name, "weir-"), func(b *testing.B) {
				var took []time.Duration
				began := engineCPU(b, db)
				for b.Loop() {
					begun := time.Now()
					if _, err := boardRows(b.Context(), db, sql); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(begun))
				}
				cpu := engineCPU(b, db) - began
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[0].Microseconds())/1000, "best-ms")
				b.ReportMetric(float64(cpu.Microseconds())/1000/float64(len(took)), "cpu-ms")
				b.ReportMetric(0, "ns/op") // the mean says less than these
			})
		}
	})
}

// fillBeside makes scores and questions to pipelines of some of the calls, when there are none.
func fillBeside(b *testing.B, db *DB) {
	b.Helper()
	for _, sql := range []string{
		`INSERT INTO scores (id, revision, call_id, trace_id, start_time, project, user, session, model, prompt, prompt_version, name, kind, value, source, time)
		SELECT concat('s', id), 1, id, trace_id, start_time, project, user, session, model, prompt, prompt_version, ['helpful', 'correct', 'polite', 'thumbs'][cityHash64(id) % 4 + 1], 'number', (cityHash64(id) % 101) / 100, ['judge', 'api', 'person'][cityHash64(id) % 3 + 1], start_time
		FROM calls WHERE kind = 'call' AND cityHash64(id, 's') % 50 = 0 AND (SELECT count() FROM scores) = 0`,
		`INSERT INTO rag_queries (id, revision, time, trace_id, call_id, project, pipeline, collection, question, took_steps, took_ms, count_steps, counts, retrieval_ms, total_ms, empty, top_score, not_in_sources, citations, verified, context_tokens, generation_cost)
		SELECT id, 1, start_time, trace_id, id, project, ['handbook', 'tickets', 'laws'][cityHash64(id) % 3 + 1], ['handbook', 'tickets', 'laws'][cityHash64(id) % 3 + 1], input_preview,
			['embed', 'dense', 'sparse', 'fuse', 'rerank', 'pack', 'answer'], arrayMap(i -> toFloat64(cityHash64(id, i) % 200), range(7)), ['dense', 'sparse', 'fuse', 'rerank', 'pack'], [50, 50, 30, 8, 6],
			toFloat64(cityHash64(id) % 500), duration_ns / 1e6, cityHash64(id) % 30 = 0, (cityHash64(id) % 1000) / 1000, cityHash64(id) % 17 = 0, 3, toInt32(cityHash64(id) % 4), 1800, cost
		FROM calls WHERE kind = 'call' AND cityHash64(id, 'q') % 100 = 0 AND (SELECT count() FROM rag_queries) = 0`,
	} {
		if err := db.conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	settle(b, db)
}
