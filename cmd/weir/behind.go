package main

import (
	"context"
	"sync"
)

// behind is a queue of what is written behind the work that made it, in batches. Beyond most the oldest are given up. Safe for
// concurrent use.
type behind[T any] struct {
	write       func(context.Context, []T) error
	batch, most int

	mu      sync.Mutex // guards what follows
	waiting []T
	lost    int

	writing sync.Mutex // held while a batch is written
}

// add takes one more. It does not wait.
func (b *behind[T]) add(one T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) >= b.most {
		b.waiting = append(b.waiting[:0], b.waiting[1:]...)
		b.lost++
	}
	b.waiting = append(b.waiting, one)
}

// flush writes what waits.
func (b *behind[T]) flush(ctx context.Context) error {
	b.writing.Lock()
	defer b.writing.Unlock()
	for {
		b.mu.Lock()
		batch := append([]T(nil), b.waiting[:min(b.batch, len(b.waiting))]...)
		lost := b.lost
		b.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := b.write(ctx, batch); err != nil {
			return err
		}
		b.mu.Lock()
		gone := min(len(batch), max(len(batch)-(b.lost-lost), 0)) // what was given up meanwhile was at the beginning
		b.waiting = append(b.waiting[:0], b.waiting[gone:]...)
		b.mu.Unlock()
	}
}
