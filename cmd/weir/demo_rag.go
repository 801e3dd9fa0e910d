package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sashabaranov/go-openai"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/rag"
)

// The demo's pipelines search the same documents; the second one has a model order what was found.
const (
	demoPipeline = "handbook"
	demoReranked = "handbook-rerank"
)

// demoPipelines adds the demo's pipelines, unless weir.yaml has one of their names.
func demoPipelines(cfg *Config) {
	plain := RAGConfig{
		Name: demoPipeline, Collection: demoPipeline, Embedding: EmbeddingConfig{Model: hashingModel}, Model: "simulated/gpt-4o-mini",
		Splitter: SplitterConfig{Kind: "markdown", Tokens: 96}, TopK: 20, Limit: 8, MinSimilarity: 0.12, ContextTokens: 700,
		System: "You answer colleagues at Brookside from the company's handbook.",
	}
	reranked := plain
	reranked.Name, reranked.Rerank = demoReranked, RerankConfig{Model: "simulated/gpt-4.1-nano", Candidates: 8, TopN: 4, SkipMargin: 0.15}
	taken := func(c RAGConfig) bool {
		return c.alias() == demoPipeline || c.Name == demoPipeline || c.Name == demoReranked
	}
	if !slices.ContainsFunc(cfg.RAG, taken) {
		cfg.RAG = append(cfg.RAG, plain, reranked)
	}
}

// seedHandbook indexes the make-believe company's handbook. What is indexed already costs nothing.
func seedHandbook(ctx context.Context, cmd *cobra.Command, s *service) error {
	if s.rag.configs[demoReranked] == nil { // the operator's own is no place for it
		return nil
	}
	total := int64(0)
	for range simulator.Handbook() {
		total++
	}
	bar, done := progressBar(cmd, "indexing the handbook", total)
	defer done()
	docs := func(yield func(rag.Document, error) bool) {
		for name, text := range simulator.Handbook() {
			if !yield(rag.Document{ID: name, Title: titleOf(text), Kind: rag.Markdown, Text: text}, nil) {
				return
			}
			bar.Increment(1)
		}
	}
	now := time.Now()
	on := &llm.Call{ID: llm.NewID(now), TraceID: llm.NewTraceID(), SpanID: llm.NewSpanID(), Start: now, Project: demoProject}
	summary, err := s.rag.Put(ctx, demoPipeline, on, iter.Seq2[rag.Document, error](docs))
	if err == nil && len(summary.Errors) > 0 {
		err = errors.New(summary.Errors[0].Error)
	}
	return err
}

// titleOf is the heading that a document of the handbook begins with.
func titleOf(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimPrefix(first, "# ")
}

// askHandbook asks the demo's pipelines until ctx ends, as people would: a question now and then.
func askHandbook(ctx context.Context, s *service, client *openai.Client, opts demoOptions, log *slog.Logger) {
	if s.rag.configs[demoReranked] == nil {
		return
	}
	r := rand.New(rand.NewPCG(uint64(time.Now().Unix()), opts.seed)) //nolint:gosec // nothing secret is drawn
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		pause := time.NewTimer(time.Duration(r.ExpFloat64() * handbookEvery / opts.rate * float64(time.Second)))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		ask := handbookRequest(r)
		wg.Go(func() {
			if err := send(ctx, client, ask); err != nil && ctx.Err() == nil {
				log.Debug("a question of the demo failed, as some do", "model", ask.Model, "error", err)
			}
		})
	}
}

// handbookEvery is how many of the demo's calls there are to a question.
const handbookEvery = 6

// handbookRequest draws a question to one of the pipelines.
func handbookRequest(r *rand.Rand) simulator.Request {
	model := rag.ModelPrefix + demoPipeline
	if r.IntN(4) == 0 {
		model = rag.ModelPrefix + demoReranked
	}
	stream := r.IntN(3) > 0
	body, _ := json.Marshal(map[string]any{ // texts and booleans cannot fail
		"model": model, "stream": stream,
		"messages": []map[string]string{{"role": "user", "content": simulator.HandbookQuestion(r)}},
	})
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set("X-Weir-User", fmt.Sprintf("colleague-%03d", r.IntN(80)))
	header.Set("X-Weir-Tags", "team=people,app=handbook")
	return simulator.Request{Path: "/v1/chat/completions", Model: model, Stream: stream, Header: header, Body: body}
}
