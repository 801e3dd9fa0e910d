package clickhouse

import (
	"context"
	"iter"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/trace"
)

// An export reads exportRows calls at a time, and the bodies of at most about exportBytes together.
const (
	exportRows  = 1000
	exportBytes = 16 << 20
)

// Export streams calls, oldest first; see trace.Reader. It holds one page of calls and a few megabytes of bodies,
// however long the stream is, and reads the next page when this one was taken. Without a Since a Text is looked for in
// the last 92 days before Until.
func (db *DB) Export(ctx context.Context, f trace.Filter, bodies bool) iter.Seq2[trace.Record, error] {
	return func(yield func(trace.Record, error) bool) {
		var from *cursor
		for {
			page, err := db.exportPage(ctx, f, from)
			if err == nil && len(page) > 0 {
				err = db.attempts(ctx, page)
			}
			if err != nil {
				yield(trace.Record{}, err)
				return
			}
			if len(page) == 0 {
				return
			}
			last := page[len(page)-1].Call
			if !db.yieldPage(ctx, page, bodies, yield) || len(page) < exportRows {
				return
			}
			from = &cursor{last.Start, last.ID}
		}
	}
}

// yieldPage hands over a page, reading the bodies of as many calls at a time as fit into exportBytes.
func (db *DB) yieldPage(ctx context.Context, page []*trace.Record, bodies bool, yield func(trace.Record, error) bool) bool {
	sizes := map[string]uint64{}
	if bodies {
		var err error
		if sizes, err = db.bodySizes(ctx, page); err != nil {
			yield(trace.Record{}, err)
			return false
		}
	}
	for len(page) > 0 {
		n, total := 0, uint64(0)
		for n < len(page) && (n == 0 || total+sizes[page[n].Call.ID] <= exportBytes) {
			total += sizes[page[n].Call.ID]
			n++
		}
		if total > 0 {
			if err := db.bodies(ctx, page[:n]); err != nil {
				yield(trace.Record{}, err)
				return false
			}
		}
		for i, rec := range page[:n] {
			if !yield(*rec, nil) {
				return false
			}
			page[i] = nil
		}
		page = page[n:]
	}
	return true
}

func (db *DB) exportPage(ctx context.Context, f trace.Filter, from *cursor) ([]*trace.Record, error) {
	since := searchSince(&f, time.Now())
	if from != nil && from.start.After(since) {
		since = from.start
	}
	var w where
	w.and("kind = 'call'")
	w.filter(&f)
	w.started(since, f.Until)
	if from != nil {
		w.and("(start_time, id) > (" + w.moment(from.start) + ", " + w.text(from.id) + ")")
	}
	w.search(&f, since, f.Until)
	n := w.param("UInt32", exportRows)
	page := make([]*trace.Record, 0, exportRows)
	err := db.query(ctx, "export calls", func(rows driver.Rows) error {
		var r callRow
		if err := rows.ScanStruct(&r); err != nil {
			return err
		}
		s, err := r.span()
		page = append(page, &trace.Record{Call: s})
		return err
	}, "SELECT "+callColumns.String()+" FROM calls"+w.String()+oldestFirst+" LIMIT "+n, w.args...)
	return page, err
}

func (db *DB) bodySizes(ctx context.Context, page []*trace.Record) (map[string]uint64, error) {
	sizes := make(map[string]uint64, len(page))
	var w where
	w.and("call_id IN " + w.param("Array(String)", ids(page)))
	w.started(startsOf(page))
	err := db.query(ctx, "read sizes of bodies", func(rows driver.Rows) error {
		var (
			id    string
			bytes uint64
		)
		if err := rows.Scan(&id, &bytes); err != nil {
			return err
		}
		sizes[id] = bytes
		return nil
	}, "SELECT call_id, bytes FROM bodies"+w.String(), w.args...)
	return sizes, err
}
