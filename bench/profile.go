package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"
)

// profile has weir write down where its CPU time goes during a round, and what holds its memory at the end, into
// files that go tool pprof reads. It takes a few percent itself: figures of a run with profiles are not for publishing.
func (w *weir) profile(ctx context.Context, dir, scenario string, d time.Duration) (wait func() error) {
	done := make(chan error, 1)
	go func() {
		seconds := int(math.Ceil(d.Seconds()))
		err := w.saveProfile(ctx, fmt.Sprintf("profile?seconds=%d", seconds), filepath.Join(dir, scenario+".cpu"))
		if err == nil {
			err = w.saveProfile(ctx, "allocs", filepath.Join(dir, scenario+".mem"))
		}
		done <- err
	}()
	return func() error { return <-done }
}

func (w *weir) saveProfile(ctx context.Context, what, file string) error {
	b, err := ask(ctx, "GET", w.url+"/debug/pprof/"+what, w.admin, nil)
	if err != nil {
		return fmt.Errorf("profile weir: %w", err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	return nil
}
