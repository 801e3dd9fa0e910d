package account

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// MemoryViews keeps saved views in memory. The zero value is empty and ready.
type MemoryViews struct {
	mu    sync.Mutex // guards views
	views []View
}

var _ Views = (*MemoryViews)(nil)

// taken says whether another view of its owner has the name.
func (m *MemoryViews) taken(v View) bool {
	return slices.ContainsFunc(m.views, func(o View) bool { return o.ID != v.ID && o.Owner == v.Owner && o.Name == v.Name })
}

func (m *MemoryViews) find(id string) int {
	return slices.IndexFunc(m.views, func(v View) bool { return v.ID == id })
}

// AddView implements Views.
func (m *MemoryViews) AddView(_ context.Context, v View) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.find(v.ID) >= 0 || m.taken(v) {
		return ErrViewTaken
	}
	v.CreatedAt, v.ChangedAt = stored(v.CreatedAt), stored(v.ChangedAt)
	m.views = append(m.views, v)
	return nil
}

// View implements Views.
func (m *MemoryViews) View(_ context.Context, id string) (View, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(id)
	if i < 0 {
		return View{}, ErrNoView
	}
	return m.views[i], nil
}

// ListViews implements Views.
func (m *MemoryViews) ListViews(_ context.Context, owner string) ([]View, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []View{}
	for _, v := range m.views {
		if v.Shared || v.Owner == owner {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, CompareViews)
	return out, nil
}

// CompareViews orders views by name, and by owner where names are equal.
func CompareViews(a, b View) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Owner, b.Owner))
}

// SetView implements Views.
func (m *MemoryViews) SetView(_ context.Context, v View) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(v.ID)
	if i < 0 {
		return ErrNoView
	}
	next := m.views[i]
	next.Name, next.Query, next.Shared, next.ChangedAt = v.Name, v.Query, v.Shared, stored(v.ChangedAt)
	if m.taken(next) {
		return ErrViewTaken
	}
	m.views[i] = next
	return nil
}

// RemoveView implements Views.
func (m *MemoryViews) RemoveView(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(id)
	if i < 0 {
		return ErrNoView
	}
	m.views = slices.Delete(m.views, i, i+1)
	return nil
}
