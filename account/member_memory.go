package account

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// MemoryMembers keeps members in memory. The zero value is empty and ready.
type MemoryMembers struct {
	mu      sync.Mutex // guards members
	members map[string]Member
}

var _ Members = (*MemoryMembers)(nil)

// AddMember implements Members.
func (m *MemoryMembers) AddMember(_ context.Context, member Member) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.members {
		if other.ID == member.ID || other.Name == member.Name {
			return ErrMemberTaken
		}
	}
	if m.members == nil {
		m.members = map[string]Member{}
	}
	member.CreatedAt, member.RemovedAt = stored(member.CreatedAt), stored(member.RemovedAt)
	m.members[member.ID] = member
	return nil
}

// Member implements Members.
func (m *MemoryMembers) Member(_ context.Context, id string) (Member, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	member, ok := m.members[id]
	if !ok {
		return Member{}, ErrNoMember
	}
	return member, nil
}

// ListMembers implements Members.
func (m *MemoryMembers) ListMembers(context.Context) ([]Member, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.members), func(a, b Member) int { return cmp.Compare(a.Name, b.Name) }), nil
}

// change changes a member that is not removed.
func (m *MemoryMembers) change(id string, do func(*Member)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	member, ok := m.members[id]
	if !ok || !member.RemovedAt.IsZero() {
		return ErrNoMember
	}
	do(&member)
	m.members[id] = member
	return nil
}

// SetMemberRole implements Members.
func (m *MemoryMembers) SetMemberRole(_ context.Context, id string, role Role) error {
	return m.change(id, func(member *Member) { member.Role = role })
}

// SetMemberToken implements Members.
func (m *MemoryMembers) SetMemberToken(_ context.Context, id string, hash [32]byte) error {
	return m.change(id, func(member *Member) { member.Hash = hash })
}

// RemoveMember implements Members.
func (m *MemoryMembers) RemoveMember(_ context.Context, id string, t time.Time) error {
	return m.change(id, func(member *Member) { member.RemovedAt = stored(t) })
}
