package clickhouse

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
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
	fill(t, db, calls, 2*calls, end.Add(-6*time.Hour), 6*time.Hour/calls)
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
		for _, q := range append(b.Variables, b.Marks...) {
			visit(b.UID+" / a list or its marks", q)
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

// BenchmarkBoards asks what every panel asks, of WEIR_BENCH_CALLS calls (1,000,000) over 30 days, and says which are
// slowest; see BenchmarkRead for the variables.
func BenchmarkBoards(b *testing.B) {
	n := 1_000_000
	if s := os.Getenv("WEIR_BENCH_CALLS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	db := openTest(b, benchConfig(b))
	_, end := filled(b, db, n)
	for b.Loop() {
		eachBoardQuery(b, func(what string, q grafana.Query) {
			for _, span := range []time.Duration{6 * time.Hour, 30 * 24 * time.Hour} {
				sql := asGrafana(b, q.SQL, end.Add(-span), end, nil)
				best := time.Hour
				for range 3 {
					begun := time.Now()
					if _, err := boardRows(b.Context(), db, sql); err != nil {
						b.Fatal(err)
					}
					best = min(best, time.Since(begun))
				}
				if best > 50*time.Millisecond {
					b.Logf("%6.1f ms  %s over %s", float64(best)/1e6, what, span)
				}
			}
		})
	}
}
