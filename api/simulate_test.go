package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// simulate asks for a simulation and wants an answer.
func (w *world) simulate(body string) simulatedAnswer {
	w.t.Helper()
	rec := w.ask("POST", "/prices/simulate", body)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%s: %d %s", body, rec.Code, rec.Body)
	}
	return decode[simulatedAnswer](w.t, rec.Body.Bytes())
}

// simulatedAnswer is a simulation as clients read it.
type simulatedAnswer struct {
	Version string
	At      time.Time
	Quotes  []struct {
		Provider, Model string
		CostUSD         *string `json:"cost_usd"`
		PriceStatus     string  `json:"price_status"`
		PriceVersion    string  `json:"price_version"`
		PriceRule       string  `json:"price_rule"`
		Clamped         bool
		Lines           []costLine
		Closest         string
	}
	Recorded *struct {
		Calls, Skipped int64
		UnpricedCalls  int64  `json:"unpriced_calls"`
		RecordedUSD    string `json:"recorded_usd"`
		Models         []map[string]any
		From           []struct {
			Provider, Model string
			Calls           int64
			RecordedUSD     string `json:"recorded_usd"`
			Simulated       []map[string]any
		}
		Truncated bool
	}
}

func TestSimulateAmount(t *testing.T) {
	w := newWorld(t)
	usage := llm.Usage{InputUncached: 300_000, CacheRead: 20_000, CacheWrite5m: 1000, OutputText: 700, Reasoning: 90}
	text, err := json.Marshal(usage)
	if err != nil {
		t.Fatal(err)
	}
	for _, tier := range []string{"", "flex", "priority", "batch", "made-up"} {
		got := w.simulate(fmt.Sprintf(`{"models":[{"provider":"openai","model":"gpt-4o-mini"},{"provider":"my-anthropic","model":"claude-sonnet-4-5"},{"provider":"openai","model":"gpt-5"}],"usage":%s,"service_tier":%q,"at":"2026-11-20"}`, text, tier))
		if got.Version != w.book.Version() || len(got.Quotes) != 3 || got.Recorded != nil {
			t.Fatalf("%+v", got)
		}
		for _, q := range got.Quotes {
			want := w.book.Explain(price.Charge{
				Provider: strings.TrimPrefix(q.Provider, "my-"), Model: q.Model, Usage: usage, ServiceTier: tier, At: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
			})
			if cost, known := want.Known(); !known || q.CostUSD == nil || *q.CostUSD != cost.String() || cost == 0 {
				t.Errorf("%s/%s, tier %q: %v, the book says %s", q.Provider, q.Model, tier, q.CostUSD, cost)
			}
			if diff := cmp.Diff(costLines(want.Lines), q.Lines); diff != "" || q.PriceRule != want.Rule || q.PriceVersion != want.Version {
				t.Errorf("%s/%s, tier %q: rule %q, want %q (-want +got):\n%s", q.Provider, q.Model, tier, q.PriceRule, want.Rule, diff)
			}
		}
	}

	got := w.simulate(`{"models":[{"provider":"openai","model":"gpt-4o-minni"}],"units":{"web_search":2}}`)
	if q := got.Quotes[0]; q.CostUSD != nil || q.PriceStatus != "unpriced" || q.Closest != "openai/gpt-4o-mini" || len(q.Lines) != 1 {
		t.Errorf("no price: %+v", q)
	}
	if time.Since(got.At) > time.Minute {
		t.Errorf("the prices are of %s, want now", got.At)
	}
	most := w.simulate(`{"models":[{"provider":"openai","model":"gpt-4o"}],"usage":{"output_text":1000000000000}}`)
	if q := most.Quotes[0]; q.Clamped || *q.CostUSD != "10000000.000000000" {
		t.Errorf("a trillion tokens at $10 a million: %+v", q)
	}
}

// What one project pays is not what another does.
func TestSimulateOverride(t *testing.T) {
	w := newWorld(t)
	own := entry(t, `{"provider":"openai","model":"gpt-4o-mini","project":"lab","input_usd_per_mtok":"0.10","output_usd_per_mtok":"0.40"}`)
	book, err := w.book.With(own)
	if err != nil {
		t.Fatal(err)
	}
	w.book = book
	for project, want := range map[string]string{"lab": "0.100000000", "": "0.150000000", "other": "0.150000000"} {
		got := w.simulate(fmt.Sprintf(`{"models":[{"provider":"openai","model":"gpt-4o-mini"}],"usage":{"input_uncached":1000000},"project":%q}`, project))
		if q := got.Quotes[0]; *q.CostUSD != want {
			t.Errorf("for %q: %s by %q, want %s", project, *q.CostUSD, q.PriceRule, want)
		}
	}
}

func TestSimulateRecorded(t *testing.T) {
	w := newWorld(t)
	adjuster := &memoryAdjuster{store: w.store, added: map[string][]trace.Adjustment{}}
	w.api.cfg.Adjuster = adjuster
	var err error
	call := func(id string, change func(*trace.Span)) trace.Record {
		return changed(id, func(r *trace.Record) {
			r.Call.Provider, r.Call.Model, r.Call.ModelRequested, r.Call.Start = "openai", "gpt-4o", "gpt-4o", t0
			r.Call.Usage, r.Call.Units = llm.Usage{InputUncached: 1000, OutputText: 100}, llm.Units{}
			r.Call.UsageSource, r.Call.Cache, r.Call.ServiceTier = llm.FromProvider, trace.CacheMiss, ""
			r.Call.PriceStatus, r.Call.Cost = price.Exact, 3_500_000
			change(&r.Call)
		})
	}
	w.record(
		call("one", func(*trace.Span) {}),
		call("two", func(s *trace.Span) { s.Start = t0.Add(time.Hour); s.Usage.CacheRead = 500 }),
		call("adjusted", func(*trace.Span) {}),
		call("unpriced", func(s *trace.Span) { s.Model, s.PriceStatus, s.Cost = "mystery", price.Unpriced, 0 }),
		call("a hit", func(s *trace.Span) { s.Cache, s.Cost = trace.CacheHit, 0 }),
		call("a semantic hit", func(s *trace.Span) { s.Cache, s.Cost = trace.CacheSemantic, 0 }),
		call("never counted", func(s *trace.Span) { s.UsageSource, s.PriceStatus, s.Cost = llm.NoUsage, price.Unpriced, 0 }),
		call("before", func(s *trace.Span) { s.Start = t0.AddDate(0, -2, 0) }),
		call("another project", func(s *trace.Span) { s.Project = "other" }),
	)
	adjuster.added["adjusted"] = []trace.Adjustment{{Amount: 500_000}}
	got := w.simulate(`{"models":[{"provider":"openai","model":"gpt-4o-mini"},{"provider":"openai","model":"nothing-like-it"}],"recorded":{"since":"2026-11-01","until":"2026-11-30","project":"default"}}`)
	r := got.Recorded
	if r == nil || len(got.Quotes) != 0 {
		t.Fatalf("%+v", got)
	}
	if r.Calls != 4 || r.Skipped != 3 || r.UnpricedCalls != 1 || r.RecordedUSD != "0.011000000" || r.Truncated {
		t.Errorf("%+v", r)
	}
	// 1000 in at 0.15 and 100 out at 0.60 make 0.00021; 500 read from the cache at 0.075 make 0.0000375 more.
	want := []map[string]any{
		{
			"provider": "openai", "model": "gpt-4o-mini", "calls": 4.0, "no_price": 0.0, "compared": 3.0,
			"simulated_usd": "0.000877500", "recorded_usd": "0.011000000", "difference_usd": "-0.010332500",
		},
		{
			"provider": "openai", "model": "nothing-like-it", "calls": 0.0, "no_price": 4.0, "compared": 0.0,
			"simulated_usd": "0.000000000", "recorded_usd": "0.000000000", "difference_usd": "0.000000000",
		},
	}
	if diff := cmp.Diff(want, r.Models); diff != "" {
		t.Errorf("models (-want +got):\n%s", diff)
	}
	if len(r.From) != 2 || r.From[0].Model != "gpt-4o" || r.From[0].Calls != 3 || r.From[0].RecordedUSD != "0.011000000" || r.From[0].Simulated[0]["simulated_usd"] != "0.000667500" ||
		r.From[1].Model != "mystery" || r.From[1].Simulated[1]["no_price"] != 1.0 {
		t.Errorf("from %+v", r.From)
	}
	if len(adjuster.added) != 1 || adjuster.batches != 0 {
		t.Error("a simulation changed something")
	}

	// A tier that is said goes before those that were served; a time that is said before the calls' own.
	batch := w.simulate(`{"models":[{"provider":"openai","model":"gpt-4o-mini"}],"recorded":{"since":"2026-11-01","until":"2026-11-30","project":"default","model":"gpt-4o"},"service_tier":"batch"}`)
	if m := batch.Recorded.Models[0]; m["simulated_usd"] != "0.000438750" {
		t.Errorf("in batch: %+v", m)
	}
	dated := entry(t, `{"provider":"openai","model":"house-9","effective_from":"2026-11-24","input_usd_per_mtok":"1","output_usd_per_mtok":"2"}`)
	if w.book, err = w.book.With(dated); err != nil {
		t.Fatal(err)
	}
	for at, priced := range map[string]float64{"": 0, "2026-11-23": 0, "2026-11-24": 5} {
		r := w.simulate(fmt.Sprintf(`{"models":[{"provider":"openai","model":"house-9"}],"recorded":{"since":"2026-11-01","until":"2026-11-30"},"at":%q}`, at)).Recorded
		if m := r.Models[0]; m["calls"] != priced || m["no_price"] != 5-priced {
			t.Errorf("by prices of %q: %+v", at, m)
		}
	}
	if none := w.simulate(`{"models":[{"provider":"openai","model":"gpt-4o-mini"}],"recorded":{"since":"2026-11-01","until":"2026-11-30","provider":"anthropic"}}`); none.Recorded.Calls != 0 {
		t.Errorf("of a provider without calls: %+v", none.Recorded)
	}
}

// From bounds its list; sums have all.
func TestSimulateManyModels(t *testing.T) {
	w := newWorld(t)
	w.api.cfg.Adjuster = &memoryAdjuster{store: w.store}
	for i := range simulatedFrom + 3 {
		w.record(changed(fmt.Sprintf("c%03d", i), func(r *trace.Record) { r.Call.Model = fmt.Sprintf("m%d", i); r.Call.SpanID = fmt.Sprintf("%016x", i) }))
	}
	got := w.simulate(`{"models":[{"provider":"openai","model":"gpt-4o-mini"}],"recorded":{"since":"2026-11-01","until":"2026-11-30"}}`)
	if r := got.Recorded; len(r.From) != simulatedFrom || !r.Truncated || r.Calls != simulatedFrom+3 {
		t.Errorf("%d models of %d calls, truncated %v", len(r.From), r.Calls, r.Truncated)
	}
}

func TestBadSimulations(t *testing.T) {
	w := newWorld(t)
	w.api.cfg.Adjuster = &memoryAdjuster{store: w.store}
	const models = `"models":[{"provider":"openai","model":"gpt-4o"}]`
	many := strings.TrimSuffix(strings.Repeat(`{"provider":"a","model":"b"},`, simulatedMost+1), ",")
	for body, want := range map[string]string{
		`{"usage":{}}`:                                                                        "models has 0 names",
		`{"models":[` + many + `],"usage":{}}`:                                                "want 1 to 20",
		`{"models":[{"provider":"a"}],"usage":{}}`:                                            "models[0] needs a provider and a model",
		`{` + models + `}`:                                                                    "nothing is to be priced",
		`{` + models + `,"usage":{"tokens":1}}`:                                               "no field",
		`{` + models + `,"usage":{"reasoning":-1}}`:                                           "reasoning is -1",
		`{` + models + `,"usage":{"cache_read":1000000000001}}`:                               "cache_read is 1000000000001",
		`{` + models + `,"units":{"audio_seconds":-1}}`:                                       "audio_seconds is -1",
		`{` + models + `,"units":{"image":-4}}`:                                               "image is -4",
		`{` + models + `,"usage":{},"at":"soon"}`:                                             "is no time",
		`{` + models + `,"recorded":{}}`:                                                      "recorded.since is missing",
		`{` + models + `,"recorded":{"since":"93d"}}`:                                         "more than 92 days apart",
		`{` + models + `,"recorded":{"since":"2026-11-02","until":"2026-11-01"}}`:             "not before",
		`{"models":[{"provider":"a","model":"b"},{"provider":"a","model":"b"}],"usage":{}}`:   "are the same",
		`{"models":[{"provider":"a","model":"` + strings.Repeat("x", 301) + `"}],"usage":{}}`: "more than 300 bytes",
	} {
		w.refused(w.ask("POST", "/prices/simulate", body), http.StatusBadRequest, llm.InvalidRequest, want)
	}
	w.api.simulating.Lock()
	w.refused(w.ask("POST", "/prices/simulate", `{`+models+`,"recorded":{"since":"1d"}}`), http.StatusBadRequest, llm.InvalidRequest, "under way")
	w.simulate(`{` + models + `,"usage":{}}`) // needs no calls
	w.api.simulating.Unlock()
	if rec := w.ask("POST", "/prices/simulate", `{`+models+`,"usage":{}}`, stranger); rec.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", rec.Code)
	}
	w.api.cfg.Adjuster = &failingAdjuster{}
	w.refused(w.ask("POST", "/prices/simulate", `{`+models+`,"recorded":{"since":"1d"}}`), http.StatusInternalServerError, llm.Internal)
}

// failingAdjuster cannot read.
type failingAdjuster struct{ memoryAdjuster }

func (failingAdjuster) Adjusted(context.Context, trace.Filter) iter.Seq2[trace.Adjusted, error] {
	return func(yield func(trace.Adjusted, error) bool) { yield(trace.Adjusted{}, errors.New("disk on fire")) }
}
