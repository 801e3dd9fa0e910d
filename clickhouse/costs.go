package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// maxCostRows bounds an answer of Costs.
const maxCostRows = 100_000

// Figures that add up, by their column of a rollup and their expression over calls.
var figures = []struct{ column, raw string }{
	{"calls", "count()"},
	{"errors", "countIf(status = 'error')"},
	{"unpriced_calls", "countIf(price_status = 'unpriced')"},
	{"cache_hits", "countIf(cache IN ('hit', 'semantic'))"},
	{"cost", "sum(ifNull(cost, toDecimal64(0, 9)))"},
	{"saved", "sum(saved)"},
	{"input_uncached", "sum(input_uncached)"},
	{"cache_read", "sum(cache_read)"},
	{"cache_write_5m", "sum(cache_write_5m)"},
	{"cache_write_1h", "sum(cache_write_1h)"},
	{"input_audio", "sum(input_audio)"},
	{"output_text", "sum(output_text)"},
	{"reasoning", "sum(reasoning)"},
	{"output_audio", "sum(output_audio)"},
}

// Costs sums over rollups; see trace.Reader. The group prompt is name@version, or the name when there is no version.
// Days and months of a time zone that is not whole hours from UTC, sessions, tags, texts, traces, error codes and
// unpriced calls are answered from the calls themselves, for at most 92 days. A question that cannot be answered is
// an *llm.Fault of code InvalidRequest.
func (db *DB) Costs(ctx context.Context, q trace.CostQuery) (trace.Costs, error) {
	g, err := newGrouping(&q)
	if err != nil {
		return trace.Costs{}, fmt.Errorf("costs: %w", err)
	}
	grain := g.grain(&q.Filter)
	var unused where
	parts := searchedPlan(&q.Filter, append(unused.filter(&q.Filter), g.dims()...), grain)
	if err := db.checkWidth(ctx, parts, "grouping or filtering by these columns"); err != nil {
		return trace.Costs{}, fmt.Errorf("costs: %w", err)
	}
	if len(parts) == 0 {
		return trace.Costs{}, nil
	}
	if err := db.checkSearch(ctx, &q.Filter, nil); err != nil {
		return trace.Costs{}, fmt.Errorf("costs: %w", err)
	}
	var w where
	sql := costSQL(&w, &g, &q.Filter, parts)
	var out trace.Costs
	err = db.query(ctx, "sum costs", func(rows driver.Rows) error {
		row, isTotal, err := scanCosts(rows, len(g.groups))
		switch {
		case err != nil:
			return err
		case isTotal:
			out.Total = row.Sums
		default:
			out.Rows = append(out.Rows, row)
		}
		return nil
	}, sql, w.args...)
	if err != nil {
		return trace.Costs{}, err
	}
	if len(out.Rows) > maxCostRows {
		return trace.Costs{}, fmt.Errorf("costs: %w", badBy("there are more than %d groups: group by less, or filter", maxCostRows))
	}
	slices.SortFunc(out.Rows, func(a, b trace.CostRow) int {
		byTime := 0
		if g.time >= 0 {
			byTime = strings.Compare(a.Group[g.time], b.Group[g.time])
		}
		return cmp.Or(byTime, cmp.Compare(b.Cost, a.Cost), slices.Compare(a.Group, b.Group))
	})
	return out, nil
}

// checkWidth refuses parts that read too many days of calls.
func (db *DB) checkWidth(ctx context.Context, parts []part, what string) error {
	if !mainlyCalls(parts) || len(parts) == 0 {
		return nil
	}
	var (
		calls          uint64
		oldest, newest time.Time
	)
	err := db.scan(ctx, "find the oldest and the newest call", []any{&calls, &oldest, &newest}, "SELECT count(), min(start_time), max(start_time) FROM calls")
	if err != nil || calls == 0 {
		return err
	}
	return refuseWide(parts, oldest, newest, what)
}

// costSQL makes the query: each part summed by itself, then all together, and the total of all groups in the same run.
func costSQL(w *where, g *grouping, f *trace.Filter, parts []part) string {
	var names, outer []string
	for i, one := range g.groups {
		name := "g" + strconv.Itoa(i)
		names = append(names, name)
		outer = append(outer, strings.ReplaceAll(one.outer, "V", name))
	}
	sums := sumExpressions()
	var b strings.Builder
	by := strings.Join(names, ", ")
	if len(names) == 0 {
		fmt.Fprintf(&b, "SELECT toUInt64(1), %s FROM (%s)", strings.Join(sums, ", "), partsSQL(w, g, f, parts))
		return b.String()
	}
	fmt.Fprintf(&b, "SELECT toUInt64(grouping(%s)), %s, %s FROM (%s) GROUP BY GROUPING SETS ((%s), ()) LIMIT %d",
		by, strings.Join(outer, ", "), strings.Join(sums, ", "), partsSQL(w, g, f, parts), by, maxCostRows+2)
	return b.String()
}

// sumExpressions are the figures over the rows of partsSQL, as scanCosts reads them.
func sumExpressions() []string {
	sums := make([]string, 0, len(figures)+4)
	for _, fig := range figures {
		sums = append(sums, "sum(s_"+fig.column+")")
	}
	// Decimal(38, 9) as text: the driver's decimals hold no more than text does.
	sums[4], sums[5] = "toString("+sums[4]+")", "toString("+sums[5]+")"
	return append(sums, "min(s_shortest)", "max(s_longest)", latencies.total(), ttfts.total())
}

// partsSQL reads each part, with its groups as g0, g1, … and its figures as s_calls, … What was added to the cost of calls is
// in the rollups already, and beside calls is read from where it stands.
func partsSQL(w *where, g *grouping, f *trace.Filter, parts []part) string {
	selects := make([]string, 0, len(parts)+1)
	for _, p := range parts {
		if p.unit == 0 {
			selects = append(selects, p.adjustmentsSQL(w, g, f))
		}
		timeColumn, extremes := "time", "min(shortest) AS s_shortest, max(longest) AS s_longest"
		if p.unit == 0 {
			timeColumn, extremes = "start_time", "min(duration_ns) AS s_shortest, max(duration_ns) AS s_longest"
		}
		var cols, by []string
		for i, expr := range g.inner(w, timeColumn) {
			name := "g" + strconv.Itoa(i)
			cols, by = append(cols, expr+" AS "+name), append(by, name)
		}
		for _, fig := range figures {
			expr := fig.raw
			if p.unit != 0 {
				expr = "sum(" + fig.column + ")"
			}
			cols = append(cols, expr+" AS s_"+fig.column)
		}
		cols = append(cols, extremes)
		cols = append(cols, latencies.sums(p.unit == 0)...)
		cols = append(cols, ttfts.sums(p.unit == 0)...)
		sql := "SELECT " + strings.Join(cols, ", ") + " FROM " + p.table + p.where(w, f)
		if len(by) > 0 {
			sql += " GROUP BY " + strings.Join(by, ", ")
		}
		selects = append(selects, sql)
	}
	return strings.Join(selects, " UNION ALL ")
}

// adjustmentsSQL reads what was added to the cost of a part's calls. Of all figures there is only that, and how many calls
// got a price by it.
func (p *part) adjustmentsSQL(w *where, g *grouping, f *trace.Filter) string {
	var cols, by []string
	for i, expr := range g.inner(w, "start_time") {
		name := "g" + strconv.Itoa(i)
		cols, by = append(cols, expr+" AS "+name), append(by, name)
	}
	for _, fig := range figures {
		expr := fig.raw // of tokens and savings, which are 0
		switch fig.column {
		case "calls", "errors", "cache_hits":
			expr = "toUInt64(0)"
		case "unpriced_calls":
			expr = "toUInt64(0 - toInt64(countIf(has(flags, '" + wasUnpriced + "'))))" // sums wrap around
		}
		cols = append(cols, expr+" AS s_"+fig.column)
	}
	cols = append(cols, "toInt64(9223372036854775807) AS s_shortest, toInt64(0) AS s_longest")
	for _, h := range []histogram{latencies, ttfts} {
		for i := range h.columns {
			cols = append(cols, fmt.Sprintf("toUInt256(0) AS s_%s_%d", h.column, i))
		}
	}
	sql := "SELECT " + strings.Join(cols, ", ") + " FROM adjustments" + p.whereKind(w, f, kindAdjustment)
	if len(by) > 0 {
		sql += " GROUP BY " + strings.Join(by, ", ")
	}
	return sql
}

// where gives the conditions of a part.
func (p *part) where(w *where, f *trace.Filter) string { return p.whereKind(w, f, trace.KindCall) }

func (p *part) whereKind(w *where, f *trace.Filter, kind trace.Kind) string {
	cond := where{args: w.args}
	if p.unit == 0 {
		cond.and("kind = '" + string(kind) + "'")
		cond.started(p.since, p.until)
	} else {
		if !p.since.IsZero() {
			cond.and("time >= " + cond.second(clampTime(p.since)))
		}
		if !p.until.IsZero() {
			cond.and("time < " + cond.second(clampTime(p.until)))
		}
	}
	cond.filter(f)
	cond.search(f, p.since, p.until)
	w.args = cond.args
	return cond.String()
}

func scanCosts(rows driver.Rows, n int) (row trace.CostRow, isTotal bool, err error) {
	var (
		total                       uint64
		calls, errs, unpriced, hits uint64
		cost, saved                 string
		u                           llm.Usage
		shortest, longest           int64
		latency, ttft               string
	)
	row.Group = make([]string, n)
	dest := []any{&total}
	for i := range row.Group {
		dest = append(dest, &row.Group[i])
	}
	dest = append(dest, &calls, &errs, &unpriced, &hits, &cost, &saved,
		&u.InputUncached, &u.CacheRead, &u.CacheWrite5m, &u.CacheWrite1h, &u.InputAudio,
		&u.OutputText, &u.Reasoning, &u.OutputAudio, &shortest, &longest, &latency, &ttft)
	if err := rows.Scan(dest...); err != nil {
		return row, false, err
	}
	row.Sums = trace.Sums{
		Calls: int64(calls), Errors: int64(errs), UnpricedCalls: int64(unpriced), CacheHits: int64(hits),
		Usage:      u,
		LatencyP50: latencies.quantile(latency, 0.5, shortest, longest),
		LatencyP95: latencies.quantile(latency, 0.95, shortest, longest),
		TTFTP50:    ttfts.quantile(ttft, 0.5, 0, math.MaxInt64),
		TTFTP95:    ttfts.quantile(ttft, 0.95, 0, math.MaxInt64),
	}
	if row.Cost, err = parseSum(cost); err != nil {
		return row, false, err
	}
	row.Saved, err = parseSum(saved)
	return row, total != 0, err
}

// parseSum reads the decimal text of a sum, which may be larger than one row can hold. What even USD cannot hold, nine
// billion dollars, becomes the largest USD.
func parseSum(s string) (price.USD, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, frac, _ := strings.Cut(digits, ".")
	if whole == "" || len(frac) > 9 {
		return 0, fmt.Errorf("sum %q is not a decimal of up to nine decimals", s)
	}
	n, err := strconv.ParseInt(whole+frac+"000000000"[len(frac):], 10, 64)
	if err != nil && n != math.MaxInt64 {
		return 0, fmt.Errorf("sum %q: %w", s, err)
	}
	if negative {
		n = -n
	}
	return price.USD(n), nil
}
