package limit

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Memory is a Store of one process. The zero value is empty and ready.
//
// Counters that nobody asks for are forgotten without a sweep: they lie in two generations, and the older is dropped when
// the younger is two minutes old. By then a rate that nobody touched is full, which is what a forgotten one is. The few
// that owe more than that are held apart.
type Memory struct {
	mu    sync.Mutex // guards all below
	start time.Time  // what moments are counted from, so that a changed wall clock does not matter
	young map[string]*rate
	old   map[string]*rate
	owing map[string]*rate // beyond a generation
	slots map[string]int64 // taken
	born  int64            // when young was made
}

var _ Store = (*Memory)(nil)

// generation is at least as long as a rate that owes nothing takes to be full, which is a minute.
const generation = 2 * minute

// Take implements Store. It never fails.
func (m *Memory) Take(_ context.Context, asks []Ask) ([]State, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	states, taken := m.take(m.now(), asks)
	return states, taken, nil
}

// Settle implements Store. It never fails.
func (m *Memory) Settle(_ context.Context, asks []Ask) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle(m.now(), asks)
	return nil
}

// Slots says how many slots are taken of each counter that has some.
func (m *Memory) Slots() map[string]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.slots)
}

func (m *Memory) now() int64 {
	if m.start.IsZero() {
		m.start = time.Now()
		m.slots = map[string]int64{}
	}
	return int64(time.Since(m.start))
}

func (m *Memory) take(now int64, asks []Ask) ([]State, bool) {
	m.age(now)
	states := make([]State, len(asks))
	taken := true
	for i := range asks {
		a := &asks[i]
		if a.Kind == Concurrent {
			states[i].Fits = m.slots[a.Counter]+a.N <= a.Limit
		} else {
			_, states[i].Fits = m.rate(a.Counter).take(now, a)
		}
		taken = taken && states[i].Fits
	}
	for i := range asks {
		a := &asks[i]
		if a.Kind == Concurrent {
			if taken {
				m.slots[a.Counter] += a.N
			}
			states[i].Remaining = max(a.Limit-m.slots[a.Counter], 0)
			continue
		}
		r := m.rate(a.Counter)
		if taken {
			*r, states[i].Fits = r.take(now, a) // false only where two asks name one counter
		}
		states[i] = r.state(now, a, states[i].Fits)
	}
	return states, taken
}

func (m *Memory) settle(now int64, asks []Ask) {
	m.age(now)
	for i := range asks {
		a := &asks[i]
		if a.Kind == Concurrent {
			if m.slots[a.Counter] += a.N; m.slots[a.Counter] <= 0 {
				delete(m.slots, a.Counter)
			}
			continue
		}
		r := m.rate(a.Counter)
		if *r = r.settle(now, a); r.full > now+generation {
			if m.owing == nil {
				m.owing = map[string]*rate{}
			}
			m.owing[a.Counter] = r
		}
	}
}

// rate finds a counter, or makes a full one, and keeps it in the young generation.
func (m *Memory) rate(counter string) *rate {
	r, ok := m.young[counter]
	if ok {
		return r
	}
	if r, ok = m.old[counter]; !ok {
		if r, ok = m.owing[counter]; !ok {
			r = &rate{}
		}
	}
	m.young[counter] = r
	return r
}

// age makes a new generation when it is time.
func (m *Memory) age(now int64) {
	if m.young != nil && now-m.born < generation {
		return
	}
	if m.old = m.young; now-m.born >= 2*generation {
		m.old = nil // nobody came for so long that it is full, too
	}
	m.young, m.born = map[string]*rate{}, now
	for counter, r := range m.owing {
		if r.full <= now {
			delete(m.owing, counter)
		}
	}
}
