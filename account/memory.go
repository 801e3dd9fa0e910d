package account

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// MemoryKeys keeps keys in memory. The zero value is empty and ready.
type MemoryKeys struct {
	mu   sync.Mutex // guards keys
	keys map[string]Key
}

var _ Keys = (*MemoryKeys)(nil)

// CreateKey implements Keys.
func (m *MemoryKeys) CreateKey(_ context.Context, k Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.create(k)
}

func (m *MemoryKeys) create(k Key) error {
	for _, other := range m.keys {
		if other.ID == k.ID || other.Project == k.Project && other.Name == k.Name && other.RevokedAt.IsZero() {
			return ErrNameTaken
		}
	}
	if m.keys == nil {
		m.keys = map[string]Key{}
	}
	k.Models, k.Endpoints = slices.Clone(k.Models), slices.Clone(k.Endpoints)
	k.CreatedAt, k.ExpiresAt, k.RevokedAt, k.LastUsedAt = stored(k.CreatedAt), stored(k.ExpiresAt), stored(k.RevokedAt), stored(k.LastUsedAt)
	m.keys[k.ID] = k
	return nil
}

// stored is a time as stores keep it: UTC, to the microsecond.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// Key implements Keys.
func (m *MemoryKeys) Key(_ context.Context, id string) (Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.keys[id]
	if !ok {
		return Key{}, ErrNoKey
	}
	return k, nil
}

// ListKeys implements Keys.
func (m *MemoryKeys) ListKeys(context.Context) ([]Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Key, 0, len(m.keys))
	for _, k := range m.keys {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Key) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// RevokeKey implements Keys.
func (m *MemoryKeys) RevokeKey(_ context.Context, id string, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.keys[id]
	if !ok {
		return ErrNoKey
	}
	if k.RevokedAt.IsZero() {
		k.RevokedAt = stored(t)
		m.keys[id] = k
	}
	return nil
}

// ReplaceKey implements Keys.
func (m *MemoryKeys) ReplaceKey(_ context.Context, old string, k Key, t time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, ok := m.keys[old]
	if !ok || !before.RevokedAt.IsZero() {
		return ErrNoKey
	}
	after := before
	after.RevokedAt = stored(t)
	m.keys[old] = after
	if err := m.create(k); err != nil {
		m.keys[old] = before
		return err
	}
	return nil
}

// TouchKeys implements Keys.
func (m *MemoryKeys) TouchKeys(_ context.Context, used map[string]time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, t := range used {
		if k, ok := m.keys[id]; ok && t.After(k.LastUsedAt) {
			k.LastUsedAt = stored(t)
			m.keys[id] = k
		}
	}
	return nil
}
