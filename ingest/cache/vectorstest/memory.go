package vectorstest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/ingest/cache"
)

// Memory is a cache.Vectors that remembers. The zero value is empty. Safe for concurrent use.
type Memory struct {
	mu     sync.Mutex // guards the rest
	points map[cache.Place]cache.Point
	err    error
}

var _ cache.Vectors = (*Memory)(nil)

// Fail makes every further call answer so; nil ends that.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// Len is how many points there are.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.points)
}

// Nearest compares with all.
func (m *Memory) Nearest(_ context.Context, partition cache.Key, v []float32, least float64, most int) ([]cache.Neighbor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	var found []cache.Neighbor
	for place, p := range m.points {
		if score := dot(v, p.Vector); place.Partition == partition && time.Now().Before(p.Expires) && score >= least {
			found = append(found, cache.Neighbor{Answer: place.Answer, Score: score})
		}
	}
	slices.SortFunc(found, func(a, b cache.Neighbor) int { return cmp.Compare(b.Score, a.Score) })
	return found[:min(most, len(found))], nil
}

// Add keeps points.
func (m *Memory) Add(_ context.Context, points []cache.Point) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.points == nil {
		m.points = map[cache.Place]cache.Point{}
	}
	for _, p := range points {
		if m.err == nil {
			m.points[p.Place] = p
		}
	}
	return m.err
}

// Remove forgets points.
func (m *Memory) Remove(_ context.Context, places []cache.Place) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range places {
		delete(m.points, p)
	}
	return m.err
}

// Purge forgets what the filter picks.
func (m *Memory) Purge(_ context.Context, f cache.Filter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	now := time.Now()
	for place, p := range m.points {
		if f.PicksPoint(&p, now) {
			delete(m.points, place)
		}
	}
	return nil
}

// Trim forgets the oldest.
func (m *Memory) Trim(_ context.Context, most int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []cache.Point
	for _, p := range m.points {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b cache.Point) int { return b.Stored.Compare(a.Stored) })
	for _, p := range all[min(most, len(all)):] {
		delete(m.points, p.Place)
	}
	return m.err
}

func dot(a, b []float32) (sum float64) {
	for i := range min(len(a), len(b)) {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
