package schedule

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/weir-dev/weir/alert"
)

var _ Store = (*Memory)(nil)

// Memory is a Store in memory, for tests and trials. Deliveries go to its Outbox, which is needed for them alone.
type Memory struct {
	Outbox Outbox

	mu   sync.Mutex // guards the rest
	list []Schedule
	sent []Sent
}

// PutReportSchedule implements Store.
func (m *Memory) PutReportSchedule(_ context.Context, s Schedule, fresh bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.list, func(o Schedule) bool { return o.Name == s.Name })
	switch {
	case i >= 0 && fresh:
		return ErrTaken
	case i >= 0:
		m.list[i] = s
	default:
		m.list = append(m.list, s)
		slices.SortFunc(m.list, func(a, b Schedule) int { return cmp.Compare(a.Name, b.Name) })
	}
	return nil
}

// ReportSchedules implements Store.
func (m *Memory) ReportSchedules(context.Context) ([]Schedule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.list), nil
}

// DeleteReportSchedule implements Store.
func (m *Memory) DeleteReportSchedule(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.list)
	m.list = slices.DeleteFunc(m.list, func(s Schedule) bool { return s.Name == name })
	if len(m.list) == n {
		return ErrNone
	}
	m.sent = slices.DeleteFunc(m.sent, func(s Sent) bool { return s.Schedule == name })
	return nil
}

// ReportsSent implements Store.
func (m *Memory) ReportsSent(_ context.Context, schedule string) ([]Sent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.DeleteFunc(slices.Clone(m.sent), func(s Sent) bool { return s.Schedule != schedule })
	slices.SortFunc(out, func(a, b Sent) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Period, a.Period)) })
	return out, nil
}

// NoteReport implements Store.
func (m *Memory) NoteReport(ctx context.Context, s Sent, deliveries []alert.Delivery) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.sent, func(o Sent) bool { return o.Schedule == s.Schedule && o.Kind == s.Kind && o.Period == s.Period }) {
		return false, nil
	}
	for _, d := range deliveries {
		if err := m.Outbox.AddAlertDelivery(ctx, d); err != nil {
			return false, err
		}
	}
	m.sent = append(m.sent, s)
	return true, nil
}
