package spool

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestFlushSendsWithoutWaitingForCompany(t *testing.T) {
	s := newStore()
	cfg := s.config(t.TempDir())
	cfg.MaxAge = time.Hour
	d := open(t, cfg)
	if err := d.Flush(t.Context()); err != nil {
		t.Fatalf("nothing waits, and Flush says %v", err)
	}
	for round := range 3 {
		for i := range 5 {
			record(t, d, call(fmt.Sprint("c", round, "-", i), 10))
		}
		if err := d.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := s.len(), 5*(round+1); got != want {
			t.Errorf("%d records are in the store after Flush, want %d", got, want)
		}
	}
}

func TestFlushDoesNotWaitLongerThanItsCaller(t *testing.T) {
	s := newStore()
	s.before = away
	cfg := s.config(t.TempDir())
	cfg.MaxAge = time.Hour
	d := open(t, cfg)
	record(t, d, call("c", 10))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := d.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush while the store is away: %v", err)
	}
	s.set(nil, nil)
	if err := d.Flush(t.Context()); err != nil {
		t.Error(err)
	}
}
