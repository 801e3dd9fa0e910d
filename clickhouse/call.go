package clickhouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// slack is how far a start may be from what an id or a call's own times say.
const slack = time.Minute

// Call gives one call whole; see trace.Reader. An id that weir made says when the call started, which leads to a few
// granules; any other is looked for through the bloom filter of all of them.
func (db *DB) Call(ctx context.Context, id string) (trace.Record, error) {
	var rec trace.Record
	found := false
	get := func(since, until time.Time) error {
		var w where
		w.and("kind = 'call' AND call_id = " + w.text(id))
		w.started(since, until)
		return db.query(ctx, "read call", func(rows driver.Rows) (err error) {
			var r callRow
			if err := rows.ScanStruct(&r); err != nil {
				return err
			}
			found = true
			rec.Call, err = r.span()
			return err
		}, "SELECT "+callColumns.String()+" FROM calls"+w.String()+" LIMIT 1", w.args...)
	}
	if at, ok := llm.IDTime(id); ok {
		if err := get(at.Add(-slack), at.Add(slack)); err != nil {
			return trace.Record{}, err
		}
	}
	if !found {
		if err := get(time.Time{}, time.Time{}); err != nil {
			return trace.Record{}, err
		}
	}
	if !found {
		return trace.Record{}, fmt.Errorf("call %.100q: %w", id, trace.ErrNoCall)
	}
	if err := db.attempts(ctx, []*trace.Record{&rec}); err != nil {
		return trace.Record{}, err
	}
	if err := db.bodies(ctx, []*trace.Record{&rec}); err != nil {
		return trace.Record{}, err
	}
	return rec, nil
}

// attempts reads the attempts of calls into them.
func (db *DB) attempts(ctx context.Context, records []*trace.Record) error {
	byID, since, until := index(records)
	var w where
	w.and("kind = 'attempt' AND call_id IN " + w.param("Array(String)", ids(records)))
	w.started(since.Add(-slack), until.Add(slack))
	return db.query(ctx, "read attempts", func(rows driver.Rows) error {
		var r callRow
		if err := rows.ScanStruct(&r); err != nil {
			return err
		}
		s, err := r.span()
		if err != nil {
			return err
		}
		rec := byID[r.CallID]
		rec.Attempts = append(rec.Attempts, s)
		return nil
	}, "SELECT "+callColumns.String()+" FROM calls"+w.String()+" ORDER BY start_time, span_id", w.args...)
}

// bodies reads the bodies of calls into them.
func (db *DB) bodies(ctx context.Context, records []*trace.Record) error {
	byID, _, _ := index(records)
	var w where
	w.and("call_id IN " + w.param("Array(String)", ids(records)))
	w.started(startsOf(records))
	return db.query(ctx, "read bodies", func(rows driver.Rows) error {
		var id, request, response string
		if err := rows.Scan(&id, &request, &response); err != nil {
			return err
		}
		byID[id].Body = trace.Body{Request: orNoBytes(request), Response: orNoBytes(response)}
		return nil
	}, "SELECT call_id, request, response FROM bodies"+w.String(), w.args...)
}

// index finds records by id and says from when to when they ran.
func index(records []*trace.Record) (byID map[string]*trace.Record, since, until time.Time) {
	byID = make(map[string]*trace.Record, len(records))
	for i, r := range records {
		byID[r.Call.ID] = r
		if i == 0 || r.Call.Start.Before(since) {
			since = r.Call.Start
		}
		if i == 0 || r.Call.End().After(until) {
			until = r.Call.End()
		}
	}
	return byID, since, until
}

// startsOf gives [first start, last start + 1 µs).
func startsOf(records []*trace.Record) (since, until time.Time) {
	for i, r := range records {
		if i == 0 || r.Call.Start.Before(since) {
			since = r.Call.Start
		}
		if i == 0 || !r.Call.Start.Before(until) {
			until = r.Call.Start.Add(time.Microsecond)
		}
	}
	return since, until
}

func ids(records []*trace.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.Call.ID
	}
	return out
}

func orNoBytes(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// Trace gives the spans of a trace, calls and attempts, earliest first; see trace.Reader. A trace nobody knows has none.
func (db *DB) Trace(ctx context.Context, traceID string, limit int) ([]trace.CallRow, error) {
	var (
		known       uint64
		first, last time.Time
	)
	err := db.scan(ctx, "look up trace", []any{&known, &first, &last},
		"SELECT count(), min(first), max(last) FROM trace_ts WHERE trace_id = {id:String}", named("id", traceID))
	if err != nil || known == 0 || limit < 1 {
		return nil, err
	}
	var w where
	w.filter(&trace.Filter{TraceID: traceID})
	w.started(first, last.Add(time.Microsecond))
	n := w.param("UInt32", limit)
	var spans []trace.CallRow
	err = db.query(ctx, "read trace", lines(&spans), "SELECT "+lineColumns+" FROM calls"+w.String()+" ORDER BY start_time, span_id LIMIT "+n, w.args...)
	return spans, err
}
