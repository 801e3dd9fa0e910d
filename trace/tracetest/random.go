package tracetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Random makes n records that start in [since, until), the same for the same r: few values of each column, so that
// groups have several calls, amounts of odd nanodollars, and now and then everything that may be missing.
func Random(r *rand.Rand, n int, since, until time.Time) []trace.Record {
	records := make([]trace.Record, n)
	for i := range records {
		records[i] = random(r, since, until)
	}
	return records
}

func random(r *rand.Rand, since, until time.Time) trace.Record {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	start := since.Add(time.Duration(r.Int64N(int64(until.Sub(since))))).Truncate(time.Microsecond)
	if r.IntN(4) == 0 {
		start = start.Truncate(time.Minute) // on an edge
	}
	var traceID, spanID [16]byte
	for i := range traceID {
		traceID[i], spanID[i] = byte(r.Uint32()), byte(r.Uint32())
	}
	key := pick("dev", "ci", "")
	call := trace.Span{
		ID: newID(r, start), TraceID: fmt.Sprintf("%x", traceID), SpanID: fmt.Sprintf("%x", spanID[:8]), Kind: trace.KindCall,
		Start: start, Duration: time.Duration(r.Int64N(int64(30 * time.Second))),
		Project: pick("default", "shop", "lab"), KeyID: key + "-id", Key: key,
		User: pick("", "ann", "bob", "cem", "žofie"), Session: pick("", "s1", "s2", "s3"),
		Endpoint: llm.Endpoint(pick(string(llm.ChatCompletions), string(llm.Embeddings))), Path: "/chat/completions",
		Stream: r.IntN(2) == 0, Provider: pick("openai", "anthropic", ""), ModelRequested: pick("fast", "gpt-4o-mini"),
		Model: pick("gpt-4o-mini-2024-07-18", "claude-sonnet-4", ""), ResponseID: pick("", "chatcmpl-1"),
		Status: trace.Status(pick("ok", "ok", "ok", "error", "client_closed", "budget")), HTTPStatus: 200,
		UsageSource: llm.UsageSource(pick("provider", "estimated", "none")),
		PriceStatus: price.Status(pick("exact", "exact", "default", "unpriced")),
		Cache:       trace.Cache(pick("off", "miss", "hit", "semantic")), Attempts: 1,
		Prompt: pick("", "greet", "route"), Arm: pick("", "a", "b"),
	}
	if call.Stream {
		call.TTFT = time.Duration(r.Int64N(int64(call.Duration) + 1))
	}
	if call.Prompt != "" {
		call.PromptVersion = r.IntN(3)
	}
	if call.Status == trace.StatusError {
		call.Error = &llm.Error{Type: pick("rate_limit_exceeded", "http_500"), Message: "no", Status: 500, Retryable: true}
		call.ErrorCode, call.HTTPStatus = call.Error.Type, 500
	}
	for _, name := range []string{"team", "env"} {
		if r.IntN(3) > 0 {
			if call.Tags == nil {
				call.Tags = map[string]string{}
			}
			call.Tags[name] = pick("red", "blue", "")
		}
	}
	tokens := func() int64 { return r.Int64N(100_000) * int64(r.IntN(2)) }
	call.Usage = llm.Usage{
		InputUncached: tokens(), CacheRead: tokens(), CacheWrite5m: tokens(), CacheWrite1h: tokens(), InputAudio: tokens(),
		OutputText: tokens(), Reasoning: tokens(), OutputAudio: tokens(),
	}
	call.Cost = price.USD(r.Int64N(int64(price.Dollar)))
	if r.IntN(50) == 0 {
		call.Cost = price.MaxUSD / 1000
	}
	if call.Cache == trace.CacheHit {
		call.Saved, call.Cost = call.Cost, 0
	}
	rec := trace.Record{Call: call}
	if r.IntN(3) > 0 {
		rec.Body = trace.Body{
			Request:  []byte(`{"messages":[{"role":"user","content":"` + pick("Where is my order?", "Translate Straße, please", "résumé") + `"}]}`),
			Response: []byte(`{"choices":[{"message":{"content":"` + pick("It is on its way.", "No.", "Später") + `"}}]}`),
		}
	}
	for i := range r.IntN(3) {
		a := call
		a.Kind, a.ParentID, a.ID = trace.KindAttempt, call.SpanID, ""
		a.SpanID = fmt.Sprintf("%014x%02x", r.Uint64()>>8, i)
		a.Start = call.Start.Add(time.Duration(i) * call.Duration / 4).Truncate(time.Microsecond).Add(time.Duration(i) * time.Microsecond)
		a.Duration = call.Duration / 4
		rec.Attempts = append(rec.Attempts, a)
	}
	return rec
}

// newID is llm.NewID with r's randomness.
func newID(r *rand.Rand, at time.Time) string {
	ms := uint64(at.UnixMilli())
	return fmt.Sprintf("%08x-%04x-7%03x-8%03x-%012x", ms>>16, ms&0xffff, r.IntN(1<<12), r.IntN(1<<12), r.Int64N(1<<48))
}

// RandomConditions asks of fields of f for several values that some Random calls have, or leaves them out; now and then for none that any has.
func RandomConditions(r *rand.Rand, f *trace.Filter) {
	fields := append([]string{"tag.team", "tag.none"}, trace.FilterFields...)
	calls := Random(r, 3, time.Unix(0, 0), time.Unix(1, 0))
	for range 1 + r.IntN(2) {
		field := fields[r.IntN(len(fields))]
		values := []string{"no such value"}
		for i := range calls {
			values = append(values, valuesOf(&calls[i].Call, field)...)
		}
		if values = values[r.IntN(2):]; r.IntN(3) == 0 {
			f.Exclude(field, values...)
		} else {
			f.Ask(field, values...)
		}
	}
}

// valuesOf are values that a filter may ask for in a field to pick a call; not "", which asks for nothing but of tags.
func valuesOf(s *trace.Span, field string) []string {
	if tag, ok := strings.CutPrefix(field, "tag."); ok {
		if v, has := s.Tags[tag]; has {
			return []string{v}
		}
		return nil
	}
	values := map[string][]string{
		"project": {s.Project}, "key": {s.Key, s.KeyID}, "provider": {s.Provider}, "model": {s.Model, s.ModelRequested}, "user": {s.User},
		"status": {string(s.Status)}, "endpoint": {string(s.Endpoint)}, "cache": {string(s.Cache)}, "arm": {s.Arm}, "prompt": {s.Prompt, promptRef(s)},
		"session": {s.Session}, "trace": {s.TraceID}, "error_code": {s.ErrorCode}, "price_status": {string(s.PriceStatus)},
	}[field]
	return slices.DeleteFunc(values, func(v string) bool { return v == "" })
}
