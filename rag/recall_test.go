package rag_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/hashing"
	"github.com/weir-dev/weir/rag/ragtest"
)

// forgetful is an index whose approximate search misses the nearest points; it counts the exact searches.
type forgetful struct {
	*ragtest.Memory
	misses int
	exact  int
}

func (f *forgetful) Search(ctx context.Context, collection string, q rag.Query) (rag.Found, error) {
	found, err := f.Memory.Search(ctx, collection, q)
	if q.Exact {
		f.exact++
		return found, err
	}
	found.Dense = found.Dense[min(f.misses, len(found.Dense)):]
	return found, err
}

// What the approximate search misses is measured behind the answers, of a share of the questions and anew for another collection.
func TestRecallIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		index := &forgetful{Memory: &ragtest.Memory{}, misses: 2}
		fill := func(collection string) {
			if err := index.Make(t.Context(), rag.Collection{Name: collection, Shape: rag.Shape{Embedder: "hashing-v1/2", Dimensions: 2, Splitter: "s"}}); err != nil {
				t.Fatal(err)
			}
			var points []rag.Point
			for n := range 10 {
				points = append(points, ragtest.NewPoint(n, "d", fmt.Sprint("text ", n), []float32{1, float32(n)}, ragtest.Terms(1, 1)))
			}
			if err := index.Put(t.Context(), collection, points); err != nil {
				t.Fatal(err)
			}
			if err := index.Point(t.Context(), "c", collection); err != nil {
				t.Fatal(err)
			}
		}
		fill("c-1")
		told := map[string]float64{}
		recall := rag.NewRecall(func(pipeline string, mean float64) { told[pipeline] = mean })
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go recall.Run(ctx)
		pipeline := func(name string, share float64) *rag.Pipeline {
			return rag.New(rag.Config{
				Settings: rag.Settings{Name: name, Model: "m", RecallShare: share}, Index: index, Alias: "c", Embedder: flat, Recall: recall,
				Terms: func(string) rag.Terms { return ragtest.Ask(1) },
			})
		}
		ask := func(p *rag.Pipeline, n int, q rag.Question) {
			t.Helper()
			q.Text = "text"
			for range n {
				if _, err := p.Ask(t.Context(), onCall(), q, false); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
		}
		all, none, some := pipeline("all", 1), pipeline("none", 0), pipeline("some", 1e-12)
		ask(all, 3, rag.Question{})
		index.misses = 5
		ask(all, 1, rag.Question{})
		ask(all, 2, rag.Question{Lists: []rag.Step{rag.StepSparse}}) // by words alone
		ask(all, 2, rag.Question{Collection: "c-1"})                 // a test
		if mean, n := recall.Of("all"); n != 4 || math.Abs(mean-(0.8*3+0.5)/4) > 1e-12 || told["all"] != mean {
			t.Errorf("got %v of %d questions, told %v, want 0.725 of 4", mean, n, told["all"])
		}
		was := index.exact
		ask(all, 1, rag.Question{Exact: true})
		if _, n := recall.Of("all"); n != 4 || index.exact != was+1 {
			t.Errorf("an exact search was compared with itself")
		}
		was = index.exact
		ask(none, 5, rag.Question{})
		if _, n := recall.Of("none"); n != 0 || index.exact != was {
			t.Errorf("with a share of 0 %d questions are measured", n)
		}
		ask(some, 5, rag.Question{})
		if _, n := recall.Of("some"); n != 1 {
			t.Errorf("with next to no share %d questions are measured, want the first one", n)
		}
		index.misses = 0
		fill("c-2")
		all.Moved()
		ask(all, 1, rag.Question{})
		if mean, n := recall.Of("all"); n != 1 || mean != 1 {
			t.Errorf("of another collection: got %v of %d questions, want 1 of 1", mean, n)
		}
	})
}

// A store that does not answer holds up nobody: what cannot wait is not measured.
func TestRecallDoesNotWait(t *testing.T) {
	index := &forgetful{Memory: &ragtest.Memory{}}
	if err := index.Make(t.Context(), rag.Collection{Name: "c", Shape: rag.Shape{Embedder: "hashing-v1/2", Dimensions: 2, Splitter: "s"}}); err != nil {
		t.Fatal(err)
	}
	if err := index.Put(t.Context(), "c", []rag.Point{ragtest.NewPoint(1, "d", "text", []float32{1, 0}, ragtest.Terms(1, 1))}); err != nil {
		t.Fatal(err)
	}
	recall := rag.NewRecall(nil) // nobody runs it
	p := rag.New(rag.Config{
		Settings: rag.Settings{Name: "p", Model: "m", RecallShare: 1}, Index: index, Alias: "c", Embedder: flat, Recall: recall,
		Terms: func(string) rag.Terms { return rag.Terms{} },
	})
	for range 50 {
		if _, err := p.Ask(t.Context(), onCall(), rag.Question{Text: "text"}, false); err != nil {
			t.Fatal(err)
		}
	}
	if _, n := recall.Of("p"); n != 0 || index.exact != 0 {
		t.Errorf("%d questions were measured on the way of the questions", n)
	}
}

// flat makes vectors of as many dimensions as a collection has.
func flat(_ llm.Sender, _ *llm.Call, of rag.Shape) (rag.Embedder, error) {
	return hashing.New(of.Dimensions), nil
}

// onCall is a call on whose account a question is asked.
func onCall() *llm.Call { return &llm.Call{Project: "p", TraceID: llm.NewTraceID()} }
