package spool

import (
	"context"
	"time"
)

// hurryEvery bounds how often readers can cut batches: each costs the store about as much as a thousand records.
const hurryEvery = 250 * time.Millisecond

// Hurry asks that what was accepted by now be sent without waiting for company.
func (d *Disk) Hurry() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hurryTo(d.last)
}

// hurryTo is Hurry up to a record. The caller has mu.
func (d *Disk) hurryTo(target int64) {
	if d.settled.Done < target {
		d.hurry = max(d.hurry, target)
		nudge(d.wake)
	}
}

// Flush is Hurry, and returns when these records are settled. It returns the context's error when that takes too long:
// the records are then still on their way.
func (d *Disk) Flush(ctx context.Context) error {
	d.mu.Lock()
	target := d.last
	d.hurryTo(target)
	for d.settled.Done < target {
		if d.progress == nil {
			d.progress = make(chan struct{})
		}
		settled := d.progress
		d.mu.Unlock()
		select {
		case <-settled:
		case <-d.stop:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
		d.mu.Lock()
	}
	d.mu.Unlock()
	return nil
}

// tellProgress wakes those who wait in Flush. The caller has mu.
func (d *Disk) tellProgress() {
	if d.progress != nil {
		close(d.progress)
		d.progress = nil
	}
}
