package clickhouse

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-dev/weir/trace"
)

// oldestCalls lists calls, oldest first. Rows are read in the order of the table's key, so that reading stops after a page.
func (db *DB) oldestCalls(ctx context.Context, f trace.Filter, limit int, after string) (trace.Page, error) {
	limit = min(max(limit, 1), 1000)
	sum := filterSum(&f) ^ uint32(len(oldestFirst)) // a cursor of the newest is none of the oldest
	f.Since = searchSince(&f, time.Now())
	var w where
	w.and("kind = 'call'")
	w.filter(&f)
	lo := f.Since
	if after != "" {
		from, err := decodeCursor(after, sum)
		if err != nil {
			return trace.Page{}, err
		}
		w.and("(start_time, id) > (" + w.moment(from.start) + ", " + w.text(from.id) + ")")
		lo = later(lo, from.start)
	}
	w.started(lo, f.Until)
	if err := db.checkSearch(ctx, &f, nil); err != nil {
		return trace.Page{}, fmt.Errorf("list calls: %w", err)
	}
	w.search(&f, lo, f.Until)
	var page trace.Page
	err := db.query(ctx, "list calls", lines(&page.Calls), "SELECT "+lineColumns+" FROM calls"+w.String()+oldestFirst+" LIMIT "+w.param("UInt32", limit+1), w.args...)
	if err == nil {
		endPage(&page, limit, sum)
	}
	return page, err
}
