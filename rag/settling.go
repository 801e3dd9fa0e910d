package rag

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Settling calls Settle of indexes for collections that were written to, once no more is written for a while: a folder of documents
// comes in many requests. Safe for concurrent use.
type Settling struct {
	quiet time.Duration
	log   *slog.Logger
	wake  chan struct{}

	mu      sync.Mutex              // guards written
	written map[writtenTo]time.Time // when last
}

type writtenTo struct {
	index      Settler
	collection string
}

// NewSettling makes one that waits for quiet after the last write.
func NewSettling(quiet time.Duration, log *slog.Logger) *Settling {
	return &Settling{quiet: quiet, log: log, wake: make(chan struct{}, 1), written: map[writtenTo]time.Time{}}
}

// Written notes that a collection was written to. An index that is no Settler is passed over.
func (s *Settling) Written(index Index, collection string) {
	settler, ok := index.(Settler)
	if !ok {
		return
	}
	s.mu.Lock()
	s.written[writtenTo{settler, collection}] = time.Now()
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run settles until ctx ends, one collection at a time. What could not be settled waits for the next write.
func (s *Settling) Run(ctx context.Context) {
	for {
		due, wait := s.due()
		for _, w := range due {
			err := w.index.Settle(ctx, w.collection)
			if err != nil && !errors.Is(err, ErrNoCollection) && ctx.Err() == nil {
				s.log.Warn("a collection was not arranged for searching; it is searched as it is, which takes longer", "collection", w.collection, "error", err)
			}
		}
		if len(due) > 0 {
			continue
		}
		var next <-chan time.Time
		if wait > 0 {
			next = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-next:
		}
	}
}

// due takes the collections that it is quiet around, and says how long to wait for the next one, 0: there is none.
func (s *Settling) due() (due []writtenTo, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w, at := range s.written {
		switch left := time.Until(at.Add(s.quiet)); {
		case left <= 0:
			due = append(due, w)
			delete(s.written, w)
		case wait == 0 || left < wait:
			wait = left
		}
	}
	return due, wait
}
