package clickhouse

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/prompts/experiment/experimenttest"
	"github.com/weir-dev/weir/prompts/experiment/stats"
	"github.com/weir-dev/weir/trace"
)

// observed makes the record of a call, and its scores.
func observed(i int, o *experimenttest.Observation) (trace.Record, []trace.Score) {
	s := trace.Span{
		ID: fmt.Sprintf("call-%06d", i), TraceID: fmt.Sprintf("%032x", i+1), SpanID: fmt.Sprintf("%016x", i+1), Kind: trace.KindCall, Endpoint: llm.ChatCompletions,
		Start: o.Time, Duration: time.Duration(o.LatencyMS * float64(time.Millisecond)), Project: "p", User: o.Unit, Status: trace.StatusOK, PriceStatus: price.Unpriced,
		Usage: llm.Usage{InputUncached: o.Input, OutputText: o.Output}, Cache: trace.CacheOff, Attempts: 1,
	}
	if o.Failed {
		s.Status = trace.StatusError
	}
	if o.CostUSD != nil {
		s.Cost, s.PriceStatus = price.USD(math.Round(*o.CostUSD*1e9)), price.Exact
	}
	if o.Experiment != "" {
		s.Experiment, s.Arm, s.Unit, s.OwnText = o.Experiment, o.Arm, o.Unit, int(o.OwnText)
		if o.InAnalysis {
			s.Epoch = o.Epoch
		}
	}
	var scores []trace.Score
	for name, v := range o.Scores {
		scores = append(scores, trace.Score{
			ID: s.ID + "/" + name, Revision: 1, CallID: s.ID, TraceID: s.TraceID, CallStart: s.Start, Project: s.Project, User: s.User,
			Experiment: s.Experiment, Arm: s.Arm, Epoch: s.Epoch, Unit: s.Unit, Name: name, Kind: trace.NumberScore, Value: v, Source: trace.FromAPI, At: o.Time,
		})
	}
	return trace.Record{Call: s}, scores
}

func experimentStore(t *testing.T, calls []experimenttest.Observation) *DB {
	t.Helper()
	db := openTest(t, testConfig(t))
	var batch trace.Slice
	var scores []trace.Score
	for i := range calls {
		rec, more := observed(i, &calls[i])
		batch = append(batch, rec)
		scores = append(scores, more...)
	}
	if err := db.Write(t.Context(), trace.Batch{Token: "experiment", Records: batch}); err != nil {
		t.Fatal(err)
	}
	if err := db.PutScores(t.Context(), scores); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestExperiments(t *testing.T) {
	experimenttest.TestReader(t, func(t *testing.T, calls []experimenttest.Observation) experiment.Reader {
		t.Helper()
		return experimentStore(t, calls)
	})
}

// What was added to a call's cost counts as if it had been there, a score as its last revision says, and several of one name on a
// call as their mean. Attempts and calls outside the analysis count as nothing.
func TestExperimentsAreCorrected(t *testing.T) {
	start := experimenttest.Start
	call := func(minute int, unit string, cost *float64) experimenttest.Observation {
		return experimenttest.Observation{
			Time: start.Add(time.Duration(minute) * time.Minute), Experiment: "tone", Unit: unit, Epoch: 1, Arm: "a", InAnalysis: true, CostUSD: cost,
			Scores: map[string]float64{"good": 1},
		}
	}
	calls := []experimenttest.Observation{call(1, "u1", new(0.5)), call(2, "u1", nil), call(3, "u2", nil), call(4, "u3", new(0.25))}
	db := experimentStore(t, calls)
	ctx := t.Context()
	span := func(i int) *trace.Span {
		rec, _ := observed(i, &calls[i])
		return &rec.Call
	}
	attempt := *span(3)
	attempt.ID, attempt.Kind = "attempt", trace.KindAttempt
	third := trace.Record{Call: *span(3), Attempts: []trace.Span{attempt}}
	third.Call.ID, third.Call.Start = "call-last", start.Add(5*time.Minute)
	if err := db.Write(ctx, trace.Batch{Token: "more", Records: trace.Slice{third}}); err != nil {
		t.Fatal(err)
	}
	if err := db.Adjust(ctx, []trace.Adjustment{
		{Call: span(0), Number: 1, Amount: price.USD(125_000_000), Status: price.Exact},
		{Call: span(1), Number: 1, Amount: price.USD(375_000_000), Priced: true, Status: price.Exact},
	}); err != nil {
		t.Fatal(err)
	}
	score := func(i int, id, name string, revision int64, value float64, change ...func(*trace.Score)) trace.Score {
		s := span(i)
		out := trace.Score{
			ID: id, Revision: revision, CallID: s.ID, TraceID: s.TraceID, CallStart: s.Start, Project: s.Project, User: s.User, Experiment: s.Experiment, Arm: s.Arm,
			Epoch: s.Epoch, Unit: s.Unit, Name: name, Kind: trace.NumberScore, Value: value, Source: trace.FromAPI, At: s.Start,
		}
		for _, f := range change {
			f(&out)
		}
		return out
	}
	if err := db.PutScores(ctx, []trace.Score{
		score(0, "call-000000/good", "good", 2, 0),                                                     // a correction
		score(1, "call-000001/good", "good", 2, 1, func(s *trace.Score) { s.Deleted = true }),          // taken back
		score(2, "another", "good", 1, 0),                                                              // a second opinion
		score(3, "word", "good", 1, 0, func(s *trace.Score) { s.Kind, s.Category = "category", "so" }), // no number
	}); err != nil {
		t.Fatal(err)
	}
	per := func(metric string, p experiment.Per) experiment.Measure {
		return experiment.Measure{Metric: metric, Per: p, Covariate: experiment.NoCovariate}
	}
	cells, err := db.Moments(ctx, experiment.Query{Experiment: "tone", Unit: experiment.User, Since: start, Until: start.Add(time.Hour)}, []experiment.Measure{
		per("cost", experiment.PerUnit), per("cost", experiment.PerCall), per("score:good", experiment.PerCall), per("calls", experiment.PerUnit),
	})
	if err != nil {
		t.Fatal(err)
	}
	// u1: 0.5 + 0.125 + 0.375 of two calls; u2: not known; u3: 0.25 twice.
	want := []stats.Moments{
		{N: 2, Y: 1.5, YY: 1.25},
		{N: 2, Y: 1.5, YY: 1.25, X: 4, XX: 8, XY: 3},
		{N: 3, Y: 0 + 0.5 + 1, YY: 0.25 + 1, X: 3, XX: 3, XY: 1.5},
		{N: 3, Y: 2 + 1 + 2, YY: 4 + 1 + 4},
	}
	if len(cells) != len(want) {
		t.Fatalf("got %+v", cells)
	}
	for i, w := range want {
		if diff := cmp.Diff(w, cells[i].Moments, cmpopts.EquateApprox(0, 1e-12)); diff != "" || cells[i].Measure != i {
			t.Errorf("measure %d (-want +got):\n%s", i, diff)
		}
	}
}

// Units by a session, a key or a header have their own past.
func TestExperimentsKnowAUnitsPast(t *testing.T) {
	start := experimenttest.Start
	db := openTest(t, testConfig(t))
	span := func(minute int, change func(*trace.Span)) trace.Record {
		o := experimenttest.Observation{Time: start.Add(time.Duration(minute) * time.Minute), CostUSD: new(1.0)}
		rec, _ := observed(minute+1000, &o)
		change(&rec.Call)
		return rec
	}
	var batch trace.Slice
	for i, by := range []struct {
		name string
		set  func(*trace.Span)
	}{
		{"session", func(s *trace.Span) { s.Session = "x" }},
		{"key", func(s *trace.Span) { s.KeyID = "x" }},
		{"header", func(s *trace.Span) { s.Experiment, s.Unit = "by header", "x" }},
	} {
		for k, minute := range []int{-60 * 24 * 40, -5, -3} { // too long ago; twice before
			batch = append(batch, span(minute+i*10_000+k, func(s *trace.Span) { by.set(s); s.Start = start.Add(time.Duration(minute) * time.Minute) }))
		}
		batch = append(batch, span(i+1, func(s *trace.Span) {
			by.set(s)
			s.Experiment, s.Arm, s.Epoch, s.Unit = "by "+by.name, "a", 1, "x"
		}))
	}
	if err := db.Write(t.Context(), trace.Batch{Token: "past", Records: batch}); err != nil {
		t.Fatal(err)
	}
	for name, unit := range map[string]experiment.Unit{"by session": experiment.Session, "by key": experiment.Key, "by header": "header:X-Tenant"} {
		since := start
		if name == "by header" {
			since = start.Add(-time.Minute)
		}
		cells, err := db.Moments(t.Context(), experiment.Query{Experiment: name, Unit: unit, Since: since, Until: start.Add(time.Hour)},
			[]experiment.Measure{{Metric: "cost", Per: experiment.PerUnit, Covariate: experiment.PastCost}})
		if err != nil || len(cells) != 1 || cells[0].X != 2 {
			t.Errorf("%s: %+v, %v", name, cells, err)
		}
	}
}

func TestExperimentsRefuseUnknownMetrics(t *testing.T) {
	db := openTest(t, testConfig(t))
	for _, m := range []experiment.Measure{{Metric: "sum(1)) FROM system.one --"}, {Metric: experiment.Utility}, {Metric: experiment.Utility, Terms: []experiment.Term{{Metric: "x"}}}} {
		if _, err := db.Moments(t.Context(), experiment.Query{Experiment: "x"}, []experiment.Measure{m}); err == nil {
			t.Errorf("%q is taken for a metric", m.Metric)
		}
	}
}

// A call that a pipeline answered counts with what was spent beneath it, and with no cost when that is not known. The figure of another
// provider is no part of a cost.
func TestExperimentsOfPipelines(t *testing.T) {
	start := experimenttest.Start
	db := experimentStore(t, nil)
	var batch trace.Slice
	for i, c := range []struct{ provider, model, reported string }{
		{"weir", "rag/handbook", "0.500000000"}, {"weir", "rag/handbook", ""}, {"openai", "gpt-4o", "7"}, {"other", "rag/x", "7"},
	} {
		rec, _ := observed(i, &experimenttest.Observation{
			Time: start.Add(time.Duration(i) * time.Minute), Experiment: "retrieval", Unit: fmt.Sprint("u", i), Epoch: 1, Arm: "a", InAnalysis: true, CostUSD: new(0.25),
		})
		rec.Call.Provider, rec.Call.Model, rec.Call.ProviderCost = c.provider, c.model, c.reported
		if c.provider == "weir" {
			rec.Call.Cost = 0
		}
		batch = append(batch, rec)
	}
	// What the first one asked a model for: the money is there, and it is no call of the analysis.
	beneath, _ := observed(9, &experimenttest.Observation{Time: start.Add(time.Second), Experiment: "retrieval", Arm: "a", CostUSD: new(0.5)})
	beneath.Call.Provider, beneath.Call.Model, beneath.Call.Tags = "openai", "gpt-4o-mini", map[string]string{"rag": "handbook"}
	batch = append(batch, beneath)
	if err := db.Write(t.Context(), trace.Batch{Token: "pipelines", Records: batch}); err != nil {
		t.Fatal(err)
	}
	costs, err := db.Costs(t.Context(), trace.CostQuery{By: []string{"arm"}, Filter: trace.Filter{Since: start, Until: start.Add(time.Hour)}})
	if err != nil || len(costs.Rows) != 1 || costs.Rows[0].Cost != price.USD(1_000_000_000) {
		t.Errorf("costs by arm: %+v, %v", costs.Rows, err)
	}
	growth, err := db.Growth(t.Context(), experiment.Query{Experiment: "retrieval", Unit: experiment.User, Since: start, Until: start.Add(time.Hour)}, time.Hour)
	if want := []experiment.Growth{{Time: start, Epoch: 1, Arm: "a", Units: 4, Calls: 4}}; err != nil || !cmp.Equal(growth, want) {
		t.Errorf("growth: %+v, %v, want %+v", growth, err, want)
	}
	cells, err := db.Moments(t.Context(), experiment.Query{Experiment: "retrieval", Unit: experiment.User, Since: start, Until: start.Add(time.Hour)}, []experiment.Measure{
		{Metric: "cost", Per: experiment.PerUnit, Covariate: experiment.NoCovariate},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []experiment.Cell{{Epoch: 1, Arm: "a", Moments: stats.Moments{N: 3, Y: 1, YY: 0.25 + 2*0.0625}}}
	if diff := cmp.Diff(cells, want); diff != "" {
		t.Error(diff)
	}
}
