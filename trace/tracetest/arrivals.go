package tracetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Arriving is a Memory that stamps what is written, by Go's clock.
type Arriving struct {
	Memory
	came map[string]time.Time // by call; guarded by mu
}

var (
	_ trace.Arrivals    = (*Arriving)(nil)
	_ trace.ScoreValues = (*MemoryScores)(nil)
)

// Write stamps the calls of the batch.
func (m *Arriving) Write(ctx context.Context, b trace.Batch) error {
	now, err := m.StoreTime(ctx)
	if err != nil {
		return err
	}
	return m.WriteAt(ctx, b, now)
}

// WriteAt is Write with the stamp of a batch that took long to be seen.
func (m *Arriving) WriteAt(ctx context.Context, b trace.Batch, stamp time.Time) error {
	if err := m.Memory.Write(ctx, b); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.came == nil {
		m.came = map[string]time.Time{}
	}
	for i := range b.Len() {
		r, err := b.Records.At(i)
		if err != nil {
			return err
		}
		if _, there := m.came[r.Call.ID]; !there {
			m.came[r.Call.ID] = stamp
		}
	}
	return nil
}

// StoreTime implements trace.Arrivals.
func (m *Arriving) StoreTime(context.Context) (time.Time, error) {
	return time.Now().UTC().Truncate(time.Second), m.away()
}

// Arrived implements trace.Arrivals.
func (m *Arriving) Arrived(_ context.Context, q trace.ArrivalQuery) ([]trace.Arrival, error) {
	f := q.Filter
	f.Since, f.Until, f.Text = time.Time{}, time.Time{}, ""
	list, err := m.matching(f)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	order := func(a, b trace.Arrival) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) }
	var out []trace.Arrival
	for i := range list {
		a := trace.Arrival{CallRow: list[i].line(), At: m.came[list[i].Call.ID]}
		if !a.At.Before(q.Since) && a.At.Before(q.Until) && (q.After.At.IsZero() || order(a, q.After) > 0) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, order)
	return out[:min(len(out), q.Limit)], nil
}

// ScoreValues implements trace.ScoreValues.
func (m *MemoryScores) ScoreValues(_ context.Context, f trace.ScoreFilter, most int) ([]trace.ScoreValue, error) {
	var out []trace.ScoreValue
	for _, s := range slices.Backward(m.picked(&f)) {
		if s.Kind != trace.CategoryScore && len(out) < most {
			out = append(out, trace.ScoreValue{At: s.CallStart, Value: s.Value})
		}
	}
	return out, nil
}

// ArrivalStore is a store whose arrivals are told.
type ArrivalStore interface {
	trace.Writer
	trace.Arrivals
}

// TestArrivals checks the contract of trace.Arrivals on an empty store.
func TestArrivals(t *testing.T, s ArrivalStore) {
	t.Helper()
	ctx := t.Context()
	since, err := s.StoreTime(ctx)
	check(t, err)
	if off := time.Since(since); off < -time.Minute || off > time.Minute {
		t.Errorf("the store's time is %v off", off)
	}
	long := 100 * time.Hour // when a call began says nothing of when it came
	var want []string
	for i := range 5 {
		rec := body(at(time.Duration(i)*time.Second-long, func(s *trace.Span) { s.Project = []string{"p", "q"}[i%2] }), "How are you?", "Well.")
		check(t, s.Write(ctx, trace.Batch{Token: fmt.Sprint("arrival ", i), Records: trace.Slice([]trace.Record{rec})}))
		if i%2 == 0 {
			want = append(want, rec.Call.ID)
		}
	}
	until, err := s.StoreTime(ctx)
	check(t, err)
	q := trace.ArrivalQuery{Filter: trace.Filter{Project: "p", Since: time.Now(), Text: "no such word"}, Since: since, Until: until.Add(time.Second), Limit: 2}
	var got []trace.Arrival
	for {
		more, err := s.Arrived(ctx, q)
		check(t, err)
		if got = append(got, more...); len(more) < q.Limit {
			break
		}
		q.After = more[len(more)-1]
	}
	var ids []string
	for i, a := range got {
		ids = append(ids, a.ID)
		if a.InputPreview != "How are you?" || a.At.Before(since) || a.At.After(until) || a.At.Nanosecond() != 0 || i > 0 && (a.At.Before(got[i-1].At) || a.At.Equal(got[i-1].At) && a.ID <= got[i-1].ID) {
			t.Errorf("arrival %d at %v after %v of %q", i, a.At, since, a.InputPreview)
		}
	}
	slices.Sort(ids)
	slices.Sort(want)
	equal(t, "arrivals", ids, want)
	if early, err := s.Arrived(ctx, trace.ArrivalQuery{Since: since.Add(-time.Hour), Until: since, Limit: 10}); err != nil || len(early) != 0 {
		t.Errorf("before any came: %v %v", early, err)
	}
}
