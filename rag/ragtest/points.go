package ragtest

import (
	"context"
	"errors"
	"math"
	randv2 "math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/rag"
)

// full is a chunk with something in every field.
func full() rag.Point {
	text := "A weir is a low dam."
	p := NewPoint(7, "guide/water.md", text, []float32{3, 4, 0}, Terms(5, 1.25, 9, 0.5, 2_000_000_000, 2))
	p.Title, p.Headings, p.Ordinal = "Water", []string{"Rivers", "Dams & weirs"}, 4
	p.Start, p.End, p.ParentStart, p.ParentEnd = 100, 100+len(text), 80, 300
	p.Parent = "Around it: " + text + " There is more."
	p.Tokens, p.DocumentHash, p.Tenant = 6, strings.Repeat("0123456789abcdef", 4), "acme"
	p.Labels = map[string]string{"team": "river", "lang": "en"}
	return p
}

func testPut(b *bench) {
	ctx := b.Context()
	p := full()
	plain := NewPoint(8, "guide/water.md", "Plain.", []float32{0, 0, 1}, rag.Terms{})
	plain.Ordinal = 2
	other := NewPoint(9, "other.md", "Other.", []float32{0, 1, 0}, Terms(1, 1))
	c := b.with(p, plain, other)

	got, err := b.index.Get(ctx, c, ids(9, 99, 7))
	b.check(err)
	b.equal("chunks by id", got, []rag.Chunk{other.Chunk, p.Chunk})
	got, err = b.index.Chunks(ctx, c, "guide/water.md")
	b.check(err)
	b.equal("chunks of a document", got, []rag.Chunk{plain.Chunk, p.Chunk})

	found := b.search(c, rag.Query{Vector: Unit(3, 4, 0), Terms: Ask(9), Limit: 1, Tenant: "acme", Vectors: true})
	if len(found.Dense) != 1 || len(found.Sparse) != 1 {
		b.Fatalf("found %d and %d, want one by meaning and one by words", len(found.Dense), len(found.Sparse))
	}
	for list, h := range map[string]rag.Hit{"by meaning": found.Dense[0], "by words": found.Sparse[0]} {
		b.equal("the hit "+list, h.Chunk, p.Chunk)
		b.near("its vector", h.Vector, p.Vector)
	}
	found = b.search(c, rag.Query{Vector: Unit(3, 4, 0), Terms: Ask(9), Limit: 1, Tenant: "acme"})
	b.equal("a vector that was not asked for", append(found.Dense[0].Vector, found.Sparse[0].Vector...), []float32(nil))
}

// near compares vectors; a store may keep them in another precision.
func (b *bench) near(what string, got, want []float32) {
	b.Helper()
	const tolerance = 1e-5
	if len(got) != len(want) {
		b.Fatalf("%s: got %d dimensions, want %d", what, len(got), len(want))
	}
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > tolerance {
			b.Fatalf("%s: got %v, want %v", what, got, want)
		}
	}
}

func testTexts(b *bench) {
	texts := []string{
		"it's a \"quote\" and a `tick` \\ and \\n", "line\r\nline\ttab", "{p0:String} ${x} $1 ? -- /* */ ;", "NULL", "\\N", "[1,2]", "日本語 café 👩‍👩‍👧", "nul \x00 byte",
		" leading and trailing ", "'); DROP TABLE rag_collections; --", strings.Repeat("long ", 20_000), "",
	}
	var points []rag.Point
	for i, text := range texts {
		p := NewPoint(i, text+"/document", text, []float32{1, float32(i)}, Terms(float32(i), 1))
		p.Title, p.Headings, p.Parent, p.Tenant = text, []string{text, "", text}, text, "acme"
		p.Labels = map[string]string{text + "name": text, "plain": "x"}
		points = append(points, p)
	}
	c := b.with(points...)
	for _, p := range points {
		got, err := b.index.Get(b.Context(), c, []string{p.ID})
		b.check(err)
		b.equal("by id", got, []rag.Chunk{p.Chunk})
		if len(p.Document) > 1000 {
			continue // an id of a document is short
		}
		got, err = b.index.Chunks(b.Context(), c, p.Document)
		b.check(err)
		b.equal("by document", got, []rag.Chunk{p.Chunk})
		found := b.search(c, rag.Query{Vector: Unit(1, 1), Limit: 50, Tenant: "acme", Labels: map[string][]string{p.Text + "name": {"no", p.Text}}})
		b.equal("by label", IDs(found.Dense), []string{p.ID})
	}
}

func testReplace(b *bench) {
	ctx := b.Context()
	old := NewPoint(1, "d", "old words", []float32{1, 0}, Terms(1, 1, 2, 1))
	old.Labels = map[string]string{"v": "old"}
	c := b.with(old, NewPoint(2, "d", "stays", []float32{0, 1}, Terms(3, 1)))
	replaced := NewPoint(1, "e", "new words", []float32{-1, 0}, Terms(4, 2))
	replaced.Labels = map[string]string{"v": "new"}
	b.check(b.index.Put(ctx, c, []rag.Point{replaced}))

	got, err := b.index.Get(ctx, c, ids(1))
	b.check(err)
	b.equal("the chunk", got, []rag.Chunk{replaced.Chunk})
	got, err = b.index.Chunks(ctx, c, "d")
	b.check(err)
	b.equal("chunks of the document it left", len(got), 1)
	info, err := b.index.Collection(ctx, c)
	b.check(err)
	b.equal("points", info.Points, int64(2))
	b.equal("documents", info.Documents, int64(2))

	for _, exact := range []bool{false, true} {
		found := b.search(c, rag.Query{Vector: Unit(1, 0), Terms: Ask(1, 2), Limit: 10, AnyTenant: true, Exact: exact})
		b.equal("by meaning", IDs(found.Dense), ids(2, 1))
		b.equal("by words that are gone", IDs(found.Sparse), []string(nil))
		if s := found.Dense[1].Score; math.Abs(s+1) > 1e-5 {
			b.Errorf("the score of the new vector: got %v, want -1", s)
		}
	}
	b.equal("by new words", IDs(b.search(c, rag.Query{Terms: Ask(4), Limit: 10}).Sparse), ids(1))
	b.equal("by an old label", IDs(b.search(c, rag.Query{Vector: Unit(1, 0), Limit: 10, Labels: map[string][]string{"v": {"old"}}}).Dense), []string(nil))

	// Of equal ids in one call the last counts, and a point put twice is there once.
	again := replaced
	again.Text = "newest"
	b.check(b.index.Put(ctx, c, []rag.Point{replaced, again}))
	b.check(b.index.Put(ctx, c, []rag.Point{again}))
	found := b.search(c, rag.Query{Terms: Ask(4), Limit: 10})
	b.equal("put twice", IDs(found.Sparse), ids(1))
	b.equal("its text", found.Sparse[0].Text, "newest")
}

func testDescribe(b *bench) {
	ctx := b.Context()
	p := full()
	other := NewPoint(8, "guide/water.md", "Other", []float32{1, 0, 0}, Terms(9, 1))
	c := b.with(p, other)
	moved := p.Chunk
	moved.Document, moved.Title, moved.Headings, moved.Ordinal = "guide/rivers.md", "Rivers", []string{"Dams"}, 0
	moved.Start, moved.End, moved.ParentStart, moved.ParentEnd, moved.Parent = 1, 21, 0, 30, "Another parent"
	moved.Tokens, moved.DocumentHash, moved.Tenant, moved.Labels = 7, strings.Repeat("f", 64), "", map[string]string{"team": "lake"}
	given := moved
	given.Text = "is not taken"
	b.check(b.index.Describe(ctx, c, []rag.Chunk{given, {ID: ID(99), Document: "nowhere"}}))

	got, err := b.index.Get(ctx, c, ids(7, 8, 99))
	b.check(err)
	b.equal("chunks", got, []rag.Chunk{moved, other.Chunk})
	got, err = b.index.Chunks(ctx, c, "guide/rivers.md")
	b.check(err)
	b.equal("chunks of the document it went to", got, []rag.Chunk{moved})
	info, err := b.index.Collection(ctx, c)
	b.check(err)
	b.equal("points", info.Points, int64(2))
	found := b.search(c, rag.Query{Vector: p.Vector, Terms: Ask(5), Limit: 1, Labels: map[string][]string{"team": {"lake"}}, Vectors: true})
	if len(found.Dense) != 1 || len(found.Sparse) != 1 {
		b.Fatalf("found %d and %d, want one by its vector and one by its words", len(found.Dense), len(found.Sparse))
	}
	b.equal("found by its vector", found.Dense[0].Chunk, moved)
	b.equal("found by its words", found.Sparse[0].Chunk, moved)
	b.near("its vector", found.Dense[0].Vector, p.Vector)
	found = b.search(c, rag.Query{Vector: p.Vector, Limit: 5, AnyTenant: true, Labels: map[string][]string{"team": {"river"}}})
	b.equal("found by a label it had", IDs(found.Dense), []string(nil))
}

func testRemove(b *bench) {
	ctx := b.Context()
	var points []rag.Point
	for n := range 50 {
		points = append(points, NewPoint(n, "d", "text", []float32{1, float32(n)}, Terms(1, 1)))
	}
	c := b.with(points...)
	var gone []string
	for n := range 48 {
		gone = append(gone, ID(n))
	}
	b.check(b.index.Remove(ctx, c, append(gone, ID(1000))))
	b.check(b.index.Remove(ctx, c, gone))
	for _, exact := range []bool{false, true} {
		found := b.search(c, rag.Query{Vector: Unit(1, 0), Terms: Ask(1), Limit: 10, Exact: exact})
		b.equal("by meaning", IDs(found.Dense), ids(48, 49))
		b.equal("by words", IDs(found.Sparse), ids(48, 49))
	}
	got, err := b.index.Chunks(ctx, c, "d")
	b.check(err)
	b.equal("chunks", len(got), 2)
	got, err = b.index.Get(ctx, c, ids(3, 48))
	b.check(err)
	b.equal("by id", got, []rag.Chunk{points[48].Chunk})
	info, err := b.index.Collection(ctx, c)
	b.check(err)
	b.equal("points", info.Points, int64(2))

	// What was removed may come back.
	b.check(b.index.Put(ctx, c, points[:1]))
	b.equal("put again", IDs(b.search(c, rag.Query{Vector: Unit(1, 0), Limit: 1}).Dense), ids(0))
	b.check(b.index.Remove(ctx, c, ids(0, 48, 49)))
	documents, err := b.index.Documents(ctx, c, "", 10)
	b.check(err)
	b.equal("documents", documents, []rag.DocumentInfo(nil))
}

func testDocuments(b *bench) {
	ctx := b.Context()
	var points []rag.Point
	for n := range 30 {
		p := NewPoint(n, string(rune('a'+n%10)), "text", []float32{1, float32(n)}, Terms(1, 1))
		p.DocumentHash, p.Tenant = strings.Repeat(p.Document, 64), []string{"", "acme"}[n%2]
		p.Labels = map[string]string{"year": "2026", "name=with": "a=b"}
		p.Start, p.End = 10*n, 10*n+5
		points = append(points, p)
	}
	c := b.with(points...)
	var got []rag.DocumentInfo
	for after, page := "", 0; ; page++ {
		list, err := b.index.Documents(ctx, c, after, 4)
		b.check(err)
		if len(list) > 4 || page > 5 {
			b.Fatalf("page %d has %d documents, want at most 4 of 10", page, len(list))
		}
		if len(list) == 0 {
			break
		}
		got = append(got, list...)
		after = list[len(list)-1].ID
	}
	var want []rag.DocumentInfo
	for n := range 10 {
		p := points[n]
		want = append(want, rag.DocumentInfo{ID: p.Document, Title: p.Title, Hash: p.DocumentHash, Chunks: 3, Bytes: 10*(n+20) + 5, Labels: p.Labels, Tenant: p.Tenant})
	}
	b.equal("documents", b.undated(got), want)
}

// undated takes the times out of documents, which a store may not keep; those that it does are of the last hour.
func (b *bench) undated(list []rag.DocumentInfo) []rag.DocumentInfo {
	b.Helper()
	for i, d := range list {
		if age := time.Since(d.Indexed); !d.Indexed.IsZero() && (age > time.Hour || age < -time.Minute) {
			b.Fatalf("%s was indexed at %v", d.ID, d.Indexed)
		}
		list[i].Indexed = time.Time{}
	}
	return list
}

func testRefused(b *bench) {
	ctx := b.Context()
	good := NewPoint(1, "d", "good", []float32{1, 0}, Terms(1, 1))
	c := b.with(good)
	short, uneven := NewPoint(2, "d", "short", []float32{1}, Terms(1, 1)), NewPoint(3, "d", "uneven", []float32{1, 0}, rag.Terms{IDs: []uint32{1, 2}, Weights: []float32{1}})
	b.is("a short vector", b.index.Put(ctx, c, []rag.Point{NewPoint(4, "d", "with it", []float32{1, 0}, Terms(1, 1)), short}), rag.ErrOtherShape)
	if err := b.index.Put(ctx, c, []rag.Point{uneven}); err == nil {
		b.Error("terms without weights were put")
	}
	_, err := b.index.Search(ctx, c, rag.Query{Vector: Unit(1, 0, 0), Limit: 5})
	b.is("a long vector", err, rag.ErrOtherShape)
	if _, err := b.index.Search(ctx, c, rag.Query{Terms: rag.Terms{IDs: []uint32{1}}, Limit: 5}); err == nil {
		b.Error("terms without weights were searched")
	}
	// Nothing of a refused batch is there.
	found := b.search(c, rag.Query{Vector: Unit(1, 0), Terms: Ask(1), Limit: 5})
	b.equal("by meaning", IDs(found.Dense), ids(1))
	b.equal("by words", IDs(found.Sparse), ids(1))
}

func testCanceled(b *bench) {
	c := b.with(NewPoint(1, "d", "good", []float32{1, 0}, Terms(1, 1)))
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	_, err := b.index.Search(ctx, c, rag.Query{Vector: Unit(1, 0), Limit: 5})
	b.is("Search", err, context.Canceled)
	err = b.index.Put(ctx, c, []rag.Point{NewPoint(2, "d", "late", []float32{1, 0}, Terms(1, 1))})
	b.is("Put", err, context.Canceled)
	if errors.Is(err, rag.ErrAway) {
		b.Errorf("the caller's own impatience is no store that is away: %v", err)
	}
}

func testLarge(b *bench) {
	r := randv2.New(randv2.NewPCG(1, 2))
	const n = 3000
	points := make([]rag.Point, n)
	for i := range points {
		points[i] = random(r, i, 16)
		points[i].Text = strings.Repeat("some words of text ", 100) // 6 MB together
	}
	c := b.with(points...)
	info, err := b.index.Collection(b.Context(), c)
	b.check(err)
	b.equal("points", info.Points, int64(n))
	all, err := b.index.Chunks(b.Context(), c, "doc/3")
	b.check(err)
	b.equal("chunks of a document", len(all), (n-3+6)/7)
	var wanted []string
	for i := 0; i < n; i += 2 {
		wanted = append(wanted, ID(i))
	}
	got, err := b.index.Get(b.Context(), c, wanted)
	b.check(err)
	if len(got) != len(wanted) {
		b.Fatalf("got %d chunks by id, want %d", len(got), len(wanted))
	}
	if !slices.EqualFunc(got, wanted, func(c rag.Chunk, id string) bool { return c.ID == id }) {
		b.Error("chunks are not in the order asked")
	}
	b.check(b.index.Remove(b.Context(), c, wanted))
	info, err = b.index.Collection(b.Context(), c)
	b.check(err)
	b.equal("points after half were removed", info.Points, int64(n-len(wanted)))
}
