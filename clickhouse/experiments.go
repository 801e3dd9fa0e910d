package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/prompts/experiment"
)

var _ experiment.Reader = (*DB)(nil)

// ofPipeline picks calls that a RAG pipeline answered. They cost nothing themselves; what the calls beneath them came to, which are in
// no experiment, is their provider's cost.
const ofPipeline = "(provider = 'weir' AND startsWith(model, 'rag/'))"

// pastDays is how far before the start of an experiment a unit's earlier calls are looked for.
const pastDays = 28

// Moments sums over units; see experiment.Reader. Calls, what was added to their cost, and their scores are read once and come to
// one row for each unit, epoch and arm; of a unit the row with its first exposure counts. A percentile to cut values at is found by
// a reading of its own before. Several scores of one name on a call count as their mean. A unit's past is that of four weeks before
// the start; units by a header have none but their calls in the experiment itself.
func (db *DB) Moments(ctx context.Context, q experiment.Query, measures []experiment.Measure) ([]experiment.Cell, error) {
	if len(measures) == 0 {
		return nil, nil
	}
	m := &momentsQuery{q: q, measures: measures}
	for i := range measures {
		if err := m.add(&measures[i]); err != nil {
			return nil, fmt.Errorf("read the sums of experiment %s: %w", q.Experiment, err)
		}
	}
	limits, err := m.limits(ctx, db)
	if err != nil {
		return nil, err
	}
	return m.cells(ctx, db, limits)
}

// momentsQuery is a Moments on its way into SQL.
type momentsQuery struct {
	q        experiment.Query
	measures []experiment.Measure
	values   []unitValue // by measure

	features []feature
	scores   []string // names
	past     bool     // asked for
}

// feature is what is summed of a unit's calls: a metric of theirs, with the number of calls that have it.
type feature struct {
	metric string
	slo    float64
}

// unitValue is a measure of a unit, in SQL over the unit's row.
type unitValue struct{ y, x, has string }

// feature gives the columns of a unit's row that hold a metric's sum and number.
func (m *momentsQuery) feature(metric string, slo float64) (sum, n string, err error) {
	if metric != "latency" {
		slo = 0
	}
	f := feature{metric, slo}
	at := slices.Index(m.features, f)
	if at < 0 {
		name, isScore := strings.CutPrefix(metric, experiment.ScorePrefix)
		if !isScore && !slices.Contains(experiment.MetricNames, metric) {
			return "", "", fmt.Errorf("%q is no metric of calls", metric)
		}
		if isScore && !slices.Contains(m.scores, name) {
			m.scores = append(m.scores, name)
		}
		at = len(m.features)
		m.features = append(m.features, f)
	}
	return fmt.Sprintf("s%d", at), fmt.Sprintf("n%d", at), nil
}

// add makes the values of a measure.
func (m *momentsQuery) add(measure *experiment.Measure) error {
	var v unitValue
	if measure.Metric == experiment.Utility {
		terms, has := []string{}, []string{}
		for _, t := range measure.Terms {
			sum, n, err := m.feature(t.Metric, t.SLO)
			if err != nil {
				return err
			}
			terms, has = append(terms, fmt.Sprintf("toFloat64(%g) * %s / %s", t.Weight, sum, n)), append(has, n+" > 0")
		}
		if len(terms) == 0 {
			return errors.New("a utility without terms")
		}
		v = unitValue{strings.Join(terms, " + "), "0", strings.Join(has, " AND ")}
	} else {
		sum, n, err := m.feature(measure.Metric, measure.SLO)
		if err != nil {
			return err
		}
		v = unitValue{sum, n, n + " > 0"}
		if measure.Per != experiment.PerCall && !adds(measure.Metric) {
			v.y = sum + " / " + n
		}
	}
	if measure.Per != experiment.PerCall {
		switch measure.Covariate {
		case experiment.OwnText:
			v.x = "toFloat64(own)"
		case experiment.PastCost:
			v.x, m.past = "past", true
		default:
			v.x = "toFloat64(0)"
		}
	}
	v.y, v.x = "toFloat64("+v.y+")", "toFloat64("+v.x+")"
	if measure.Log {
		v.has += " AND " + v.y + " > 0"
		v.y = "log(" + v.y + ")"
	}
	m.values = append(m.values, v)
	return nil
}

// adds says whether a metric adds up over a unit's calls; of the others a unit has its calls' mean.
func adds(metric string) bool {
	return metric != "latency" && metric != "errors" && !strings.HasPrefix(metric, experiment.ScorePrefix)
}

// limits finds the percentiles that measures are cut at, by measure; those of the others are not read.
func (m *momentsQuery) limits(ctx context.Context, db *DB) ([]float64, error) {
	limits := make([]float64, len(m.measures))
	var columns []string
	var dest []any
	var w where
	for i := range m.measures {
		if p := m.measures[i].Winsorize; p > 0 {
			columns = append(columns, fmt.Sprintf("ifNotFinite(quantileExactInclusiveIf(%g)(%s, %s), 0)", min(p, 100)/100, m.values[i].y, m.values[i].has))
			dest = append(dest, &limits[i])
		}
	}
	if len(columns) == 0 {
		return limits, nil
	}
	err := db.scan(ctx, "find percentiles of experiment "+m.q.Experiment, dest, "SELECT "+strings.Join(columns, ", ")+" FROM ("+m.units(&w)+")", w.args...)
	return limits, err
}

// cells sums the units by epoch and arm.
func (m *momentsQuery) cells(ctx context.Context, db *DB, limits []float64) ([]experiment.Cell, error) {
	var w where
	columns := make([]string, 0, 6*len(m.measures))
	for i := range m.measures {
		v := m.values[i]
		if m.measures[i].Winsorize > 0 {
			v.y = "least(" + v.y + ", " + w.param("Float64", limits[i]) + ")"
		}
		columns = append(columns,
			fmt.Sprintf("toInt64(countIf(%s))", v.has), sumIf(v.y, v.has), sumIf(v.y+" * "+v.y, v.has),
			sumIf(v.x, v.has), sumIf(v.x+" * "+v.x, v.has), sumIf(v.x+" * "+v.y, v.has))
	}
	var out []experiment.Cell
	err := db.query(ctx, "read the sums of experiment "+m.q.Experiment, func(rows driver.Rows) error {
		var epoch int32
		var arm string
		cells := make([]experiment.Cell, len(m.measures))
		dest := []any{&epoch, &arm}
		for i := range cells {
			c := &cells[i]
			dest = append(dest, &c.N, &c.Y, &c.YY, &c.X, &c.XX, &c.XY)
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for i := range cells {
			if cells[i].N > 0 {
				cells[i].Epoch, cells[i].Arm, cells[i].Measure = int(epoch), arm, i
				out = append(out, cells[i])
			}
		}
		return nil
	}, "SELECT epoch, arm, "+strings.Join(columns, ", ")+" FROM ("+m.units(&w)+") GROUP BY epoch, arm ORDER BY epoch, arm", w.args...)
	return out, err
}

func sumIf(expr, cond string) string { return "sumIf(" + expr + ", " + cond + ")" }

// units is one row for each unit: epoch, arm, own, its sums, and past when it is asked for.
func (m *momentsQuery) units(w *where) string {
	var sums, firsts, names string
	for i, f := range m.features {
		sum, n := m.sums(w, f)
		sums += fmt.Sprintf(", %s AS sum%d, %s AS num%[2]d", sum, i, n)
		firsts += fmt.Sprintf(", argMin(sum%d, first) AS s%[1]d, argMin(num%[1]d, first) AS n%[1]d", i)
		names += fmt.Sprintf(", s%d, n%[1]d", i)
	}
	// The first exposure is that of a call: what was added to its cost later, or thought of it, exposes nobody.
	stays := "SELECT unit, epoch AS e, arm AS a, min(at) AS began, argMin(own_text, at) AS o, sum(call) AS calls, (began, e, a) AS first" +
		sums + " FROM (" + m.rows(w) + ") GROUP BY unit, e, a HAVING calls > 0"
	units := "SELECT unit, argMin(e, first) AS epoch, argMin(a, first) AS arm, argMin(o, first) AS own, min(began) AS since" + firsts +
		" FROM (" + stays + ") GROUP BY unit"
	if !m.past {
		return units
	}
	return "SELECT epoch, arm, own, ifNull(spent, 0) AS past" + names + " FROM (" + units + ") AS u LEFT JOIN (" + m.spent(w, units) + ") AS p ON u.unit = p.unit"
}

// sums are the sum of a metric over rows, and the number of calls that have it.
func (m *momentsQuery) sums(w *where, f feature) (sum, n string) {
	if name, isScore := strings.CutPrefix(f.metric, experiment.ScorePrefix); isScore {
		is := "name = " + w.text(name)
		return sumIf("value", is), "countIf(" + is + ")"
	}
	switch f.metric {
	case "cost":
		return "sum(usd)", "sum(priced)"
	case "latency":
		return "countIf(duration_ns > " + w.param("Int64", int64(math.Floor(f.slo*1e6))) + ")", "calls"
	case "errors":
		return "sum(failed)", "calls"
	case "tokens":
		return "sum(input) + sum(output)", "calls"
	case "input_tokens":
		return "sum(input)", "calls"
	case "output_tokens":
		return "sum(output)", "calls"
	}
	return "calls", "calls"
}

// taking picks the rows of the experiment that are in its analysis.
func taking(w *where, q experiment.Query) string {
	c := where{args: w.args}
	c.and("experiment = " + c.text(q.Experiment))
	c.and("epoch > 0")
	c.started(q.Since, q.Until)
	w.args = c.args
	return c.String()
}

// rows are the calls in the analysis, what was added to their cost, and their scores, in one form. at is when a call began, in
// microseconds, and later than all calls for what is none.
func (m *momentsQuery) rows(w *where) string {
	in := taking(w, m.q)
	asks := func(metrics ...string) bool {
		return slices.ContainsFunc(m.features, func(f feature) bool { return slices.Contains(metrics, f.metric) })
	}
	// Each column with what a call has, an adjustment and a score.
	columns := [][4]string{
		{"unit", "unit", "unit", "unit"},
		{"epoch", "epoch", "epoch", "epoch"},
		{"arm", "arm", "arm", "arm"},
		{"at", "toUnixTimestamp64Micro(start_time)", "toInt64(9223372036854775807)", "toInt64(9223372036854775807)"},
		{"call", "toInt64(1)", "toInt64(0)", "toInt64(0)"},
		{"own_text", "own_text", "toInt64(0)", "toInt64(0)"},
	}
	add := func(is bool, name, call, adjustment, score string) {
		if is {
			columns = append(columns, [4]string{name, call, adjustment, score})
		}
	}
	add(asks("cost"), "usd", "toFloat64("+known+") + if("+ofPipeline+", toFloat64OrZero(provider_cost), 0)", "toFloat64("+known+")", "toFloat64(0)")
	add(asks("cost"), "priced", "toInt64(cost IS NOT NULL AND NOT ("+ofPipeline+" AND provider_cost = ''))", "toInt64(has(flags, '"+wasUnpriced+"'))", "toInt64(0)")
	add(asks("latency"), "duration_ns", "duration_ns", "toInt64(-1)", "toInt64(-1)")
	add(asks("errors"), "failed", "toInt64(status = 'error')", "toInt64(0)", "toInt64(0)")
	add(asks("tokens", "input_tokens"), "input", inputSum, "toInt64(0)", "toInt64(0)")
	add(asks("tokens", "output_tokens"), "output", outputSum, "toInt64(0)", "toInt64(0)")
	add(len(m.scores) > 0, "name", "''", "''", "label")
	add(len(m.scores) > 0, "value", "toFloat64(0)", "toFloat64(0)", "avg(given)")
	from := func(source int) string {
		exprs := make([]string, len(columns))
		for i, c := range columns {
			exprs[i] = c[source] + " AS " + c[0]
		}
		return "SELECT " + strings.Join(exprs, ", ") + " FROM "
	}
	rows := from(1) + "calls" + in + " AND kind = 'call'"
	if asks("cost") {
		rows += " UNION ALL " + from(2) + "adjustments" + in
	}
	if len(m.scores) > 0 {
		rows += " UNION ALL " + from(3) + "(SELECT toString(name) AS label, unit, epoch, arm, value AS given, kind, deleted, if(call_id != '', call_id, trace_id) AS judged FROM scores" + in +
			" AND name IN " + w.param("Array(String)", m.scores) + " ORDER BY id, revision DESC LIMIT 1 BY id) WHERE NOT deleted AND kind != 'category' GROUP BY label, unit, epoch, arm, judged"
	}
	return rows
}

// spent is what units spent before their first exposure.
func (m *momentsQuery) spent(w *where, units string) string {
	c := where{args: w.args}
	c.started(m.q.Since.Add(-pastDays*24*time.Hour), m.q.Until)
	column := "unit"
	switch m.q.Unit {
	case experiment.User:
		column = "user"
	case experiment.Session:
		column = "session"
	case experiment.Key:
		column = "key_id"
	default:
		c.and("experiment = " + c.text(m.q.Experiment))
	}
	c.and(column + " != ''")
	w.args = c.args
	paid := "SELECT " + column + " AS who, toUnixTimestamp64Micro(start_time) AS at, toFloat64(" + known + ") AS usd FROM "
	return "SELECT unit, sum(usd) AS spent FROM (" + paid + "calls" + c.String() + " AND kind = 'call' UNION ALL " + paid + "adjustments" + c.String() +
		") AS c INNER JOIN (SELECT unit, since FROM (" + units + ")) AS u ON c.who = u.unit WHERE at < since GROUP BY unit"
}
