package experiment

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Memory is a Store, and Leases, in memory. The zero value is empty. It is safe for concurrent use.
type Memory struct {
	mu       sync.Mutex // guards all below
	revision int64
	records  map[string]Record
	events   map[string][]Event // by id, oldest first
	leases   map[string]lease
}

type lease struct {
	owner string
	until time.Time
}

var (
	_ Store  = (*Memory)(nil)
	_ Leases = (*Memory)(nil)
)

// Experiments gives all.
func (m *Memory) Experiments(context.Context) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Record, 0, len(m.records))
	for _, r := range m.records {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Record) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// ChangeExperiment changes one.
func (m *Memory) ChangeExperiment(_ context.Context, name string, change Change) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var now *Record
	others := make([]Experiment, 0, len(m.records))
	for _, r := range m.records {
		if r.Name == name {
			now = &r
		} else {
			others = append(others, r.Experiment)
		}
	}
	e, event, err := change(now, others, m.revision+1)
	if err != nil {
		return Record{}, err
	}
	if m.records == nil {
		m.records, m.events = map[string]Record{}, map[string][]Event{}
	}
	m.revision++
	event.Revision = m.revision
	if e == nil {
		delete(m.records, name)
		return Record{}, nil
	}
	event.ID = e.ID
	m.events[e.ID] = append(m.events[e.ID], event)
	stored, err := stored(e)
	if err != nil {
		return Record{}, err
	}
	m.records[name] = Record{Experiment: stored, Revision: m.revision, UpdatedAt: event.At, UpdatedBy: event.Author}
	return m.records[name], nil
}

// stored is a copy as it comes back from where texts are kept.
func stored(e *Experiment) (out Experiment, err error) {
	text, err := json.Marshal(e)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, err
}

// ExperimentEvents gives what was done.
func (m *Memory) ExperimentEvents(_ context.Context, name string) ([]Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.records[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNone, name)
	}
	out := slices.Clone(m.events[r.ID])
	slices.Reverse(out)
	return out, nil
}

// TakeLease takes or renews a lease.
func (m *Memory) TakeLease(_ context.Context, name, owner string, holds time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if l := m.leases[name]; l.owner != owner && l.until.After(now) {
		return false, nil
	}
	if m.leases == nil {
		m.leases = map[string]lease{}
	}
	m.leases[name] = lease{owner, now.Add(holds)}
	return true, nil
}
