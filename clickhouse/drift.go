package clickhouse

import (
	"context"
	"fmt"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/trace"
)

var _ trace.Traffic = (*DB)(nil)

// mostCells bounds the combinations of day, project, prompt, model and class that are counted; calls of further ones are left out.
const mostCells = 500_000

// refused is the finish reason of answers that a provider or the model itself held back.
const refused = "content_filter"

// Traffic counts lengths and endings; see trace.Traffic. Each kind is one pass over a few narrow columns.
func (db *DB) Traffic(ctx context.Context, q trace.TrafficQuery, each func(*trace.TrafficCell) error) error {
	ctx = ch.Context(ctx, ch.WithSettings(ch.Settings{"max_rows_to_group_by": mostCells, "group_by_overflow_mode": "any"}))
	for _, kind := range []trace.TrafficKind{trace.TrafficInput, trace.TrafficOutput, trace.TrafficEnds} {
		sql, args := trafficSQL(&q, kind)
		cell := trace.TrafficCell{Kind: kind}
		err := db.query(ctx, "count the "+string(kind)+" of calls", func(rows driver.Rows) error {
			var (
				day int32
				bin uint8
				n   uint64
			)
			if err := rows.Scan(&day, &cell.Project, &cell.Prompt, &cell.Model, &bin, (*string)(&cell.Status), &cell.Reason, &n); err != nil {
				return err
			}
			cell.Day, cell.Bin, cell.Calls = int(day), int(bin), int64(n)
			return each(&cell)
		}, sql, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// trafficSQL makes the query of one kind. Both it and its sample go by the minute, which the table is ordered by.
func trafficSQL(q *trace.TrafficQuery, kind trace.TrafficKind) (sql string, args []any) {
	var w where
	until := q.Until.Unix()
	since := until - int64(min(max(q.Days, 1), rawDays))*int64(day/time.Second)
	w.and("start_time >= " + w.moment(time.Unix(since, 0)) + " AND start_time < " + w.moment(time.Unix(until, 0)) + " AND kind = 'call'")
	if q.Minutes > 0 && q.Minutes < 60 {
		// Minutes next to each other, so that most of the others are not even read, and other ones each hour, so that what is done by
		// the clock is neither missed nor all that is seen.
		w.and("toStartOfMinute(start_time) IN (SELECT toDateTime(m, 'UTC') FROM (SELECT arrayJoin(range(" + w.param("UInt32", since) + ", " + w.param("UInt32", until) +
			", 60)) AS m) WHERE (intDiv(m, 60) + cityHash64(intDiv(m, 3600))) % 60 < " + w.param("UInt8", q.Minutes) + ")")
	}
	if q.Project != "" {
		w.and("project = " + w.text(q.Project))
	}
	bin, status, reason := "toUInt8(0)", "toLowCardinality('')", "toLowCardinality('')"
	switch kind {
	case trace.TrafficEnds:
		status, reason = "status", "if(status != 'ok', '', if(has(finish_reasons, '"+refused+"'), '"+refused+"', finish_reasons[1]))"
	default:
		tokens := inputSum
		if kind == trace.TrafficOutput {
			tokens = outputSum
		}
		w.and("status = 'ok' AND " + tokens + " > 0")
		bin = fmt.Sprintf("toUInt8(least(%d, 1 + floor(%d * log2(%s))))", trace.LengthCount-1, trace.LengthBins, tokens)
	}
	return "SELECT toInt32(intDiv(" + w.param("Int64", until-1) + " - toUnixTimestamp(start_time), 86400)) AS day, project, prompt, model, " + bin + " AS bin, " +
		status + " AS ended, " + reason + " AS reason, count() FROM calls" + w.String() + " GROUP BY day, project, prompt, model, bin, ended, reason", w.args
}
