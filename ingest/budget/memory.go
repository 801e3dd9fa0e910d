package budget

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Memory is a ledger in this process's memory. The zero value is empty and ready.
type Memory struct {
	mu       sync.Mutex // guards all below
	now      time.Time  // the latest that was told
	accounts map[string]*tally
	holds    map[string]*held
	ended    map[string]*held // released or expired before they were settled
}

var _ Ledger = (*Memory)(nil)

// held is a hold with where its claims are counted.
type held struct {
	Hold
	state     State
	inherited bool // of a call that was lost
	places    []place
}

// place is where a claim is counted.
type place struct {
	in     *tally
	cell   *cell
	amount Amount
}

// at takes the lock and the time, which does not run backwards.
func (m *Memory) at(now time.Time) time.Time {
	m.mu.Lock()
	if m.accounts == nil {
		m.accounts, m.holds, m.ended = map[string]*tally{}, map[string]*held{}, map[string]*held{}
	}
	if now.After(m.now) {
		m.now = now
	}
	return m.now
}

// tally finds or makes an account, in its present window.
func (m *Memory) tally(a *Account, now time.Time) *tally {
	t, ok := m.accounts[a.ID]
	if !ok {
		t = newTally(a)
		m.accounts[a.ID] = t
	}
	if t.account != a {
		t.account = a
	}
	t.roll(now)
	return t
}

// Hold implements Ledger.
func (m *Memory) Hold(_ context.Context, h *Hold, now time.Time) ([]Refusal, error) {
	now = m.at(now)
	defer m.mu.Unlock()
	kept := &held{Hold: *h, state: Open, places: make([]place, len(h.Claims))}
	var refused []Refusal
	for i := range h.Claims {
		c := &h.Claims[i]
		t := m.tally(c.Account, now)
		amount := c.Amount.positive()
		if c.Account.Hard && !t.room(amount) {
			refused = append(refused, Refusal{c.Account, t.usage(now), amount})
		}
		kept.places[i] = place{t, t.now, amount}
	}
	if refused != nil {
		return refused, nil
	}
	for i := range kept.places {
		p := &kept.places[i]
		p.in.hold(p.cell, p.amount)
	}
	kept.Began = now
	m.holds[h.ID] = kept
	return nil, nil
}

// Dispatched implements Ledger.
func (m *Memory) Dispatched(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, ok := m.holds[id]
	if !ok {
		return ErrNoHold
	}
	h.state = Sent
	return nil
}

// Extend implements Ledger.
func (m *Memory) Extend(_ context.Context, id string, total Amount, until, now time.Time) ([]Refusal, error) {
	now = m.at(now)
	defer m.mu.Unlock()
	h, ok := m.holds[id]
	if !ok {
		return nil, ErrNoHold
	}
	total = total.positive()
	var refused []Refusal
	for _, p := range h.places {
		more := total.Minus(p.amount)
		if p.in.roll(now); p.in.account.Hard && more != (Amount{}) && p.cell.live && !p.in.room(more) {
			refused = append(refused, Refusal{p.in.account, p.in.usage(now), more})
		}
	}
	if refused != nil {
		return refused, nil
	}
	for i := range h.places {
		p := &h.places[i]
		more := total.Minus(p.amount)
		p.in.more(p.cell, more)
		p.amount = p.amount.Plus(more)
	}
	if until.After(h.Expires) {
		h.Expires = until
	}
	if h.state == Presumed { // its owner is back
		h.state = Sent
	}
	return nil, nil
}

// Settle implements Ledger.
func (m *Memory) Settle(_ context.Context, id string, cost Amount, now time.Time) error {
	now = m.at(now)
	defer m.mu.Unlock()
	cost = cost.positive()
	if h, ok := m.holds[id]; ok {
		delete(m.holds, id)
		for _, p := range h.places {
			p.in.roll(now)
			p.in.charge(p.cell, cost, p.amount)
			p.in.unhold(p.cell, p.amount)
		}
		return nil
	}
	h, ok := m.ended[id]
	if !ok {
		return ErrNoHold
	}
	delete(m.ended, id)
	for _, p := range h.places {
		p.in.roll(now)
		p.in.charge(p.cell, cost, Amount{})
	}
	return nil
}

// Release implements Ledger.
func (m *Memory) Release(_ context.Context, id string, now time.Time) error {
	now = m.at(now)
	defer m.mu.Unlock()
	h, ok := m.holds[id]
	if !ok {
		return ErrNoHold
	}
	m.release(h, now)
	return nil
}

func (m *Memory) release(h *held, now time.Time) {
	delete(m.holds, h.ID)
	for _, p := range h.places {
		p.in.roll(now)
		p.in.unhold(p.cell, p.amount)
	}
	m.ended[h.ID] = h
}

// Expire implements Ledger.
func (m *Memory) Expire(_ context.Context, now time.Time) error {
	now = m.at(now)
	defer m.mu.Unlock()
	for _, t := range m.accounts {
		t.roll(now)
	}
	for _, h := range m.holds {
		switch {
		case h.state == Presumed && h.over():
			m.release(h, now)
		case h.Expires.After(now):
		case h.state == Open:
			m.release(h, now)
		default:
			h.state = Presumed
		}
	}
	for id, h := range m.ended {
		if h.over() {
			delete(m.ended, id) // settled or not, no present window would show it
		}
	}
	return nil
}

// over says that all windows in which the hold counts have ended.
func (h *held) over() bool {
	return !slices.ContainsFunc(h.places, func(p place) bool { return p.cell.live })
}

// Charge implements Ledger.
func (m *Memory) Charge(_ context.Context, accounts []*Account, cost Amount, now time.Time) error {
	now = m.at(now)
	defer m.mu.Unlock()
	for _, a := range accounts {
		t := m.tally(a, now)
		t.charge(t.now, cost.positive(), cost.positive())
	}
	return nil
}

// Fill implements Ledger.
func (m *Memory) Fill(_ context.Context, a *Account, past []Past, lost []Hold, now time.Time) error {
	now = m.at(now)
	defer m.mu.Unlock()
	t := m.tally(a, now)
	t.fill(past, now)
	for id, h := range m.holds {
		if !h.inherited {
			continue
		}
		h.places = slices.DeleteFunc(h.places, func(p place) bool {
			if p.in == t {
				t.unhold(p.cell, p.amount)
			}
			return p.in == t
		})
		if len(h.places) == 0 {
			delete(m.holds, id)
		}
	}
	for i := range lost {
		m.inherit(t, &lost[i], now)
	}
	return nil
}

// inherit counts the hold of a lost call against an account.
func (m *Memory) inherit(t *tally, l *Hold, now time.Time) {
	from, until := t.bounds(l.Began)
	if !t.covers(&cell{from: from, until: until}, now) {
		return
	}
	for _, c := range l.Claims {
		if c.Account.ID != t.account.ID {
			continue
		}
		h, ok := m.holds[l.ID]
		if !ok {
			h = &held{Hold: *l, state: Presumed, inherited: true}
			h.Claims = nil
			m.holds[l.ID] = h
		}
		p := place{t, t.cellAt(l.Began), c.Amount.positive()}
		t.hold(p.cell, p.amount)
		h.places = append(h.places, p)
	}
}

// Forget implements Ledger.
func (m *Memory) Forget(_ context.Context, a *Account) error {
	m.at(time.Time{})
	defer m.mu.Unlock()
	t, ok := m.accounts[a.ID]
	if !ok {
		return nil
	}
	delete(m.accounts, a.ID)
	for _, list := range []map[string]*held{m.holds, m.ended} {
		for hold, h := range list {
			h.places = slices.DeleteFunc(h.places, func(p place) bool { return p.in == t })
			if len(h.places) == 0 && h.inherited {
				delete(list, hold)
			}
		}
	}
	return nil
}

// Usage implements Ledger.
func (m *Memory) Usage(_ context.Context, a *Account, now time.Time) (Usage, error) {
	now = m.at(now)
	defer m.mu.Unlock()
	t, ok := m.accounts[a.ID]
	if !ok {
		t = newTally(a)
	}
	t.roll(now)
	return t.usage(now), nil
}

// Holds implements Ledger.
func (m *Memory) Holds(context.Context) ([]HeldNow, error) {
	m.at(time.Time{})
	defer m.mu.Unlock()
	out := make([]HeldNow, 0, len(m.holds))
	for _, h := range m.holds {
		now := HeldNow{Hold: h.Hold, State: h.state}
		now.Claims = make([]Claim, len(h.places))
		for i, p := range h.places {
			now.Claims[i] = Claim{p.in.account, p.amount}
		}
		out = append(out, now)
	}
	slices.SortFunc(out, func(a, b HeldNow) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}
