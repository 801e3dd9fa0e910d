package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/ragtest"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// chatSpan is a chat completion in the trace of the test.
func chatSpan(id, model string, start time.Time, took time.Duration) trace.Span {
	return trace.Span{ID: id, TraceID: "0123456789abcdef0123456789abcdef", SpanID: id, Kind: trace.KindCall, Endpoint: llm.ChatCompletions, Start: start, Duration: took, Model: model, Project: "p"}
}

// Of a trace with several questions the passages are those of the call's own question, while it ran.
func TestPassagesOfACall(t *testing.T) {
	t0 := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	inner := func(question, passage string) []byte {
		return []byte(`{"messages":[{"role":"user","content":"The sources. Each stands between two lines with the mark ab, and its number in front of its text.\n\n=== ab ===\ndocument: \"a.md\"\n\n[1]\n` +
			passage + `\n=== end ab ===\n\nQuestion: ` + question + `"}]}`)
	}
	store := &tracetest.Memory{}
	outer := trace.Record{
		Call: chatSpan("outer", "rag/handbook", t0, time.Second),
		Body: trace.Body{Request: []byte(`{"messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi"},{"role":"user","content":"How many days?"}]}`)},
	}
	batch := trace.Slice{
		outer,
		{Call: chatSpan("other", "m", t0.Add(10*time.Millisecond), time.Millisecond), Body: trace.Body{Request: inner("What else?", "Something else.")}},
		{Call: chatSpan("rerank", "m", t0.Add(20*time.Millisecond), time.Millisecond), Body: trace.Body{Request: []byte(`{"messages":[{"role":"user","content":"How many days?"}]}`)}},
		{Call: chatSpan("mine", "m", t0.Add(30*time.Millisecond), time.Millisecond), Body: trace.Body{Request: inner("How many days?", "Thirty days.")}},
		{Call: chatSpan("later", "m", t0.Add(time.Minute), time.Millisecond), Body: trace.Body{Request: inner("How many days?", "Forty days.")}},
	}
	if err := store.Write(t.Context(), trace.Batch{Token: "a", Records: batch}); err != nil {
		t.Fatal(err)
	}
	got, err := ragContexts(store)(t.Context(), &outer)
	if err != nil || !slices.Equal(got, []string{"Thirty days."}) {
		t.Errorf("passages %q, %v", got, err)
	}
	outer.Call.Model = "gpt-4o"
	if got, err := ragContexts(store)(t.Context(), &outer); err != nil || got != nil {
		t.Errorf("passages %q, %v of a call that no pipeline answered", got, err)
	}
}

// nowhere takes scores.
type nowhere struct{ trace.Scores }

// PutScores implements trace.Scores.
func (nowhere) PutScores(context.Context, []trace.Score) error { return nil }

// Scores of the two names come to the question that they are about; others, and what is not on the scale, do not.
func TestScoresOfQuestions(t *testing.T) {
	log := &ragtest.MemoryLog{}
	asked := rag.Asked{ID: "c1", CallID: "c1", Time: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC), Pipeline: "handbook", Question: "How many days?"}
	if err := log.Write(t.Context(), []rag.Asked{asked}); err != nil {
		t.Fatal(err)
	}
	score := func(call, model, name string, v float64) trace.Score {
		return trace.Score{CallID: call, Model: model, Name: name, Value: v}
	}
	if err := (ragScores{nowhere{}, log}).PutScores(t.Context(), []trace.Score{
		score("c1", "rag/handbook", contextRelevance, 0.75), score("c1", "rag/handbook", "helpful", 0.1), score("c1", "rag/handbook", responseQuality, 4),
		score("gone", "rag/handbook", responseQuality, 0.5), score("c1", "gpt-4o", responseQuality, 0.5),
	}); err != nil {
		t.Fatal(err)
	}
	got, err := log.Get(t.Context(), "c1")
	if err != nil {
		t.Fatal(err)
	}
	if got.ContextRelevance == nil || *got.ContextRelevance != 0.75 || got.ResponseQuality != nil || got.Question != asked.Question {
		t.Errorf("kept %+v", got)
	}
}
