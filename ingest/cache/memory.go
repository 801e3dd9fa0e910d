package cache

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// Memory is a Store in this process. When it is full, the entries that are least likely to be asked for again make room,
// the newest one among them. Safe for concurrent use.
type Memory struct {
	entries            *otter.Cache[Key, *Entry]
	max                int64
	evictions, expired atomic.Int64
}

var _ Store = (*Memory)(nil)

// DefaultMaxBytes bounds a Memory unless configured.
const DefaultMaxBytes = 16 << 20

// NewMemory makes a store of at most maxBytes; 0 is DefaultMaxBytes.
func NewMemory(maxBytes int64) *Memory {
	if maxBytes <= 0 {
		maxBytes = DefaultMaxBytes
	}
	m := &Memory{max: maxBytes}
	m.entries = otter.Must(&otter.Options[Key, *Entry]{
		MaximumWeight:    uint64(maxBytes),
		Weigher:          func(_ Key, e *Entry) uint32 { return uint32(min(e.Bytes(), math.MaxUint32)) },
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[Key, *Entry]) time.Duration { return time.Until(e.Value.Expires) }),
		Executor:         func(do func()) { do() }, // the bound holds when Put returns, not some time after
		OnDeletion: func(d otter.DeletionEvent[Key, *Entry]) {
			switch d.Cause {
			case otter.CauseOverflow:
				m.evictions.Add(1)
			case otter.CauseExpiration:
				m.expired.Add(1)
			}
		},
	})
	return m
}

// Get gives the entry with this key that has not expired, or nil.
func (m *Memory) Get(_ context.Context, key Key) (*Entry, error) {
	e, ok := m.entries.GetIfPresent(key)
	if !ok || !time.Now().Before(e.Expires) {
		return nil, nil //nolint:nilnil // Store says so
	}
	return e, nil
}

// Put keeps an entry, if it is not expired and not larger than the whole store.
func (m *Memory) Put(_ context.Context, key Key, e *Entry) error {
	if int64(e.Bytes()) > m.max || !time.Now().Before(e.Expires) {
		m.entries.Invalidate(key)
		return nil
	}
	m.entries.Set(key, e)
	return nil
}

// Purge removes what the filter picks.
func (m *Memory) Purge(_ context.Context, f Filter) (int, error) {
	now := time.Now()
	var picked []Key
	for key, e := range m.entries.All() {
		if f.Picks(e, now) {
			picked = append(picked, key)
		}
	}
	n := 0
	for _, key := range picked {
		if _, was := m.entries.Invalidate(key); was {
			n++
		}
	}
	return n, nil
}

// Usage says what the store holds.
func (m *Memory) Usage(context.Context) (Usage, error) {
	m.entries.CleanUp()
	return Usage{
		Entries: int64(m.entries.EstimatedSize()), Bytes: int64(m.entries.WeightedSize()), MaxBytes: m.max,
		Evictions: m.evictions.Load(), Expired: m.expired.Load(),
	}, nil
}

// Close ends what runs beside the store.
func (m *Memory) Close() error {
	m.entries.StopAllGoroutines()
	return nil
}
