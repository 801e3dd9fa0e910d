package ragtest

import (
	"fmt"
	"math"
	randv2 "math/rand/v2"
	"slices"

	"github.com/weir-dev/weir/rag"
)

// scores compares the scores of hits.
func (b *bench) scores(what string, hits []rag.Hit, want ...float64) {
	b.Helper()
	const tolerance = 1e-4
	if len(hits) != len(want) {
		b.Fatalf("%s: got %d hits, want %d", what, len(hits), len(want))
	}
	for i, h := range hits {
		if math.Abs(h.Score-want[i]) > tolerance {
			b.Errorf("%s: the score of hit %d: got %v, want %v", what, i, h.Score, want[i])
		}
	}
}

func testDense(b *bench) {
	c := b.with(
		NewPoint(4, "d", "north", []float32{0, 1}, rag.Terms{}), NewPoint(3, "d", "east", []float32{1, 0}, rag.Terms{}),
		NewPoint(2, "d", "north-east", []float32{1, 1}, rag.Terms{}), NewPoint(1, "d", "west", []float32{-1, 0}, rag.Terms{}),
		NewPoint(5, "d", "east too", []float32{1, 0}, rag.Terms{}),
	)
	for _, exact := range []bool{false, true} {
		found := b.search(c, rag.Query{Vector: Unit(1, 0), Limit: 10, Exact: exact})
		b.equal("order", IDs(found.Dense), ids(3, 5, 2, 4, 1))
		b.scores("scores", found.Dense, 1, 1, math.Sqrt2/2, 0, -1)
		b.equal("not asked by words", found.Sparse, []rag.Hit(nil))
		found = b.search(c, rag.Query{Vector: Unit(1, 0), Limit: 2, Exact: exact})
		b.equal("the best two", IDs(found.Dense), ids(3, 5))
	}
	b.equal("none asked for", b.search(c, rag.Query{Vector: Unit(1, 0)}), rag.Found{})
	b.equal("asked by nothing", b.search(c, rag.Query{Limit: 5}), rag.Found{})
}

func idf(points, with float64) float64 { return math.Log(1 + (points-with+0.5)/(with+0.5)) }

func testSparse(b *bench) {
	c := b.with(
		NewPoint(1, "d", "cat", []float32{1, 0}, Terms(10, 1.5)), NewPoint(2, "d", "cat sat", []float32{1, 0}, Terms(10, 1, 20, 1)),
		NewPoint(3, "d", "sat", []float32{1, 0}, Terms(20, 0.5)), NewPoint(4, "d", "sat down", []float32{1, 0}, Terms(20, 0.5, 30, 2)),
		NewPoint(5, "d", "", []float32{1, 0}, rag.Terms{}),
	)
	cat, sat, down := idf(5, 2), idf(5, 3), idf(5, 1)

	found := b.search(c, rag.Query{Terms: Ask(10), Limit: 10})
	b.equal("one word", IDs(found.Sparse), ids(1, 2))
	b.scores("one word", found.Sparse, 1.5*cat, cat)
	b.equal("not asked by meaning", found.Dense, []rag.Hit(nil))

	found = b.search(c, rag.Query{Terms: Ask(10, 20, 30, 77), Limit: 10})
	b.equal("four words, one unknown", IDs(found.Sparse), ids(4, 2, 1, 3))
	b.scores("four words, one unknown", found.Sparse, 0.5*sat+2*down, cat+sat, 1.5*cat, 0.5*sat)

	found = b.search(c, rag.Query{Terms: Ask(10, 20, 30), Limit: 2})
	b.equal("the best two", IDs(found.Sparse), ids(4, 2))

	b.check(b.index.Put(b.Context(), c, []rag.Point{NewPoint(6, "d", "sat", []float32{1, 0}, Terms(20, 0.5))}))
	b.equal("equal scores", IDs(b.search(c, rag.Query{Terms: Ask(20), Limit: 10}).Sparse), ids(2, 3, 4, 6))
	b.equal("an unknown word", b.search(c, rag.Query{Terms: Ask(77), Limit: 10}), rag.Found{})
}

func testHybrid(b *bench) {
	c := b.with(
		NewPoint(1, "d", "near in meaning", []float32{1, 0.1}, Terms(1, 1)), NewPoint(2, "d", "near in words", []float32{0, 1}, Terms(2, 3)),
		NewPoint(3, "d", "both", []float32{1, 0.2}, Terms(2, 1)),
	)
	found := b.search(c, rag.Query{Vector: Unit(1, 0), Terms: Ask(2), Limit: 2})
	b.equal("by meaning", IDs(found.Dense), ids(1, 3))
	b.equal("by words", IDs(found.Sparse), ids(2, 3))
	b.scores("by words", found.Sparse, 3*idf(3, 2), idf(3, 2))
}

// testTies has many points alike, which are put in no order: those with the lowest ids come first and stay in a list, by meaning
// and by words, however long the list is and however many are alike.
func testTies(b *bench) {
	const many = 400
	alike := func(n int) rag.Point { return NewPoint(n, "d", "text", []float32{0, 1}, Terms(1, 0.3, 2, 0.7, 3, 0.1)) }
	near := NewPoint(9000, "d", "near", []float32{0.6, 0.8}, Terms(1, 0.3, 2, 0.9, 3, 0.1))
	far := NewPoint(0, "d", "far", []float32{1, 0}, Terms(3, 0.1))
	points := []rag.Point{far, near}
	for i := range many {
		points = append(points, alike(1+i*271%many)) // 271 has no divisor in common with it
	}
	c := b.with(points[:many/3]...)
	b.check(b.index.Put(b.Context(), c, points[many/3:]))
	want := func(n int) []string {
		list := ids(9000)
		for i := 1; i < n && i <= many; i++ {
			list = append(list, ID(i))
		}
		return list
	}
	for _, exact := range []bool{false, true} {
		for _, limit := range []int{1, 2, 7, 50, many - 10, many + 1} {
			found := b.search(c, rag.Query{Vector: Unit(0.6, 0.8), Terms: Ask(1, 2, 3), Limit: limit, Exact: exact})
			b.equal(fmt.Sprintf("by meaning, %d of them", limit), IDs(found.Dense), want(limit))
			b.equal(fmt.Sprintf("by words, %d of them", limit), IDs(found.Sparse), want(limit))
		}
	}
}

func testTenant(b *bench) {
	var points []rag.Point
	for n, tenant := range []string{"", "a", "b", "a", ""} {
		p := NewPoint(n+1, "d", "text", []float32{1, float32(n)}, Terms(1, 1))
		p.Tenant = tenant
		points = append(points, p)
	}
	c := b.with(points...)
	for _, exact := range []bool{false, true} {
		for _, test := range []struct {
			query rag.Query
			want  []string
		}{
			{rag.Query{}, ids(1, 5)},
			{rag.Query{Tenant: "a"}, ids(1, 2, 4, 5)},
			{rag.Query{Tenant: "b"}, ids(1, 3, 5)},
			{rag.Query{Tenant: "c"}, ids(1, 5)},
			{rag.Query{Tenant: "' OR 1 --"}, ids(1, 5)},
			{rag.Query{AnyTenant: true}, ids(1, 2, 3, 4, 5)},
			{rag.Query{AnyTenant: true, Tenant: "a"}, ids(1, 2, 3, 4, 5)},
		} {
			q := test.query
			q.Vector, q.Terms, q.Limit, q.Exact = Unit(1, 0), Ask(1), 10, exact
			found := b.search(c, q)
			b.equal(fmt.Sprintf("by meaning, of %q", q.Tenant), IDs(found.Dense), test.want)
			b.equal(fmt.Sprintf("by words, of %q", q.Tenant), IDs(found.Sparse), test.want)
		}
	}
	// The best of a tenant are found behind the better ones of others.
	var crowd []rag.Point
	for n := range 300 {
		p := NewPoint(100+n, "crowd", "text", []float32{1, float32(n) / 1e6}, Terms(1, 3))
		p.Tenant = "b"
		crowd = append(crowd, p)
	}
	b.check(b.index.Put(b.Context(), c, crowd))
	found := b.search(c, rag.Query{Vector: Unit(1, 0), Terms: Ask(1), Limit: 3, Tenant: "a"})
	b.equal("by meaning in a crowd", IDs(found.Dense), ids(1, 2, 4))
	b.equal("by words in a crowd", IDs(found.Sparse), ids(1, 2, 4))
}

func testLabels(b *bench) {
	var points []rag.Point
	for n, labels := range []map[string]string{
		nil, {"team": "red"}, {"team": "blue"}, {"team": "red", "lang": "en"}, {"team": "blue", "lang": "en"}, {"team": ""}, {"red": "team"},
	} {
		p := NewPoint(n+1, "d", "text", []float32{1, float32(n)}, Terms(1, 1))
		p.Labels = labels
		points = append(points, p)
	}
	c := b.with(points...)
	for _, exact := range []bool{false, true} {
		for _, test := range []struct {
			labels map[string][]string
			want   []string
		}{
			{nil, ids(1, 2, 3, 4, 5, 6, 7)},
			{map[string][]string{"team": {"red"}}, ids(2, 4)},
			{map[string][]string{"team": {"blue", "red"}}, ids(2, 3, 4, 5)},
			{map[string][]string{"team": {"red"}, "lang": {"en", "de"}}, ids(4)},
			{map[string][]string{"team": {""}}, ids(6)},
			{map[string][]string{"team": {"green"}}, nil},
			{map[string][]string{"team": {}}, nil},
			{map[string][]string{"none": {""}}, nil},
		} {
			found := b.search(c, rag.Query{Vector: Unit(1, 0), Terms: Ask(1), Limit: 10, Labels: test.labels, Exact: exact})
			b.equal(fmt.Sprintf("by meaning, labels %v", test.labels), IDs(found.Dense), test.want)
			b.equal(fmt.Sprintf("by words, labels %v", test.labels), IDs(found.Sparse), test.want)
		}
	}
}

func testRecall(b *bench) {
	const (
		count, dimensions, clusters, queries, limit = 2000, 24, 40, 20, 10
		least                                       = 0.9
	)
	r := randv2.New(randv2.NewPCG(3, 4))
	vector := func(around []float32, spread float64) []float32 {
		v := make([]float32, dimensions)
		for i := range v {
			v[i] = float32(r.NormFloat64() * spread)
			if around != nil {
				v[i] += around[i]
			}
		}
		return v
	}
	var centers [][]float32
	for range clusters {
		centers = append(centers, vector(nil, 1))
	}
	points := make([]rag.Point, count)
	for n := range points {
		points[n] = NewPoint(n, "d", "text", vector(centers[n%clusters], 0.3), rag.Terms{})
	}
	c := b.with(points...)
	found := 0
	for n := range queries {
		q := rag.Query{Vector: Unit(vector(centers[n], 0.3)...), Limit: limit}
		approximate := IDs(b.search(c, q).Dense)
		q.Exact = true
		exact := IDs(b.search(c, q).Dense)
		if len(exact) != limit || len(approximate) != limit {
			b.Fatalf("query %d: got %d and %d hits, want %d", n, len(approximate), len(exact), limit)
		}
		for _, id := range exact {
			if slices.Contains(approximate, id) {
				found++
			}
		}
	}
	if recall := float64(found) / (queries * limit); recall < least {
		b.Errorf("the approximate search found %.3f of what is nearest, want at least %v", recall, least)
	}
}

// testLikeMemory does the same to the index and to one in memory and compares what both find.
func testLikeMemory(b *bench) {
	const dimensions, rounds = 8, 7
	ctx := b.Context()
	r := randv2.New(randv2.NewPCG(5, 6))
	c := b.make("c", dimensions)
	var memory Memory
	b.check(memory.Make(ctx, rag.Collection{Name: c, Shape: shape(dimensions)}))
	both := func(do func(rag.Index) error) {
		b.Helper()
		b.check(do(b.index))
		b.check(do(&memory))
	}
	for range rounds {
		var put []rag.Point
		for range 1 + r.IntN(60) {
			put = append(put, random(r, r.IntN(150), dimensions))
		}
		both(func(x rag.Index) error { return x.Put(ctx, c, put) })
		var removed []string
		for range r.IntN(20) {
			removed = append(removed, ID(r.IntN(150)))
		}
		both(func(x rag.Index) error { return x.Remove(ctx, c, removed) })
		var described []rag.Chunk
		for range r.IntN(10) {
			chunk := random(r, r.IntN(150), dimensions).Chunk
			if !slices.ContainsFunc(described, func(other rag.Chunk) bool { return other.ID == chunk.ID }) {
				described = append(described, chunk)
			}
		}
		both(func(x rag.Index) error { return x.Describe(ctx, c, described) })

		q := rag.Query{Vector: random(r, 0, dimensions).Vector, Terms: random(r, 0, dimensions).Terms, Limit: 1 + r.IntN(20), Exact: r.IntN(2) == 0}
		for i := range q.Terms.Weights {
			q.Terms.Weights[i] = 1
		}
		switch r.IntN(3) {
		case 0:
			q.AnyTenant = true
		case 1:
			q.Tenant = "a"
		}
		if r.IntN(2) == 0 {
			q.Labels = map[string][]string{"team": {"red", "blue"}}
		}
		got := b.search(c, q)
		q.Limit += 5 // what has nearly the score of the last is as good as it
		want, err := memory.Search(ctx, c, q)
		b.check(err)
		b.alike("by meaning", got.Dense, want.Dense, q.Limit-5)
		if _, late := b.index.(LateCounter); late {
			b.equal("how many by words", len(got.Sparse), min(q.Limit-5, len(want.Sparse)))
		} else {
			b.alike("by words", got.Sparse, want.Sparse, q.Limit-5)
		}

		info, err := b.index.Collection(ctx, c)
		b.check(err)
		wantInfo, err := memory.Collection(ctx, c)
		b.check(err)
		b.equal("the collection", info, wantInfo)
	}
	wantDocuments, err := memory.Documents(ctx, c, "", 100)
	b.check(err)
	documents, err := b.index.Documents(ctx, c, "", 100)
	b.check(err)
	b.equal("documents", b.undated(documents), wantDocuments)
	ids, all := []string{"doc/none"}, map[string][]rag.Chunk{}
	for _, d := range documents {
		want, err := memory.Chunks(ctx, c, d.ID)
		b.check(err)
		got, err := b.index.Chunks(ctx, c, d.ID)
		b.check(err)
		b.equal("chunks of "+d.ID, got, want)
		ids, all[d.ID] = append(ids, d.ID), want
	}
	if many, ok := b.index.(rag.ManyReader); ok {
		got, err := many.ChunksOf(ctx, c, ids)
		b.check(err)
		b.equal("chunks of many", got, all)
	}
}

// alike compares hits where scores may differ in their last digits, as stores count in other precisions and a store that
// is about to forget a point may still count its words.
func (b *bench) alike(what string, got, want []rag.Hit, limit int) {
	b.Helper()
	const tolerance = 1e-3
	if len(got) != min(limit, len(want)) {
		b.Fatalf("%s: got %d hits, want %d", what, len(got), min(limit, len(want)))
	}
	for i, h := range got {
		at := slices.IndexFunc(want, func(w rag.Hit) bool { return w.ID == h.ID })
		if at < 0 {
			b.Fatalf("%s: hit %d is %s, want one of %v", what, i, h.ID, IDs(want))
		}
		if math.Abs(h.Score-want[at].Score) > tolerance || math.Abs(h.Score-want[i].Score) > tolerance {
			b.Fatalf("%s: hit %d: got %s with %v, want %s with %v", what, i, h.ID, h.Score, want[i].ID, want[i].Score)
		}
		b.equal(what+": its chunk", h.Chunk, want[at].Chunk)
	}
}
