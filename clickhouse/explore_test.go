package clickhouse

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// explored is a database with ten calls an hour for four hours, the last ten in one minute, each with about a kilobyte of bodies.
func explored(t *testing.T) (db *DB, newest time.Time) {
	t.Helper()
	cfg := testConfig(t)
	cfg.MaxSearch = 24 << 10 // bodies of two hours and a bit
	db = openTest(t, cfg)
	newest = time.Date(2026, 5, 4, 13, 0, 0, 0, time.UTC)
	var records []trace.Record
	for i := range 40 {
		start := newest.Add(-time.Duration(i/10)*time.Hour + time.Duration(i%10)*5*time.Minute)
		if i < 10 {
			start = newest.Add(30*time.Minute + time.Duration(i)*time.Second)
		}
		records = append(records, trace.Record{
			Call: trace.Span{
				ID: llm.NewID(start), TraceID: llm.NewTraceID(), SpanID: llm.NewSpanID(), Kind: trace.KindCall, Start: start, Duration: time.Second,
				Project: []string{"shop", "lab"}[i%2], User: []string{"ann", "bob", "cem", "dan"}[i%4], Session: fmt.Sprint("s", i%5), Status: trace.StatusOK,
				Tags: map[string]string{"team": "red"},
			},
			Body: trace.Body{Request: []byte(`{"messages":[{"role":"user","content":"` + strings.Repeat("word ", 200) + `"}]}`)},
		})
	}
	if err := db.Write(t.Context(), trace.Batch{Token: "explored", Records: trace.Slice(records)}); err != nil {
		t.Fatal(err)
	}
	return db, newest
}

// What is counted of very many calls are whole hours, or minutes, from the newest back.
func TestCountedSpan(t *testing.T) {
	db, newest := explored(t)
	for _, tt := range []struct {
		name string
		f    trace.Filter
		most uint64
		want time.Time
	}{
		{"all", trace.Filter{}, 40, time.Time{}},
		{"three hours", trace.Filter{}, 39, newest.Add(-2 * time.Hour)},
		{"an hour", trace.Filter{}, 10, newest},
		{"a minute that holds more", trace.Filter{}, 4, newest.Add(30 * time.Minute)},
		{"minutes of an hour", trace.Filter{Until: newest.Add(-10 * time.Minute)}, 4, newest.Add(-30 * time.Minute)},
		{"no earlier than asked for", trace.Filter{Since: newest.Add(-42 * time.Minute), Until: newest}, 6, newest.Add(-42 * time.Minute)},
		{"of a project", trace.Filter{Project: "lab"}, 10, newest.Add(-time.Hour)},
		{"of a user", trace.Filter{User: "ann"}, 5, newest.Add(-time.Hour)},
		{"of a user in one hour", trace.Filter{User: "ann"}, 1, newest},
		{"of a tag, which no rollup has", trace.Filter{Tags: map[string]string{"team": "blue"}}, 20, newest.Add(-time.Hour)},
	} {
		s := facetScan{class: byCalls, fields: []string{"model"}, filter: tt.f, since: tt.f.Since}
		if err := db.narrow(t.Context(), &s, tt.most); err != nil {
			t.Fatal(err)
		}
		if !s.since.Equal(tt.want) {
			t.Errorf("%s: counted since %v, want %v", tt.name, s.since, tt.want)
		}
	}
}

// Sessions that go on for days are found in a few questions, however many calls of theirs there are.
func TestLongSessions(t *testing.T) {
	db, newest := explored(t)
	var records []trace.Record
	for i := range 900 {
		start := newest.Add(-time.Duration(i) * 5 * time.Minute)
		records = append(records, trace.Record{Call: trace.Span{
			ID: llm.NewID(start), TraceID: llm.NewTraceID(), SpanID: llm.NewSpanID(), Kind: trace.KindCall, Start: start, Duration: time.Second,
			Project: "shop", User: "eve", Session: fmt.Sprint("long", i%3), Status: trace.StatusOK, Usage: llm.Usage{OutputText: 1},
		}})
	}
	if err := db.Write(t.Context(), trace.Batch{Token: "long", Records: trace.Slice(records)}); err != nil {
		t.Fatal(err)
	}
	asked := func() (n uint64) {
		t.Helper()
		if err := db.scan(t.Context(), "count questions", []any{&n}, "SELECT sum(value) FROM system.events WHERE event = 'SelectQuery'"); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := asked()
	got := map[string]int64{}
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page, err := db.Sessions(t.Context(), trace.Filter{User: "eve", Until: newest.Add(time.Hour)}, 2, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Bundles {
			b := &page.Bundles[i]
			got[b.ID] += b.Calls
			first := slices.IndexFunc(records[897:], func(r trace.Record) bool { return r.Call.Session == b.ID }) + 897 // the oldest come last
			if b.Usage.OutputText != 300 || b.First.ID != records[first].Call.ID {
				t.Errorf("session %s has %d tokens and begins with %s, want 300 and %s", b.ID, b.Usage.OutputText, b.First.ID, records[first].Call.ID)
			}
		}
		cursor = page.Next
	}
	if diff := cmp.Diff(map[string]int64{"long0": 300, "long1": 300, "long2": 300}, got); diff != "" {
		t.Errorf("sessions (-want +got)\n%s", diff)
	}
	few := trace.Filter{Since: newest.Add(-72 * time.Hour), Until: newest.Add(time.Hour)} // fewer than are asked for: rollups say where the others are
	few.Exclude("user", "eve")
	if page, err := db.Calls(t.Context(), few, 100, ""); err != nil || len(page.Calls) != 40 {
		t.Errorf("without the user's: %d calls, %v, want 40", len(page.Calls), err)
	}
	if n := asked() - before; n > 60 {
		t.Errorf("two pages took %d questions", n)
	}
}

// A search that would read too much names what does not, and that is then answered.
func TestSearchBound(t *testing.T) {
	db, newest := explored(t)
	ctx := t.Context()
	f := trace.Filter{Text: "word", Since: newest.Add(-24 * time.Hour), Until: newest.Add(time.Hour)}
	asks := map[string]func(trace.Filter) error{
		"calls":    func(f trace.Filter) error { _, err := db.Calls(ctx, f, 100, ""); return err },
		"sorted":   func(f trace.Filter) error { _, err := db.SortedCalls(ctx, f, trace.CallsByCost, 100, ""); return err },
		"traces":   func(f trace.Filter) error { _, err := db.Traces(ctx, f, 100, ""); return err },
		"sessions": func(f trace.Filter) error { _, err := db.Sessions(ctx, f, 100, ""); return err },
		"costs":    func(f trace.Filter) error { _, err := db.Costs(ctx, trace.CostQuery{Filter: f}); return err },
		"facets":   func(f trace.Filter) error { _, err := db.Facets(ctx, f, 10); return err },
		"users": func(f trace.Filter) error {
			_, err := db.Users(ctx, trace.UserQuery{Filter: f, Order: trace.ByCost, Limit: 10})
			return err
		},
		"counts": func(f trace.Filter) error {
			_, err := db.CountFacets(ctx, trace.FacetQuery{Filter: f, Fields: []string{"user"}, Limit: 10})
			return err
		},
	}
	for name, ask := range asks {
		fault, ok := errors.AsType[*llm.Fault](ask(f))
		if !ok || fault.Code != llm.InvalidRequest || fault.Param != "since" || !strings.Contains(fault.Message, "since=2026-05-04T12:05:00Z is the earliest") {
			t.Errorf("%s of a day: %v, want a since that fits", name, fault)
		}
		for what, narrower := range map[string]trace.Filter{
			"that":          {Text: f.Text, Since: time.Date(2026, 5, 4, 12, 5, 0, 0, time.UTC), Until: f.Until},
			"of a user":     {Text: f.Text, Since: f.Since, Until: f.Until, User: "ann"},
			"of a session":  {Text: f.Text, Since: f.Since, Until: f.Until, Session: "s1", Project: "lab"},
			"before a time": {Text: f.Text, Since: f.Since, Until: newest.Add(-2 * time.Hour)},
		} {
			if name == "users" && narrower.User != "" {
				continue // beside their total, which is of all users
			}
			if err := ask(narrower); err != nil {
				t.Errorf("%s %s: %v", name, what, err)
			}
		}
	}
	if err := asks["calls"](trace.Filter{Text: "  ", Since: f.Since}); err != nil {
		t.Errorf("without a word: %v", err)
	}
	f.Since = newest // ten bodies of one moment
	db.cfg.MaxSearch = 100
	if fault, ok := errors.AsType[*llm.Fault](asks["calls"](f)); !ok || strings.Contains(fault.Message, "since=") || !strings.Contains(fault.Message, "one project") {
		t.Errorf("of one crowded moment: %v", fault)
	}
	db.cfg.MaxSearch = 24 << 10
	page, err := db.Calls(ctx, trace.Filter{Text: "WORD", Since: newest.Add(-2 * time.Hour), Until: f.Until, Project: "lab", User: "bob"}, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	users := map[string]int{}
	for i := range page.Calls {
		users[page.Calls[i].User]++
	}
	if diff := cmp.Diff(map[string]int{"bob": 8}, users); diff != "" {
		t.Errorf("found (-want +got)\n%s", diff)
	}
}
