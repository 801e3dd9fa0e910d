package clickhouse

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/trace"
)

// lineColumns are the columns of a line of a list: all but the explanation.
var lineColumns = strings.Replace(callColumns.String(), " cost_lines,", "", 1)

// Both begin as the table's key does, so that rows are read in order and reading stops after a page. (Without the
// minute, ClickHouse 26.5 answers some of these queries with an error of its own top-k filter.)
const (
	newestFirst = " ORDER BY toStartOfMinute(start_time) DESC, start_time DESC, id DESC"
	oldestFirst = " ORDER BY toStartOfMinute(start_time), start_time, id"
)

const day = 24 * time.Hour

// A list is looked for in steps back from its end: the first page is nearly always in the last day, and the parts of
// earlier months need not even be opened. A search reads bodies, so its steps are small.
var (
	listSteps   = []time.Duration{day, 7 * day, 31 * day, 366 * day}
	searchSteps = []time.Duration{time.Hour, day, 7 * day, 31 * day, searchBack, 366 * day}
)

// searchBack is how far before the end of a filter its Text is looked for when the filter has no beginning.
const searchBack = 92 * day

// Calls lists calls, newest first; see trace.Reader. A limit outside 1..1000 is taken to be the nearest in it. Without
// a Since a Text is looked for in the last 92 days before Until.
func (db *DB) Calls(ctx context.Context, f trace.Filter, limit int, after string) (trace.Page, error) {
	limit = min(max(limit, 1), 1000)
	var from *cursor
	if after != "" {
		c, err := decodeCursor(after, filterSum(&f))
		if err != nil {
			return trace.Page{}, err
		}
		from = &c
	}
	if err := db.checkSearch(ctx, &f, from); err != nil {
		return trace.Page{}, fmt.Errorf("list calls: %w", err)
	}
	var page trace.Page
	list := func(lo, hi time.Time) error {
		var w where
		w.and("kind = 'call'")
		w.filter(&f)
		w.started(lo, hi)
		if from != nil {
			w.and("(start_time, id) < (" + w.moment(from.start) + ", " + w.text(from.id) + ")")
		}
		w.search(&f, lo, hi)
		rest := w.param("UInt32", limit+1-len(page.Calls))
		return db.query(ctx, "list calls", lines(&page.Calls), "SELECT "+lineColumns+" FROM calls"+w.String()+newestFirst+" LIMIT "+rest, w.args...)
	}
	var known *gap // found once the first step has too few
	for lo, hi := range steps(f, from, time.Now()) {
		for _, s := range known.around(lo, hi) {
			if err := list(s.lo, s.hi); err != nil {
				return trace.Page{}, err
			}
			if endPage(&page, limit, filterSum(&f)) {
				return page, nil
			}
		}
		if known == nil {
			var err error
			if known, err = db.gapBefore(ctx, &f, lo, uint64(limit+1-len(page.Calls))); err != nil {
				return trace.Page{}, err
			}
		}
	}
	return page, nil
}

// endPage cuts a page that has more calls than its limit, and says where the next one begins.
func endPage(page *trace.Page, limit int, sum uint32) (full bool) {
	if len(page.Calls) <= limit {
		return false
	}
	page.Calls = page.Calls[:limit]
	last := &page.Calls[limit-1]
	page.Next = cursor{last.Start, last.ID}.encode(sum)
	return true
}

// steps gives the spans of time to look through, newest first, one after the other.
func steps(f trace.Filter, from *cursor, now time.Time) iter.Seq2[time.Time, time.Time] {
	since, hi := searchSince(&f, now), f.Until
	end := hi // what the steps are counted from
	if from != nil {
		if c := from.start.Add(time.Microsecond); hi.IsZero() || c.Before(hi) {
			hi, end = c, c
		}
	}
	if end.IsZero() {
		end = now
	}
	back := listSteps
	if f.Text != "" {
		back = searchSteps
	}
	return func(yield func(lo, hi time.Time) bool) {
		for _, step := range back {
			lo := end.Add(-step)
			if !lo.After(since) {
				break
			}
			if !yield(lo, hi) {
				return
			}
			hi = lo
		}
		yield(since, hi)
	}
}

// searchSince gives f.Since, or where a search without one stops.
func searchSince(f *trace.Filter, now time.Time) time.Time {
	switch {
	case f.Text == "" || !f.Since.IsZero():
		return f.Since
	case f.Until.IsZero():
		return now.Add(-searchBack)
	}
	return f.Until.Add(-searchBack)
}

// lines collects rows of lineColumns.
func lines(into *[]trace.CallRow) func(driver.Rows) error {
	return func(rows driver.Rows) error {
		var r callRow
		if err := rows.ScanStruct(&r); err != nil {
			return err
		}
		line, err := r.row()
		if err != nil {
			return err
		}
		*into = append(*into, line)
		return nil
	}
}
