package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/ragtest"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// answering is a configuration with a pipeline whose vectors come from a provider.
func answeringFrom(t *testing.T) Config {
	t.Helper()
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 9})
	providers := cfg.Providers
	faults := &configFaults{}
	decodeConfig([]byte(`
rag:
  - {name: handbook, embedding: {model: text-embedding-3-small, dimensions: 256}, model: gpt-4o-mini, tenant: project, system: You speak for the people department.}
  - {name: free, embedding: {model: hashing}, model: gpt-4o-mini, min_similarity: 0.9}
limits: [{scope: {project: default}, concurrent: 1}]
`), &cfg, faults)
	cfg.Providers = providers
	cfg.validate(faults)
	if err := faults.asError(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

const ragDocuments = `{"id":"leave.md","title":"Leave","kind":"markdown","text":"# Leave\n\nEvery employee has thirty days of paid leave a year. Unused days expire on 31 March."}
{"id":"travel.md","text":"Travel by train is paid for; flights need approval by a manager."}
{"id":"secret.md","text":"The leave of the other project is forty days of paid leave.","tenant":"other"}
`

func TestPipelineThroughWeir(t *testing.T) {
	w := startWeir(t, answeringFrom(t))
	mine := cacheClient{w, w.firstKey.Reveal()}
	put := func(name, lines string) (sum rag.Summary) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/api/v1/rag/"+name+"/documents", strings.NewReader(lines))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+w.admin.Reveal())
		req.Header.Set("Content-Type", "application/x-ndjson")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&sum); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %v", resp.StatusCode, err)
		}
		return sum
	}
	if sum := put("handbook", ragDocuments); sum.New != 3 || sum.Embedded != 3 || len(sum.Errors) != 0 {
		t.Fatalf("indexed %+v", sum)
	}
	if sum := put("handbook", ragDocuments); sum.New != 0 || sum.Embedded != 0 || sum.SavedUSD == nil || *sum.SavedUSD == 0 {
		t.Errorf("indexed again %+v", sum)
	}

	resp, text := mine.post(t, `{"model":"rag/handbook","messages":[{"role":"user","content":"How many days of paid leave does every employee have?"}],"weir":{"include_contexts":true}}`)
	var got struct {
		Choices []struct {
			Message struct {
				Content   string
				Citations []rag.Citation
				Contexts  []string
			}
		}
		Weir rag.Note
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	said := got.Choices[0].Message
	if len(said.Citations) == 0 || !said.Citations[0].Verified || said.Citations[0].Document != "leave.md" || !strings.Contains(said.Content, "[1]") {
		t.Errorf("said %+v", said)
	}
	for _, text := range said.Contexts {
		if strings.Contains(text, "other project") {
			t.Errorf("another project's passage was given: %q", text)
		}
	}
	cost, err := price.ParseUSD(resp.Header.Get("X-Weir-Cost-USD"))
	if err != nil || cost == 0 || got.Weir.CostUSD == nil || *got.Weir.CostUSD != cost {
		t.Errorf("the header says %s (%v), the note %v", resp.Header.Get("X-Weir-Cost-USD"), err, got.Weir.CostUSD)
	}

	// One call of the client's, which costs nothing itself, and beneath it what the stages asked for.
	outer := w.call(t, resp.Header.Get("X-Weir-Call-Id")).Call
	if outer.ModelRequested != "rag/handbook" || outer.Cost != 0 || outer.PriceStatus != price.Exact || outer.Usage != (llm.Usage{}) || outer.Status != trace.StatusOK || outer.Provider != "weir" {
		t.Errorf("the client's call %+v", outer)
	}
	spans, err := w.reader.Trace(t.Context(), outer.TraceID, 100)
	if err != nil {
		t.Fatal(err)
	}
	var sum price.USD
	var seen []string
	parents := map[string]string{}
	for _, s := range spans {
		parents[s.SpanID] = s.ParentID
		seen = append(seen, string(s.Kind)+" "+string(s.Endpoint))
		if s.Kind == trace.KindCall {
			sum += s.Cost
		}
		if s.Endpoint == llm.Embeddings && (s.Project != "default" || s.Tags["rag"] != "handbook" || s.KeyID != outer.KeyID) {
			t.Errorf("the vector was made on the account of %+v", s)
		}
	}
	if sum != cost {
		t.Errorf("the calls of the trace cost %s, the client was told %s", sum, cost)
	}
	for _, want := range []string{"call chat.completions", "call embeddings", "chain rag handbook", "embedding rag.embed", "retrieval rag.search", "chain rag.fuse", "chain rag.pack", "generation rag.generate", "chain rag.cite"} {
		if !slices.Contains(seen, want) {
			t.Errorf("no span %q among %q", want, seen)
		}
	}
	for _, s := range spans {
		if at := s.SpanID; s.Kind == trace.KindCall && at != outer.SpanID {
			for range 3 { // stage, pipeline, the client's call
				at = parents[at]
			}
			if at != outer.SpanID {
				t.Errorf("the call %s is not beneath a stage of the client's call", s.Endpoint)
			}
		}
	}

	var kept struct{ Queries []rag.Asked }
	w.get(t, "/rag/handbook/queries?call="+outer.ID, &kept)
	if len(kept.Queries) != 1 || kept.Queries[0].TraceID != outer.TraceID || kept.Queries[0].Verified == 0 || kept.Queries[0].GenerationCost == nil {
		t.Fatalf("kept %+v", kept)
	}
	var question rag.Asked
	w.get(t, "/rag/handbook/queries/"+kept.Queries[0].ID, &question)
	if len(question.Chunks) == 0 || question.Chunks[0].Document != "leave.md" || !question.Chunks[0].Cited || question.Chunks[0].Places[rag.StepDense].Rank == 0 {
		t.Errorf("the question's chunks %+v", question.Chunks)
	}

	t.Run("streamed", func(t *testing.T) {
		resp, text := mine.post(t, `{"model":"rag/handbook","stream":true,"messages":[{"role":"user","content":"When do unused days of leave expire?"}]}`)
		said := llm.Assemble(llm.ChatCompletions, llm.OpenAI, true, []byte(text))
		if resp.StatusCode != http.StatusOK || !strings.Contains(said.Texts[0], "[1]") || !strings.Contains(text, `"citations":[{`) || !strings.HasSuffix(text, "data: [DONE]\n\n") {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
		if cost := resp.Trailer.Get("X-Weir-Cost-USD"); cost == "" || cost == "0.000000000" {
			t.Errorf("the trailer says %q", cost)
		}
		if c := w.call(t, resp.Header.Get("X-Weir-Call-Id")).Call; c.Status != trace.StatusOK || c.TTFT == 0 || c.Cost != 0 {
			t.Errorf("recorded %+v", c)
		}
	})
	t.Run("another project's key", func(t *testing.T) {
		var made struct{ Key string }
		w.sendAdmin(t, http.MethodPost, "/keys", `{"project":"other","name":"k","models":["rag/*"]}`, &made)
		theirs := cacheClient{w, made.Key}
		resp, text := theirs.post(t, `{"model":"rag/handbook","messages":[{"role":"user","content":"How many days of paid leave are there in the other project?"}],"weir":{"include_contexts":true}}`)
		if resp.StatusCode != http.StatusOK || !strings.Contains(text, "forty days") {
			t.Errorf("%d %s", resp.StatusCode, text)
		}
		if resp, text := theirs.post(t, `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"x"}]}`); resp.StatusCode != http.StatusForbidden {
			t.Errorf("a model the key is not allowed: %d %s", resp.StatusCode, text)
		}
	})
	t.Run("nothing to answer from", func(t *testing.T) {
		if resp, text := mine.post(t, `{"model":"rag/free","messages":[{"role":"user","content":"leave?"}]}`); resp.StatusCode != http.StatusNotFound || !strings.Contains(text, "weir rag index free") {
			t.Errorf("not indexed: %d %s", resp.StatusCode, text)
		}
		put("free", ragDocuments)
		resp, text := mine.post(t, `{"model":"rag/free","messages":[{"role":"user","content":"What is the price of tea in China?"}]}`)
		if resp.StatusCode != http.StatusOK || !strings.Contains(text, rag.NotInSources) || !strings.Contains(text, `"not_in_sources":true`) || resp.Header.Get("X-Weir-Cost-USD") != "0.000000000" {
			t.Errorf("%d %s, cost %s", resp.StatusCode, text, resp.Header.Get("X-Weir-Cost-USD"))
		}
	})
	t.Run("command line", w.onTheCommandLine)
}

// onTheCommandLine runs the scripts of testdata/rag against the weir.
func (s *service) onTheCommandLine(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/rag",
		Setup: func(env *testscript.Env) error {
			env.Setenv("WEIR_URL", s.url)
			env.Setenv("WEIR_ADMIN_TOKEN", s.admin.Reveal())
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// awayLog is a log whose store is away for some writes.
type awayLog struct {
	ragtest.MemoryLog
	away int
}

func (l *awayLog) Write(ctx context.Context, asked []rag.Asked) error {
	if l.away--; l.away >= 0 {
		return rag.ErrAway
	}
	return l.MemoryLog.Write(ctx, asked)
}

func TestQuestionsWaitForTheStore(t *testing.T) {
	store := &awayLog{away: 2}
	scores := &tracetest.MemoryScores{}
	l := newAskedLog(store, scores, slog.New(slog.DiscardHandler))
	on := &llm.Call{Project: "p"}
	for i := range askedWaiting + 7 {
		l.add(on, rag.Asked{ID: fmt.Sprintf("%06d", i), Pipeline: "p", Time: time.Unix(int64(i), 0)})
	}
	if err := l.flush(t.Context()); !errors.Is(err, rag.ErrAway) {
		t.Fatalf("flush: %v", err)
	}
	if list, err := l.List(t.Context(), rag.AskedFilter{}, nil, 10); err != nil || len(list) != 0 { // still away
		t.Fatalf("%d questions, %v", len(list), err)
	}
	s, err := l.Summary(t.Context(), rag.AskedFilter{})
	if err != nil || s.Questions != askedWaiting || l.questions.lost != 7 {
		t.Errorf("%d questions came through and %d were given up, %v", s.Questions, l.questions.lost, err)
	}
	if _, err := l.Get(t.Context(), "000006"); !errors.Is(err, rag.ErrNotAsked) {
		t.Errorf("the oldest: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	on.Use = &llm.Use{Experiment: "retrieval", Arm: "b", Epoch: 2, Unit: "u1"}
	l.add(on, rag.Asked{ID: "last", Pipeline: "p", Time: time.Unix(9, 9), RetrievalMS: 12.5, GenerationCost: new(price.USD(500_000_000))})
	l.run(ctx) // writes what is left
	if _, err := store.MemoryLog.Get(t.Context(), "last"); err != nil {
		t.Errorf("the last: %v", err)
	}
	// Of what is in an experiment's analysis the figures are scores of the call, and of nothing else.
	page, err := scores.ListScores(t.Context(), trace.ScoreFilter{}, 10, "")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, s := range page.Scores {
		got[s.Name] = s.Value
		if s.CallID != "last" || s.Experiment != "retrieval" || s.Arm != "b" || s.Epoch != 2 || s.Unit != "u1" || s.Model != "rag/p" {
			t.Errorf("a score %+v", s)
		}
	}
	if want := map[string]float64{retrievalTime: 12.5, generationCost: 0.5}; !maps.Equal(got, want) {
		t.Errorf("scores %v, want %v", got, want)
	}
}
