package ragtest

import (
	"fmt"
	randv2 "math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/weir-dev/weir/rag"
)

// pointed are the aliases of this part.
func (b *bench) pointed() map[string]string {
	b.Helper()
	all, err := b.index.Aliases(b.Context())
	b.check(err)
	mine := map[string]string{}
	for alias, target := range all {
		if strings.HasPrefix(alias, b.prefix) {
			mine[alias] = target
		}
	}
	return mine
}

func testAliases(b *bench) {
	ctx := b.Context()
	blue, green, docs, more := b.make("blue", 2), b.make("green", 3), b.name("docs"), b.name("more")
	b.check(b.index.Put(ctx, blue, []rag.Point{NewPoint(1, "d", "blue", []float32{1, 0}, Terms(1, 1))}))
	b.check(b.index.Put(ctx, green, []rag.Point{NewPoint(2, "d", "green", []float32{1, 0, 0}, Terms(1, 1)), NewPoint(3, "d", "grass", []float32{0, 1, 0}, Terms(2, 1))}))
	b.equal("aliases at first", b.pointed(), map[string]string{})
	b.check(b.index.Point(ctx, docs, blue))
	b.check(b.index.Point(ctx, docs, blue))
	b.check(b.index.Point(ctx, more, green))
	b.equal("aliases", b.pointed(), map[string]string{docs: blue, more: green})
	b.equal("an alias is no collection", len(b.mine()), 2)

	info, err := b.index.Collection(ctx, docs)
	b.check(err)
	b.equal("the collection by its alias", info, rag.CollectionInfo{Collection: rag.Collection{Name: blue, Shape: shape(2)}, Points: 1, Documents: 1})
	b.equal("search by alias", IDs(b.search(docs, rag.Query{Vector: Unit(1, 0), Limit: 5}).Dense), ids(1))
	b.check(b.index.Put(ctx, docs, []rag.Point{NewPoint(4, "e", "by alias", []float32{0, 1}, Terms(1, 1))}))
	chunks, err := b.index.Chunks(ctx, docs, "e")
	b.check(err)
	b.equal("chunks by alias", len(chunks), 1)
	chunks, err = b.index.Get(ctx, blue, ids(4))
	b.check(err)
	b.equal("what was put by alias", len(chunks), 1)
	b.check(b.index.Remove(ctx, docs, ids(4)))
	documents, err := b.index.Documents(ctx, docs, "", 5)
	b.check(err)
	b.equal("documents by alias", len(documents), 1)

	b.check(b.index.Point(ctx, docs, green))
	b.equal("aliases after the move", b.pointed(), map[string]string{docs: green, more: green})
	b.equal("search after the move", IDs(b.search(docs, rag.Query{Vector: Unit(1, 0, 0), Limit: 5}).Dense), ids(2, 3))
	b.check(b.index.Point(ctx, docs, blue)) // and back
	b.equal("search after the way back", IDs(b.search(docs, rag.Query{Vector: Unit(1, 0), Limit: 5}).Dense), ids(1))

	if err := b.index.Drop(ctx, blue); err == nil {
		b.Error("a collection was dropped that an alias points at")
	}
	_ = b.index.Drop(ctx, docs) // whether that is an error or nothing is up to the store
	b.equal("the collection of a dropped alias", IDs(b.search(blue, rag.Query{Vector: Unit(1, 0), Limit: 5}).Dense), ids(1))
	if err := b.index.Point(ctx, blue, green); err == nil {
		b.Error("an alias was made that is called as a collection")
	}
	if err := b.index.Make(ctx, rag.Collection{Name: more, Shape: shape(3)}); err == nil {
		b.Error("a collection was made that is called as an alias")
	}
	b.is("an alias of nothing", b.index.Point(ctx, docs, b.name("none")), rag.ErrNoCollection)
	b.equal("aliases after what was refused", b.pointed()[more], green)

	b.check(b.index.Point(ctx, docs, blue))
	b.check(b.index.Unpoint(ctx, docs))
	b.check(b.index.Unpoint(ctx, docs))
	_, err = b.index.Collection(ctx, docs)
	b.is("an alias that is gone", err, rag.ErrNoCollection)
	b.equal("aliases at last", b.pointed(), map[string]string{more: green})
	b.check(b.index.Drop(ctx, blue))
}

// testSwap moves an alias back and forth under queries: none fails, and each sees one collection.
func testSwap(b *bench) {
	const points, swaps, readers = 20, 4, 2
	ctx := b.Context()
	docs := b.name("docs")
	var collections []string
	for i, name := range []string{"blue", "green"} {
		c := b.make(name, 4)
		var list []rag.Point
		for n := range points {
			list = append(list, NewPoint(i*1000+n, name, "text", []float32{1, float32(n), 0, 1}, Terms(1, 1)))
		}
		b.check(b.index.Put(ctx, c, list))
		collections = append(collections, c)
	}
	b.check(b.index.Point(ctx, docs, collections[0]))

	var stop atomic.Bool
	var readersDone sync.WaitGroup
	failed := make([]error, readers)
	for reader := range readers {
		readersDone.Go(func() {
			for !stop.Load() && failed[reader] == nil {
				found, err := b.index.Search(ctx, docs, rag.Query{Vector: Unit(1, 0, 0, 1), Terms: Ask(1), Limit: points})
				if err != nil {
					failed[reader] = err
					return
				}
				seen := map[string]int{}
				for _, h := range append(found.Dense, found.Sparse...) {
					seen[h.Document]++
				}
				if len(seen) != 1 || seen["blue"]+seen["green"] != 2*points {
					failed[reader] = fmt.Errorf("a search saw %v, want all of one collection in both lists", seen)
				}
			}
		})
	}
	for n := range swaps {
		to := collections[(n+1)%2]
		b.check(b.index.Point(ctx, docs, to))
		// What is asked after the move is answered by the new one.
		found := b.search(docs, rag.Query{Terms: Ask(1), Limit: 1})
		b.equal("after the move", found.Sparse[0].Document, []string{"blue", "green"}[(n+1)%2])
	}
	stop.Store(true)
	readersDone.Wait()
	for _, err := range failed {
		if err != nil {
			b.Errorf("a query failed under a swap: %v", err)
		}
	}
}

// testConcurrent writes from several sides at once.
func testConcurrent(b *bench) {
	const writers, batches, size = 4, 3, 25
	ctx := b.Context()
	c := b.make("c", 8)
	var all sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		all.Go(func() {
			r := randv2.New(randv2.NewPCG(uint64(w), 9))
			for batch := range batches {
				var points []rag.Point
				for n := range size {
					points = append(points, random(r, w*10_000+batch*size+n, 8))
				}
				if errs[w] = b.index.Put(ctx, c, points); errs[w] != nil {
					return
				}
				found, err := b.index.Search(ctx, c, rag.Query{Vector: points[0].Vector, Limit: 1, AnyTenant: true})
				if errs[w] = err; err != nil {
					return
				}
				if got := IDs(found.Dense); len(got) != 1 || got[0] != points[0].ID {
					errs[w] = fmt.Errorf("a point that was put is not found: got %v, want %s", got, points[0].ID)
					return
				}
			}
			// Making it again from all sides is nothing.
			errs[w] = b.index.Make(ctx, rag.Collection{Name: c, Shape: shape(8)})
		})
	}
	all.Wait()
	for _, err := range errs {
		b.check(err)
	}
	info, err := b.index.Collection(ctx, c)
	b.check(err)
	b.equal("points", info.Points, int64(writers*batches*size))
}
