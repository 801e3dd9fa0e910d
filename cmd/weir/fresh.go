package main

import (
	"context"
	"iter"
	"time"

	"github.com/weir-dev/weir/trace"
)

// freshReader is a store in front of which records wait. Who reads it sees what was recorded until then: the records
// on their way are sent at once. So batches can be large while nobody looks, which is what makes them cheap.
type freshReader struct {
	trace.Reader
	flush func(context.Context) error
}

// flushWait bounds how long a reader waits for that; a store that is slow or away is read as it is.
const flushWait = 900 * time.Millisecond

func (f freshReader) fresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushWait)
	defer cancel()
	_ = f.flush(ctx) // what is late waits in the spool, whose counters tell
}

// Calls lists calls.
func (f freshReader) Calls(ctx context.Context, q trace.Filter, limit int, cursor string) (trace.Page, error) {
	if cursor == "" { // further pages go on where the first began
		f.fresh(ctx)
	}
	return f.Reader.Calls(ctx, q, limit, cursor)
}

// Trace gives the spans of a trace.
func (f freshReader) Trace(ctx context.Context, id string, limit int) ([]trace.CallRow, error) {
	f.fresh(ctx)
	return f.Reader.Trace(ctx, id, limit)
}

// Costs sums over rollups.
func (f freshReader) Costs(ctx context.Context, q trace.CostQuery) (trace.Costs, error) {
	f.fresh(ctx)
	return f.Reader.Costs(ctx, q)
}

// Facets counts the most frequent values.
func (f freshReader) Facets(ctx context.Context, q trace.Filter, limit int) (map[string][]trace.Facet, error) {
	f.fresh(ctx)
	return f.Reader.Facets(ctx, q, limit)
}

// Unpriced lists models without a price.
func (f freshReader) Unpriced(ctx context.Context, since, until time.Time) ([]trace.UnpricedModel, error) {
	f.fresh(ctx)
	return f.Reader.Unpriced(ctx, since, until)
}

// Export streams calls.
func (f freshReader) Export(ctx context.Context, q trace.Filter, bodies bool) iter.Seq2[trace.Record, error] {
	f.fresh(ctx)
	return f.Reader.Export(ctx, q, bodies)
}

// freshAdjuster is a freshReader of what is to be priced again.
type freshAdjuster struct {
	trace.Adjuster
	freshReader
}

// Adjusted streams calls with what was added to them.
func (f freshAdjuster) Adjusted(ctx context.Context, q trace.Filter) iter.Seq2[trace.Adjusted, error] {
	f.fresh(ctx)
	return f.Adjuster.Adjusted(ctx, q)
}
