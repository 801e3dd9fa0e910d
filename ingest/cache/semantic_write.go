package cache

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// job is a point to keep, or one to let go of.
type job struct {
	add    *Point
	purges int64 // as many as there were when the question was asked
	gone   *Place
}

// enqueue hands a job over without waiting. When too many wait it is lost: a question that is not found again.
func (m *semantic) enqueue(j job) {
	select {
	case m.writes <- j:
	default:
		m.lost.Add(1)
	}
}

const (
	gathered  = 256                    // points written at once
	gathering = 100 * time.Millisecond // how long the first of them waits for others
	forgets   = 5 * time.Second        // points whose answers are gone are found again at worst, and cost a look
	trims     = 10 * time.Minute
	lastWrite = 2 * time.Second
)

// Run keeps the points of new answers and has answers audited, until ctx ends. Without it nothing is ever found by its meaning.
func (s *Stage) Run(ctx context.Context) {
	if s.sem == nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.write(ctx) })
	wg.Go(func() { s.look(ctx) })
	wg.Wait()
}

// write writes what comes, some at a time.
func (s *Stage) write(ctx context.Context) {
	var points []job
	gone := map[Place]bool{}
	due, forget, trim := time.NewTimer(gathering), time.NewTicker(forgets), time.NewTicker(trims)
	due.Stop()
	defer due.Stop()
	defer forget.Stop()
	defer trim.Stop()
	take := func(j job) {
		if j.gone != nil {
			gone[*j.gone] = true
			return
		}
		if points = append(points, j); len(points) == 1 {
			due.Reset(gathering)
		}
	}
	add := func(ctx context.Context) {
		s.add(ctx, points)
		points = points[:0]
	}
	for {
		select {
		case j := <-s.sem.writes:
			if take(j); len(points) >= gathered {
				add(ctx)
			}
		case <-due.C:
			add(ctx)
		case <-forget.C:
			s.forget(ctx, gone)
			clear(gone)
		case <-trim.C:
			if err := s.sem.Vectors.Trim(ctx, s.sem.MaxVectors); err != nil && ctx.Err() == nil {
				s.cfg.Log.Warn("old vectors of the response cache not removed", "error", err)
			}
		case <-ctx.Done():
			for len(s.sem.writes) > 0 {
				take(<-s.sem.writes)
			}
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrite)
			defer cancel()
			add(last)
			return
		}
	}
}

// add keeps the points of answers that no purge came in between.
func (s *Stage) add(ctx context.Context, jobs []job) {
	s.sem.vectors.Lock()
	defer s.sem.vectors.Unlock()
	s.mu.RLock()
	purges := s.purges
	s.mu.RUnlock()
	points := make([]Point, 0, len(jobs))
	for _, j := range jobs {
		if j.purges == purges {
			points = append(points, *j.add)
		}
	}
	if len(points) == 0 {
		return
	}
	if err := s.sem.Vectors.Add(ctx, points); err != nil {
		s.sem.lost.Add(int64(len(points)))
		s.cfg.Log.Warn("questions not kept by their meaning", "questions", len(points), "error", err)
		return
	}
	s.sem.kept.Add(int64(len(points)))
}

// forget lets go of points whose answers are gone.
func (s *Stage) forget(ctx context.Context, gone map[Place]bool) {
	if len(gone) == 0 {
		return
	}
	places := make([]Place, 0, len(gone))
	for p := range gone {
		places = append(places, p)
	}
	if err := s.sem.Vectors.Remove(ctx, places); err != nil && ctx.Err() == nil {
		s.cfg.Log.Warn("vectors whose answers are gone not removed", "error", err)
	}
}

// purgeVectors removes the points that the filter picks.
func (s *Stage) purgeVectors(ctx context.Context, f Filter) error {
	s.sem.vectors.Lock()
	defer s.sem.vectors.Unlock()
	if err := s.sem.Vectors.Purge(ctx, f); err != nil {
		return fmt.Errorf("the answers are removed, the vectors of their questions are not; purge again: %w", err)
	}
	return nil
}
