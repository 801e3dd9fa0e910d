package main

import (
	"context"
	"time"

	"github.com/weir-dev/weir/trace"
)

// freshArrivals is a freshReader of what came.
type freshArrivals struct {
	trace.Arrivals
	freshReader
}

// StoreTime is asked before what came until then is read.
func (f freshArrivals) StoreTime(ctx context.Context) (time.Time, error) {
	f.fresh(ctx)
	return f.Arrivals.StoreTime(ctx)
}
