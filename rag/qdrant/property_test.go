package qdrant_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/qdrant"
	"github.com/weir-dev/weir/rag/ragtest"
)

// texts are awkward names and values of labels, documents and tenants.
var texts = rapid.SampledFrom([]string{"", "a", "=", "a=b", "a.b[]", `"`, "\x00", "%3D", "ü", " ", "+", "A"})

const (
	propertyIDs        = 12
	propertyDimensions = 3
)

func drawPoint(t *rapid.T) rag.Point {
	vector := rapid.SliceOfN(rapid.Float32Range(-1, 1), propertyDimensions, propertyDimensions).Draw(t, "vector")
	vector[0] += 2 // no vector is nothing
	var terms rag.Terms
	for _, id := range slices.Sorted(maps.Keys(rapid.MapOfN(rapid.Uint32Range(0, 6), rapid.Just(true), 0, 4).Draw(t, "terms"))) {
		terms.IDs, terms.Weights = append(terms.IDs, id), append(terms.Weights, rapid.Float32Range(0.1, 3).Draw(t, "weight"))
	}
	n := rapid.IntRange(0, propertyIDs-1).Draw(t, "id")
	p := ragtest.NewPoint(n, texts.Draw(t, "document"), texts.Draw(t, "text"), vector, terms)
	p.Ordinal = rapid.IntRange(0, 50).Draw(t, "ordinal")*propertyIDs + n // no two chunks have one
	p.Tenant, p.Headings = texts.Draw(t, "tenant"), rapid.SliceOfN(texts, 0, 2).Draw(t, "headings")
	p.Labels = rapid.MapOfN(texts, texts, 0, 3).Draw(t, "labels")
	return p
}

// TestLikeMemory does the same to the store and to the index in memory, whatever it is, and compares all that can be read.
func TestLikeMemory(t *testing.T) {
	store := open(t, qdrant.Config{URL: (&stub{}).start(t).url})
	made := 0
	rapid.Check(t, func(t *rapid.T) {
		ctx := t.Context()
		memory := &ragtest.Memory{}
		made++
		c := fmt.Sprintf("c%d", made)
		each := func(do func(rag.Index) error) {
			for _, index := range []rag.Index{store, memory} {
				if err := do(index); err != nil {
					t.Fatal(err)
				}
			}
		}
		same := func(what string, read func(rag.Index) (any, error)) {
			got, err := read(store)
			want, wantErr := read(memory)
			if err != nil || wantErr != nil {
				t.Fatalf("%s: got error %v, in memory %v", what, err, wantErr)
			}
			near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-4 })
			if diff := cmp.Diff(got, want, cmpopts.EquateEmpty(), near); diff != "" {
				t.Fatalf("%s (-got +want):\n%s", what, diff)
			}
		}
		each(func(x rag.Index) error { return x.Make(ctx, rag.Collection{Name: c, Shape: shape(propertyDimensions)}) })
		for range rapid.IntRange(1, 4).Draw(t, "rounds") {
			points := rapid.SliceOfN(rapid.Custom(drawPoint), 1, propertyIDs).Draw(t, "points")
			each(func(x rag.Index) error { return x.Put(ctx, c, points) })
			described := []rag.Chunk{drawPoint(t).Chunk}
			each(func(x rag.Index) error { return x.Describe(ctx, c, described) })
			removed := []string{ragtest.ID(rapid.IntRange(0, propertyIDs).Draw(t, "removed"))}
			each(func(x rag.Index) error { return x.Remove(ctx, c, removed) })
		}
		document, after := texts.Draw(t, "read document"), texts.Draw(t, "after")
		limit := rapid.IntRange(0, propertyIDs).Draw(t, "limit")
		same("collection", func(x rag.Index) (any, error) { return x.Collection(ctx, c) })
		same("chunks", func(x rag.Index) (any, error) { return x.Chunks(ctx, c, document) })
		same("documents", func(x rag.Index) (any, error) { return x.Documents(ctx, c, after, limit) })
		q := rag.Query{
			Vector: drawPoint(t).Vector, Terms: ragtest.Ask(slices.Sorted(maps.Keys(rapid.MapOfN(rapid.Uint32Range(0, 6), rapid.Just(true), 0, 4).Draw(t, "asked")))...),
			Limit: 2 * propertyIDs, Tenant: texts.Draw(t, "asker"), AnyTenant: rapid.Bool().Draw(t, "any tenant"), Exact: rapid.Bool().Draw(t, "exact"),
			Labels: rapid.MapOfN(texts, rapid.SliceOfN(texts, 0, 3), 0, 2).Draw(t, "wanted labels"),
		}
		same("search", func(x rag.Index) (any, error) {
			found, err := x.Search(ctx, c, q)
			return map[string]any{"dense": byID(found.Dense), "sparse": byID(found.Sparse)}, err
		})
	})
}

// byID are hits without their order, which nearly equal scores may change.
func byID(hits []rag.Hit) map[string]rag.Hit {
	out := map[string]rag.Hit{}
	for _, h := range hits {
		out[h.ID] = h
	}
	return out
}
