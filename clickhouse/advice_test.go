package clickhouse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/price/advice"
	"github.com/weir-dev/weir/trace"
)

// story writes calls of a past, each with what is odd about it.
type story struct {
	from    time.Time
	records []trace.Record
}

// tell adds a call that began so long after the beginning.
func (s *story) tell(after time.Duration, change func(*trace.Record)) {
	start := s.from.Add(after)
	n := len(s.records) + 1
	rec := trace.Record{Call: trace.Span{
		ID: llm.NewID(start), TraceID: fmt.Sprintf("%032x", n), SpanID: fmt.Sprintf("%016x", n), Kind: trace.KindCall, Start: start,
		Duration: time.Second, Project: "p", Key: "k", KeyID: "kid", Endpoint: llm.ChatCompletions, Provider: "openai",
		ModelRequested: "gpt-4o", Model: "gpt-4o-2024-08-06", Status: trace.StatusOK, HTTPStatus: 200, FinishReasons: []string{"stop"},
		Usage: llm.Usage{InputUncached: 100, OutputText: 50}, UsageSource: llm.FromProvider,
		Cost: price.Cent, PriceStatus: price.Exact, Cache: trace.CacheOff, Attempts: 1,
	}}
	rec.Body.Request = fmt.Appendf(nil, `{"messages":[{"role":"user","content":"question %d"}]}`, n)
	change(&rec)
	s.records = append(s.records, rec)
}

func TestAdviceFacts(t *testing.T) {
	db := openTest(t, testConfig(t))
	s := story{from: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}
	until := s.from.Add(20 * time.Hour)

	// Twelve equal requests in the first hour, one of them dear and one answered from the cache, and one three hours later.
	same := func(r *trace.Record) {
		r.Call.Project, r.Body.Request = "repeats", []byte(`{"messages":[{"role":"user","content":"what are your hours?"}]}`)
	}
	for i := range 12 {
		s.tell(time.Duration(i)*4*time.Minute, func(r *trace.Record) {
			if same(r); i == 5 {
				r.Call.Cost = 5 * price.Cent
			}
		})
	}
	s.tell(50*time.Minute, func(r *trace.Record) { same(r); r.Call.Cache, r.Call.Cost = trace.CacheHit, 0 })
	s.tell(4*time.Hour, same)

	// Six requests of ten thousand bytes that begin with the same nine thousand, a minute apart from a whole five minutes on; one read the cache.
	long := strings.Repeat("a", 9000)
	for i := range 6 {
		s.tell(2*time.Hour+time.Duration(i)*30*time.Second, func(r *trace.Record) {
			r.Call.Project, r.Body.Request = "prefixes", []byte(long+strings.Repeat(fmt.Sprint(i), 1000))
			r.Call.Usage.InputUncached = 2500
			if i == 5 {
				r.Call.Usage.InputUncached, r.Call.Usage.CacheRead = 500, 2000
			}
		})
	}

	// Cache writes: read after four minutes; read after six, which is too late; kept an hour and read after six; never read, as it is
	// another key's; and one of the last hour, of which nobody knows.
	write := func(after time.Duration, key string, short, hour, read int64) {
		s.tell(after, func(r *trace.Record) {
			r.Call.Project, r.Call.Key, r.Call.KeyID, r.Call.Provider, r.Call.Model = "writes", key, key, "anthropic", "claude-sonnet-4-5"
			r.Call.Usage.CacheWrite5m, r.Call.Usage.CacheWrite1h, r.Call.Usage.CacheRead = short, hour, read
		})
	}
	write(0, "k1", 1000, 0, 0)
	write(4*time.Minute, "k1", 0, 0, 1000)
	write(time.Hour, "k1", 2000, 0, 0)
	write(time.Hour+6*time.Minute, "k1", 0, 0, 2000)
	write(2*time.Hour, "k1", 0, 4000, 0)
	write(2*time.Hour+6*time.Minute, "k1", 0, 0, 4000)
	write(3*time.Hour, "k2", 8000, 0, 0)
	write(3*time.Hour+time.Minute, "k1", 0, 0, 1)
	write(19*time.Hour+30*time.Minute, "k2", 16000, 0, 0)

	// A prompt with an input of 100 tokens, but for two calls; a session of nine calls with a long history.
	for i := range 20 {
		s.tell(time.Duration(i)*time.Minute, func(r *trace.Record) {
			r.Call.Project, r.Call.Prompt, r.Call.PromptVersion, r.Call.Usage.InputUncached = "inputs", "greet", 1, 100
			if i >= 18 {
				r.Call.Usage.InputUncached = 1000
			}
		})
	}
	for i := range 9 {
		s.tell(time.Duration(i)*time.Minute, func(r *trace.Record) {
			r.Call.Project, r.Call.Session, r.Call.Usage.InputUncached = "histories", "s1", int64(1000+i*1500)
		})
	}

	// A failure that was charged and asked again, one that was not asked again, one that cost nothing; an answer that was cut and asked
	// again, and one that was not.
	failed := func(after time.Duration, text string, status trace.Status, cost price.USD) {
		s.tell(after, func(r *trace.Record) {
			r.Call.Project, r.Call.Status, r.Call.Cost, r.Body.Request = "failures", status, cost, []byte(text)
		})
	}
	failed(0, "one", trace.StatusClientClosed, 3*price.Cent)
	failed(time.Minute, "one", trace.StatusOK, price.Cent)
	failed(time.Hour, "one", trace.StatusError, 7*price.Cent)
	failed(2*time.Hour, "two", trace.StatusError, 0)
	failed(2*time.Hour+time.Minute, "two", trace.StatusOK, price.Cent)
	ask := func(after time.Duration, user, text string, reason string) {
		s.tell(after, func(r *trace.Record) {
			r.Call.Project, r.Call.User, r.Call.FinishReasons = "cuts", user, []string{reason}
			r.Body.Request = fmt.Appendf(nil, `{"max_tokens":%d,"messages":[{"role":"user","content":%q}]}`, len(s.records), text)
		})
	}
	ask(0, "u1", "tell me all", "length")
	ask(time.Minute, "u1", "tell me all", "stop")
	ask(time.Hour, "u1", "and then", "length")
	ask(time.Hour+time.Minute, "u2", "and then", "stop")

	if err := db.Write(t.Context(), trace.Batch{Token: "t", Records: trace.Slice(s.records)}); err != nil {
		t.Fatal(err)
	}
	facts := func(project string) advice.Facts {
		t.Helper()
		f, err := db.AdviceFacts(t.Context(), trace.Filter{Since: s.from.Add(-time.Hour), Until: until, Project: project})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	without := cmpopts.IgnoreFields(advice.Repeat{}, "IDs")
	check := func(what string, got, want any, opts ...cmp.Option) {
		t.Helper()
		if diff := cmp.Diff(want, got, append(opts, without)...); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	group := func(project string) advice.Group {
		return advice.Group{Project: project, Provider: "openai", Model: "gpt-4o-2024-08-06"}
	}

	all := facts("")
	if all.Calls != int64(len(s.records)) || !all.Span.First.Equal(s.from) || !all.Span.TextsSince.Equal(s.from.Add(-time.Hour)) {
		t.Errorf("%d calls of %d, %+v", all.Calls, len(s.records), all.Span)
	}
	check("users", all.Users, []advice.UserSpend{{User: "u1", Calls: 3, Cost: 3 * price.Cent}, {User: "u2", Calls: 1, Cost: price.Cent}})

	f := facts("repeats")
	check("repeats", f.Repeats, []advice.Repeat{{
		Group: group("repeats"), Endpoint: "chat.completions", Calls: 13, Cost: 17 * price.Cent, Spared: 11 * price.Cent, Hits: 11,
	}})
	if len(f.Repeats) == 1 && len(f.Repeats[0].IDs) != advice.Samples {
		t.Errorf("%d ids", len(f.Repeats[0].IDs))
	}

	f = facts("prefixes")
	check("prefixes", f.Prefixes, []advice.Prefix{{
		Group: group("prefixes"), Calls: 6, Unread: 4, Firsts: 1, Bytes: 4 * 8192, Requests: 60_000, Input: 15_000,
	}}, cmpopts.IgnoreFields(advice.Prefix{}, "IDs"))

	f = facts("writes")
	claude := func(key string) advice.Group {
		return advice.Group{Project: "writes", Provider: "anthropic", Model: "claude-sonnet-4-5", Key: key}
	}
	check("writes", f.Writes, []advice.Writes{
		{Group: claude("k2"), Calls: 1, Unread: 1, Unread5m: 8000, Written: 8000, Read: 0},
		{Group: claude("k1"), Calls: 3, Unread: 1, Unread5m: 2000, Written: 7000, Read: 7001},
	}, cmpopts.IgnoreFields(advice.Writes{}, "IDs"))

	f = facts("inputs")
	prompt := group("inputs")
	prompt.Prompt = "greet"
	check("inputs", f.Inputs, []advice.Inputs{{
		Group: prompt, Calls: 20, Median: 100, P95: 1000, Long: 2, Excess: 1400, Cost: 20 * price.Cent, IDs: f.Inputs[0].IDs,
	}})
	check("outputs", f.Outputs, []advice.Outputs{{
		Group: prompt, Calls: 20, Input: 18*100 + 2000, Output: 1000, P95: 50, Cost: 20 * price.Cent, IDs: f.Outputs[0].IDs,
	}})

	f = facts("histories")
	check("histories", f.Histories, []advice.Histories{{
		Group: group("histories"), Sessions: 1, Calls: 4, Input: 8500 + 10000 + 11500 + 13000, Output: 200, Excess: 500 + 2000 + 3500 + 5000, Cost: 4 * price.Cent,
		IDs: f.Histories[0].IDs,
	}})

	f = facts("failures")
	failures := group("failures")
	failures.Key = "k"
	check("failures", f.Failures, []advice.Failures{{Group: failures, Calls: 1, Cost: 3 * price.Cent, IDs: f.Failures[0].IDs}})

	f = facts("cuts")
	cuts := group("cuts")
	cuts.Key = "k"
	check("cuts", f.Cuts, []advice.Cuts{{Group: cuts, Calls: 2, Again: 1, Cost: price.Cent, IDs: f.Cuts[0].IDs}})
	if f.Users == nil || len(facts("nobody's").Users) != 0 || facts("nobody's").Calls != 0 {
		t.Error("the filter does not hold")
	}
	f, err := db.adviceFacts(t.Context(), trace.Filter{Since: s.from.Add(-time.Hour), Until: until, Project: "repeats"}, 3)
	if since := s.from.Add(44 * time.Minute); err != nil || f.Calls != 3 || !f.Span.Since.Equal(since) || !f.Span.First.Equal(since) {
		t.Errorf("of the newest three: %d calls, %+v, %v; want those from %v on", f.Calls, f.Span, err, since)
	}
}
