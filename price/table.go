package price

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// key finds the dated prices of one model for one project.
type key struct{ provider, model, project string }

// slot is an entry's place in a table. Of a catalogue only the few words it is found by are read at the start; the rest
// of the line when it is first asked for.
type slot struct {
	key
	from   time.Time
	line   string // of the catalogue; empty when entry is there from the start
	number int    // of the line
	entry  atomic.Pointer[Entry]
}

// get reads the entry if need be. A test reads every line of the embedded catalogue, so that a fault in one is a fault
// of the build.
func (s *slot) get() *Entry {
	if e := s.entry.Load(); e != nil {
		return e
	}
	e, err := s.read()
	if err != nil {
		panic("price: the embedded catalogue: " + err.Error())
	}
	if !s.entry.CompareAndSwap(nil, e) {
		return s.entry.Load()
	}
	return e
}

// read decodes the line and checks it.
func (s *slot) read() (*Entry, error) {
	var e Entry
	err := json.Unmarshal([]byte(s.line), &e)
	if err == nil {
		err = e.Validate()
	}
	if err == nil && (s.key != key{e.Provider, e.Model, e.Project} || !s.from.Equal(e.EffectiveFrom)) {
		err = fmt.Errorf("%w of %s: the line says provider, model, project or date twice", ErrEntry, e.Name())
	}
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", s.number, err)
	}
	return &e, nil
}

// entryID is what only one entry of a set may have.
type entryID struct {
	key
	from int64
}

func (s *slot) id() entryID { return entryID{s.key, moment(s.from)} }

func slotsOf(entries []Entry) []*slot {
	out := make([]*slot, len(entries))
	for i := range entries {
		e := &entries[i]
		out[i] = &slot{key: key{e.Provider, e.Model, e.Project}, from: e.EffectiveFrom}
		out[i].entry.Store(e)
	}
	return out
}

// table is a set of entries that can be looked up. The zero value is empty.
type table struct {
	all      []*slot         // in order
	exact    map[key][]*slot // by date
	patterns []*slot         // those whose model has a *, longest first
}

// newTable takes the slots over.
func newTable(slots []*slot) table {
	t := table{exact: make(map[key][]*slot, len(slots)), all: slots}
	slices.SortStableFunc(t.all, compareSlots)
	for i, s := range t.all {
		if isPattern(s.model) {
			t.patterns = append(t.patterns, s)
		}
		if first := len(t.exact[s.key]); first == 0 {
			end := i + 1
			for end < len(t.all) && t.all[end].key == s.key {
				end++
			}
			t.exact[s.key] = t.all[i:end:end]
		}
	}
	slices.SortStableFunc(t.patterns, func(a, b *slot) int { return len(b.model) - len(a.model) })
	return t
}

// compareSlots orders by model, then by whom it is for, then by date.
func compareSlots(a, b *slot) int {
	for _, c := range []int{
		strings.Compare(a.provider, b.provider),
		strings.Compare(a.model, b.model),
		strings.Compare(a.project, b.project),
	} {
		if c != 0 {
			return c
		}
	}
	return a.from.Compare(b.from)
}

// at is the entry of k in force at a moment, or nil.
func (t *table) at(k key, at time.Time) *Entry {
	for _, s := range slices.Backward(t.exact[k]) {
		if !s.from.After(at) {
			return s.get()
		}
	}
	return nil
}

// startDates collects the moments at which prices change.
func startDates(tables ...*table) []int64 {
	var out []int64
	for _, t := range tables {
		for _, s := range t.all {
			if !s.from.IsZero() {
				out = append(out, moment(s.from))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
