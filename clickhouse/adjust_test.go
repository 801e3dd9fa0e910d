package clickhouse

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Whatever sums are asked for, an adjustment is in them where its call is, once, and nothing else of it.
func TestAdjustments(t *testing.T) {
	db := openTest(t, testConfig(t))
	t0 := time.Date(2026, 11, 20, 8, 59, 30, 0, time.UTC)
	var records []trace.Record
	for i := range 60 {
		start := t0.Add(time.Duration(i) * time.Second)
		s := trace.Span{
			ID: llm.NewID(start), TraceID: fmt.Sprintf("%032x", i+1), SpanID: fmt.Sprintf("%016x", i+1), Kind: trace.KindCall, Start: start,
			Duration: time.Duration(100+i) * time.Millisecond, TTFT: 40 * time.Millisecond, Project: "p", Key: "k", KeyID: "kid", User: fmt.Sprintf("u%d", i%3), Session: "s",
			Tags: map[string]string{"team": fmt.Sprintf("t%d", i%2)}, Endpoint: llm.ChatCompletions, Provider: "openai",
			Model: fmt.Sprintf("m%d", i%2), Status: trace.StatusOK, Usage: llm.Usage{InputUncached: 100, OutputText: 10},
			UsageSource: llm.FromProvider, Cost: price.USD(1000 + i), PriceStatus: price.Exact, Cache: trace.CacheMiss,
		}
		if i%2 == 1 { // all of m1
			s.Cost, s.PriceStatus = 0, price.Unpriced
		}
		records = append(records, trace.Record{Call: s})
	}
	if err := db.Write(t.Context(), trace.Batch{Token: "t", Records: trace.Slice(records)}); err != nil {
		t.Fatal(err)
	}
	questions := map[string]trace.CostQuery{
		"total":              {},
		"day, model":         {By: []string{"day", "model"}},
		"minute":             {By: []string{"minute"}},
		"edges":              {By: []string{"model"}, Filter: trace.Filter{Since: t0.Add(5 * time.Second), Until: t0.Add(52 * time.Second)}},
		"user":               {By: []string{"user"}},
		"user, hour, status": {By: []string{"user", "hour", "status"}},
		"tag":                {By: []string{"tag.team"}},
		"session of a tag":   {By: []string{"session"}, Filter: trace.Filter{Tags: map[string]string{"team": "t1"}}},
		"a user's model":     {By: []string{"model"}, Filter: trace.Filter{User: "u1"}},
	}
	ask := func() map[string]trace.Costs {
		out := map[string]trace.Costs{}
		for name, q := range questions {
			costs, err := db.Costs(t.Context(), q)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			out[name] = costs
		}
		return out
	}
	before := ask()
	adjusted := func(by price.USD) []trace.Adjustment {
		var batch []trace.Adjustment
		for a, err := range db.Adjusted(t.Context(), trace.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			batch = append(batch, trace.Adjustment{
				Call: &a.Call, Number: a.Count + 1, Amount: by, Priced: !a.Known, Status: price.Exact, Version: "v", Rule: "r",
			})
		}
		return batch
	}
	batch := adjusted(5)
	if len(batch) != len(records) || batch[0].Priced || !batch[1].Priced {
		t.Fatalf("%d calls, %+v", len(batch), batch[:min(2, len(batch))])
	}
	for range 3 { // the same batch again adds nothing
		if err := db.Adjust(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	check := func(after map[string]trace.Costs, added price.USD) {
		t.Helper()
		for name, was := range before {
			want := trace.Costs{Total: was.Total}
			add := func(s *trace.Sums) {
				s.Cost += added * price.USD(s.Calls)
				s.UnpricedCalls = 0
			}
			add(&want.Total)
			byGroup := map[string]trace.Sums{}
			for _, r := range was.Rows {
				add(&r.Sums)
				byGroup[fmt.Sprint(r.Group)] = r.Sums
			}
			got := map[string]trace.Sums{}
			for _, r := range after[name].Rows {
				got[fmt.Sprint(r.Group)] = r.Sums
			}
			if diff := cmp.Diff(byGroup, got); diff != "" && len(was.Rows) > 0 {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if diff := cmp.Diff(want.Total, after[name].Total); diff != "" {
				t.Errorf("%s, total (-want +got):\n%s", name, diff)
			}
		}
	}
	check(ask(), 5)

	// Merged or not, the sums are the same.
	for _, table := range []string{"usage_1m", "usage_1h", "usage_1d", "usage_user_1h", "usage_user_1d"} {
		if err := db.conn.Exec(t.Context(), "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
			t.Fatal(err)
		}
	}
	check(ask(), 5)

	// There and back, and there again: the third batch is as the first but for its number.
	for _, by := range []price.USD{-5, 5} {
		again := adjusted(by)
		if again[1].Priced || again[1].Number < 2 {
			t.Fatalf("%+v", again[1])
		}
		if err := db.Adjust(t.Context(), again); err != nil {
			t.Fatal(err)
		}
	}
	check(ask(), 5)
	for a, err := range db.Adjusted(t.Context(), trace.Filter{Model: "m1"}) {
		if err != nil || a.Count != 3 || a.Cost != 5 || !a.Known {
			t.Fatalf("%+v, %v", a, err)
		}
	}

	// Nobody else knows of them.
	if models, err := db.Unpriced(t.Context(), time.Time{}, time.Time{}); err != nil || len(models) != 0 {
		t.Errorf("unpriced: %+v, %v", models, err)
	}
	rec, err := db.Call(t.Context(), records[1].Call.ID)
	if err != nil || rec.Call.PriceStatus != price.Unpriced || len(rec.Attempts) != 0 {
		t.Errorf("%+v, %v", rec, err)
	}
	if spans, err := db.Trace(t.Context(), records[1].Call.TraceID, 10); err != nil || len(spans) != 1 {
		t.Errorf("%d spans, %v", len(spans), err)
	}
	page, err := db.Calls(t.Context(), trace.Filter{}, 100, "")
	if err != nil || len(page.Calls) != len(records) {
		t.Errorf("%d calls, %v", len(page.Calls), err)
	}
}
