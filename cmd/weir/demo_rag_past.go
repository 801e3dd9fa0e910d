package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/trace"
)

const (
	pastModel     = "gpt-4o-mini"
	pastQuestions = 60  // that are really asked once; the past repeats them
	pastEvery     = 80  // of the demo's calls there are to a question of the past
	pastBatch     = 500 // questions that are written at one time
)

// pastStory is a question that was really asked, of the index and of a simulated model that does not wait.
type pastStory struct {
	rag.Result
	question string
	prompt   []byte // to the model; nil when none was asked
	usage    llm.Usage
}

// seedQuestions writes the questions that colleagues asked the handbook in the demo's past until now, with the calls that they were. The
// same seed and the same end give the same ones: what is there already is not written again.
func seedQuestions(ctx context.Context, s *service, opts demoOptions, now time.Time) error {
	if s.rag.configs[demoReranked] == nil || opts.days <= 0 {
		return nil
	}
	r := rand.New(rand.NewPCG(opts.seed, 0x726167)) //nolint:gosec // nothing secret is drawn
	stories, err := tellStories(ctx, s, r)
	if err != nil {
		return err
	}
	var asked []rag.Asked
	var records []trace.Record
	flush := func() error {
		if len(asked) == 0 {
			return nil
		}
		token := "demo-rag-" + asked[0].ID + "-" + asked[len(asked)-1].ID
		fresh, err := freshlyAsked(ctx, s, asked)
		if err == nil && len(fresh) > 0 {
			err = s.asked.Write(ctx, fresh)
		}
		if err == nil {
			err = s.writer.Write(ctx, trace.Batch{Token: token, Records: trace.Slice(records)})
		}
		asked, records = asked[:0], records[:0]
		return err
	}
	first := now.AddDate(0, 0, -opts.days).Truncate(24 * time.Hour)
	for day := first; day.Before(now); day = day.AddDate(0, 0, 1) {
		n := float64(opts.callsPerDay) / pastEvery * (0.8 + 0.4*r.Float64())
		if w := day.Weekday(); w == time.Saturday || w == time.Sunday {
			n /= 6
		}
		for range int(n) {
			at := day.Add(time.Duration((7 + 6*(r.Float64()+r.Float64())) * float64(time.Hour))).Truncate(time.Microsecond)
			if at.After(now.Add(-5 * time.Minute)) {
				continue
			}
			a, calls := retell(&stories[r.IntN(len(stories))], at, s, r)
			asked, records = append(asked, a), append(records, calls...)
			if len(asked) == pastBatch {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

// freshlyAsked are the questions, of one day after the other, that are not there yet.
func freshlyAsked(ctx context.Context, s *service, asked []rag.Asked) ([]rag.Asked, error) {
	first, last := asked[0].Time, asked[0].Time
	for i := range asked {
		if t := asked[i].Time; t.Before(first) {
			first = t
		} else if t.After(last) {
			last = t
		}
	}
	have, err := s.asked.List(ctx, rag.AskedFilter{Pipeline: demoPipeline, Since: first, Until: last.Add(time.Microsecond)}, nil, 2*pastBatch)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for i := range have {
		there[have[i].ID] = true
	}
	return slices.DeleteFunc(slices.Clone(asked), func(a rag.Asked) bool { return there[a.ID] }), nil
}

// tellStories asks the handbook's pipeline some questions, as clients would, without a word to those who count.
func tellStories(ctx context.Context, s *service, r *rand.Rand) ([]pastStory, error) {
	model := &instantModel{handler: simulator.New(simulator.Config{Seed: r.Uint64()}), price: func(u llm.Usage) (price.USD, bool) {
		q := s.book.Current().Quote(price.Charge{Provider: "simulated", Model: pastModel, Requested: pastModel, Project: demoProject, Usage: u, At: time.Now()})
		return q.Cost, q.Status == price.Exact || q.Status == price.Default
	}}
	cfg := s.rag.made[demoPipeline]
	cfg.Model, cfg.Top, cfg.Answered, cfg.Ran, cfg.Spans = pastModel, model, nil, nil, nil
	p := rag.New(cfg)
	stories := make([]pastStory, pastQuestions)
	for i := range stories {
		t := &stories[i]
		t.question = simulator.HandbookQuestion(r)
		on := &llm.Call{ID: llm.NewID(time.Now()), TraceID: llm.NewTraceID(), SpanID: llm.NewSpanID(), Start: time.Now(), Project: demoProject}
		var err error
		model.last, model.used = nil, llm.Usage{}
		if t.Result, err = p.Ask(ctx, on, rag.Question{Text: t.question}, true); err != nil {
			return nil, fmt.Errorf("ask the demo's handbook: %w", err)
		}
		t.prompt, t.usage = model.last, model.used
	}
	return stories, nil
}

// retell makes a question of the past, and its calls, of one that was asked: with other people, at another time and as long as it took.
func retell(t *pastStory, at time.Time, s *service, r *rand.Rand) (rag.Asked, []trace.Record) {
	drawn := func(median, spread float64) float64 { return median * math.Exp(spread*r.NormFloat64()) } // milliseconds
	search := drawn(22, 0.5)
	if r.IntN(40) == 0 {
		search += drawn(700, 0.4)
	}
	a := t.Asked
	a.ID, a.Time, a.TraceID = simulator.CallID(r, at), at, simulator.TraceID(r)
	a.CallID = a.ID
	a.TookMS = maps.Clone(a.TookMS)
	a.TookMS[rag.StepSearch] = search
	a.RetrievalMS = search + 0.4
	a.TotalMS = a.RetrievalMS
	outer := trace.Span{
		ID: a.ID, TraceID: a.TraceID, SpanID: llm.NewSpanID(), Kind: trace.KindCall, Start: at, Project: demoProject, Key: "live-traffic",
		User: fmt.Sprintf("colleague-%03d", r.IntN(80)), Tags: map[string]string{"team": "people", "app": "handbook"}, Endpoint: llm.ChatCompletions,
		Path: "/chat/completions", Provider: "weir", Model: rag.ModelPrefix + demoPipeline, ModelRequested: rag.ModelPrefix + demoPipeline,
		Status: trace.StatusOK, HTTPStatus: http.StatusOK, FinishReasons: []string{"stop"}, UsageSource: llm.NoUsage, PriceStatus: price.Exact, Cache: trace.CacheOff,
		ProviderCost: price.USD(0).String(),
	}
	records := make([]trace.Record, 0, 2)
	if t.prompt != nil {
		a.TookMS[rag.StepGenerate] = drawn(1100, 0.35)
		a.TotalMS += a.TookMS[rag.StepGenerate]
		inner := outer
		inner.Start = at.Add(time.Duration(a.RetrievalMS * float64(time.Millisecond))).Truncate(time.Microsecond)
		inner.ID, inner.SpanID, inner.ParentID = simulator.CallID(r, inner.Start), llm.NewSpanID(), outer.SpanID
		inner.Tags = maps.Clone(outer.Tags)
		inner.Tags["rag"] = demoPipeline
		inner.Provider, inner.Model, inner.ModelRequested, inner.Attempts = "simulated", pastModel, "simulated/"+pastModel, 1
		inner.Duration, inner.ProviderCost = time.Duration(a.TookMS[rag.StepGenerate]*float64(time.Millisecond)), ""
		inner.Usage, inner.UsageSource = t.usage, llm.FromProvider
		q := s.book.Current().Quote(price.Charge{Provider: inner.Provider, Model: inner.Model, Requested: inner.ModelRequested, Project: demoProject, Usage: t.usage, At: at})
		inner.Cost, inner.PriceStatus, inner.PriceVersion, inner.PriceRule = q.Cost, q.Status, q.Version, q.Rule
		cost := q.Cost
		a.GenerationCost, outer.ProviderCost = &cost, cost.String()
		records = append(records, trace.Record{Call: inner, Body: trace.Body{Request: t.prompt, Response: completion(pastModel, t.Answer, nil)}})
	}
	if !a.Empty && r.IntN(4) == 0 {
		relevance, quality := min(1, 0.55+0.45*r.Float64()), min(1, 0.6+0.4*r.Float64())
		if a.NotInSources {
			relevance, quality = 0.3*r.Float64(), 0.4+0.3*r.Float64()
		}
		a.ContextRelevance, a.ResponseQuality = &relevance, &quality
	}
	outer.Duration = time.Duration(a.TotalMS * float64(time.Millisecond))
	request, _ := json.Marshal(map[string]any{"model": outer.Model, "messages": []map[string]string{{"role": "user", "content": t.question}}}) // texts cannot fail
	return a, append(records, trace.Record{Call: outer, Body: trace.Body{Request: request, Response: completion(outer.Model, t.Answer, t.Citations)}})
}

// completion is a chat completion with an answer.
func completion(model, answer string, citations []rag.Citation) []byte {
	said := map[string]any{"role": "assistant", "content": answer}
	if citations != nil {
		said["citations"] = citations
	}
	b, _ := json.Marshal(map[string]any{ // texts and numbers cannot fail
		"object": "chat.completion", "model": model, "choices": []map[string]any{{"index": 0, "message": said, "finish_reason": "stop"}},
	})
	return b
}

// instantModel asks a simulated provider that is nowhere listening, and remembers the last call.
type instantModel struct {
	handler http.Handler
	price   func(llm.Usage) (price.USD, bool)
	last    []byte
	used    llm.Usage
}

// Send implements llm.Sender.
func (m *instantModel) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	req, err := http.NewRequestWithContext(ctx, call.Method, "/v1"+call.Path, bytes.NewReader(call.Body))
	if err != nil {
		return nil, err
	}
	req.Header = call.Header.Clone()
	w := &heldResponse{header: http.Header{}, status: http.StatusOK}
	m.handler.ServeHTTP(w, req)
	var said struct {
		Usage struct {
			Prompt     int64 `json:"prompt_tokens"`
			Completion int64 `json:"completion_tokens"`
		} `json:"usage"`
	}
	if err := json.Unmarshal(w.body.Bytes(), &said); err != nil {
		return nil, fmt.Errorf("read the simulated answer: %w", err)
	}
	m.last, m.used = call.Body, llm.Usage{InputUncached: said.Usage.Prompt, OutputText: said.Usage.Completion}
	usd, known := m.price(m.used)
	return &llm.Response{
		Status: w.status, Header: w.header, Dialect: llm.OpenAI, Provider: "simulated", Model: call.Model,
		Body: &instantAnswer{Reader: bytes.NewReader(w.body.Bytes()), usd: usd, known: known},
	}, nil
}

// heldResponse keeps an answer. One goroutine writes it.
type heldResponse struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *heldResponse) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *heldResponse) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *heldResponse) Write(p []byte) (int, error) { return w.body.Write(p) }

// instantAnswer is an answer with a cost, as a recorded one has it.
type instantAnswer struct {
	io.Reader
	usd   price.USD
	known bool
}

// Close has nothing to close.
func (*instantAnswer) Close() error { return nil }

// Cost is what the answer cost.
func (b *instantAnswer) Cost() (price.USD, bool) { return b.usd, b.known }
