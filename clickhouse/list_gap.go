package clickhouse

import (
	"context"
	"slices"
	"time"

	"github.com/weir-dev/weir/trace"
)

// gap is a time without calls of a filter, as rollups know it, and the time before it that has enough for a page. A nil *gap, and the zero
// value, know nothing.
type gap struct {
	from, until time.Time // of the gap; zero until: there is none
	enough      time.Time // so many calls have started from here to the gap; zero: that is not known
}

// gapBefore looks in the rollups for how long before a moment there is no call of a filter, and from where on there are n of them.
func (db *DB) gapBefore(ctx context.Context, f *trace.Filter, until time.Time, n uint64) (*gap, error) {
	inRollups := func(d dimension) bool { return d == "user" || slices.Contains(usageDimensions, d) }
	dims := filterDimensions(f)
	if f.Text != "" || len(dims) == 0 || !all(dims, inRollups) || until.IsZero() || !f.Since.Before(until) {
		return &gap{}, nil
	}
	table, _ := hourly(dims)
	// The hour that the moment is in may have calls on both of its sides.
	hours, err := db.callsPer(ctx, part{source{table: table, unit: time.Hour}, f.Since, ceil(until, time.Hour)}, &facetScan{filter: *f})
	if err != nil {
		return nil, err
	}
	out := gap{from: f.Since, until: until}
	sum := uint64(0)
	for i, h := range hours {
		end := h.from.Add(time.Hour)
		if i == 0 {
			out.from = earlier(end, until)
		}
		if end.After(until) {
			continue // it is not known how many of its calls are before
		}
		if sum += h.calls; sum >= n {
			out.enough = h.from
			break
		}
	}
	return &out, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// listSpan is a time that is looked through.
type listSpan struct{ lo, hi time.Time }

// around gives what is to be looked through of a step of a list, newest first: not the gap, and first what has enough.
func (g *gap) around(lo, hi time.Time) []listSpan {
	if g == nil || g.until.IsZero() {
		return []listSpan{{lo, hi}}
	}
	hi = earlier(hi, g.from)
	if !lo.Before(hi) {
		return nil
	}
	if g.enough.IsZero() || !lo.Before(g.enough) || !g.enough.Before(hi) {
		return []listSpan{{lo, hi}}
	}
	return []listSpan{{g.enough, hi}, {lo, g.enough}}
}
