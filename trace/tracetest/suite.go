package tracetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Store is what Test tests.
type Store interface {
	trace.Writer
	trace.Reader
	trace.Finder
	trace.Bundles
	trace.Explorer
}

// Preview is the preview function that Test's stores must be opened with.
func Preview(r *trace.Record, _ int) (input, output string) {
	var request struct {
		Messages []struct{ Role, Content string }
	}
	var response struct {
		Choices []struct{ Message struct{ Content string } }
	}
	_ = json.Unmarshal(r.Body.Request, &request)
	_ = json.Unmarshal(r.Body.Response, &response)
	for _, m := range request.Messages {
		if m.Role == "user" {
			input = m.Content
		}
	}
	for _, c := range response.Choices {
		output = c.Message.Content
	}
	return input, output
}

// t0 is when the tests' calls happen: late on a day of UTC, on the next in Berlin and Kathmandu, on the same in New York.
var t0 = time.Date(2026, 3, 31, 23, 30, 0, 0, time.UTC)

// Test tests that a store keeps the contracts of trace.Writer and trace.Reader. open gives an empty store for each
// subtest, with Preview as its preview function.
func Test(t *testing.T, open func(t *testing.T) Store) {
	t.Helper()
	for _, sub := range []struct {
		name string
		test func(contract)
	}{
		{"empty", contract.empty},
		{"round trip", contract.roundTrip},
		{"hostile text", contract.hostileText},
		{"same batch twice", contract.twice},
		{"pages", contract.pages},
		{"find", contract.find},
		{"filters", contract.filters},
		{"search", contract.search},
		{"traces", contract.traces},
		{"bundles", contract.bundles},
		{"users", contract.users},
		{"costs", contract.costs},
		{"cost groups", contract.costGroups},
		{"time zones", contract.timeZones},
		{"edges", contract.edges},
		{"bad questions", contract.badQuestions},
		{"facets", contract.facets},
		{"facets of calls", contract.callFacets},
		{"sorted calls", contract.sortedCalls},
		{"unpriced", contract.unpriced},
		{"export", contract.export},
	} {
		t.Run(sub.name, func(t *testing.T) {
			t.Parallel()
			sub.test(contract{t, open(t)})
		})
	}
}

// contract is one subtest: what it asks of an empty store.
type contract struct {
	t     *testing.T
	store Store
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		g, _ := json.Marshal(got) // shows what pointers point to
		w, _ := json.Marshal(want)
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func write(t *testing.T, s Store, token string, records ...trace.Record) {
	t.Helper()
	check(t, s.Write(t.Context(), trace.Batch{Token: token, Records: trace.Slice(records)}))
}

// at makes a plain call of 13.5 microdollars that starts at t0 + after, and lets edit change it.
func at(after time.Duration, edit ...func(*trace.Span)) trace.Record {
	start := t0.Add(after)
	s := trace.Span{
		ID: llm.NewID(start), TraceID: llm.NewTraceID(), SpanID: llm.NewSpanID(), Kind: trace.KindCall,
		Start: start, Duration: 800 * time.Millisecond,
		Project: "default", KeyID: "k1", Key: "dev", User: "ann", Session: "s1",
		Endpoint: llm.ChatCompletions, Path: "/chat/completions", Provider: "openai",
		ModelRequested: "fast", Model: "gpt-4o-mini", Status: trace.StatusOK, HTTPStatus: 200,
		Usage: llm.Usage{InputUncached: 10, OutputText: 20}, UsageSource: llm.FromProvider,
		Cost: 13_500, PriceStatus: price.Exact, Cache: trace.CacheOff, Attempts: 1,
	}
	for _, e := range edit {
		e(&s)
	}
	return trace.Record{Call: s}
}

// body gives a record the words of a conversation, as JSON with escapes.
func body(r trace.Record, question, answer string) trace.Record {
	r.Body.Request = []byte(`{"messages":[{"role":"user","content":` + ascii(question) + `}]}`)
	r.Body.Response = []byte(`{"choices":[{"message":{"content":` + ascii(answer) + `}}]}`)
	return r
}

// ascii is s as a JSON string of ASCII only, as many clients send it.
func ascii(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		if r < 0x80 && r != '"' && r != '\\' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (c contract) empty() {
	t, s := c.t, c.store
	ctx := t.Context()
	page, err := s.Calls(ctx, trace.Filter{}, 50, "")
	check(t, err)
	if len(page.Calls) != 0 || page.Next != "" {
		t.Errorf("Calls gives %d calls, want none", len(page.Calls))
	}
	page, err = s.Calls(ctx, trace.Filter{Text: "word", Tags: map[string]string{"a": "b"}}, 50, "")
	check(t, err)
	if len(page.Calls) != 0 {
		t.Errorf("Calls with a text gives %d calls, want none", len(page.Calls))
	}
	if _, err := s.Call(ctx, "nobody"); !errors.Is(err, trace.ErrNoCall) {
		t.Errorf("Call = %v, want ErrNoCall", err)
	}
	if _, err := s.Call(ctx, llm.NewID(t0)); !errors.Is(err, trace.ErrNoCall) {
		t.Errorf("Call = %v, want ErrNoCall", err)
	}
	spans, err := s.Trace(ctx, llm.NewTraceID(), 10)
	check(t, err)
	if len(spans) != 0 {
		t.Errorf("Trace = %+v, want none", spans)
	}
	for _, by := range [][]string{nil, {"model"}, {"day"}, {"tag.team", "month"}} {
		costs, err := s.Costs(ctx, trace.CostQuery{By: by})
		check(t, err)
		equal(t, fmt.Sprintf("Costs by %v", by), costs, trace.Costs{})
	}
	facets, err := s.Facets(ctx, trace.Filter{}, 10)
	check(t, err)
	if len(facets) != 0 {
		t.Errorf("Facets = %v, want none", facets)
	}
	unpriced, err := s.Unpriced(ctx, time.Time{}, time.Time{})
	check(t, err)
	if len(unpriced) != 0 {
		t.Errorf("Unpriced = %v, want none", unpriced)
	}
	for r, err := range s.Export(ctx, trace.Filter{}, true) {
		t.Errorf("Export gives %v, %v, want nothing", r.Call.ID, err)
	}
	check(t, s.Write(ctx, trace.Batch{Token: "empty"}))
}

// whole is a record with everything in it.
func whole() trace.Record {
	start := t0.Add(123456 * time.Microsecond)
	call := trace.Span{
		ID: llm.NewID(start), TraceID: llm.NewTraceID(), SpanID: llm.NewSpanID(), ParentID: llm.NewSpanID(), Kind: trace.KindCall,
		Start: start, Duration: 812_345_678, TTFT: 210_000_001,
		Project: "shop", KeyID: "k7", Key: "prod", User: "u1", Session: "s1", Tags: map[string]string{"team": "a", "env": "", "ünï": "✓"},
		Endpoint: llm.ChatCompletions, Path: "/chat/completions", Stream: true, Provider: "openai",
		ModelRequested: "fast", Model: "gpt-4o-mini-2024-07-18", ResponseID: "chatcmpl-9",
		Status: trace.StatusError, HTTPStatus: 200, ErrorCode: "server_error",
		Error:         &llm.Error{Type: "server_error", Message: "cut \"off\"\n", Status: 500, Retryable: true},
		FinishReasons: []string{"stop", ""}, ServiceTier: "flex",
		Usage:       llm.Usage{InputUncached: 1, CacheRead: 2, CacheWrite5m: 3, CacheWrite1h: 4, InputAudio: 5, OutputText: 6, Reasoning: 7, OutputAudio: 8},
		UsageSource: llm.FromProvider, UsageRaw: `{"prompt_tokens":15}`,
		Units: llm.Units{WebSearch: 1, Image: 2, AudioSeconds: 3.25},
		Cost:  123_456_789_012_345_678, Saved: 1, Held: 999_999_999, PriceStatus: price.Exact, PriceVersion: "openai/gpt-4o-mini@2024-07-18",
		PriceRule:    "openai/gpt-4o-mini, effective 2024-07-18",
		CostLines:    []price.Line{{Bucket: "cache_read", Tokens: 2, PerMTok: "0.075", AmountUSD: "0.00000015", Rule: "cache read"}},
		ProviderCost: "0.0001", Cache: trace.CacheMiss, CacheNeighbor: "c0", CacheScore: 0.9625, Attempts: 2, Prompt: "greet", PromptVersion: 7,
		PromptHash: "sha256:0f", PromptRevision: 12,
		Experiment: "tone", Arm: "b", Epoch: 2, Unit: "u-1", OwnText: 41, Flags: []string{"usage_clamped", "body_truncated"},
	}
	attempt := trace.Span{
		TraceID: call.TraceID, SpanID: llm.NewSpanID(), ParentID: call.SpanID, Kind: trace.KindAttempt,
		Start: start.Add(time.Millisecond), Duration: 5 * time.Millisecond, Project: "shop", KeyID: "k7", Key: "prod",
		Provider: "azure", Model: "gpt-4o-mini", Status: trace.StatusError, HTTPStatus: 429, ErrorCode: "rate_limit_exceeded",
		Error: &llm.Error{Type: "rate_limit_exceeded", Status: 429, Retryable: true},
	}
	second := attempt
	second.SpanID, second.Start, second.Provider = llm.NewSpanID(), start.Add(10*time.Millisecond), "openai"
	second.Status, second.HTTPStatus, second.ErrorCode, second.Error = trace.StatusOK, 200, "", nil
	r := body(trace.Record{Call: call, Attempts: []trace.Span{attempt, second}}, "Wo ist meine Bestellung?", strings.Repeat("Später. ", 100))
	return r
}

func (c contract) roundTrip() {
	t, s := c.t, c.store
	everything := whole()
	nothing := trace.Record{Call: trace.Span{ID: "from-elsewhere", Kind: trace.KindCall, Start: t0.Add(-1000 * time.Hour)}}
	unpriced := at(time.Second, func(c *trace.Span) { c.PriceStatus, c.Cost = price.Unpriced, 0 })
	zero := at(2*time.Second, func(c *trace.Span) { c.Cost = 0 })
	write(t, s, "b1", everything, nothing, unpriced, zero)
	for _, want := range []trace.Record{everything, nothing, unpriced, zero} {
		got, err := s.Call(t.Context(), want.Call.ID)
		check(t, err)
		equal(t, "Call "+want.Call.ID, got, want)
	}
	got, err := s.Call(t.Context(), unpriced.Call.ID)
	check(t, err)
	if _, known := got.Call.KnownCost(); known {
		t.Error("an unpriced call has a cost")
	}

	page, err := s.Calls(t.Context(), trace.Filter{Project: "shop"}, 10, "")
	check(t, err)
	line := trace.CallRow{Span: everything.Call}
	line.CostLines = nil
	line.InputPreview = "Wo ist meine Bestellung?"
	line.OutputPreview = string([]rune(strings.Repeat("Später. ", 100))[:300])
	equal(t, "Calls of shop", page.Calls, []trace.CallRow{line})
}

func (c contract) hostileText() {
	t, s := c.t, c.store
	bad := "\x00\xff\xfe{'); DROP TABLE calls; --\\N\t\r\n\"`{x:String}"
	r := at(0, func(c *trace.Span) {
		c.User, c.Session, c.Model, c.ErrorCode = bad, bad, bad, bad
		c.Error = &llm.Error{Type: bad, Message: bad}
		c.Tags = map[string]string{bad: bad}
		c.FinishReasons, c.Flags = []string{bad}, []string{bad}
		c.UsageRaw = bad
	})
	r.Body = trace.Body{Request: []byte(bad), Response: []byte(bad)}
	write(t, s, bad, r)
	write(t, s, bad, r)
	for name, f := range map[string]trace.Filter{
		"user": {User: bad}, "session": {Session: bad}, "model": {Model: bad}, "error": {ErrorCode: bad},
		"tag": {Tags: map[string]string{bad: bad}}, "no filter": {},
	} {
		page, err := s.Calls(t.Context(), f, 10, "")
		check(t, err)
		if len(page.Calls) != 1 {
			t.Errorf("%s: %d calls, want 1", name, len(page.Calls))
		}
		costs, err := s.Costs(t.Context(), trace.CostQuery{Filter: f, By: []string{"model", "day"}})
		check(t, err)
		if costs.Total.Calls != 1 || len(costs.Rows) != 1 {
			t.Errorf("%s: costs %+v, want 1 call", name, costs)
		}
	}
	got, err := s.Call(t.Context(), r.Call.ID)
	check(t, err)
	equal(t, "Call", got, r)
	if _, err := s.Calls(t.Context(), trace.Filter{Text: "drop table \xff"}, 10, ""); err != nil {
		t.Errorf("search for invalid UTF-8: %v", err)
	}
}

func (c contract) twice() {
	t, s := c.t, c.store
	records := []trace.Record{whole(), at(time.Minute), body(at(48*time.Hour), "q", "a")}
	for range 3 {
		write(t, s, "spool/1-3", records...)
	}
	write(t, s, "spool/4-4", at(2*time.Minute))
	page, err := s.Calls(t.Context(), trace.Filter{}, 100, "")
	check(t, err)
	if len(page.Calls) != 4 {
		t.Errorf("%d calls, want 4", len(page.Calls))
	}
	want := records[0].Call.Cost + 3*13_500
	for _, by := range []string{"project", "minute", "hour", "day", "user", "session"} {
		costs, err := s.Costs(t.Context(), trace.CostQuery{By: []string{by}})
		check(t, err)
		if costs.Total.Calls != 4 || costs.Total.Cost != want {
			t.Errorf("by %s: %d calls, %s, want 4, %s", by, costs.Total.Calls, costs.Total.Cost, want)
		}
	}
	got, err := s.Call(t.Context(), records[0].Call.ID)
	check(t, err)
	equal(t, "Call", got, records[0])
}
