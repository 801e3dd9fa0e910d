package clickhouse

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"

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

// ragParts says in how many parts each table has a collection.
func ragParts(t *testing.T, index *RAG, c *ragCollection) map[string]uint64 {
	t.Helper()
	parts := map[string]uint64{}
	err := index.query(t.Context(), "count parts", func(rows driver.Rows) error {
		var table string
		var n uint64
		err := rows.Scan(&table, &n)
		parts[table] = n
		return err
	}, "SELECT table, count() FROM system.parts WHERE database = currentDatabase() AND active AND partition_id = '"+strconv.FormatUint(c.number, 10)+"' GROUP BY table")
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

// A collection that was written in pieces is put together when that is over, and not for each little thing after.
func TestRAGSettle(t *testing.T) {
	index, c := ragBench(t, ragtest.NewPoint(1, "d", "one", []float32{1, 0}, ragtest.Terms(1, 1)))
	points := func(from, to int) (list []rag.Point) {
		for n := from; n < to; n++ {
			list = append(list, ragtest.NewPoint(n, "d", "text", ragtest.Unit(1, float32(n)), ragtest.Terms(1, 1/float32(n), 2, 1)))
		}
		return list
	}
	put := func(from, to int) {
		t.Helper()
		if err := index.Put(t.Context(), "c", points(from, to)); err != nil {
			t.Fatal(err)
		}
	}
	settled := func(step string, want map[string]uint64) {
		t.Helper()
		dense, sparse := ragSearch(t, index, 5)
		if err := index.Settle(t.Context(), "c"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ragParts(t, index, &c), want); diff != "" {
			t.Errorf("%s: parts of tables (-got +want):\n%s", step, diff)
		}
		after, words := ragSearch(t, index, 5)
		if !slices.Equal(after, dense) || !slices.Equal(words, sparse) || len(dense) != 5 || len(sparse) != 5 {
			t.Errorf("%s: got %v by meaning and %v by words, want what was found before: %v, %v", step, after, words, dense, sparse)
		}
	}
	put(2, 60)
	put(60, 120)
	settled("put in pieces", map[string]uint64{"rag_points": 1, "rag_terms": 1})
	put(120, 125)
	settled("some more", map[string]uint64{"rag_points": 2, "rag_terms": 2})
	put(1, 20)
	settled("some put again", map[string]uint64{"rag_points": 1, "rag_terms": 1, "rag_gone": 1})
	if err := index.Settle(t.Context(), "none"); !errors.Is(err, rag.ErrNoCollection) {
		t.Errorf("no such collection: got error %v, want %v", err, rag.ErrNoCollection)
	}
}
