package otelout

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

func TestASpanCarriesTheCallAndJoinsItsTrace(t *testing.T) {
	sink := tracetest.NewInMemoryExporter()
	e := newExporter(sdk.WithSyncer(sink))
	start := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	call := trace.Span{
		ID: "id-1", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7", ParentID: "53995c3f42cd8ad8", Kind: trace.KindCall,
		Start: start, Duration: 2 * time.Second, TTFT: 250 * time.Millisecond, Project: "p", Session: "s1", User: "u1", Tags: map[string]string{"team": "a"},
		Endpoint: llm.ChatCompletions, Stream: true, Provider: "openai", ModelRequested: "fast", Model: "gpt-4o-mini-2024-07-18", Status: trace.StatusOK, HTTPStatus: 200,
		FinishReasons: []string{"stop"}, Usage: llm.Usage{InputUncached: 10, CacheRead: 90, OutputText: 20, Reasoning: 5}, UsageSource: llm.FromProvider,
		Cost: 13_500, PriceStatus: price.Exact, Attempts: 2,
	}
	failed := trace.Span{
		TraceID: call.TraceID, SpanID: "a0f067aa0ba902b7", ParentID: call.SpanID, Kind: trace.KindAttempt, Start: start, Duration: time.Second,
		Endpoint: llm.ChatCompletions, Provider: "local", Model: "qwen3", ModelRequested: "fast", Status: trace.StatusError, HTTPStatus: 503,
		ErrorCode: "http_503", Error: &llm.Error{Type: "http_503", Message: "overloaded"},
	}
	e.Observe(&trace.Record{Call: call, Attempts: []trace.Span{failed}})

	spans := sink.GetSpans()
	if len(spans) != 2 {
		t.Fatalf("%d spans, want the call and its attempt", len(spans))
	}
	got := spans[0]
	if got.Name != "chat fast" || got.SpanContext.TraceID().String() != call.TraceID || got.SpanContext.SpanID().String() != call.SpanID ||
		got.Parent.SpanID().String() != call.ParentID || !got.StartTime.Equal(start) || got.EndTime.Sub(got.StartTime) != 2*time.Second {
		t.Errorf("span %q %v, parent %v, %v to %v", got.Name, got.SpanContext, got.Parent, got.StartTime, got.EndTime)
	}
	have := map[string]any{}
	for _, kv := range got.Attributes {
		have[string(kv.Key)] = kv.Value.AsInterface()
	}
	want := map[string]any{
		"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai", "gen_ai.request.model": "fast",
		"gen_ai.request.stream": true, "gen_ai.response.model": "gpt-4o-mini-2024-07-18", "gen_ai.response.finish_reasons": []string{"stop"},
		"gen_ai.response.time_to_first_chunk": 0.25, "gen_ai.usage.input_tokens": int64(100), "gen_ai.usage.output_tokens": int64(25),
		"gen_ai.usage.cache_read.input_tokens": int64(90), "gen_ai.usage.reasoning.output_tokens": int64(5), "gen_ai.usage.cost": 0.0000135,
		"weir.cost.usd": "0.000013500", "weir.call.id": "id-1", "weir.price.status": "exact", "weir.usage.source": "provider", "weir.attempts": int64(2),
		"gen_ai.conversation.id": "s1", "session.id": "s1", "user.id": "u1", "weir.project": "p", "weir.provider": "openai", "weir.status": "ok",
		"http.response.status_code": int64(200), "weir.tag.team": "a",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if child := spans[1]; child.Parent.SpanID().String() != call.SpanID || child.Status.Description != "overloaded" {
		t.Errorf("attempt's parent %v, status %v", child.Parent, child.Status)
	}
}
