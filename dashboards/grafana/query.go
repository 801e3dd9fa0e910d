package grafana

import (
	"fmt"
	"math"
	"strconv"
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
	"{spent}", spent("$__fromTime", "$__toTime"), "{spent_by_user}", spentByUser("$__fromTime", "$__toTime"), "{spent_by_prompt}", spentByPrompt("$__fromTime", "$__toTime"),
	"{filter_user}", filterOf("project", "model", "key", "prompt", "user"),
	"{filter_calls}", filterOf("project", "model", "key", "prompt", "user")+" AND $__conditionalAll(u.tag_values[indexOf(u.tag_names, 'env')] IN (${environment:sqlstring}), $environment)",
	"{sample}", sampleOf("$__fromTime", "1 = 1", sampled), "{slot}", slot,
	"{bars_latency}", barsOf("latency", 4),
	"{bars_ttft}", barsOf("ttft", 3),
	"{p50}", quantileOf(50), "{p95}", quantileOf(95), "{p99}", quantileOf(99),
	"{tokens_in}", "sum(u.input_uncached + u.cache_read + u.cache_write_5m + u.cache_write_1h + u.input_audio)",
	"{tokens_out}", "sum(u.output_text + u.reasoning + u.output_audio)",
)

const short = "(toUnixTimestamp($__toTime) - toUnixTimestamp($__fromTime) <= 172800)"

// sampled is about how many calls are looked at where the calls themselves are read, and not their sums.
const sampled = 30_000

// sampleOf restricts calls, as u, from the moment on to whole minutes next to each other, so many of each six hours that about
// as many calls are left; all of them where there are no more. They are at the same time of each week, so that weeks
// are compared with like. The table is ordered by the minute: what lies between is not even read. Only minutes for which the
// condition on m holds, which is in seconds since 1970, are among them.
func sampleOf(from, condition string, calls int) string {
	first, last := "toUInt32(toUnixTimestamp(toStartOfMinute("+from+")))", "toUInt32(toUnixTimestamp($__toTime))"
	minutes := fmt.Sprintf("(SELECT toUInt16(least(360, greatest(1, intDiv(360 * %d, greatest(1, sum(calls)))))) FROM usage_1h WHERE time >= toStartOfHour(%s) AND time <= $__toTime)", calls, from)
	return "toStartOfMinute(u.start_time) IN (SELECT toDateTime(m, 'UTC') FROM (SELECT toUInt32(21600 * part + 60 * ((arrayJoin(range(" + minutes + ")) + cityHash64(part % 28)) % 360)) AS m" +
		" FROM (SELECT arrayJoin(range(intDiv(" + first + ", 21600), intDiv(" + last + ", 21600) + 1)) AS part)) WHERE m >= " + first + " AND m <= " + last + " AND (" + condition + "))"
}

// slot is when a point of a chart over a sample stands.
const slot = "if(" + short + ", $__timeInterval(u.start_time), toStartOfInterval(toDateTime(u.start_time), INTERVAL 6 HOUR))"

// The moments of whole days of UTC, which is how the usage tables have them.
const (
	month       = "toDateTime(toStartOfMonth($__toTime, 'UTC'), 'UTC')" // the first day of the last month shown
	monthBefore = "addMonths(" + month + ", -1)"
)

// summed are the columns that spent has, beside the prompt and its version.
const summed = "time, project, model, key, calls, unpriced_calls, cost, saved, input_uncached, cache_read, cache_write_5m, cache_write_1h, input_audio, output_text, reasoning, output_audio, "

// What variables have chosen: these are true when they have All.
const (
	allUsers   = "$__conditionalAll(0 = 1, $user)"
	allPrompts = "$__conditionalAll(0 = 1, $prompt)"
)

// spent are the sums of the calls between two moments, as u: whole days where there are, hours at both ends. They are of all
// users, or of those who are chosen: those two are in other tables, of which only the one that is asked is read, since the
// condition on the other is a constant that is false.
func spent(from, to string) string {
	const columns = summed + "prompt, prompt_version"
	return "(" + between("usage_1d", columns, allUsers+" AND ", days(from, to), from, to) +
		" UNION ALL " + between("usage_1h", columns, allUsers+" AND ", edges(from, to), from, to) +
		" UNION ALL " + ofUsers("", "NOT ("+allUsers+") AND ", from, to) + ") AS u"
}

// spentByUser is spent with the column user.
func spentByUser(from, to string) string { return "(" + ofUsers("user, ", "", from, to) + ") AS u" }

// ofUsers reads the tables that have users. The one of days has no prompts: where one is chosen, all is read by the hour.
func ofUsers(column, when, from, to string) string {
	return between("usage_user_1d", column+summed+"'' AS prompt, toInt32(0) AS prompt_version", when+filterOf("user")+" AND "+allPrompts+" AND ", days(from, to), from, to) +
		" UNION ALL " + between("usage_user_1h", column+summed+"prompt, prompt_version", when+filterOf("user")+" AND ", "("+edges(from, to)+" OR NOT ("+allPrompts+"))", from, to)
}

// spentByPrompt is spent with prompts, of users too.
func spentByPrompt(from, to string) string {
	const columns = summed + "prompt, prompt_version"
	return "(" + between("usage_1d", columns, allUsers+" AND ", days(from, to), from, to) +
		" UNION ALL " + between("usage_1h", columns, allUsers+" AND ", edges(from, to), from, to) +
		" UNION ALL " + between("usage_user_1h", columns, "NOT ("+allUsers+") AND "+filterOf("user")+" AND ", "1 = 1", from, to) + ") AS u"
}

func between(table, columns, when, part, from, to string) string {
	return fmt.Sprintf("SELECT %s FROM %s AS u WHERE %su.time >= %s AND u.time <= %s AND %s", columns, table, when, from, to, part)
}

// days are the whole days between two moments, edges the hours before and after them.
func days(from, to string) string {
	return "u.time >= " + firstDay(from) + " AND u.time < " + lastDay(to)
}

func edges(from, to string) string {
	return "(u.time < " + firstDay(from) + " OR u.time >= " + lastDay(to) + ")"
}

func firstDay(from string) string {
	return "toStartOfDay(" + from + " - INTERVAL 1 SECOND, 'UTC') + INTERVAL 1 DAY"
}
func lastDay(to string) string { return "toStartOfDay(" + to + ", 'UTC')" }

// sharesOf are those of the classes whose counts the array column has; no class is ever empty.
func sharesOf(column string) string {
	return fmt.Sprintf("arrayMap(x -> (x + 0.5) / (arraySum(%[1]s) + 0.5 * length(%[1]s)), %[1]s)", column)
}

// stability is the population stability index between the counts of classes in the array columns ours and theirs.
var stability = "arraySum(arrayMap((q, p) -> (q - p) * log(q / p), " + sharesOf("ours") + ", " + sharesOf("theirs") + "))"

// psiOf asks for the population stability index of each day: how far the calls lie otherwise over the values of a column of
// usage_1d than those of the same weekday in the four weeks before. Days with fewer than 50 calls, or 100 before, say nothing.
func psiOf(name, column string) string {
	return "SELECT t, groupArray(n) AS ours, groupArray(n_before) AS theirs, " + stability + " AS `" + name + "` FROM (" +
		"SELECT u.time + toIntervalDay(7 * k) AS t, " + column + " AS class, sumIf(u.calls, k = 0) AS n, sumIf(u.calls, k > 0) AS n_before FROM usage_1d AS u ARRAY JOIN [0, 1, 2, 3, 4] AS k" +
		" WHERE u.time >= toStartOfDay($__fromTime, 'UTC') - INTERVAL 28 DAY AND u.time <= $__toTime AND {filter} GROUP BY t, class" +
		") WHERE t >= toStartOfDay($__fromTime, 'UTC') AND t <= $__toTime GROUP BY t HAVING sum(n) >= 50 AND sum(n_before) >= 100 ORDER BY t"
}

// psiOfLengths is the same of the tokens of the calls with status ok, of the last 24 hours beside the same hours of the same
// weekday in the four weeks before; in classes that each reach √2 times as far. It reads a sample of the calls.
func psiOfLengths() string {
	class := func(tokens string) string {
		return "toUInt8(if(" + tokens + " > 0, 1 + floor(2 * log2(" + tokens + ")), 0))"
	}
	return "SELECT name AS tokens, " + stability + " AS psi, arraySum(ours) AS calls, arraySum(theirs) AS calls_before FROM (SELECT name, groupArray(n) AS ours, groupArray(n_before) AS theirs FROM (" +
		"SELECT length.1 AS name, length.2 AS class, countIf(u.start_time > $__toTime - INTERVAL 1 DAY) AS n, count() - n AS n_before FROM calls AS u ARRAY JOIN [('input', " + class(inputTokens) + "), ('output', " + class(outputTokens) + ")] AS length" +
		" WHERE u.start_time >= $__toTime - INTERVAL 29 DAY AND u.start_time <= $__toTime AND " + sampleOf("$__toTime - INTERVAL 29 DAY", "toUnixTimestamp($__toTime) - m <= 86400 OR (toUnixTimestamp($__toTime) - m) % 604800 <= 86400", 4*sampled) + " AND u.kind = 'call' AND u.status = 'ok' AND class > 0 AND {filter_calls} GROUP BY name, class" +
		") GROUP BY name HAVING sum(n) >= 50 AND sum(n_before) >= 100) ORDER BY tokens"
}

// The tokens of a call, as the calls table has them.
const (
	inputTokens  = "(u.input_uncached + u.cache_read + u.cache_write_5m + u.cache_write_1h + u.input_audio)"
	outputTokens = "(u.output_text + u.reasoning + u.output_audio)"
)

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

// Where the first bars of the histograms end, in milliseconds.
const (
	latencyBase = 8
	ttftBase    = 32
)

// summedBars is a question for bars, with what quantileOf wants beside them: running sums, total, the ends of the bars, of which
// the first ends at base milliseconds and each further one reaches √2 times as far, and for each quantile the bar it lies in.
// What is said once here is planned once: three quantiles in one expression took the engine 100 ms to plan.
func summedBars(base float64, question string) string {
	ends := []string{"0"}
	for i := range 32 {
		ends = append(ends, strconv.FormatFloat(base*math.Pow(2, float64(i)/2), 'f', -1, 64))
	}
	bar := "arrayFirstIndex(x -> x >= %[1]g * total, sums) AS bar_%[2]d"
	return "(SELECT *, [" + strings.Join(ends, ", ") + "] AS ends, " + fmt.Sprintf(bar, 0.5, 50) + ", " + fmt.Sprintf(bar, 0.95, 95) + ", " + fmt.Sprintf(bar, 0.99, 99) +
		" FROM (SELECT *, arrayCumSum(bars) AS sums, arraySum(bars) AS total FROM (" + question + ")))"
}

// quantileOf is the time in milliseconds that so many per cent of summedBars lie below: 50, 95 or 99. Within a bar times are taken
// to lie evenly. It is NULL where there are none.
func quantileOf(percent int) string {
	return fmt.Sprintf("ends[bar_%[1]d] + (ends[bar_%[1]d + 1] - ends[bar_%[1]d]) * (%[2]g * total - sums[bar_%[1]d] + bars[bar_%[1]d]) / nullIf(bars[bar_%[1]d], 0)", percent, float64(percent)/100)
}
