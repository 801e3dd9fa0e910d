package prompts

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Memory keeps prompts in memory. The zero value is empty and ready.
type Memory struct {
	mu       sync.Mutex // guards all
	revision int64
	prompts  map[string]*Prompt
	moves    map[string][]Move // by prompt, oldest first
	changes  []Change          // oldest first
}

var _ Store = (*Memory)(nil)

// State implements Store.
func (m *Memory) State(context.Context) (*State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := &State{Revision: m.revision, Prompts: make(map[string]*Prompt, len(m.prompts))}
	for name, p := range m.prompts {
		out.Prompts[name] = &Prompt{Name: name, Versions: slices.Clone(p.Versions), Labels: maps.Clone(p.Labels), Protected: maps.Clone(p.Protected)}
	}
	return out, nil
}

// Revision implements Store.
func (m *Memory) Revision(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.revision, nil
}

// Push implements Store.
func (m *Memory) Push(_ context.Context, p Push) (Version, bool, error) {
	hash, err := HashOf(p.Content)
	if err != nil {
		return Version{}, false, fmt.Errorf("push prompt %s: %w", p.Name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	have, ok := m.prompts[p.Name]
	if !ok {
		have = &Prompt{Name: p.Name, Labels: map[string]Pointer{}, Protected: map[string]Protection{}}
	}
	for _, v := range have.Versions {
		if v.Hash == hash && v.DeletedAt.IsZero() {
			return v, false, nil
		}
	}
	if err := CheckAfter(p, len(have.Versions)); err != nil {
		return Version{}, false, fmt.Errorf("push: %w", err)
	}
	m.revision++
	v := Version{
		Name: p.Name, Number: len(have.Versions) + 1, Hash: hash, Content: p.Content, Author: p.Author, Message: p.Message, CreatedAt: stored(p.At),
	}
	have.Versions = append(have.Versions, v)
	have.Labels[Latest] = Pointer{p.Name, Latest, v.Number, m.revision, v.CreatedAt}
	if m.prompts == nil {
		m.prompts = map[string]*Prompt{}
	}
	m.prompts[p.Name] = have
	return v, true, nil
}

// stored is a time as stores keep it: UTC, to the microsecond.
func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

// DeleteVersion implements Store.
func (m *Memory) DeleteVersion(_ context.Context, name string, number int, author string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.prompts[name]
	if err := CheckDelete(name, number, m.place(name, "", number)); err != nil {
		return fmt.Errorf("delete version %d: %w", number, err)
	}
	for _, label := range slices.Sorted(maps.Keys(p.Labels)) {
		if label != Latest && p.Labels[label].Number == number {
			return Pointed(name, label, number)
		}
	}
	m.revision++
	p.Versions = slices.Clone(p.Versions) // a State may hold the old ones
	v := &p.Versions[number-1]
	v.Content, v.DeletedAt, v.DeletedBy = Content{}, stored(at), author
	if p.Labels[Latest].Number == number {
		delete(p.Labels, Latest)
		for _, v := range slices.Backward(p.Versions) {
			if v.DeletedAt.IsZero() {
				p.Labels[Latest] = Pointer{name, Latest, v.Number, m.revision, stored(at)}
				break
			}
		}
	}
	return nil
}

// place tells where a label is and whether it was at a version.
func (m *Memory) place(name, label string, number int) Place {
	p, ok := m.prompts[name]
	if !ok {
		return Place{}
	}
	_, protected := p.Protected[label]
	v, _ := p.Version(number)
	return Place{
		Newest: len(p.Versions), Deleted: !v.DeletedAt.IsZero(), At: p.Labels[label].Number, Protected: protected,
		WasAt: slices.ContainsFunc(m.moves[name], func(was Move) bool { return was.Label == label && was.Number == number }),
	}
}

// MoveLabel implements Store.
func (m *Memory) MoveLabel(_ context.Context, mv Move, expect int) (Move, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	place := m.place(mv.Prompt, mv.Label, mv.Number)
	if err := CheckMove(mv, expect, place); err != nil {
		return Move{}, fmt.Errorf("move label: %w", err)
	}
	mv.Change = ""
	return m.move(mv, place.At), nil
}

// move points a label to a version, or takes it away when the number is 0.
func (m *Memory) move(mv Move, from int) Move {
	mv.From, mv.MovedAt, mv.Revision = from, stored(mv.MovedAt), 0
	if from == mv.Number {
		return mv
	}
	m.revision++
	mv.Revision = m.revision
	p := m.prompts[mv.Prompt]
	if mv.Number == 0 {
		delete(p.Labels, mv.Label)
	} else {
		p.Labels[mv.Label] = mv.Pointer
	}
	if m.moves == nil {
		m.moves = map[string][]Move{}
	}
	m.moves[mv.Prompt] = append(m.moves[mv.Prompt], mv)
	return mv
}

// RemoveLabel implements Store.
func (m *Memory) RemoveLabel(_ context.Context, name, label, author, reason string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	place := m.place(name, label, 0)
	if err := CheckRemove(name, label, place); err != nil {
		return fmt.Errorf("remove label: %w", err)
	}
	m.move(Move{Pointer: Pointer{Prompt: name, Label: label, MovedAt: at}, Author: author, Reason: reason}, place.At)
	return nil
}

// Moves implements Store.
func (m *Memory) Moves(_ context.Context, name string) ([]Move, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.prompts[name]; !ok {
		return nil, fmt.Errorf("moves of prompt %s: %w", name, ErrNoPrompt)
	}
	out := slices.Clone(m.moves[name])
	slices.Reverse(out)
	return out, nil
}

// Protect implements Store.
func (m *Memory) Protect(_ context.Context, name, label string, rule Protection) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.prompts[name]
	if !ok {
		return fmt.Errorf("protect label %s of prompt %s: %w", label, name, ErrNoPrompt)
	}
	m.revision++
	rule.At = stored(rule.At)
	p.Protected[label] = rule
	return nil
}

// Unprotect implements Store.
func (m *Memory) Unprotect(_ context.Context, name, label string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.prompts[name]
	if !ok {
		return fmt.Errorf("unprotect label %s of prompt %s: %w", label, name, ErrNoPrompt)
	}
	if _, ok := p.Protected[label]; !ok {
		return NotProtected(name, label)
	}
	m.revision++
	delete(p.Protected, label)
	return nil
}

// OpenChange implements Store.
func (m *Memory) OpenChange(_ context.Context, c Change) (Change, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	place := m.place(c.Prompt, c.Label, c.To)
	if err := CheckOpen(c, place); err != nil {
		return Change{}, fmt.Errorf("open change: %w", err)
	}
	if slices.ContainsFunc(m.changes, func(have Change) bool { return have.ID == c.ID }) {
		return Change{}, fmt.Errorf("open change: id %s is taken: %w", c.ID, ErrConflict)
	}
	c = Change{
		ID: c.ID, Prompt: c.Prompt, Label: c.Label, From: place.At, To: c.To, Author: c.Author, Reason: c.Reason, OpenedAt: stored(c.OpenedAt), Status: ChangeOpen,
	}
	m.revision++
	m.changes = append(m.changes, c)
	return c, nil
}

// Change implements Store.
func (m *Memory) Change(_ context.Context, id string) (Change, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.change(id)
	if err != nil {
		return Change{}, err
	}
	return copyOf(c), nil
}

func (m *Memory) change(id string) (*Change, error) {
	i := slices.IndexFunc(m.changes, func(c Change) bool { return c.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("change %s: %w", id, ErrNoChange)
	}
	return &m.changes[i], nil
}

func copyOf(c *Change) Change {
	out := *c
	out.Reviews = slices.Clone(c.Reviews)
	return out
}

// ListChanges implements Store.
func (m *Memory) ListChanges(_ context.Context, name string) ([]Change, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Change
	for i := range m.changes {
		if c := &m.changes[i]; name == "" || c.Prompt == name {
			out = append(out, copyOf(c))
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return cmp.Or(b.OpenedAt.Compare(a.OpenedAt), cmp.Compare(b.ID, a.ID)) })
	return out, nil
}

// ReviewChange implements Store.
func (m *Memory) ReviewChange(_ context.Context, id string, r Review) (Change, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.change(id)
	if err != nil {
		return Change{}, err
	}
	if err := c.CheckReview(r); err != nil {
		return Change{}, fmt.Errorf("review: %w", err)
	}
	m.revision++
	r.At = stored(r.At)
	c.Reviews = append(c.Reviews, r)
	return copyOf(c), nil
}

// CloseChange implements Store.
func (m *Memory) CloseChange(_ context.Context, id, author string, at time.Time) (Change, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.change(id)
	if err != nil {
		return Change{}, err
	}
	if err := c.CheckClose(); err != nil {
		return Change{}, fmt.Errorf("close: %w", err)
	}
	m.revision++
	c.Status, c.ClosedAt, c.ClosedBy = ChangeClosed, stored(at), author
	return copyOf(c), nil
}

// MergeChange implements Store.
func (m *Memory) MergeChange(_ context.Context, id, author, passed string, at time.Time) (Change, Move, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.change(id)
	if err != nil {
		return Change{}, Move{}, err
	}
	place := m.place(c.Prompt, c.Label, c.To)
	var rule Protection
	if p, ok := m.prompts[c.Prompt]; ok {
		rule = p.Protected[c.Label]
	}
	if err := c.CheckMerge(rule, passed, place); err != nil {
		return Change{}, Move{}, fmt.Errorf("merge: %w", err)
	}
	mv := m.move(c.Merged(author, at), place.At)
	c.Status, c.ClosedAt, c.ClosedBy, c.Revision = ChangeMerged, stored(at), author, mv.Revision
	return copyOf(c), mv, nil
}
