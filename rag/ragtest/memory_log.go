package ragtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
)

// MemoryLog is a rag.Log in memory. The zero value is empty. Safe for concurrent use.
type MemoryLog struct {
	mu    sync.Mutex // guards asked
	asked map[string]rag.Asked
}

var _ rag.Log = (*MemoryLog)(nil)

// Write implements rag.Log.
func (m *MemoryLog) Write(ctx context.Context, asked []rag.Asked) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked == nil {
		m.asked = map[string]rag.Asked{}
	}
	for _, a := range asked {
		a.Time = a.Time.UTC().Truncate(time.Microsecond)
		m.asked[a.ID] = a
	}
	return ctx.Err()
}

// picked gives what a filter picks, the newest first.
func (m *MemoryLog) picked(f *rag.AskedFilter) []rag.Asked {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []rag.Asked
	for _, a := range m.asked {
		only := map[rag.AskedKind]bool{
			"": true, rag.AskedEmpty: a.Empty, rag.AskedSlow: slow(f, &a), rag.AskedNotFound: a.NotInSources, rag.AskedUnverified: a.Verified < a.Citations,
		}[f.Only]
		among := func(want, got string) bool { return want == "" || want == got }
		if only && among(f.Project, a.Project) && among(f.Pipeline, a.Pipeline) && among(f.Collection, a.Collection) && among(f.TraceID, a.TraceID) &&
			among(f.CallID, a.CallID) && !a.Time.Before(f.Since) && (f.Until.IsZero() || a.Time.Before(f.Until)) {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b rag.Asked) int { return cmp.Or(b.Time.Compare(a.Time), strings.Compare(b.ID, a.ID)) })
	return list
}

func slow(f *rag.AskedFilter, a *rag.Asked) bool { return f.SlowMS > 0 && a.RetrievalMS >= f.SlowMS }

// List implements rag.Log.
func (m *MemoryLog) List(ctx context.Context, f rag.AskedFilter, after *rag.AskedKey, limit int) ([]rag.Asked, error) {
	switch f.Only {
	case "", rag.AskedEmpty, rag.AskedSlow, rag.AskedNotFound, rag.AskedUnverified:
	default:
		return nil, fmt.Errorf("list questions: no kind of them is called %q", f.Only)
	}
	var list []rag.Asked
	for _, a := range m.picked(&f) {
		if after != nil && cmp.Or(a.Time.Compare(after.Time), strings.Compare(a.ID, after.ID)) >= 0 {
			continue
		}
		if len(list) < limit {
			a.Chunks = nil
			list = append(list, a)
		}
	}
	return list, ctx.Err()
}

// Get implements rag.Log.
func (m *MemoryLog) Get(ctx context.Context, id string) (rag.Asked, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.asked[id]
	if !ok {
		return a, fmt.Errorf("question %q: %w", id, rag.ErrNotAsked)
	}
	return a, ctx.Err()
}

// Summary implements rag.Log.
func (m *MemoryLog) Summary(ctx context.Context, f rag.AskedFilter) (rag.AskedSummary, error) {
	all := m.picked(&f)
	pipelines, hours, steps := map[string][]rag.Asked{}, map[time.Time][]rag.Asked{}, map[rag.Step][]float64{}
	for _, a := range all {
		pipelines[a.Pipeline] = append(pipelines[a.Pipeline], a)
		hour := a.Time.Truncate(time.Hour)
		hours[hour] = append(hours[hour], a)
		for step, ms := range a.TookMS {
			steps[step] = append(steps[step], ms)
		}
	}
	s := rag.AskedSummary{AskedTotals: totals(&f, all)}
	for _, name := range slices.Sorted(maps.Keys(pipelines)) {
		s.Pipelines = append(s.Pipelines, rag.AskedGroup{Name: name, AskedTotals: totals(&f, pipelines[name])})
	}
	for _, hour := range slices.SortedFunc(maps.Keys(hours), time.Time.Compare) {
		s.Hours = append(s.Hours, rag.AskedGroup{Hour: hour, AskedTotals: totals(&f, hours[hour])})
	}
	for _, step := range slices.Sorted(maps.Keys(steps)) {
		s.Steps = append(s.Steps, rag.StepTimes{Step: step, Runs: int64(len(steps[step])), P50: quantile(steps[step], 0.5), P95: quantile(steps[step], 0.95)})
	}
	return s, ctx.Err()
}

func totals(f *rag.AskedFilter, list []rag.Asked) rag.AskedTotals {
	t := rag.AskedTotals{Questions: int64(len(list))}
	var retrieval, relevance, quality []float64
	for i := range list {
		a := &list[i]
		for count, is := range map[*int64]bool{&t.Empty: a.Empty, &t.Slow: slow(f, a), &t.NotInSources: a.NotInSources} {
			if is {
				*count++
			}
		}
		t.Citations, t.Verified, t.ContextTokens = t.Citations+int64(a.Citations), t.Verified+int64(a.Verified), t.ContextTokens+int64(a.ContextTokens)
		if a.GenerationCost != nil {
			t.Cost, t.Priced = t.Cost+*a.GenerationCost, t.Priced+1
		}
		retrieval = append(retrieval, a.RetrievalMS)
		if a.ContextRelevance != nil {
			relevance = append(relevance, *a.ContextRelevance)
		}
		if a.ResponseQuality != nil {
			quality = append(quality, *a.ResponseQuality)
		}
	}
	t.RetrievalP50, t.RetrievalP95 = quantile(retrieval, 0.5), quantile(retrieval, 0.95)
	t.ContextRelevance, t.ResponseQuality = mean(relevance), mean(quality)
	return t
}

// quantile is the value that a share q of all lies below.
func quantile(list []float64, q float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[min(int(q*float64(len(list))), len(list)-1)]
}

func mean(list []float64) *float64 {
	if len(list) == 0 {
		return nil
	}
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	sum /= float64(len(list))
	return &sum
}

// cents is an amount for a test.
func cents(n int64) *price.USD {
	u := price.USD(n) * price.Cent
	return &u
}
