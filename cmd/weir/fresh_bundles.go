package main

import (
	"context"

	"github.com/weir-dev/weir/trace"
)

// freshBundles is a freshReader of what belongs together.
type freshBundles struct {
	trace.Bundles
	freshReader
}

// Traces lists traces.
func (f freshBundles) Traces(ctx context.Context, q trace.Filter, limit int, cursor string) (trace.BundlePage, error) {
	if cursor == "" {
		f.fresh(ctx)
	}
	return f.Bundles.Traces(ctx, q, limit, cursor)
}

// Sessions lists sessions.
func (f freshBundles) Sessions(ctx context.Context, q trace.Filter, limit int, cursor string) (trace.BundlePage, error) {
	if cursor == "" {
		f.fresh(ctx)
	}
	return f.Bundles.Sessions(ctx, q, limit, cursor)
}

// Users lists end users.
func (f freshBundles) Users(ctx context.Context, q trace.UserQuery) (trace.UserPage, error) {
	if q.Cursor == "" {
		f.fresh(ctx)
	}
	return f.Bundles.Users(ctx, q)
}
