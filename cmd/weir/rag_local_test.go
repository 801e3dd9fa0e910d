package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/minilm"
	"github.com/weir-dev/weir/rag/ragtest"
)

// localModel is a folder as sentence-transformers writes them, without the weights.
func localModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	tokenizer, err := os.ReadFile("../../rag/wordpiece/testdata/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"model.onnx": "none", "tokenizer.json": string(tokenizer), "pool/config.json": `{"word_embedding_dimension": 384, "pooling_mode": "mean"}`,
		"modules.json": `[{"path": "pool", "type": "sentence_transformers.models.Pooling"}]`,
		"config.json":  `{"max_position_embeddings": 128, "vocab_size": 38, "hidden_size": 384}`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func loadText(t *testing.T, text string) (Config, error) {
	t.Helper()
	clearEnvironment(t)
	file := filepath.Join(t.TempDir(), "weir.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return loadConfig(file)
}

func TestLocalModelsInTheConfiguration(t *testing.T) {
	dir, other := localModel(t), localModel(t)
	pipeline := func(name, embedding string) string {
		return fmt.Sprintf("  - {name: %s, model: m, embedding: {%s}}\n", name, embedding)
	}
	faults := map[string]string{
		pipeline("a", "path: "+dir):                 "rag[0].embedding.model: want a name of your own for the model in embedding.path",
		pipeline("a", "model: hashing, path: "+dir): "rag[0].embedding.model: want a name of your own",
		pipeline("a", `model: "local:x"`):           `rag[0].embedding.model: "local:x" begins as the names that weir gives models of its own`,
		pipeline("a", "model: x, path: "+dir):       "rag[0].embedding.path: this weir was built without local models: build it with `make build TAGS=hugot`, or choose another embedding model",
	}
	if minilm.Built {
		delete(faults, pipeline("a", "model: x, path: "+dir))
		maps.Copy(faults, map[string]string{
			pipeline("a", "model: x, path: "+dir+"/none"):                                   "rag[0].embedding.path: there is no folder " + dir + "/none",
			pipeline("a", "model: x, dimensions: 256, path: "+dir):                          "rag[0].embedding.dimensions: the model in " + dir + " makes vectors of 384 dimensions, not of 256",
			pipeline("a", "model: x, path: "+dir+"}, splitter: {tokens: 127"):               "rag[0].splitter.tokens: 127 is not from 16 to 126, which is what the embedding model reads of a text",
			pipeline("a", "model: x, path: "+dir) + pipeline("b", "model: x, path: "+other): "rag[1].embedding.path: the pipeline a has another folder for the model x",
		})
	}
	for text, want := range faults {
		if _, err := loadText(t, "rag:\n"+text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if !minilm.Built {
		return
	}
	cfg, err := loadText(t, "rag:\n"+pipeline("a", "model: x, path: "+dir)+pipeline("b", "model: x"))
	if err != nil {
		t.Fatal(err)
	}
	a, b := &cfg.RAG[0], &cfg.RAG[1]
	s, err := a.splitter()
	if err != nil {
		t.Fatal(err)
	}
	if name, exact := s.Encoding(); !exact || name != a.local.Tokenizer.Name() || s.Version() != "auto-2/126/15/"+name {
		t.Errorf("the splitter is %s, exact %v", s.Version(), exact)
	}
	if a.embedder() != "local:x" || a.dimensions() != 384 || !a.own() || b.own() || a.collection() == b.collection() {
		t.Errorf("embedder %s of %d dimensions, collections %s and %s", a.embedder(), a.dimensions(), a.collection(), b.collection())
	}
	_, err = openPipelines(cfg, ragParts{Counts: metrics.New("test", func() metrics.Spool { return metrics.Spool{} }).CountRAG(pipelineNames(cfg))})
	if err == nil || !strings.Contains(err.Error(), "pipeline a: load "+dir) {
		t.Errorf("a file that is no model: %v", err)
	}
}

// TestLocalModelAnswers needs a model: WEIR_MINILM_DIR names the folder of all-MiniLM-L6-v2, and the test is built with -tags hugot.
func TestLocalModelAnswers(t *testing.T) {
	dir := os.Getenv("WEIR_MINILM_DIR")
	if !minilm.Built || dir == "" {
		t.Skip("there is no local model: want -tags hugot and WEIR_MINILM_DIR")
	}
	cfg, err := loadText(t, "rag:\n  - {name: leave, model: m, embedding: {model: all-MiniLM-L6-v2, path: "+dir+"}}\n")
	if err != nil {
		t.Fatal(err)
	}
	gauges := metrics.New("test", func() metrics.Spool { return metrics.Spool{} })
	store := &ragtest.Memory{}
	p, err := openPipelines(cfg, ragParts{
		ClickHouse: store, Counts: gauges.CountRAG(pipelineNames(cfg)),
		Price: func(string, string, llm.Usage) (price.USD, bool) { return 0, false },
	})
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{
		"leave.md": "Employees are granted thirty days of vacation a year.", "kitchen.md": "The dishwasher runs every evening at six.",
		"travel.md": "Trains are booked through the travel desk, second class.",
	}
	all := func(yield func(rag.Document, error) bool) {
		for id, text := range docs {
			if !yield(rag.Document{ID: id, Kind: rag.Markdown, Text: text}, nil) {
				return
			}
		}
	}
	for _, fresh := range []int64{3, 0} {
		got, err := p.Put(t.Context(), "leave", call(), all)
		if err != nil {
			t.Fatal(err)
		}
		if got.New != fresh || got.Embedded != fresh || len(got.Errors) > 0 || got.SavedUSD == nil || *got.SavedUSD != 0 {
			t.Errorf("indexed: %+v, want %d new", got, fresh)
		}
	}
	question := rag.Question{Text: "How much holiday do I have?", Lists: []rag.Step{rag.StepDense}}
	found, err := p.served["leave"].Ask(t.Context(), call(), question, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Passages) == 0 || found.Passages[0].Document != "leave.md" {
		t.Errorf("by meaning the first passage is one of %+v, want one of leave.md", found.Passages)
	}

	// A collection of a model that weir.yaml does not name any more is searched no further.
	delete(p.local, "local:all-MiniLM-L6-v2")
	if _, err := p.served["leave"].Ask(t.Context(), call(), question, false); err == nil || !strings.Contains(fmt.Sprint(errors.Unwrap(err)), "which no pipeline names") {
		t.Errorf("without the model: %v", err)
	}
}

func call() *llm.Call {
	return &llm.Call{ID: llm.NewID(time.Now()), TraceID: llm.NewTraceID(), SpanID: llm.NewSpanID(), Project: "default"}
}
