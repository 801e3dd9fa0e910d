// Package onlinetest tests implementations of online.Store, and has one that remembers.
package onlinetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/eval/online"
)

// Memory is an online.Store and online.Leases in memory. The zero value is ready, and safe for concurrent use.
type Memory struct {
	mu     sync.Mutex // guards all below
	rules  map[string]*online.Stored
	calls  map[[2]string]*taken // by rule and call
	ledger map[online.Entry]*online.Entry
	drifts map[driftKey]online.Drift
	leases map[string]lease
}

type taken struct {
	came, due time.Time
	waiting   bool
}

type driftKey struct {
	rule, scorer string
	day          time.Time
}

type lease struct {
	owner string
	until time.Time
}

var (
	_ online.Store  = (*Memory)(nil)
	_ online.Leases = (*Memory)(nil)
)

func (m *Memory) open() func() {
	m.mu.Lock()
	if m.rules == nil {
		m.rules, m.calls, m.ledger = map[string]*online.Stored{}, map[[2]string]*taken{}, map[online.Entry]*online.Entry{}
		m.drifts, m.leases = map[driftKey]online.Drift{}, map[string]lease{}
	}
	return m.mu.Unlock
}

// PutOnlineRule implements online.Store.
func (m *Memory) PutOnlineRule(_ context.Context, r online.Rule) error {
	defer m.open()()
	if old := m.rules[r.Name]; old != nil {
		old.Rule = r
	} else {
		m.rules[r.Name] = &online.Stored{Rule: r}
	}
	return nil
}

// OnlineRules implements online.Store.
func (m *Memory) OnlineRules(context.Context) ([]online.Stored, error) {
	defer m.open()()
	var out []online.Stored
	for _, name := range slices.Sorted(maps.Keys(m.rules)) {
		s := *m.rules[name]
		for key, c := range m.calls {
			if key[0] == name && c.waiting {
				s.Waiting++
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// RemoveOnlineRule implements online.Store.
func (m *Memory) RemoveOnlineRule(_ context.Context, name string, at time.Time) error {
	defer m.open()()
	r := m.rules[name]
	if r == nil {
		return online.ErrNoRule
	}
	for key, c := range m.calls {
		if key[0] != name {
			continue
		}
		if c.waiting {
			for _, s := range r.Scorers {
				m.book(name, []online.Decision{{Scorer: s.Name, Outcome: online.Skipped, Reason: online.Removed}}, at)
			}
		}
		delete(m.calls, key)
	}
	delete(m.rules, name)
	return nil
}

// TakeCalls implements online.Store.
func (m *Memory) TakeCalls(_ context.Context, rule string, moves int64, next online.Position, calls []online.Taken, forget, at time.Time) error {
	defer m.open()()
	r := m.rules[rule]
	if r == nil || r.Position.Moves != moves {
		return online.ErrMoved
	}
	next.Moves = moves + 1
	r.Position = next
	for _, c := range calls {
		key := [2]string{rule, c.CallID}
		if m.calls[key] != nil {
			continue
		}
		m.calls[key] = &taken{c.Came, c.Due, c.Decided == nil}
		m.book(rule, c.Decided, at)
	}
	for key, c := range m.calls {
		if key[0] == rule && !c.waiting && c.came.Before(forget) {
			delete(m.calls, key)
		}
	}
	return nil
}

// book adds to the ledger.
func (m *Memory) book(rule string, decisions []online.Decision, at time.Time) {
	for _, d := range decisions {
		key := online.Entry{Rule: rule, Scorer: d.Scorer, Hour: at.UTC().Truncate(time.Hour), Outcome: d.Outcome, Reason: d.Reason}
		e := m.ledger[key]
		if e == nil {
			fresh := key
			e = &fresh
			m.ledger[key] = e
		}
		e.Calls++
		e.Cost += d.Cost
		e.Unpriced += int64(d.Unpriced)
		e.Detail = cmp.Or(d.Detail, e.Detail)
	}
}

// WaitingCalls implements online.Store.
func (m *Memory) WaitingCalls(_ context.Context, rule string, due time.Time, limit int) ([]string, error) {
	defer m.open()()
	var keys [][2]string
	for key, c := range m.calls {
		if key[0] == rule && c.waiting && !c.due.After(due) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b [2]string) int {
		return cmp.Or(m.calls[a].due.Compare(m.calls[b].due), cmp.Compare(a[1], b[1]))
	})
	var out []string
	for _, key := range keys[:min(limit, len(keys))] {
		out = append(out, key[1])
	}
	return out, nil
}

// DecideCall implements online.Store.
func (m *Memory) DecideCall(_ context.Context, rule, callID string, decisions []online.Decision, at time.Time) (bool, error) {
	defer m.open()()
	c := m.calls[[2]string{rule, callID}]
	if c == nil || !c.waiting {
		return false, nil
	}
	c.waiting = false
	m.book(rule, decisions, at)
	return true, nil
}

// Ledger implements online.Store.
func (m *Memory) Ledger(_ context.Context, rule string, since time.Time) ([]online.Entry, error) {
	defer m.open()()
	var out []online.Entry
	for _, e := range m.ledger {
		if (rule == "" || e.Rule == rule) && !e.Hour.Before(since) {
			out = append(out, *e)
		}
	}
	slices.SortFunc(out, func(a, b online.Entry) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Scorer, b.Scorer), a.Hour.Compare(b.Hour), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	return out, nil
}

// PutDrift implements online.Store.
func (m *Memory) PutDrift(_ context.Context, rows []online.Drift) error {
	defer m.open()()
	for _, d := range rows {
		m.drifts[driftKey{d.Rule, d.Scorer, d.Day}] = d
	}
	return nil
}

// Drifts implements online.Store.
func (m *Memory) Drifts(_ context.Context, since time.Time) ([]online.Drift, error) {
	defer m.open()()
	var out []online.Drift
	for _, d := range m.drifts {
		if !d.Day.Before(since) {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b online.Drift) int {
		return cmp.Or(b.Day.Compare(a.Day), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Scorer, b.Scorer))
	})
	return out, nil
}

// ForgetOnline implements online.Store.
func (m *Memory) ForgetOnline(_ context.Context, before time.Time) error {
	defer m.open()()
	maps.DeleteFunc(m.ledger, func(_ online.Entry, e *online.Entry) bool { return e.Hour.Before(before) })
	maps.DeleteFunc(m.drifts, func(_ driftKey, d online.Drift) bool { return d.Day.Before(before) })
	return nil
}

// TakeLease implements online.Leases.
func (m *Memory) TakeLease(_ context.Context, name, owner string, holds time.Duration) (bool, error) {
	defer m.open()()
	now := time.Now()
	if l, held := m.leases[name]; held && l.owner != owner && l.until.After(now) {
		return false, nil
	}
	m.leases[name] = lease{owner, now.Add(holds)}
	return true, nil
}
