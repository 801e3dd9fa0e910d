package alert

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/price"
)

var _ Store = (*Memory)(nil)

// Memory is a Store in memory, for tests and trials. The zero value is empty and ready.
type Memory struct {
	mu         sync.Mutex // guards the rest
	rules      []Rule
	states     []State
	looks      map[string]Look
	events     []Event
	silences   []Silence
	deliveries []Delivery
}

// PutAlertRule implements Store.
func (m *Memory) PutAlertRule(_ context.Context, r Rule, fresh bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.rules, func(o Rule) bool { return o.Name == r.Name })
	switch {
	case i >= 0 && fresh:
		return ErrRuleTaken
	case i >= 0:
		m.rules[i] = r
	default:
		m.rules = append(m.rules, r)
		slices.SortFunc(m.rules, func(a, b Rule) int { return cmp.Compare(a.Name, b.Name) })
	}
	return nil
}

// AlertRules implements Store.
func (m *Memory) AlertRules(context.Context) ([]Rule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.rules), nil
}

// DeleteAlertRule implements Store.
func (m *Memory) DeleteAlertRule(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.rules)
	m.rules = slices.DeleteFunc(m.rules, func(r Rule) bool { return r.Name == name })
	if len(m.rules) == n {
		return ErrNoRule
	}
	m.forget(func(rule string) bool { return rule == name })
	return nil
}

func (m *Memory) forget(which func(string) bool) {
	m.states = slices.DeleteFunc(m.states, func(s State) bool { return which(s.Rule) })
	for rule := range m.looks {
		if which(rule) {
			delete(m.looks, rule)
		}
	}
}

// ForgetAlerts implements Store.
func (m *Memory) ForgetAlerts(_ context.Context, but []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(func(rule string) bool { return !slices.Contains(but, rule) })
	return nil
}

// AlertStates implements Store.
func (m *Memory) AlertStates(_ context.Context, rule string) ([]State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.DeleteFunc(slices.Clone(m.states), func(s State) bool { return rule != "" && s.Rule != rule })
	slices.SortFunc(out, func(a, b State) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Labels.Key(), b.Labels.Key()))
	})
	return out, nil
}

// AlertLooks implements Store.
func (m *Memory) AlertLooks(context.Context) ([]Look, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Look
	for _, l := range m.looks {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Look) int { return cmp.Compare(a.Rule, b.Rule) })
	return out, nil
}

// SaveAlerts implements Store.
func (m *Memory) SaveAlerts(_ context.Context, r Result) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.looks == nil {
		m.looks = map[string]Look{}
	}
	m.looks[r.Look.Rule] = r.Look
	if r.Look.Error == "" {
		acks := map[string]State{}
		for _, s := range m.states {
			if s.Rule == r.Look.Rule {
				acks[s.Labels.Key()] = s
			}
		}
		m.states = slices.DeleteFunc(m.states, func(s State) bool { return s.Rule == r.Look.Rule })
		for _, s := range r.States {
			if was, ok := acks[s.Labels.Key()]; ok && was.Severity == s.Severity && was.Since.Equal(s.Since) {
				s.AckBy, s.AckAt = was.AckBy, was.AckAt
			}
			m.states = append(m.states, s)
		}
	}
	m.events = append(m.events, r.Events...)
	m.deliveries = append(m.deliveries, r.Deliveries...)
	return nil
}

// AcknowledgeAlert implements Store.
func (m *Memory) AcknowledgeAlert(_ context.Context, rule, key, by string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.states {
		if s := &m.states[i]; s.Rule == rule && s.Labels.Key() == key && s.Severity != OK {
			if s.AckBy, s.AckAt = by, at; by == "" {
				s.AckAt = time.Time{}
			}
			return nil
		}
	}
	return ErrNoState
}

// AlertHistory implements Store.
func (m *Memory) AlertHistory(_ context.Context, q HistoryQuery) ([]Event, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if q.Cursor != "" && !slices.ContainsFunc(m.events, func(e Event) bool { return e.ID == q.Cursor }) {
		return nil, "", ErrCursor
	}
	var out []Event
	for _, e := range m.events {
		if (q.Rule == "" || e.Rule == q.Rule) && !e.At.Before(q.Since) && (q.Cursor == "" || e.ID < q.Cursor) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b Event) int { return cmp.Compare(b.ID, a.ID) })
	next := ""
	if limit := max(q.Limit, 1); len(out) > limit {
		out = out[:limit]
		next = out[limit-1].ID
	}
	return out, next, nil
}

// PruneAlerts implements Store.
func (m *Memory) PruneAlerts(_ context.Context, before time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = slices.DeleteFunc(m.events, func(e Event) bool { return e.At.Before(before) })
	m.silences = slices.DeleteFunc(m.silences, func(s Silence) bool { return s.Until.Before(before) })
	m.deliveries = slices.DeleteFunc(m.deliveries, func(d Delivery) bool { return d.At.Before(before) && d.Way.State != price.DeliveryWaiting })
	return nil
}

// PutSilence implements Store.
func (m *Memory) PutSilence(_ context.Context, s Silence) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.silences = append(m.silences, s)
	return nil
}

// ListSilences implements Store.
func (m *Memory) ListSilences(_ context.Context, after time.Time) ([]Silence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.DeleteFunc(slices.Clone(m.silences), func(s Silence) bool { return !s.Until.After(after) })
	slices.SortFunc(out, func(a, b Silence) int { return cmp.Or(b.Until.Compare(a.Until), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// EndSilence implements Store.
func (m *Memory) EndSilence(_ context.Context, id, by string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.silences {
		if s := &m.silences[i]; s.ID == id && s.Until.After(at) {
			s.Until, s.EndedBy = at, by
			return nil
		}
	}
	return ErrNoSilence
}

// AddAlertDelivery implements Store.
func (m *Memory) AddAlertDelivery(_ context.Context, d Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deliveries = append(m.deliveries, d)
	return nil
}

// AlertDeliveries implements Store.
func (m *Memory) AlertDeliveries(_ context.Context, state price.DeliveryState, limit int) ([]Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.DeleteFunc(slices.Clone(m.deliveries), func(d Delivery) bool { return state != "" && d.Way.State != state })
	slices.SortFunc(out, func(a, b Delivery) int { return cmp.Compare(b.ID, a.ID) })
	return out[:min(len(out), max(limit, 1))], nil
}

// ResendAlert implements Store.
func (m *Memory) ResendAlert(_ context.Context, id string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.deliveries {
		if d := &m.deliveries[i]; d.ID == id && d.Way.State != price.DeliveryWaiting {
			d.Way = price.Delivery{State: price.DeliveryWaiting, Next: at}
			return nil
		}
	}
	return ErrNoDelivery
}

// ClaimAlertDeliveries implements Store.
func (m *Memory) ClaimAlertDeliveries(_ context.Context, now, until time.Time, most int) ([]Delivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Delivery
	for i := range m.deliveries {
		if d := &m.deliveries[i]; d.Way.State == price.DeliveryWaiting && !d.Way.Next.After(now) && len(out) < most {
			out = append(out, *d)
			d.Way.Next = until
		}
	}
	return out, nil
}

// SetAlertDelivery implements Store.
func (m *Memory) SetAlertDelivery(_ context.Context, id string, way price.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.deliveries {
		if m.deliveries[i].ID == id {
			m.deliveries[i].Way = way
		}
	}
	return nil
}
