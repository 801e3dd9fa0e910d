package clickhouse

import (
	"slices"
	"strconv"
	"testing"

	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/ragtest"
)

func TestRAG(t *testing.T) {
	index := openTest(t, testConfig(t)).RAG()
	ragtest.Run(t, func(*testing.T) rag.Index { return index })
}

func TestRAGLog(t *testing.T) { ragtest.RunLog(t, openTest(t, testConfig(t)).RAGLog()) }

// ragBench is a collection in a store of its own.
func ragBench(t *testing.T, points ...rag.Point) (*RAG, ragCollection) {
	t.Helper()
	index := openTest(t, testConfig(t)).RAG()
	shape := rag.Shape{Embedder: "test", Dimensions: len(points[0].Vector), Splitter: "none"}
	if err := index.Make(t.Context(), rag.Collection{Name: "c", Shape: shape}); err != nil {
		t.Fatal(err)
	}
	if err := index.Put(t.Context(), "c", points); err != nil {
		t.Fatal(err)
	}
	c, err := index.resolve(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	return index, c
}

func ragExec(t *testing.T, index *RAG, sql string) {
	t.Helper()
	if err := index.exec(t.Context(), "prepare a test", sql); err != nil {
		t.Fatal(err)
	}
}

func ragSearch(t *testing.T, index *RAG, limit int) (dense, sparse []string) {
	t.Helper()
	found, err := index.Search(t.Context(), "c", rag.Query{Vector: ragtest.Unit(1, 0), Terms: ragtest.Ask(1), Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return ragtest.IDs(found.Dense), ragtest.IDs(found.Sparse)
}

// What a Put left that was killed half-way does not show, and what is gone leaves the disk without changing an answer.
func TestRAGLeftovers(t *testing.T) {
	index, c := ragBench(t, ragtest.NewPoint(1, "d", "one", []float32{1, 0}, ragtest.Terms(1, 1)), ragtest.NewPoint(2, "d", "two", []float32{0, 1}, ragtest.Terms(1, 1)),
		ragtest.NewPoint(3, "d", "three", []float32{-1, 0}, ragtest.Terms(2, 1)))
	number := strconv.FormatUint(c.number, 10)
	want := []string{ragtest.ID(1), ragtest.ID(2)}
	both := func(step string) {
		t.Helper()
		dense, sparse := ragSearch(t, index, 2)
		if !slices.Equal(dense, want) || !slices.Equal(sparse, want) {
			t.Errorf("%s: got %v by meaning and %v by words, want %v", step, dense, sparse, want)
		}
	}
	both("at first")

	ragExec(t, index, "INSERT INTO rag_terms (collection, term, seq, weight) SELECT "+number+", 1, number + 1, 9 FROM numbers(5)") // their point never came
	both("with words of no point")
	ragExec(t, index, "INSERT INTO rag_points SELECT * REPLACE (seq + 1000 AS seq) FROM rag_points WHERE ordinal < 3 AND collection = "+number) // and of these the terms
	ragExec(t, index, "INSERT INTO rag_terms SELECT * REPLACE (seq + 1000 AS seq) FROM rag_terms WHERE seq > 1000 AND collection = "+number)
	dense, sparse := ragSearch(t, index, 10)
	if len(dense) != 3 || len(sparse) != 2 {
		t.Errorf("points that are there twice: got %v by meaning and %v by words, want each once", dense, sparse)
	}
	info, err := index.Collection(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if info.Points != 3 {
		t.Errorf("points: got %d, want 3", info.Points)
	}

	// Put again, they are there once; then so many are gone that the collection is cleared up.
	ragExec(t, index, "INSERT INTO rag_gone SELECT "+number+", number + 1, 1 FROM numbers(6000)")
	if err := index.Remove(t.Context(), "c", []string{ragtest.ID(3)}); err != nil {
		t.Fatal(err)
	}
	if err := index.Put(t.Context(), "c", []rag.Point{ragtest.NewPoint(1, "d", "one", []float32{1, 0}, ragtest.Terms(1, 1)), ragtest.NewPoint(2, "d", "two", []float32{0, 1}, ragtest.Terms(1, 1))}); err != nil {
		t.Fatal(err)
	}
	both("after clearing up")
	for table, most := range map[string]uint64{"rag_gone": 10, "rag_terms": 10, "rag_points": 10} {
		var rows uint64
		if err := index.db.scan(t.Context(), "count", []any{&rows}, "SELECT count() FROM "+table+" WHERE collection = "+number); err != nil {
			t.Fatal(err)
		}
		if rows > most {
			t.Errorf("%s: got %d rows, want a handful", table, rows)
		}
	}
}
