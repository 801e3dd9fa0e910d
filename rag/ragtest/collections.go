package ragtest

import (
	"slices"
	"strings"

	"github.com/weir-dev/weir/rag"
)

// mine are the collections of this part.
func (b *bench) mine() []rag.CollectionInfo {
	b.Helper()
	list, err := b.index.Collections(b.Context())
	b.check(err)
	if !slices.IsSortedFunc(list, func(x, y rag.CollectionInfo) int { return strings.Compare(x.Name, y.Name) }) {
		b.Fatalf("collections are not in the order of names: %v", list)
	}
	return slices.DeleteFunc(list, func(c rag.CollectionInfo) bool { return !strings.HasPrefix(c.Name, b.prefix) })
}

func testCollections(b *bench) {
	ctx := b.Context()
	b.equal("collections at first", b.mine(), []rag.CollectionInfo(nil))
	two := rag.CollectionInfo{Collection: rag.Collection{Name: b.make("b.2", 3), Shape: shape(3)}}
	one := rag.CollectionInfo{Collection: rag.Collection{Name: b.make("a_1", 2), Shape: shape(2)}}
	b.equal("collections", b.mine(), []rag.CollectionInfo{one, two})

	b.check(b.index.Put(ctx, one.Name, []rag.Point{
		NewPoint(1, "x", "one", []float32{1, 0}, Terms(1, 1)), NewPoint(2, "x", "two", []float32{0, 1}, Terms(2, 1)),
		NewPoint(3, "y", "three", []float32{0, 1}, Terms(2, 1)),
	}))
	one.Points, one.Documents = 3, 2
	got, err := b.index.Collection(ctx, one.Name)
	b.check(err)
	b.equal("the collection", got, one)
	b.equal("collections with points", b.mine(), []rag.CollectionInfo{one, two})

	b.check(b.index.Make(ctx, one.Collection))
	got, err = b.index.Collection(ctx, one.Name)
	b.check(err)
	b.equal("made again", got, one)

	b.check(b.index.Drop(ctx, one.Name))
	b.check(b.index.Drop(ctx, one.Name))
	_, err = b.index.Collection(ctx, one.Name)
	b.is("a dropped collection", err, rag.ErrNoCollection)
	b.equal("collections after the drop", b.mine(), []rag.CollectionInfo{two})

	// One of the same name starts afresh, with a shape of its own.
	three := rag.CollectionInfo{Collection: rag.Collection{Name: b.make("a_1", 5), Shape: shape(5)}}
	b.equal("collections after it was made anew", b.mine(), []rag.CollectionInfo{three, two})
	found := b.search(three.Name, rag.Query{Vector: Unit(1, 0, 0, 0, 0), Terms: Ask(1, 2), Limit: 5, AnyTenant: true})
	b.equal("points of the dropped one", found, rag.Found{})
}

func testShape(b *bench) {
	ctx := b.Context()
	c := rag.Collection{Name: b.make("c", 3), Shape: shape(3)}
	for what, change := range map[string]func(*rag.Shape){
		"embedder":   func(s *rag.Shape) { s.Embedder = "test/other" },
		"dimensions": func(s *rag.Shape) { s.Dimensions = 4 },
		"splitter":   func(s *rag.Shape) { s.Splitter = "recursive-1/512/32/o200k_base" },
	} {
		other := c
		change(&other.Shape)
		b.is("another "+what, b.index.Make(ctx, other), rag.ErrOtherShape)
	}
	other := c
	other.AverageLength = 99
	b.check(b.index.Make(ctx, other))
	got, err := b.index.Collection(ctx, c.Name)
	b.check(err)
	b.equal("the collection that was there", got.Collection, c)
}

func testNames(b *bench) {
	ctx := b.Context()
	c := b.make("c", 2)
	long := b.prefix + strings.Repeat("x", 64-len(b.prefix))
	b.check(b.index.Make(ctx, rag.Collection{Name: long, Shape: shape(2)}))
	b.check(b.index.Point(ctx, long[:63], c))
	for _, name := range []string{"", "A", "-a", ".a", "a b", "a/b", "a`b", "a'b", "ä", "a\x00b", "a\n", long + "x"} {
		if err := b.index.Make(ctx, rag.Collection{Name: name, Shape: shape(2)}); err == nil {
			b.Errorf("a collection named %q was made", name)
		}
		if err := b.index.Point(ctx, name, c); err == nil {
			b.Errorf("an alias named %q was made", name)
		}
		_, err := b.index.Collection(ctx, name)
		b.is("a collection of a wrong name", err, rag.ErrNoCollection)
	}
	if err := b.index.Make(ctx, rag.Collection{Name: b.name("flat"), Shape: shape(0)}); err == nil {
		b.Error("a collection without dimensions was made")
	}
}

func testNotThere(b *bench) {
	ctx := b.Context()
	none := b.name("none")
	_, err := b.index.Collection(ctx, none)
	b.is("Collection", err, rag.ErrNoCollection)
	b.is("Put", b.index.Put(ctx, none, []rag.Point{NewPoint(1, "d", "x", []float32{1, 0}, Terms(1, 1))}), rag.ErrNoCollection)
	b.is("Describe", b.index.Describe(ctx, none, []rag.Chunk{{ID: ID(1)}}), rag.ErrNoCollection)
	b.is("Remove", b.index.Remove(ctx, none, ids(1)), rag.ErrNoCollection)
	_, err = b.index.Chunks(ctx, none, "d")
	b.is("Chunks", err, rag.ErrNoCollection)
	_, err = b.index.Get(ctx, none, ids(1))
	b.is("Get", err, rag.ErrNoCollection)
	_, err = b.index.Documents(ctx, none, "", 10)
	b.is("Documents", err, rag.ErrNoCollection)
	_, err = b.index.Search(ctx, none, rag.Query{Vector: Unit(1, 0), Limit: 1})
	b.is("Search", err, rag.ErrNoCollection)
	b.is("Point", b.index.Point(ctx, b.name("alias"), none), rag.ErrNoCollection)
	b.check(b.index.Drop(ctx, none))
	b.check(b.index.Unpoint(ctx, b.name("alias")))

	// In a collection, what is not there is no error.
	c := b.make("c", 2)
	b.check(b.index.Put(ctx, c, nil))
	b.check(b.index.Describe(ctx, c, nil))
	b.check(b.index.Remove(ctx, c, nil))
	b.check(b.index.Remove(ctx, c, ids(1, 2)))
	b.check(b.index.Describe(ctx, c, []rag.Chunk{{ID: ID(1), Document: "d"}}))
	chunks, err := b.index.Chunks(ctx, c, "d")
	b.check(err)
	b.equal("chunks", chunks, []rag.Chunk(nil))
	chunks, err = b.index.Get(ctx, c, ids(1, 2))
	b.check(err)
	b.equal("chunks by id", chunks, []rag.Chunk(nil))
	documents, err := b.index.Documents(ctx, c, "", 10)
	b.check(err)
	b.equal("documents", documents, []rag.DocumentInfo(nil))
	b.equal("found", b.search(c, rag.Query{Vector: Unit(1, 0), Terms: Ask(1), Limit: 5}), rag.Found{})
	info, err := b.index.Collection(ctx, c)
	b.check(err)
	b.equal("points", info.Points, int64(0))
}
