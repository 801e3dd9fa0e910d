package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/otelout"
)

// What waits for the store of questions.
const (
	askedEvery   = time.Second
	askedBatch   = 200
	askedWaiting = 5000 // questions; beyond it the oldest are given up
)

// askedLog writes questions behind the answers, in batches, and reads them with those that still wait written first.
type askedLog struct {
	rag.Log
	log *slog.Logger

	mu      sync.Mutex // guards what follows
	waiting []rag.Asked
	lost    int

	writing sync.Mutex // held while a batch is written
}

// add takes a question. It does not wait.
func (l *askedLog) add(a rag.Asked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) >= askedWaiting {
		l.waiting = append(l.waiting[:0], l.waiting[1:]...)
		l.lost++
	}
	l.waiting = append(l.waiting, a)
}

// flush writes what waits.
func (l *askedLog) flush(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	for {
		l.mu.Lock()
		batch := append([]rag.Asked(nil), l.waiting[:min(askedBatch, len(l.waiting))]...)
		lost := l.lost
		l.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := l.Write(ctx, batch); err != nil {
			return err
		}
		l.mu.Lock()
		gone := min(len(batch), max(len(batch)-(l.lost-lost), 0)) // what was given up meanwhile was at the beginning
		l.waiting = append(l.waiting[:0], l.waiting[gone:]...)
		l.mu.Unlock()
	}
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
