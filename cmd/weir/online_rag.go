package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/trace"
)

// The names of scores that stand with the question they are about, beside its retrieval time and its cost.
const (
	contextRelevance = "context_relevance"
	responseQuality  = "response_quality"
)

// mostSpans bounds what is read of a trace to find a call of it.
const mostSpans = 1000

// ofPipeline says whether a pipeline answered a call.
func ofPipeline(model string) bool { return strings.HasPrefix(model, rag.ModelPrefix) }

// ragContexts finds the passages that a pipeline gave its answering model, in that model's own call: of the client's call's trace, the
// one made while it ran that has its question.
func ragContexts(calls trace.Reader) func(context.Context, *trace.Record) ([]string, error) {
	return func(ctx context.Context, rec *trace.Record) ([]string, error) {
		if !ofPipeline(rec.Call.Model) {
			return nil, nil
		}
		asked, ok := rag.AskedIn(rec.Body.Request)
		if !ok {
			return nil, nil
		}
		rows, err := calls.Trace(ctx, rec.Call.TraceID, mostSpans)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			s := &rows[i].Span
			if s.Kind != trace.KindCall || s.Endpoint != llm.ChatCompletions || s.ID == rec.Call.ID || s.Start.Before(rec.Call.Start) || s.Start.After(rec.Call.End()) {
				continue
			}
			inner, err := calls.Call(ctx, s.ID)
			if errors.Is(err, trace.ErrNoCall) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if question, passages, ok := rag.Prompted(inner.Body.Request); ok && question == asked {
				return passages, nil
			}
		}
		return nil, nil
	}
}

// ragScores keeps scores, and those of the two names with the questions that they are about too.
type ragScores struct {
	trace.Scores
	questions rag.Log
}

// PutScores implements trace.Scores.
func (r ragScores) PutScores(ctx context.Context, scores []trace.Score) error {
	if err := r.Scores.PutScores(ctx, scores); err != nil {
		return err
	}
	about := map[string][]*trace.Score{}
	for i := range scores {
		s := &scores[i]
		if ofPipeline(s.Model) && (s.Name == contextRelevance || s.Name == responseQuality) && s.Value >= 0 && s.Value <= 1 {
			about[s.CallID] = append(about[s.CallID], s)
		}
	}
	for id, list := range about {
		asked, err := r.questions.Get(ctx, id)
		if errors.Is(err, rag.ErrNotAsked) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the question of call %s: %w", id, err)
		}
		for _, s := range list {
			if s.Name == contextRelevance {
				asked.ContextRelevance = &s.Value
			} else {
				asked.ResponseQuality = &s.Value
			}
		}
		if err := r.questions.Write(ctx, []rag.Asked{asked}); err != nil {
			return fmt.Errorf("keep the scores of the question of call %s: %w", id, err)
		}
	}
	return nil
}

// The figures of a question that are scores of its call in an experiment, so that they can be a metric of it.
const (
	retrievalTime  = "retrieval_time"  // milliseconds
	generationCost = "generation_cost" // dollars
)

// figuresOf are the figures of a question that is in the analysis of an experiment.
func figuresOf(on *llm.Call, a *rag.Asked) []trace.Score {
	u := on.Use
	if u == nil || u.Experiment == "" || u.Epoch == 0 {
		return nil
	}
	now := time.Now()
	figure := func(name string, v float64) trace.Score {
		return trace.Score{
			ID: "rag-" + name + "-" + a.ID, Revision: now.UnixMicro(), CallID: a.ID, TraceID: a.TraceID, CallStart: on.Start, Project: on.Project, User: on.User,
			Session: on.Session, Model: rag.ModelPrefix + a.Pipeline, Prompt: u.Prompt, PromptVersion: u.PromptVersion, Experiment: u.Experiment, Arm: u.Arm,
			Epoch: u.Epoch, Unit: u.Unit, Name: name, Kind: trace.NumberScore, Value: v, Source: trace.FromMetric, Author: rag.ModelPrefix + a.Pipeline, At: now,
		}
	}
	out := []trace.Score{figure(retrievalTime, a.RetrievalMS)}
	if a.GenerationCost != nil {
		out = append(out, figure(generationCost, a.GenerationCost.Float64()))
	}
	return out
}
