package api

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// broken is a reader that fails.
type broken struct{ err error }

func (b broken) Calls(context.Context, trace.Filter, int, string) (trace.Page, error) {
	return trace.Page{}, b.err
}

func (b broken) Call(context.Context, string) (trace.Record, error) { return trace.Record{}, b.err }

func (b broken) Trace(context.Context, string, int) ([]trace.CallRow, error) { return nil, b.err }

func (b broken) Costs(context.Context, trace.CostQuery) (trace.Costs, error) {
	return trace.Costs{}, b.err
}

func (b broken) Facets(context.Context, trace.Filter, int) (map[string][]trace.Facet, error) {
	return nil, b.err
}

func (b broken) Unpriced(context.Context, time.Time, time.Time) ([]trace.UnpricedModel, error) {
	return nil, b.err
}

func (b broken) Export(context.Context, trace.Filter, bool) iter.Seq2[trace.Record, error] {
	return func(yield func(trace.Record, error) bool) { yield(trace.Record{}, b.err) }
}

// cutShort exports one call and then fails.
type cutShort struct{ broken }

func (c cutShort) Export(context.Context, trace.Filter, bool) iter.Seq2[trace.Record, error] {
	return func(yield func(trace.Record, error) bool) {
		if yield(example(), nil) {
			yield(trace.Record{}, c.err)
		}
	}
}

// fakeSpool has what it is given.
type fakeSpool struct {
	stats       SpoolStats
	waiting     []trace.Record
	quarantined []Quarantined
	resent      []int64
	discarded   []int64
	damaged     int // times that the damaged were discarded
	err         error
}

func (s *fakeSpool) Stats() SpoolStats { return s.stats }

func (s *fakeSpool) Quarantined() ([]Quarantined, error) { return s.quarantined, s.err }

func (s *fakeSpool) FindQuarantined(id string) (Quarantined, error) {
	for _, q := range s.quarantined {
		if id == fmt.Sprint(q.Number) || id == q.Record.Call.ID {
			return q, nil
		}
	}
	return Quarantined{}, fmt.Errorf("find %s: %w", id, ErrNotQuarantined)
}

func (s *fakeSpool) Resend(number int64) error {
	s.resent = append(s.resent, number)
	return s.err
}

func (s *fakeSpool) Discard(number int64) error {
	s.discarded = append(s.discarded, number)
	return s.err
}

func (s *fakeSpool) DiscardDamaged() error {
	s.damaged++
	return s.err
}

func (s *fakeSpool) Waiting(id string) (trace.Record, bool) {
	for _, r := range s.waiting {
		if r.Call.ID == id {
			return r, true
		}
	}
	return trace.Record{}, false
}

// memoryPrices keeps prices in memory.
type memoryPrices struct {
	mu   sync.Mutex // guards list
	list []price.Entry
}

func (m *memoryPrices) Prices(context.Context) ([]price.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.list), nil
}

func (m *memoryPrices) PutPrice(ctx context.Context, e price.Entry) error {
	_, _ = m.DeletePrice(ctx, e)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, e)
	return nil
}

func (m *memoryPrices) PutPrices(ctx context.Context, entries []price.Entry) error {
	for _, e := range entries {
		_ = m.PutPrice(ctx, e)
	}
	return nil
}

func (m *memoryPrices) DeletePrice(_ context.Context, e price.Entry) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.list)
	m.list = slices.DeleteFunc(m.list, func(old price.Entry) bool { return samePrice(&old, &e) })
	return len(m.list) < n, nil
}
