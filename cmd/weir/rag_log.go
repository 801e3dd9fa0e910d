package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/otelout"
)

// What waits for the stores of questions and of scores.
const (
	askedEvery   = time.Second
	askedBatch   = 200
	askedWaiting = 5000 // questions; beyond it the oldest are given up
)

// askedLog writes questions behind the answers, in batches, and reads them with those that still wait written first. The figures of
// those that are part of an experiment are written as scores of their calls.
type askedLog struct {
	rag.Log
	log       *slog.Logger
	questions behind[rag.Asked]
	figures   behind[trace.Score]
}

// newAskedLog makes a log over stores of questions and of scores.
func newAskedLog(questions rag.Log, scores trace.Scores, log *slog.Logger) *askedLog {
	return &askedLog{
		Log: questions, log: log,
		questions: behind[rag.Asked]{write: questions.Write, batch: askedBatch, most: askedWaiting},
		figures:   behind[trace.Score]{write: scores.PutScores, batch: 2 * askedBatch, most: 2 * askedWaiting},
	}
}

// add takes a question that was asked on the account of a call. It does not wait.
func (l *askedLog) add(on *llm.Call, a rag.Asked) {
	l.questions.add(a)
	for _, s := range figuresOf(on, &a) {
		l.figures.add(s)
	}
}

// flush writes what waits.
func (l *askedLog) flush(ctx context.Context) error {
	return errors.Join(l.questions.flush(ctx), l.figures.flush(ctx))
}

// run writes until ctx ends, and then what is left.
func (l *askedLog) run(ctx context.Context) {
	tick := time.NewTicker(askedEvery)
	defer tick.Stop()
	away := false
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			err := l.flush(ctx)
			if err != nil && !away && ctx.Err() == nil {
				l.log.Warn("questions to pipelines not written; they wait", "error", err)
			}
			away = err != nil
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := l.flush(last); err != nil {
		l.log.Error("questions to pipelines lost", "error", err)
	}
}

// List implements rag.Log.
func (l *askedLog) List(ctx context.Context, f rag.AskedFilter, after *rag.AskedKey, limit int) ([]rag.Asked, error) {
	if after == nil {
		l.fresh(ctx)
	}
	return l.Log.List(ctx, f, after, limit)
}

// Get implements rag.Log.
func (l *askedLog) Get(ctx context.Context, id string) (rag.Asked, error) {
	l.fresh(ctx)
	return l.Log.Get(ctx, id)
}

// Summary implements rag.Log.
func (l *askedLog) Summary(ctx context.Context, f rag.AskedFilter) (rag.AskedSummary, error) {
	l.fresh(ctx)
	return l.Log.Summary(ctx, f)
}

func (l *askedLog) fresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushWait)
	defer cancel()
	_ = l.flush(ctx) // what is late waits
}

// ragSpans keeps the spans of questions beside the calls, and sends them on where that is configured.
func ragSpans(waiting *spool.Disk, out *otelout.Exporter, log *slog.Logger) func([]rag.Span) {
	return func(list []rag.Span) {
		if len(list) == 0 {
			return
		}
		rec := &trace.Record{Call: ragSpan(&list[0])}
		for i := range list[1:] {
			rec.Attempts = append(rec.Attempts, ragSpan(&list[i+1]))
		}
		if err := waiting.Record(rec); err != nil {
			log.Error("spans of a question lost", "trace", list[0].TraceID, "error", err)
		}
		if out == nil {
			return
		}
		parts := make([]otelout.Part, len(list))
		for i, s := range list {
			parts[i] = otelout.Part{
				TraceID: s.TraceID, SpanID: s.SpanID, ParentID: s.ParentID, Name: s.Name, Outside: s.Kind == string(trace.KindRetrieval),
				Start: s.Start, Duration: s.Duration, Err: s.Err, Attributes: s.Attributes,
			}
		}
		out.Parts(parts)
	}
}

// ragSpan is a span as the store has it. Its money is on the calls beneath.
func ragSpan(s *rag.Span) trace.Span {
	out := trace.Span{
		ID: llm.NewID(s.Start), TraceID: s.TraceID, SpanID: s.SpanID, ParentID: s.ParentID, Kind: trace.Kind(s.Kind), Start: s.Start.UTC(), Duration: s.Duration,
		Project: s.Project, Endpoint: llm.Endpoint(s.Name), Status: trace.StatusOK, UsageSource: llm.NoUsage, PriceStatus: price.Exact, Cache: trace.CacheOff,
	}
	if model, ok := s.Attributes["gen_ai.request.model"].(string); ok {
		out.ModelRequested, out.Model = model, model
	}
	if s.Err != nil {
		fault := llm.AsFault(s.Err)
		out.Status, out.ErrorCode = trace.StatusError, string(fault.Code)
		out.Error = &llm.Error{Type: string(fault.Code), Message: fault.Message}
	}
	return out
}
