package main

import (
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/eval/retrieval"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/bm25"
	"github.com/weir-dev/weir/rag/hashing"
	"github.com/weir-dev/weir/rag/ragtest"
	"github.com/weir-dev/weir/rag/source"
	"github.com/weir-dev/weir/rag/split"
)

// shippedCorpus is what the labelled questions of rag/testdata/quality are about.
var shippedCorpus = []string{"../../rag/testdata/quality/corpus", "../../rag/testdata/corpus/tom-sawyer.txt"}

// shelf indexes the shipped corpus in memory, and gives a pipeline with the settings.
func shelf(t *testing.T, index *ragtest.Memory, settings rag.Settings) *rag.Pipeline {
	t.Helper()
	embedder := hashing.New(hashingDimensions)
	splitter, err := split.New(split.Config{Model: hashingModel})
	if err != nil {
		t.Fatal(err)
	}
	if index.Written() == 0 {
		x := rag.Indexer{Index: index, Embedder: embedder, Splitter: splitter, Words: bm25.BM25{}, Collection: "shipped-0000000a"}
		if sum, err := x.Run(t.Context(), documents(t)); err != nil || len(sum.Errors) > 0 {
			t.Fatalf("index: %v, %+v", err, sum.Errors)
		}
		if err := index.Point(t.Context(), "shipped", "shipped-0000000a"); err != nil {
			t.Fatal(err)
		}
	}
	settings.Name, settings.Model = "shipped", "gpt-4o-mini"
	return rag.New(rag.Config{
		Settings: settings, Index: index, Alias: "shipped", Terms: bm25.Query,
		Embedder: func(llm.Sender, *llm.Call, rag.Shape) (rag.Embedder, error) { return embedder, nil },
	})
}

func documents(t *testing.T) iter.Seq2[rag.Document, error] {
	return (&source.Reader{}).Documents(t.Context(), shippedCorpus)
}

func shippedQuestions(t *testing.T, name string) []retrieval.Question {
	t.Helper()
	questions, err := readQuestions(filepath.Join("..", "..", "rag", "testdata", "quality", name))
	if err != nil {
		t.Fatal(err)
	}
	return questions
}

func TestShippedQuestionsAreSound(t *testing.T) {
	texts := map[string]*retrieval.Text{}
	for doc, err := range documents(t) {
		if err != nil {
			t.Fatal(err)
		}
		texts[doc.ID] = retrieval.NewText([]retrieval.Passage{{ID: "all", Text: doc.Text, End: len(doc.Text)}})
	}
	asked := map[string]bool{}
	for name, least := range map[string]int{"questions.jsonl": 120, "tuning.jsonl": 35} {
		answerable := 0
		for _, q := range shippedQuestions(t, name) {
			if asked[q.Question] {
				t.Errorf("%s: %q is asked twice", name, q.Question)
			}
			asked[q.Question] = true
			if !q.Unanswerable {
				answerable++
			}
			for _, l := range q.Relevant {
				if text := texts[l.Document]; text == nil || text.Count(l.Quote) != 1 {
					t.Errorf("%s: the quote of %s is not once in %s: %q", name, q.ID, l.Document, l.Quote)
				}
			}
		}
		if answerable < least {
			t.Errorf("%s: %d questions have an answer, want %d or more", name, answerable, least)
		}
	}
}

// reportOf asks a pipeline the questions.
func reportOf(t *testing.T, p *rag.Pipeline, questions []retrieval.Question, q rag.Question) retrieval.Report {
	t.Helper()
	metrics := retrieval.Metrics([]int{1, 5, 10}, nil)
	texts := map[string]*retrieval.Text{}
	for _, id := range retrieval.Documents(questions) {
		chunks, err := p.Index().Chunks(t.Context(), "shipped", id)
		if err != nil {
			t.Fatal(err)
		}
		var passages []retrieval.Passage
		for _, c := range chunks {
			passages = append(passages, retrieval.Passage{ID: c.ID, Text: c.Text, Start: c.Start, End: c.End})
		}
		texts[id] = retrieval.NewText(passages)
	}
	results := make([]retrieval.Result, len(questions))
	for i := range questions {
		q.Text = questions[i].Question
		got, err := p.Ask(t.Context(), &llm.Call{ID: llm.NewID(time.Now()), Project: "default"}, q, false)
		if err != nil {
			t.Fatal(err)
		}
		said := &ragSaid{Contexts: got.Contexts, Stages: got.Stages}
		for _, c := range got.Chunks {
			said.Chunks = append(said.Chunks, ragChunk{AskedChunk: c, Text: got.Found[c.ID].Text})
		}
		target := retrieval.Aim(&questions[i], func(id string) *retrieval.Text { return texts[id] })
		if missing := target.Missing(); len(missing) > 0 {
			t.Errorf("%s: no passage holds the places %v", questions[i].ID, missing)
		}
		results[i] = retrieval.Measure(target, foundOf(said), metrics)
	}
	return retrieval.Summarise(results, metrics)
}

// TestShippedQuality holds what is found for the shipped questions above floors, so that it cannot fall unseen. docs/rag.md has the
// figures, which -v prints.
func TestShippedQuality(t *testing.T) {
	var index ragtest.Memory
	p := shelf(t, &index, rag.Settings{})
	for _, tt := range []struct {
		file   string
		floors map[retrieval.Stage]float64 // of nDCG@10
	}{
		{"tuning.jsonl", nil},
		{"questions.jsonl", map[retrieval.Stage]float64{retrieval.Dense: 0.16, retrieval.Sparse: 0.39, retrieval.Fused: 0.3, retrieval.Packed: 0.3}},
	} {
		r := reportOf(t, p, shippedQuestions(t, tt.file), rag.Question{})
		var table strings.Builder
		for _, s := range r.Scores {
			fmt.Fprintf(&table, "%-8s %-10s %.3f  %.3f–%.3f\n", s.Stage, s.Metric, s.Value, s.Low, s.High)
		}
		t.Logf("%s: %d questions with an answer\n%s%+v\n%+v", tt.file, r.Questions, &table, r.Lost, r.Kinds)
		for stage, least := range tt.floors {
			if s, ok := r.Score(stage, retrieval.Metric{Name: "ndcg", K: 10}); !ok || s.Value < least || math.IsNaN(s.Value) {
				t.Errorf("nDCG@10 after %s: got %.3f, want %.3f or more", stage, s.Value, least)
			}
		}
	}
}
