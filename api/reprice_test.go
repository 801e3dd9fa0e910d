package api

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// memoryAdjuster adds to the calls of a store in memory.
type memoryAdjuster struct {
	store   *tracetest.Memory
	added   map[string][]trace.Adjustment
	batches int
	err     error
}

func (m *memoryAdjuster) Adjusted(ctx context.Context, f trace.Filter) iter.Seq2[trace.Adjusted, error] {
	return func(yield func(trace.Adjusted, error) bool) {
		for rec, err := range m.store.Export(ctx, f, false) {
			a := trace.Adjusted{Record: rec, Count: len(m.added[rec.Call.ID])}
			a.Cost, a.Known = rec.Call.KnownCost()
			for _, adj := range m.added[rec.Call.ID] {
				a.Cost, a.Known = a.Cost+adj.Amount, true
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

func (m *memoryAdjuster) Adjust(_ context.Context, batch []trace.Adjustment) error {
	if m.err != nil {
		return m.err
	}
	m.batches++
	for _, a := range batch {
		m.added[a.Call.ID] = append(m.added[a.Call.ID], a)
	}
	return nil
}

func TestReprice(t *testing.T) {
	w := newWorld(t)
	adjuster := &memoryAdjuster{store: w.store, added: map[string][]trace.Adjustment{}}
	w.api.cfg.Adjuster = adjuster
	call := func(id string, change func(*trace.Span)) trace.Record {
		return changed(id, func(r *trace.Record) {
			r.Attempts = nil
			r.Call.Provider, r.Call.Model, r.Call.ModelRequested, r.Call.Start = "my-openai", "gpt-4o-mini", "gpt-4o-mini", t0
			r.Call.Usage, r.Call.Units = llm.Usage{InputUncached: 1000, OutputText: 100}, llm.Units{}
			r.Call.UsageSource, r.Call.Cache, r.Call.ServiceTier, r.Call.PriceVersion = llm.FromProvider, trace.CacheMiss, "", ""
			r.Call.PriceStatus, r.Call.Cost = price.Exact, 200_000 // the book says 210,000
			change(&r.Call)
		})
	}
	records := []trace.Record{
		call("wrong", func(*trace.Span) {}),
		call("right", func(s *trace.Span) { s.Cost = 210_000 }),
		call("no price then", func(s *trace.Span) { s.PriceStatus, s.Cost = price.Unpriced, 0 }),
		call("no price now", func(s *trace.Span) { s.Model, s.ModelRequested, s.Cost = "mystery", "mystery", 77 }),
		call("an alias", func(s *trace.Span) {
			s.Model, s.ModelRequested, s.PriceVersion = "something-else", "fast", "2026-11-23:openai/gpt-4o-mini@2024-07-18"
		}),
		call("a hit", func(s *trace.Span) { s.Cache, s.Cost = trace.CacheHit, 0 }),
		call("unmetered", func(s *trace.Span) { s.UsageSource, s.PriceStatus, s.Cost = llm.NoUsage, price.Unpriced, 0 }),
	}
	w.record(records...)
	ask := func(body string) (out struct {
		Models  []map[string]any
		Total   map[string]any
		Applied bool
	},
	) {
		rec := w.ask("POST", "/prices/reprice", body)
		if rec.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", body, rec.Code, rec.Body)
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	dry := ask(`{"since":"2026-11-01"}`)
	want := []map[string]any{
		{
			"provider": "my-openai", "model": "gpt-4o-mini", "calls": 5.0, "changed": 2.0, "newly_priced": 1.0, "no_price": 0.0,
			"recorded_usd": "0.000410000", "present_usd": "0.000630000", "difference_usd": "0.000220000",
		},
		{
			"provider": "my-openai", "model": "something-else", "calls": 1.0, "changed": 1.0, "newly_priced": 0.0, "no_price": 0.0,
			"recorded_usd": "0.000200000", "present_usd": "0.000210000", "difference_usd": "0.000010000",
		},
		{
			"provider": "my-openai", "model": "mystery", "calls": 1.0, "changed": 0.0, "newly_priced": 0.0, "no_price": 1.0,
			"recorded_usd": "0.000000000", "present_usd": "0.000000000", "difference_usd": "0.000000000",
		},
	}
	if diff := cmp.Diff(want, dry.Models); diff != "" || dry.Applied || adjuster.batches != 0 {
		t.Errorf("a dry run, applied %v in %d batches (-want +got):\n%s", dry.Applied, adjuster.batches, diff)
	}
	applied := ask(`{"since":"2026-11-01","apply":true}`)
	if diff := cmp.Diff(dry.Models, applied.Models); diff != "" || !applied.Applied || len(adjuster.added) != 3 {
		t.Errorf("what is applied is what was shown (-dry +applied):\n%s\n%+v", diff, adjuster.added)
	}
	if a := adjuster.added["no price then"]; len(a) != 1 || a[0].Amount != 210_000 || !a[0].Priced || a[0].Number != 1 || a[0].Version == "" {
		t.Errorf("%+v", a)
	}
	if again := ask(`{"since":"2026-11-01","apply":true}`); again.Total["changed"] != 0.0 || len(adjuster.added["wrong"]) != 1 {
		t.Errorf("applied twice: %+v", again.Total)
	}
	if none := ask(`{"since":"2026-11-01","model":"mystery"}`); none.Total["calls"] != 1.0 {
		t.Errorf("of one model: %+v", none.Total)
	}
	if none := ask(`{"since":"1h","apply":true}`); none.Total["calls"] != 0.0 {
		t.Errorf("of the last hour: %+v", none.Total)
	}
	for body, want := range map[string]string{
		`{}`:                    "since is missing",
		`{"since":"yesterday"}`: "is no time",
		`{"since":"2026-11-01","until":"2026-10-01"}`: "since is not before until",
	} {
		if rec := w.ask("POST", "/prices/reprice", body); rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s", body, rec.Code, rec.Body)
		}
	}
	adjuster.err, adjuster.added = errors.New("disk full"), map[string][]trace.Adjustment{}
	if rec := w.ask("POST", "/prices/reprice", `{"since":"2026-11-01","apply":true}`); rec.Code != http.StatusInternalServerError {
		t.Errorf("a store that fails: %d %s", rec.Code, rec.Body)
	}
	w.api.repricing.Lock()
	if rec := w.ask("POST", "/prices/reprice", `{"since":"1h"}`); rec.Code != http.StatusBadRequest {
		t.Errorf("two at once: %d %s", rec.Code, rec.Body)
	}
}
