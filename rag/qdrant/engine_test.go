package qdrant_test

import (
	"encoding/json"
	"math"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/qdrant"
	"github.com/weir-dev/weir/rag/ragtest"
)

// engineFile is testdata/engine.json: what Qdrant's own engine found.
type engineFile struct {
	Points []struct {
		ID, Document, Tenant string
		Dense                []float32
		Terms                [][2]float64
		Ordinal              int
		Labels               []string
	}
	Queries []struct {
		Dense      []float32
		Terms      []uint32
		Tenant     *string
		Labels     [][]string
		Limit      int
		Exact      bool
		WantDense  []engineHit `json:"want_dense"`
		WantSparse []engineHit `json:"want_bm25"`
	}
}

// engineHit is a pair of id and score.
type engineHit [2]any

// TestEngine compares what the stub finds through the store, and by that what the contract is tested against, with what
// Qdrant's engine found.
func TestEngine(t *testing.T) {
	raw, err := os.ReadFile("testdata/engine.json")
	if err != nil {
		t.Fatal(err)
	}
	var file engineFile
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	store := open(t, qdrant.Config{URL: (&stub{}).start(t).url})
	var points []rag.Point
	for _, from := range file.Points {
		p := rag.Point{Chunk: rag.Chunk{ID: from.ID, Document: from.Document, Tenant: from.Tenant, Ordinal: from.Ordinal, Labels: map[string]string{}}, Vector: from.Dense}
		for _, term := range from.Terms {
			p.Terms.IDs, p.Terms.Weights = append(p.Terms.IDs, uint32(term[0])), append(p.Terms.Weights, float32(term[1]))
		}
		for _, l := range from.Labels {
			name, value := cutLabel(t, l)
			p.Labels[name] = value
		}
		points = append(points, p)
	}
	if err := store.Make(t.Context(), rag.Collection{Name: "c", Shape: rag.Shape{Embedder: "e", Dimensions: len(points[0].Vector)}}); err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), "c", points); err != nil {
		t.Fatal(err)
	}
	found := 0
	for i, from := range file.Queries {
		q := rag.Query{Vector: from.Dense, Terms: ragtest.Ask(from.Terms...), Limit: from.Limit, Exact: from.Exact, AnyTenant: from.Tenant == nil}
		if from.Tenant != nil {
			q.Tenant = *from.Tenant
		}
		for _, labels := range from.Labels {
			for _, l := range labels {
				if q.Labels == nil {
					q.Labels = map[string][]string{}
				}
				name, value := cutLabel(t, l)
				q.Labels[name] = append(q.Labels[name], value)
			}
		}
		got, err := store.Search(t.Context(), "c", q)
		if err != nil {
			t.Fatal(err)
		}
		sameHits(t, i, "dense", got.Dense, from.WantDense)
		sameHits(t, i, "bm25", got.Sparse, from.WantSparse)
		found += len(got.Dense) + len(got.Sparse)
	}
	if found < 200 {
		t.Errorf("got %d hits of all queries, want some hundreds: the data tell nothing", found)
	}
}

func cutLabel(t *testing.T, keyword string) (name, value string) {
	t.Helper()
	escaped, value, ok := strings.Cut(keyword, "=")
	name, err := url.QueryUnescape(escaped)
	if !ok || err != nil {
		t.Fatalf("label %q: %v", keyword, err)
	}
	return name, value
}

// sameHits compares lists; points of equal scores may stand in any order.
func sameHits(t *testing.T, query int, list string, got []rag.Hit, want []engineHit) {
	t.Helper()
	const tolerance = 2e-5
	if len(got) != len(want) {
		t.Fatalf("query %d, %s: got %d hits, want %d", query, list, len(got), len(want))
	}
	for i, h := range got {
		id, score := want[i][0].(string), want[i][1].(float64)
		if math.Abs(h.Score-score) > tolerance {
			t.Errorf("query %d, %s, hit %d: got score %v, want %v", query, list, i, h.Score, score)
		}
		tied := i > 0 && math.Abs(want[i-1][1].(float64)-score) <= tolerance || i+1 < len(want) && math.Abs(want[i+1][1].(float64)-score) <= tolerance || i+1 == len(want)
		if h.ID != id && !tied {
			t.Errorf("query %d, %s, hit %d: got %s, want %s", query, list, i, h.ID, id)
		}
	}
}
