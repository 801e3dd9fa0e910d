package rag_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/bm25"
	"github.com/weir-dev/weir/rag/hashing"
	"github.com/weir-dev/weir/rag/ragtest"
)

// byLine is a splitter that makes a chunk of each line.
type byLine struct{ version string }

func (s byLine) Version() string { return cmp.Or(s.version, "line-1") }

func (s byLine) Split(doc *rag.Document) (pieces []rag.Piece) {
	for at := 0; at < len(doc.Text); {
		line, _, _ := strings.Cut(doc.Text[at:], "\n")
		if line == "panic" {
			panic("a line that the splitter cannot bear")
		}
		if end := at + len(line); line != "" {
			pieces = append(pieces, rag.Piece{Start: at, End: end, ParentStart: at, ParentEnd: end, Tokens: 1 + len(line)/4})
		}
		at += len(line) + 1
	}
	return pieces
}

// embedder counts what it is asked, and fails where it is told to.
type embedder struct {
	hashing.Embedder
	mu           sync.Mutex
	calls, texts int
	fail         func(call int, texts []string) error
}

func newEmbedder() *embedder { return &embedder{Embedder: hashing.New(16)} }

func (e *embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	e.mu.Lock()
	e.calls++
	e.texts += len(texts)
	call, fail := e.calls, e.fail
	e.mu.Unlock()
	if fail != nil {
		if err := fail(call, texts); err != nil {
			return nil, err
		}
	}
	return e.Embedder.Embed(ctx, texts)
}

func documents(docs ...rag.Document) iter.Seq2[rag.Document, error] {
	return func(yield func(rag.Document, error) bool) {
		for _, d := range docs {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func doc(id string, lines ...string) rag.Document {
	return rag.Document{ID: id, Kind: rag.Text, Text: strings.Join(lines, "\n")}
}

func indexer(index rag.Index, e rag.Embedder) *rag.Indexer {
	return &rag.Indexer{Index: index, Embedder: e, Splitter: byLine{}, Words: bm25.BM25{}, Collection: "c", Dimensions: 16, Workers: 2}
}

func indexed(tb testing.TB, x *rag.Indexer, docs ...rag.Document) rag.Summary {
	tb.Helper()
	got, err := x.Run(tb.Context(), documents(docs...))
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// tally is a summary's numbers.
type tally struct{ Documents, Chunks, New, Unchanged, Removed, Embedded int64 }

func checkSummary(t *testing.T, got rag.Summary, want tally, errs ...rag.IndexFailed) {
	t.Helper()
	if diff := gocmp.Diff(tally{got.Documents, got.Chunks, got.New, got.Unchanged, got.Removed, got.Embedded}, want); diff != "" {
		t.Errorf("summary (-got +want):\n%s", diff)
	}
	if diff := gocmp.Diff(got.Errors, append([]rag.IndexFailed{}, errs...)); diff != "" {
		t.Errorf("errors (-got +want):\n%s", diff)
	}
}

// passagesOf gives what the index holds of a document.
func passagesOf(tb testing.TB, ix rag.Index, document string) (out []string) {
	tb.Helper()
	chunks, err := ix.Chunks(tb.Context(), "c", document)
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range chunks {
		out = append(out, c.Text)
	}
	return out
}

func TestIndexTwice(t *testing.T) {
	ix, e := new(ragtest.Memory), newEmbedder()
	x := indexer(ix, e)
	x.Price = func(tokens int64) (price.USD, bool) { return price.USD(tokens), true }
	docs := []rag.Document{doc("a", "one one", "two", "two"), doc("b", "three"), doc("empty")}
	// "two" is there twice, and is embedded once.
	checkSummary(t, indexed(t, x, docs...), tally{Documents: 3, Chunks: 4, New: 4, Embedded: 3})

	calls, written := e.calls, ix.Written()
	got := indexed(t, x, docs...)
	checkSummary(t, got, tally{Documents: 3, Chunks: 4, Unchanged: 4})
	if e.calls != calls || ix.Written() != written {
		t.Errorf("the same again made %d calls to embed and wrote %d points", e.calls-calls, ix.Written()-written)
	}
	if want := price.USD(2 + 1 + 1 + 2); got.SavedUSD == nil || *got.SavedUSD != want {
		t.Errorf("saved %v, want %v", got.SavedUSD, want)
	}
}

func TestIndexEdited(t *testing.T) {
	ix, e := new(ragtest.Memory), newEmbedder()
	x := indexer(ix, e)
	indexed(t, x, doc("a", "one", "two", "three"), doc("b", "one"))

	checkSummary(t, indexed(t, x, doc("a", "one", "zwei", "three", "one"), doc("b", "one")), tally{Documents: 2, Chunks: 5, New: 2, Unchanged: 3, Removed: 1, Embedded: 2})
	chunks, err := ix.Chunks(t.Context(), "c", "a")
	if err != nil {
		t.Fatal(err)
	}
	edited := doc("a", "one", "zwei", "three", "one")
	if len(chunks) != 4 {
		t.Fatalf("%d chunks, want 4", len(chunks))
	}
	for i, c := range chunks {
		if c.Ordinal != i || c.Text != edited.Text[c.Start:c.End] || c.DocumentHash != rag.HashText(edited.Text) {
			t.Errorf("chunk %d is %+v", i, c)
		}
	}

	// What only stands elsewhere, or is of somebody else now, is told and not embedded.
	calls := e.calls
	moved := doc("a", "", "one", "zwei", "three", "one")
	moved.Tenant, moved.Labels = "t", map[string]string{"l": "v"}
	checkSummary(t, indexed(t, x, moved), tally{Documents: 1, Chunks: 4, Unchanged: 4})
	chunks, err = ix.Chunks(t.Context(), "c", "a")
	if err != nil {
		t.Fatal(err)
	}
	if c := chunks[0]; c.Start != 1 || c.Tenant != "t" || c.Labels["l"] != "v" || e.calls != calls {
		t.Errorf("after a move: %+v, with %d calls to embed", c, e.calls-calls)
	}
}

func TestIndexPrune(t *testing.T) {
	ix := new(ragtest.Memory)
	x := indexer(ix, newEmbedder())
	indexed(t, x, doc("a", "one"), doc("b", "two", "three"), doc("z", "four"))

	checkSummary(t, indexed(t, x, doc("a", "one")), tally{Documents: 1, Chunks: 1, Unchanged: 1})
	if got := passagesOf(t, ix, "b"); len(got) != 2 {
		t.Fatalf("without Prune b has %q", got)
	}
	x.Prune = true
	broken := &rag.DocumentError{Document: "z", Err: errors.New("a bad disk")}
	got, err := x.Run(t.Context(), func(yield func(rag.Document, error) bool) {
		_ = yield(doc("a", "one"), nil) && yield(rag.Document{}, broken)
	})
	if err != nil {
		t.Fatal(err)
	}
	checkSummary(t, got, tally{Documents: 1, Chunks: 1, Unchanged: 1, Removed: 2}, rag.IndexFailed{Document: "z", Error: "a bad disk"})
	if got := passagesOf(t, ix, "z"); len(got) != 1 {
		t.Errorf("what could not be read was pruned: z has %q", got)
	}

	got, err = x.Run(t.Context(), func(yield func(rag.Document, error) bool) {
		yield(rag.Document{}, &rag.DocumentError{Name: "folder", Err: errors.New("permission denied")})
	})
	if err != nil {
		t.Fatal(err)
	}
	checkSummary(t, got, tally{}, rag.IndexFailed{Document: "folder", Error: "permission denied"},
		rag.IndexFailed{Error: "documents that are gone were not removed, since some could not be read"})
}

func TestIndexBadDocuments(t *testing.T) {
	ix := new(ragtest.Memory)
	got := indexed(t, indexer(ix, newEmbedder()), doc("a", "one"), doc("a", "two"), rag.Document{Title: "nameless", Text: "x"}, doc("bad", "panic"), doc("b", "two"))
	if len(got.Errors) != 3 {
		t.Fatalf("errors %+v, want three", got.Errors)
	}
	for _, e := range got.Errors {
		if e.Document == "bad" && !strings.Contains(e.Error, "cannot bear") {
			t.Errorf("of a splitter that panics: %q", e.Error)
		}
	}
	if diff := gocmp.Diff(passagesOf(t, ix, "a"), []string{"one"}); diff != "" {
		t.Errorf("a (-got +want):\n%s", diff)
	}
}

func TestIndexRefusedText(t *testing.T) {
	ix, e := new(ragtest.Memory), newEmbedder()
	e.fail = func(_ int, texts []string) error {
		if slices.Contains(texts, "poison") {
			return fmt.Errorf("%w: poison", rag.ErrTextRefused)
		}
		return nil
	}
	var docs []rag.Document
	for i := range 20 {
		docs = append(docs, doc(fmt.Sprintf("d%02d", i), fmt.Sprintf("line %d", i)))
	}
	docs[7].Text = "fine\npoison"
	got := indexed(t, indexer(ix, e), docs...)
	checkSummary(t, got, tally{Documents: 19, Chunks: 19, New: 20, Embedded: 20}, rag.IndexFailed{Document: "d07", Error: "make vectors: the embedding model does not take the text: poison"})
}

func TestIndexStops(t *testing.T) {
	ix, e := new(ragtest.Memory), newEmbedder()
	x := indexer(ix, e)
	x.Workers, x.Failures = 1, 3
	indexed(t, x, doc("kept", "old"))
	e.fail = func(int, []string) error { return errors.New("no such model") }
	var docs []rag.Document
	for i := range 64 * 5 { // five groups of one slice each
		docs = append(docs, doc(fmt.Sprintf("d%03d", i), "line "+fmt.Sprint(i)))
	}
	docs[0] = doc("kept", "new")
	got, err := x.Run(t.Context(), documents(docs...))
	if want := "stopped after 3 failures in a row to make vectors"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if e.calls != 1+3 || len(got.Errors) != 3*64 || got.Documents != 0 {
		t.Errorf("%d calls, %d errors, %d documents; want 4, 192, 0", e.calls, len(got.Errors), got.Documents)
	}
	if diff := gocmp.Diff(passagesOf(t, ix, "kept"), []string{"old"}); diff != "" {
		t.Errorf("the old chunks (-got +want):\n%s", diff)
	}

	// When it is over, the same run ends what was begun.
	e.fail = nil
	if got := indexed(t, x, docs...); got.Documents != 320 || got.Removed != 1 {
		t.Errorf("after that: %+v", got)
	}
	// A store that is away is one error a document too.
	ix.Fail(rag.ErrAway)
	if _, err := x.Run(t.Context(), documents(docs...)); !errors.Is(err, rag.ErrAway) {
		t.Errorf("with the store away: %v", err)
	}
}

func TestIndexOtherShape(t *testing.T) {
	ix := new(ragtest.Memory)
	indexed(t, indexer(ix, newEmbedder()), doc("a", "one"))
	for want, change := range map[string]func(*rag.Indexer){
		"made by the splitter line-1, not line-2":                               func(x *rag.Indexer) { x.Splitter = byLine{"line-2"} },
		"made with the embedding model hashing-v1/16, not hashing-v1/32":        func(x *rag.Indexer) { x.Embedder, x.Dimensions = hashing.New(32), 32 },
		"its vectors are of 16 dimensions, not 17; index into a new collection": func(x *rag.Indexer) { x.Dimensions = 17 },
	} {
		x := indexer(ix, newEmbedder())
		change(x)
		_, err := x.Run(t.Context(), documents(doc("a", "one")))
		if !errors.Is(err, rag.ErrOtherShape) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// A model that begins to make other vectors is an error of each document.
func TestIndexOtherDimensions(t *testing.T) {
	ix := new(ragtest.Memory)
	indexed(t, indexer(ix, newEmbedder()), doc("a", "one"))
	x := indexer(ix, lying{hashing.New(8)})
	got := indexed(t, x, doc("b", "two"))
	checkSummary(t, got, tally{}, rag.IndexFailed{Document: "b", Error: "make vectors: hashing-v1/16 makes vectors of 8 dimensions, and the collection is of 16: " +
		"set embedding.dimensions to 8 and index into a new collection, or name the model that the collection was made with"})
}

type lying struct{ hashing.Embedder }

func (lying) Model() string { return "hashing-v1/16" }

func TestIndexShapeFound(t *testing.T) {
	ix := new(ragtest.Memory)
	x := indexer(ix, newEmbedder())
	x.Dimensions = 0
	indexed(t, x, doc("a", "one two three", "cats sleep"), doc("b", "dogs bark"))
	info, err := ix.Collection(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	want := rag.Shape{Embedder: "hashing-v1/16", Dimensions: 16, Splitter: "line-1", AverageLength: 2.33}
	if diff := gocmp.Diff(info.Shape, want); diff != "" {
		t.Errorf("shape (-got +want):\n%s", diff)
	}
	var last rag.Progress
	x.Size, x.Progress = 1000, func(p rag.Progress) { last = p }
	indexed(t, x, doc("a", "one two three", "cats sleep"), doc("c", "x"))
	if left, ok := last.Remaining(); last.Documents != 2 || last.Chunks != 3 || last.Bytes != 25 || !ok || left <= 0 || last.Rate() <= 0 {
		t.Errorf("progress %+v, %v left", last, left)
	}
}

// deadly is an index that ends the run before one of its writes.
type deadly struct {
	rag.Index
	left int
	kill context.CancelFunc
}

func (d *deadly) dies() error {
	if d.left--; d.left < 0 {
		d.kill()
		return context.Canceled
	}
	return nil
}

func (d *deadly) Make(ctx context.Context, c rag.Collection) error {
	return cmp.Or(d.dies(), d.Index.Make(ctx, c))
}

func (d *deadly) Put(ctx context.Context, c string, points []rag.Point) error {
	for _, p := range points { // a store may have taken some
		if err := d.dies(); err != nil {
			return err
		}
		if err := d.Index.Put(ctx, c, []rag.Point{p}); err != nil {
			return err
		}
	}
	return nil
}

func (d *deadly) Describe(ctx context.Context, c string, chunks []rag.Chunk) error {
	for _, chunk := range chunks {
		if err := d.dies(); err != nil {
			return err
		}
		if err := d.Index.Describe(ctx, c, []rag.Chunk{chunk}); err != nil {
			return err
		}
	}
	return nil
}

func (d *deadly) Remove(ctx context.Context, c string, ids []string) error {
	for _, id := range ids {
		if err := d.dies(); err != nil {
			return err
		}
		if err := d.Index.Remove(ctx, c, []string{id}); err != nil {
			return err
		}
	}
	return nil
}

// TestIndexResumes: from whatever was there, a run that dies anywhere and is made again ends as a clean run does.
func TestIndexResumes(t *testing.T) {
	line := rapid.StringMatching(`[a-d]{1,2}`)
	corpus := rapid.Custom(func(t *rapid.T) []rag.Document {
		var docs []rag.Document
		for i := range rapid.IntRange(0, 5).Draw(t, "documents") {
			docs = append(docs, doc(fmt.Sprint("d", i), rapid.SliceOfN(line, 0, 6).Draw(t, "lines")...))
		}
		return docs
	})
	rapid.Check(t, func(t *rapid.T) {
		before, after := corpus.Draw(t, "before"), corpus.Draw(t, "after")
		run := func(ctx context.Context, ix rag.Index, docs []rag.Document) error {
			x := indexer(ix, newEmbedder())
			x.Workers, x.Prune = 1, true
			_, err := x.Run(ctx, documents(docs...))
			return err
		}
		clean, resumed := new(ragtest.Memory), new(ragtest.Memory)
		for _, ix := range []rag.Index{clean, resumed} {
			if err := run(t.Context(), ix, before); err != nil {
				t.Fatal(err)
			}
		}
		if err := run(t.Context(), clean, after); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 3).Draw(t, "deaths") {
			ctx, kill := context.WithCancel(t.Context())
			_ = run(ctx, &deadly{resumed, rapid.IntRange(0, 12).Draw(t, "writes"), kill}, after)
			kill()
			for _, d := range before { // at no time is a passage gone that both have
				held(t, resumed, d, after)
			}
		}
		if err := run(t.Context(), resumed, after); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(all(t, resumed), all(t, clean)); diff != "" {
			t.Fatalf("a resumed index (-got) and a clean one (+want):\n%s", diff)
		}
	})
}

// held: the index has each line of a document that it had before and is to have after.
func held(t *rapid.T, ix rag.Index, before rag.Document, after []rag.Document) {
	chunks, err := ix.Chunks(context.Background(), "c", before.ID)
	if err != nil && !errors.Is(err, rag.ErrNoCollection) {
		t.Fatal(err)
	}
	for _, a := range after {
		if a.ID != before.ID {
			continue
		}
		for line := range strings.FieldsSeq(before.Text) {
			if slices.Contains(strings.Fields(a.Text), line) && !slices.ContainsFunc(chunks, func(c rag.Chunk) bool { return c.Text == line }) {
				t.Fatalf("%q of %s is gone in between", line, a.ID)
			}
		}
	}
}

// all gives every point of the index.
func all(t *rapid.T, ix rag.Index) (out []rag.Hit) {
	ctx := context.Background()
	if _, err := ix.Collection(ctx, "c"); errors.Is(err, rag.ErrNoCollection) {
		return nil
	}
	docs, err := ix.Documents(ctx, "c", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	vectors, _ := hashing.New(16).Embed(ctx, []string{"a"})
	found, err := ix.Search(ctx, "c", rag.Query{Vector: vectors[0], Limit: 1000, AnyTenant: true, Exact: true, Vectors: true})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, d := range docs {
		n += d.Chunks
	}
	if n != len(found.Dense) {
		t.Fatalf("the documents have %d chunks, and %d are found", n, len(found.Dense))
	}
	return found.Dense
}
