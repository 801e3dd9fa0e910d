package clickhouse

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/ragtest"
)

var ragPoints = flag.Int("rag-points", 10_000, "chunks in the collection of BenchmarkRAG")

const (
	ragDimensions = 384
	ragClusters   = 500
	ragWords      = 90 // of a chunk
	ragBatch      = 1000
)

// ragCorpus makes chunks of about 700 bytes: vectors around some hundred centres, and words as often as words are.
type ragCorpus struct {
	random  *rand.Rand
	words   *rand.Zipf
	centres [][]float32
}

func newRAGCorpus() *ragCorpus {
	r := rand.New(rand.NewPCG(1, 2))
	c := &ragCorpus{random: r, words: rand.NewZipf(r, 1.2, 100, 50_000)} // the most frequent is in one chunk of five, as without stop words
	for range ragClusters {
		c.centres = append(c.centres, c.around(make([]float32, ragDimensions), 1))
	}
	return c
}

func (c *ragCorpus) around(centre []float32, spread float64) []float32 {
	v := slices.Clone(centre)
	for i := range v {
		v[i] += float32(c.random.NormFloat64() * spread)
	}
	return v
}

func (c *ragCorpus) vector() []float32 {
	return ragtest.Unit(c.around(c.centres[c.random.IntN(len(c.centres))], 0.7)...)
}

func (c *ragCorpus) point(n int) rag.Point {
	counts := map[uint32]float32{}
	var text strings.Builder
	for range ragWords {
		word := uint32(c.words.Uint64())
		counts[word]++
		fmt.Fprintf(&text, "word%d ", word)
	}
	var terms rag.Terms
	for word := range counts {
		terms.IDs = append(terms.IDs, word)
	}
	slices.Sort(terms.IDs)
	for _, word := range terms.IDs {
		terms.Weights = append(terms.Weights, counts[word]*2.2/(counts[word]+1.2))
	}
	p := ragtest.NewPoint(n, fmt.Sprintf("folder/document-%05d.md", n/20), text.String(), c.vector(), terms)
	p.Headings, p.Labels = []string{"Guide", fmt.Sprint("Chapter ", n%20)}, map[string]string{"team": []string{"red", "blue", "green", "grey"}[n%4]}
	if n%10 == 0 {
		p.Tenant = fmt.Sprint("tenant", n%7)
	}
	return p
}

// question has the vector of some place among the chunks and some words, of which a few are frequent.
func (c *ragCorpus) question() rag.Query {
	words := map[uint32]bool{}
	for len(words) < 6 {
		words[uint32(c.words.Uint64())] = true
	}
	q := rag.Query{Vector: c.vector(), Limit: 50, Tenant: "tenant1"}
	for word := range words {
		q.Terms.IDs, q.Terms.Weights = append(q.Terms.IDs, word), append(q.Terms.Weights, 1)
	}
	return q
}

// BenchmarkRAG measures putting chunks of 384 dimensions, and searches among them; -rag-points 100000 is the size that
// docs/rag-store.md speaks of.
func BenchmarkRAG(b *testing.B) {
	if testing.Short() {
		b.Skip("it fills a store")
	}
	index := openTest(b, testConfig(b)).RAG()
	ctx := b.Context()
	if err := index.Make(ctx, rag.Collection{Name: "bench", Shape: rag.Shape{Embedder: "random", Dimensions: ragDimensions, Splitter: "none"}}); err != nil {
		b.Fatal(err)
	}
	corpus := newRAGCorpus()
	var putting time.Duration
	for from := 0; from < *ragPoints; from += ragBatch {
		points := make([]rag.Point, min(ragBatch, *ragPoints-from))
		for i := range points {
			points[i] = corpus.point(from + i)
		}
		began := time.Now()
		if err := index.Put(ctx, "bench", points); err != nil {
			b.Fatal(err)
		}
		putting += time.Since(began)
	}
	began := time.Now()
	if err := index.Settle(ctx, "bench"); err != nil {
		b.Fatal(err)
	}
	settling := time.Since(began)
	putting += settling
	b.Logf("put %d chunks at %.0f a second, %.1f s of it to settle them", *ragPoints, float64(*ragPoints)/putting.Seconds(), settling.Seconds())
	hybrid := func(q rag.Query) rag.Query { return q }
	for _, search := range []struct {
		name   string
		change func(rag.Query) rag.Query
	}{
		{"hybrid", hybrid},
		{"dense", func(q rag.Query) rag.Query { q.Terms = rag.Terms{}; return q }},
		{"sparse", func(q rag.Query) rag.Query { q.Vector = nil; return q }},
		{"hybrid of one label in four", func(q rag.Query) rag.Query { q.Labels = map[string][]string{"team": {"red"}}; return q }},
		{"hybrid of all tenants with vectors", func(q rag.Query) rag.Query { q.AnyTenant, q.Vectors = true, true; return q }},
	} {
		b.Run(search.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				q := search.change(corpus.question())
				began := time.Now()
				if _, err := index.Search(ctx, "bench", q); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000 }
			b.ReportMetric(at(0.5), "p50-ms")
			b.ReportMetric(at(0.95), "p95-ms")
		})
	}
	b.Run("put again", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			points := make([]rag.Point, 100)
			for i := range points {
				points[i] = corpus.point((n*100 + i) % *ragPoints)
			}
			if err := index.Put(ctx, "bench", points); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(100*b.N)/b.Elapsed().Seconds(), "chunks/s")
	})
}
