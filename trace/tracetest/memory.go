// Package tracetest tests implementations of the trace package's Writer and Reader, and has one that remembers.
package tracetest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Memory is a store in memory: plain loops over plain slices. The zero value is ready, and safe for concurrent use.
type Memory struct {
	// Preview gives the texts that lists show the beginning of and searches look in; nil leaves them empty.
	Preview func(r *trace.Record, most int) (input, output string)
	// Away, when not nil, is asked before everything; its error, joined to trace.ErrAway, is the answer.
	Away func() error

	mu      sync.Mutex // guards all below
	tokens  map[string]bool
	entries []entry
}

// entry is a record with its previews.
type entry struct {
	trace.Record
	input, output string
}

var (
	_ trace.Writer = (*Memory)(nil)
	_ trace.Reader = (*Memory)(nil)
	_ trace.Finder = (*Memory)(nil)
)

func (m *Memory) away() error {
	if m.Away == nil {
		return nil
	}
	if err := m.Away(); err != nil {
		return fmt.Errorf("memory store: %w: %w", trace.ErrAway, err)
	}
	return nil
}

// Write remembers the batch unless its token was seen before.
func (m *Memory) Write(_ context.Context, b trace.Batch) error {
	if err := m.away(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tokens[b.Token] {
		return nil
	}
	if m.tokens == nil {
		m.tokens = map[string]bool{}
	}
	m.tokens[b.Token] = true
	for i := range b.Len() {
		r, err := b.Records.At(i)
		if err != nil {
			return err
		}
		e := entry{Record: *r}
		e.Body = trace.Body{Request: bytes.Clone(r.Body.Request), Response: bytes.Clone(r.Body.Response)}
		if m.Preview != nil {
			e.input, e.output = m.Preview(r, 64<<10)
		}
		e.Attempts = slices.Clone(r.Attempts)
		normalize(&e.Call)
		for i := range e.Attempts {
			normalize(&e.Attempts[i])
		}
		m.entries = append(m.entries, e)
	}
	return nil
}

// normalize gives a span as a store gives it back.
func normalize(s *trace.Span) {
	s.Start = s.Start.UTC().Truncate(time.Microsecond)
	if _, known := s.KnownCost(); !known {
		s.Cost = 0
	}
	s.TTFT = max(s.TTFT, 0)
	if len(s.Tags) == 0 {
		s.Tags = nil
	}
}

// matching gives the entries that f picks, newest first.
func (m *Memory) matching(f trace.Filter) ([]entry, error) {
	if err := m.away(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []entry
	for _, e := range m.entries {
		if matches(&e, &f) {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b entry) int { return compare(&b.Call, &a.Call) })
	return out, nil
}

func compare(a, b *trace.Span) int { return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.ID, b.ID)) }

func matches(e *entry, f *trace.Filter) bool {
	text := strings.ToLower(strings.Join([]string{e.input, e.output, string(e.Body.Request), string(e.Body.Response)}, "\n"))
	for word := range strings.FieldsSeq(strings.ToLower(f.Text)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return f.Matches(&e.Call)
}

func promptRef(s *trace.Span) string {
	if s.PromptVersion > 0 {
		return fmt.Sprintf("%s@%d", s.Prompt, s.PromptVersion)
	}
	return s.Prompt
}

func (e *entry) line() trace.CallRow {
	s := e.Call
	s.CostLines = nil
	return trace.CallRow{Span: s, InputPreview: first300(e.input), OutputPreview: first300(e.output)}
}

func first300(s string) string {
	if r := []rune(s); len(r) > 300 {
		return string(r[:300])
	}
	return s
}

// place is Memory's cursor.
type place struct {
	Filter string
	Micros int64
	ID     string
}

// Calls lists calls, newest first.
func (m *Memory) Calls(_ context.Context, f trace.Filter, limit int, cursor string) (trace.Page, error) {
	all, err := m.matching(f)
	if err != nil {
		return trace.Page{}, err
	}
	bare := f
	bare.Since, bare.Until = time.Time{}, time.Time{}
	list := fmt.Sprintf("%+v", bare)
	if cursor != "" {
		var p place
		if err := json.Unmarshal([]byte(cursor), &p); err != nil || p.Filter != list {
			return trace.Page{}, fmt.Errorf("cursor %.40q: %w", cursor, trace.ErrBadCursor)
		}
		after := trace.Span{ID: p.ID, Start: time.UnixMicro(p.Micros)}
		all = slices.DeleteFunc(all, func(e entry) bool { return compare(&e.Call, &after) >= 0 })
	}
	var page trace.Page
	for i, e := range all {
		if i == limit {
			last := page.Calls[i-1]
			next, err := json.Marshal(place{list, last.Start.UnixMicro(), last.ID})
			page.Next = string(next)
			return page, err
		}
		page.Calls = append(page.Calls, e.line())
	}
	return page, nil
}

// Call gives one call whole.
func (m *Memory) Call(_ context.Context, id string) (trace.Record, error) {
	all, err := m.matching(trace.Filter{})
	if err != nil {
		return trace.Record{}, err
	}
	for _, e := range all {
		if e.Call.ID == id {
			return e.Record, nil
		}
	}
	return trace.Record{}, fmt.Errorf("call %.100q: %w", id, trace.ErrNoCall)
}

// Trace gives the spans of a trace, earliest first.
func (m *Memory) Trace(_ context.Context, traceID string, limit int) ([]trace.CallRow, error) {
	all, err := m.matching(trace.Filter{})
	if err != nil {
		return nil, err
	}
	var spans []trace.CallRow
	for _, e := range all {
		lines := []trace.CallRow{e.line()}
		for _, a := range e.Attempts {
			a.CostLines = nil
			lines = append(lines, trace.CallRow{Span: a})
		}
		for _, l := range lines {
			if l.TraceID == traceID {
				spans = append(spans, l)
			}
		}
	}
	slices.SortFunc(spans, func(a, b trace.CallRow) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.SpanID, b.SpanID))
	})
	return spans[:min(limit, len(spans))], nil
}

// Export streams calls, oldest first.
func (m *Memory) Export(_ context.Context, f trace.Filter, bodies bool) iter.Seq2[trace.Record, error] {
	return func(yield func(trace.Record, error) bool) {
		all, err := m.matching(f)
		if err != nil {
			yield(trace.Record{}, err)
			return
		}
		for _, e := range slices.Backward(all) {
			r := e.Record
			if !bodies {
				r.Body = trace.Body{}
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Facets counts the most frequent values.
func (m *Memory) Facets(_ context.Context, f trace.Filter, limit int) (map[string][]trace.Facet, error) {
	all, err := m.matching(f)
	if err != nil {
		return nil, err
	}
	counts := map[string]map[string]int64{}
	for _, e := range all {
		for name, value := range map[string]string{
			"project": e.Call.Project, "key": e.Call.Key, "user": e.Call.User,
			"model": e.Call.Model, "provider": e.Call.Provider, "status": string(e.Call.Status),
		} {
			if counts[name] == nil {
				counts[name] = map[string]int64{}
			}
			counts[name][value]++
		}
	}
	out := map[string][]trace.Facet{}
	for name, values := range counts {
		delete(values, "")
		var facets []trace.Facet
		for value, n := range values {
			facets = append(facets, trace.Facet{Value: value, Calls: n})
		}
		slices.SortFunc(facets, func(a, b trace.Facet) int {
			return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Value, b.Value))
		})
		if len(facets) > 0 {
			out[name] = facets[:min(limit, len(facets))]
		}
	}
	return out, nil
}

// Unpriced lists models without a price.
func (m *Memory) Unpriced(_ context.Context, since, until time.Time) ([]trace.UnpricedModel, error) {
	all, err := m.matching(trace.Filter{Since: since, Until: until, Unpriced: true})
	if err != nil {
		return nil, err
	}
	var out []trace.UnpricedModel
	for _, e := range all {
		i := slices.IndexFunc(out, func(u trace.UnpricedModel) bool {
			return u.Provider == e.Call.Provider && u.Model == e.Call.Model
		})
		if i < 0 {
			i = len(out)
			out = append(out, trace.UnpricedModel{Provider: e.Call.Provider, Model: e.Call.Model, LastSeen: e.Call.Start})
		}
		out[i].Calls++
	}
	slices.SortFunc(out, func(a, b trace.UnpricedModel) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Model, b.Model))
	})
	return out, nil
}

// Spans implements trace.Finder.
func (m *Memory) Spans(_ context.Context, ids []string) (map[string]trace.Span, error) {
	if err := m.away(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]trace.Span{}
	for _, e := range m.entries {
		if slices.Contains(ids, e.Call.ID) {
			s := e.Call
			s.CostLines = nil
			out[s.ID] = s
		}
	}
	return out, nil
}
