package drift

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	lag   = 10 * time.Minute // for calls that run on beyond the hour they began in
	fresh = 10 * time.Minute // how long a report is not made again
	soon  = time.Minute      // and one that could compare nothing
	late  = 30 * time.Minute // how old one may get that is being made again
)

// Reports makes reports and keeps the last one for a while. Safe for concurrent use.
type Reports struct {
	source Source

	making sync.Mutex // held while a report is made, so that one is made for all who wait

	mu     sync.Mutex // guards the rest
	last   *Report
	madeAt time.Time
	asked  bool // somebody asked for the last one
	kept   bool // Keep runs
}

// NewReports makes Reports of a source.
func NewReports(s Source) *Reports { return &Reports{source: s} }

// At gives the report of a moment, not more than some minutes old. While Keep runs nobody waits for one, but for the first. It is
// shared: do not change it.
func (r *Reports) At(ctx context.Context, now time.Time) (*Report, error) {
	if held := r.held(now, true); held != nil {
		return held, nil
	}
	return r.renew(ctx, now, true)
}

// Keep makes reports as they are due, until ctx ends.
func (r *Reports) Keep(ctx context.Context, log *slog.Logger) {
	keeping := func(is bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.kept = is
	}
	keeping(true)
	defer keeping(false)
	tick := time.NewTicker(soon)
	defer tick.Stop()
	for {
		if _, err := r.renew(ctx, time.Now(), false); err != nil && ctx.Err() == nil {
			log.Warn("traffic not compared, tried again in a minute", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// renew makes the report of a moment, for somebody who asks or beforehand, unless that one is held.
func (r *Reports) renew(ctx context.Context, now time.Time, asked bool) (*Report, error) {
	r.making.Lock()
	defer r.making.Unlock()
	if held := r.held(now, asked); held != nil {
		return held, nil
	}
	made, err := r.source.Measure(ctx, ofHour(now))
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last, r.madeAt, r.asked = made, now, asked
	return made, nil
}

// held is the last report if it is still good; else nil. Who asks is given one that Keep is making again, and none that Keep made when there
// was nothing to compare yet: calls may have come since.
func (r *Reports) held(now time.Time, asked bool) *Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	age := now.Sub(r.madeAt)
	if r.last == nil || age < 0 {
		return nil
	}
	compared := len(r.last.Series) > 0 && r.last.Series[0].Q != nil
	holds := soon
	if compared {
		holds = fresh
	}
	switch {
	case asked && !compared && !r.asked:
		return nil
	case r.last.Until.Equal(ofHour(now)) && age < holds, asked && r.kept && compared && age < late:
		return r.last
	}
	return nil
}

// ofHour is where the last 24 hours end that can be looked at.
func ofHour(now time.Time) time.Time { return now.Add(-lag).UTC().Truncate(time.Hour) }
