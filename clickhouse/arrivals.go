package clickhouse

import (
	"context"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/trace"
)

var (
	_ trace.Arrivals    = (*DB)(nil)
	_ trace.ScoreValues = (*DB)(nil)
)

// StoreTime is the server's clock; see trace.Arrivals.
func (db *DB) StoreTime(ctx context.Context) (time.Time, error) {
	var at time.Time
	err := db.query(ctx, "read the clock", func(rows driver.Rows) error { return rows.Scan(&at) }, "SELECT now()")
	return at.UTC(), err
}

// arrivalRow is a row of calls with its stamp.
type arrivalRow struct {
	callRow
	InsertedAt time.Time `ch:"inserted_at"`
}

// Arrived gives calls in the order they came; see trace.Arrivals. The index of inserted_at leads to the granules that were written last.
func (db *DB) Arrived(ctx context.Context, q trace.ArrivalQuery) ([]trace.Arrival, error) {
	var w where
	w.and("inserted_at >= " + w.second(q.Since) + " AND inserted_at < " + w.second(q.Until))
	w.and("kind = 'call'")
	w.filter(&q.Filter)
	if !q.After.At.IsZero() {
		w.and("(inserted_at, id) > (" + w.second(q.After.At) + ", " + w.text(q.After.ID) + ")")
	}
	var out []trace.Arrival
	err := db.query(ctx, "read arrivals", func(rows driver.Rows) error {
		var r arrivalRow
		if err := rows.ScanStruct(&r); err != nil {
			return err
		}
		line, err := r.row()
		out = append(out, trace.Arrival{CallRow: line, At: r.InsertedAt.UTC()})
		return err
	}, "SELECT "+lineColumns+", inserted_at FROM calls"+w.String()+" ORDER BY inserted_at, id LIMIT "+strconv.Itoa(min(max(q.Limit, 1), 10_000)), w.args...)
	return out, err
}

// ScoreValues gives numbers of scores; see trace.ScoreValues.
func (db *DB) ScoreValues(ctx context.Context, f trace.ScoreFilter, most int) ([]trace.ScoreValue, error) {
	var w where
	from := w.holding(&f)
	var out []trace.ScoreValue
	err := db.query(ctx, "read numbers of scores", func(rows driver.Rows) error {
		var v trace.ScoreValue
		err := rows.Scan(&v.At, &v.Value)
		v.At = v.At.UTC()
		out = append(out, v)
		return err
	}, "SELECT start_time, value FROM (SELECT id, start_time, value FROM "+from+" WHERE kind != 'category' ORDER BY cityHash64(id), id LIMIT "+strconv.Itoa(max(most, 1))+") ORDER BY start_time, id", w.args...)
	return out, err
}
