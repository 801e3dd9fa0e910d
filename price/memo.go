package price

import (
	"strings"
	"sync"
)

// memo remembers what names were found to mean. Names come from outside, so it is emptied when it is full.
type memo struct {
	mu    sync.RWMutex // guards found
	found map[asked]*found
}

const maxMemo = 4096

// asked is all that a look-up depends on.
type asked struct {
	provider, model, requested, project string
	epoch                               int // how many of the book's dates have passed
}

func (m *memo) get(k asked) (*found, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	f, ok := m.found[k]
	return f, ok
}

func (m *memo) put(k asked, f *found) *found {
	m.mu.Lock()
	defer m.mu.Unlock()
	if had, ok := m.found[k]; ok {
		return had
	}
	if m.found == nil || len(m.found) >= maxMemo {
		m.found = make(map[asked]*found)
	}
	m.found[k] = f
	return f
}

// clone keeps the bodies that names were cut from from staying in memory.
func (k asked) clone() asked {
	return asked{strings.Clone(k.provider), strings.Clone(k.model), strings.Clone(k.requested), strings.Clone(k.project), k.epoch}
}
