package grafana

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// The data sources, by the boards' variables.
var (
	clickhouseSource = common.DataSourceRef{Type: new("grafana-clickhouse-datasource"), Uid: new("${clickhouse}")}
	prometheusSource = common.DataSourceRef{Type: new("prometheus"), Uid: new("${prometheus}")}
)

// built is a builder of what is there already.
type built[T any] struct{ value T }

func (b built[T]) Build() (T, error) { return b.value, nil }

// target is the query as a panel has it, the i-th of its; over time or as a table.
func (q Query) target(i int, overTime bool) cog.Builder[variants.Dataquery] {
	id := string(rune('A' + i))
	if q.PromQL != "" {
		expr, legend, _ := strings.Cut(q.PromQL, " ;; ")
		b := prometheus.NewDataqueryBuilder().Expr(expr).RefId(id).Datasource(prometheusSource)
		if legend != "" {
			b.LegendFormat(legend)
		}
		if overTime {
			return b.Range()
		}
		return b.Instant().Format(prometheus.PromQueryFormatTable)
	}
	kind, format := "table", 1
	if overTime {
		kind, format = "timeseries", 0
	}
	return built[variants.Dataquery]{variants.UnknownDataquery{
		"refId": id, "datasource": clickhouseSource, "editorType": "sql", "queryType": kind, "format": format, "rawSql": q.SQL, "pluginVersion": "4.20.0",
	}}
}

// ask is a question to ClickHouse: the lines of text with {name} replaced by what words has for it.
func ask(text string) Query { return Query{SQL: words.Replace(strings.TrimSpace(text))} }

// maybe is a question that may have no answer.
func maybe(text string) Query {
	q := ask(text)
	q.Empty = true
	return q
}

// live is a question to Prometheus. " ;; " parts off the name of its series.
func live(text string) Query { return Query{PromQL: text, Empty: true} }

// words are the parts that many questions share.
var words = strings.NewReplacer(
	// Sums of calls by all but users: by the minute for spans up to two days, by the hour beyond. The half that is not
	// asked for is not read, because its condition is a constant.
	"{usage}", "(SELECT * FROM usage_1m WHERE $__timeFilter(time) AND "+short+" UNION ALL SELECT * FROM usage_1h WHERE $__timeFilter(time) AND NOT "+short+") AS u",
	"{filter}", filterOf("project", "model", "key", "prompt"),
	"{filter_user}", filterOf("project", "model", "key", "prompt", "user"),
	"{filter_calls}", filterOf("project", "model", "key", "prompt", "user")+" AND $__conditionalAll(u.tag_values[indexOf(u.tag_names, 'env')] IN (${environment:sqlstring}), $environment)",
	"{bars_latency}", barsOf("latency", 4),
	"{bars_ttft}", barsOf("ttft", 3),
	"{p50}", quantileOf(0.50, 8), "{p95}", quantileOf(0.95, 8), "{p99}", quantileOf(0.99, 8),
	"{p50_ttft}", quantileOf(0.50, 32), "{p95_ttft}", quantileOf(0.95, 32),
	"{tokens_in}", "sum(u.input_uncached + u.cache_read + u.cache_write_5m + u.cache_write_1h + u.input_audio)",
	"{tokens_out}", "sum(u.output_text + u.reasoning + u.output_audio)",
)

const short = "(toUnixTimestamp($__toTime) - toUnixTimestamp($__fromTime) <= 172800)"

// filterOf restricts to what the variables of these columns have chosen.
func filterOf(columns ...string) string {
	var out []string
	for _, c := range columns {
		out = append(out, fmt.Sprintf("$__conditionalAll(u.%s IN (${%[1]s:sqlstring}), $%[1]s)", c))
	}
	return strings.Join(out, " AND ")
}

// barsOf is the sum of a histogram's bars as an array of counts: see usage_1m in clickhouse/sql.
func barsOf(column string, columns int) string {
	var out []string
	for i := range columns {
		out = append(out, fmt.Sprintf("arrayMap(b -> toFloat64(bitAnd(bitShiftRight(sum(u.%s_%d), 32 * b), toUInt256(4294967295))), range(8))", column, i))
	}
	return "arrayConcat(" + strings.Join(out, ", ") + ")"
}

// quantileOf is the time in milliseconds that the share q of the column bars lies below; base is the first bar's end in
// milliseconds, and each further bar reaches √2 times as far. Within a bar times are taken to lie evenly.
func quantileOf(q float64, base int) string {
	const bars = "bars" // what the questions call them
	sums := "arrayCumSum(" + bars + ")"
	rank := fmt.Sprintf("(%g * arraySum(%s))", q, bars)
	at := fmt.Sprintf("arrayFirstIndex(x -> x >= %s, %s)", rank, sums)
	low := fmt.Sprintf("if(%s <= 1, 0, %d * pow(2, (%[1]s - 2) / 2))", at, base)
	high := fmt.Sprintf("%d * pow(2, (%s - 1) / 2)", base, at)
	return fmt.Sprintf("if(arraySum(%[1]s) = 0, NULL, %[2]s + (%[3]s - %[2]s) * (%[4]s - (%[5]s[%[6]s] - %[1]s[%[6]s])) / %[1]s[%[6]s])", bars, low, high, rank, sums, at)
}
