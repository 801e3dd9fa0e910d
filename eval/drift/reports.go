package drift

import (
	"context"
	"sync"
	"time"
)

const (
	lag   = 10 * time.Minute // for calls that run on beyond the hour they began in
	fresh = 10 * time.Minute // how long a report is not made again
	soon  = time.Minute      // and one that could compare nothing
)

// Reports makes reports and keeps the last one for a while. Safe for concurrent use.
type Reports struct {
	source Source

	mu     sync.Mutex // held while a report is made, so that one is made for all who wait
	last   *Report
	madeAt time.Time
}

// NewReports makes Reports of a source.
func NewReports(s Source) *Reports { return &Reports{source: s} }

// At gives the report of a moment, not more than some minutes old. It is shared: do not change it.
func (r *Reports) At(ctx context.Context, now time.Time) (*Report, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	until := now.Add(-lag).UTC().Truncate(time.Hour)
	if r.last != nil && r.last.Until.Equal(until) {
		holds := soon
		if len(r.last.Series) > 0 && r.last.Series[0].Q != nil {
			holds = fresh
		}
		if age := now.Sub(r.madeAt); age >= 0 && age < holds {
			return r.last, nil
		}
	}
	made, err := r.source.Measure(ctx, until)
	if err != nil {
		return nil, err
	}
	r.last, r.madeAt = made, now
	return made, nil
}
