package main

import (
	"context"

	"github.com/weir-dev/weir/trace"
)

// freshExplorer is a freshReader of what a page of calls asks.
type freshExplorer struct {
	trace.Explorer
	freshReader
}

// CountFacets counts calls by their fields.
func (f freshExplorer) CountFacets(ctx context.Context, q trace.FacetQuery) ([]trace.FieldFacets, error) {
	f.fresh(ctx)
	return f.Explorer.CountFacets(ctx, q)
}

// SortedCalls lists calls by an order.
func (f freshExplorer) SortedCalls(ctx context.Context, q trace.Filter, by trace.CallOrder, limit int, cursor string) (trace.Page, error) {
	if cursor == "" {
		f.fresh(ctx)
	}
	return f.Explorer.SortedCalls(ctx, q, by, limit, cursor)
}
