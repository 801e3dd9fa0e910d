// Package ragtest is the contract of rag.Index and of rag.Log as tests, with an index in memory for other tests.
package ragtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	randv2 "math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-dev/weir/rag"
)

// Run tests what open gives. It is called once a part and may give the same store each time, one that holds other things
// too: what a part makes has a name of its own and is dropped at its end.
func Run(t *testing.T, open func(t *testing.T) rag.Index) {
	t.Helper()
	for _, part := range []struct {
		name string
		run  func(*bench)
	}{
		{"collections are made, listed and dropped", testCollections},
		{"a collection of another shape is refused", testShape},
		{"names are checked", testNames},
		{"what is put is found again", testPut},
		{"texts come back as they were", testTexts},
		{"a point put again is replaced", testReplace},
		{"a point is described anew", testDescribe},
		{"points are removed", testRemove},
		{"documents are listed in pages", testDocuments},
		{"wrong points and queries are refused", testRefused},
		{"what is not there is said so", testNotThere},
		{"a canceled context ends a call", testCanceled},
		{"by meaning", testDense},
		{"by words", testSparse},
		{"by both", testHybrid},
		{"equal scores at a list's end are cut by id", testTies},
		{"a tenant sees its own and everybody's", testTenant},
		{"labels", testLabels},
		{"the approximate search finds nearly all", testRecall},
		{"a large batch", testLarge},
		{"like the index in memory", testLikeMemory},
		{"aliases", testAliases},
		{"an alias moves without a failed query", testSwap},
		{"many at once", testConcurrent},
	} {
		t.Run(part.name, func(t *testing.T) {
			b := &bench{T: t, index: open(t), prefix: "t" + strings.ToLower(rand.Text()[:10]) + "-"}
			t.Cleanup(b.clean)
			part.run(b)
		})
	}
}

// LateCounter is an index that counts the words of removed points for a while, so that its scores by words are other than
// those of the index in memory. No method is called.
type LateCounter interface{ CountsRemoved() }

// bench is one part's store.
type bench struct {
	*testing.T
	index  rag.Index
	prefix string // of all names of this part
}

// clean drops what the part made.
func (b *bench) clean() {
	ctx := context.WithoutCancel(b.Context())
	aliases, err := b.index.Aliases(ctx)
	b.check(err)
	for alias := range aliases {
		if strings.HasPrefix(alias, b.prefix) {
			b.check(b.index.Unpoint(ctx, alias))
		}
	}
	list, err := b.index.Collections(ctx)
	b.check(err)
	for _, c := range list {
		if strings.HasPrefix(c.Name, b.prefix) {
			b.check(b.index.Drop(ctx, c.Name))
		}
	}
}

func (b *bench) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) equal(what string, got, want any) {
	b.Helper()
	if diff := cmp.Diff(got, want, cmpopts.EquateEmpty()); diff != "" {
		b.Fatalf("%s (-got +want):\n%s", what, diff)
	}
}

func (b *bench) is(what string, err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("%s: got error %v, want %v", what, err, want)
	}
}

// name is one that no other test uses.
func (b *bench) name(s string) string { return b.prefix + s }

// shape is that of the suite's collections.
func shape(dimensions int) rag.Shape {
	return rag.Shape{Embedder: "test/embedder", Dimensions: dimensions, Splitter: "recursive-1/256/32/o200k_base", AverageLength: 12.5}
}

// make makes a collection and gives its name.
func (b *bench) make(name string, dimensions int) string {
	b.Helper()
	b.check(b.index.Make(b.Context(), rag.Collection{Name: b.name(name), Shape: shape(dimensions)}))
	return b.name(name)
}

// with makes a collection of these points.
func (b *bench) with(points ...rag.Point) string {
	b.Helper()
	c := b.make("c", len(points[0].Vector))
	b.check(b.index.Put(b.Context(), c, points))
	return c
}

func (b *bench) search(collection string, q rag.Query) rag.Found {
	b.Helper()
	found, err := b.index.Search(b.Context(), collection, q)
	b.check(err)
	return found
}

// ID is the id of a test's chunk: UUIDs of ascending numbers ascend.
func ID(n int) string { return fmt.Sprintf("00000000-0000-5000-8000-%012x", n) }

// NewPoint is a plain point with the number's id: of document d, with nothing but what is given.
func NewPoint(n int, document, text string, vector []float32, terms rag.Terms) rag.Point {
	return rag.Point{
		Chunk: rag.Chunk{
			ID: ID(n), Document: document, Title: "Title of " + document, Text: text, Ordinal: n, End: len(text), ParentEnd: len(text),
			Tokens: max(1, len(text)/4), DocumentHash: fmt.Sprintf("%064x", len(document)),
		},
		Vector: Unit(vector...), Terms: terms,
	}
}

// Unit gives the vector with length 1.
func Unit(v ...float32) []float32 {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	out := slices.Clone(v)
	for i := range out {
		out[i] = float32(float64(out[i]) / math.Sqrt(sum))
	}
	return out
}

// Terms gives terms of ids and weights in turn; the ids ascend.
func Terms(pairs ...float32) rag.Terms {
	var t rag.Terms
	for i := 0; i+1 < len(pairs); i += 2 {
		t.IDs, t.Weights = append(t.IDs, uint32(pairs[i])), append(t.Weights, pairs[i+1])
	}
	return t
}

// Ask gives a query's terms, each of weight 1.
func Ask(ids ...uint32) rag.Terms {
	t := rag.Terms{IDs: slices.Sorted(slices.Values(ids))}
	for range ids {
		t.Weights = append(t.Weights, 1)
	}
	return t
}

// IDs are those of hits, in their order.
func IDs(hits []rag.Hit) []string {
	var list []string
	for i := range hits {
		list = append(list, hits[i].ID)
	}
	return list
}

func ids(numbers ...int) []string {
	var list []string
	for _, n := range numbers {
		list = append(list, ID(n))
	}
	return list
}

// random gives points that differ in all that a search looks at.
func random(r *randv2.Rand, n, dimensions int) rag.Point {
	v := make([]float32, dimensions)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	seen := map[uint32]bool{}
	var t rag.Terms
	for range 1 + r.IntN(8) {
		id := uint32(r.IntN(40)) + 1_000_000_000 // beyond an int32's half
		if r.IntN(2) == 0 {
			id = uint32(r.IntN(10))
		}
		seen[id] = true
	}
	for id := range seen {
		t.IDs = append(t.IDs, id)
	}
	slices.Sort(t.IDs)
	for range t.IDs {
		t.Weights = append(t.Weights, 0.5+r.Float32())
	}
	p := NewPoint(n, fmt.Sprintf("doc/%d", n%7), fmt.Sprintf("text %d of many", n), v, t)
	p.Tenant = []string{"", "a", "b"}[r.IntN(3)]
	p.Labels = map[string]string{"team": []string{"red", "blue", "green"}[r.IntN(3)]}
	if r.IntN(2) == 0 {
		p.Labels["lang"] = []string{"en", "de"}[r.IntN(2)]
	}
	return p
}
