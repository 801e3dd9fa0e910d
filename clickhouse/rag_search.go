package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/rag"
)

// ragSettings make a scan of vectors use every core, though it is of few rows, and read them from where the system has
// them in memory. A vector that the disk got wrong is a worse rank, so that its blocks need no check.
var ragSettings = ch.Settings{
	"merge_tree_min_rows_for_concurrent_read":  4096,
	"merge_tree_min_bytes_for_concurrent_read": 4 << 20,
	"local_filesystem_read_method":             "mmap",
	"min_bytes_to_use_mmap_io":                 1,
	"checksum_on_read":                         0,
	// A condition that is worked out first, to spare the vectors that fail it, copies all others.
	"short_circuit_function_evaluation": "disable",
}

// ragFound is a row that a search found.
type ragFound struct {
	seq   uint64
	score float64
}

// Search implements rag.Index. One request finds both lists, a second reads what was found. Which collection the name
// stands for is asked at the same time: the search begins in the one that it last was, and is done anew when that has changed.
func (r *RAG) Search(ctx context.Context, collection string, q rag.Query) (rag.Found, error) {
	last, ok := r.seen.Load(collection)
	if !ok {
		c, err := r.resolve(ctx, collection)
		if err != nil {
			return rag.Found{}, err
		}
		return r.searchIn(ctx, &c, &q)
	}
	var now ragCollection
	var resolving error
	var wait sync.WaitGroup
	wait.Go(func() { now, resolving = r.resolve(ctx, collection) })
	guess := last.(ragCollection) //nolint:forcetypeassert // resolve stores nothing else
	found, err := r.searchIn(ctx, &guess, &q)
	wait.Wait()
	switch {
	case resolving != nil:
		return rag.Found{}, resolving
	case now.number != guess.number:
		return r.searchIn(ctx, &now, &q)
	}
	return found, err
}

// searchIn searches a collection.
func (r *RAG) searchIn(ctx context.Context, c *ragCollection, q *rag.Query) (rag.Found, error) {
	if len(q.Terms.IDs) != len(q.Terms.Weights) {
		return rag.Found{}, fmt.Errorf("search %q: %d terms and %d weights", c.Name, len(q.Terms.IDs), len(q.Terms.Weights))
	}
	if q.Vector != nil {
		if err := c.checkVector(q.Vector); err != nil {
			return rag.Found{}, fmt.Errorf("search %q: %w", c.Name, err)
		}
	}
	if q.Limit <= 0 || q.Vector == nil && len(q.Terms.IDs) == 0 {
		return rag.Found{}, nil
	}
	found, whole, err := r.search(ctx, c, q, false)
	if err == nil && !whole {
		// Words whose point never came, or went this moment, took places in the list.
		found, _, err = r.search(ctx, c, q, true)
	}
	return found, err
}

// search finds both lists and reads their rows. It says whether there is a point for each row of words; careful looks
// for that beforehand, which takes longer.
func (r *RAG) search(ctx context.Context, c *ragCollection, q *rag.Query, careful bool) (rag.Found, bool, error) {
	var w where
	var lists [2][]ragFound // by meaning, by words
	fast := ch.Context(ctx, ch.WithSettings(ragSettings))
	err := r.query(fast, "search "+strconv.Quote(c.Name), func(rows driver.Rows) error {
		var list uint8
		var f ragFound
		if err := rows.Scan(&list, &f.seq, &f.score); err != nil {
			return err
		}
		if !math.IsInf(f.score, -1) {
			lists[list] = append(lists[list], f)
		}
		return nil
	}, c.searchSQL(&w, q, careful), w.args...)
	if err != nil {
		return rag.Found{}, false, err
	}
	rows, err := r.bySeq(fast, c, slices.Concat(lists[0], lists[1]), q.Vectors)
	if err != nil {
		return rag.Found{}, false, err
	}
	var found rag.Found
	if found.Dense, err = ragHits(lists[0], rows); err == nil {
		found.Sparse, err = ragHits(lists[1], rows)
	}
	if err != nil {
		return rag.Found{}, false, fmt.Errorf("read what was found in %q: %w", c.Name, err)
	}
	whole := !slices.ContainsFunc(lists[1], func(f ragFound) bool { return rows[f.seq] == nil })
	return found, whole, nil
}

// searchSQL finds the numbers and scores of both lists. Equal scores at a list's end are cut by the rows' age.
func (c *ragCollection) searchSQL(w *where, q *rag.Query, careful bool) string {
	living := "seq NOT IN (SELECT seq FROM rag_gone WHERE " + c.rows() + ")"
	tenant := "1"
	if !q.AnyTenant {
		tenant = "tenant IN ('', " + w.text(q.Tenant) + ")"
	}
	conds := []string{living, tenant}
	for _, name := range slices.Sorted(maps.Keys(q.Labels)) {
		n := w.text(name)
		conds = append(conds, "has(label_names, "+n+") AND has("+w.param("Array(String)", q.Labels[name])+", label_values[indexOf(label_names, "+n+")])")
	}
	passes := strings.Join(conds, " AND ")
	inPostings := tenant
	if len(q.Labels) > 0 || careful {
		inPostings = "seq IN (SELECT seq FROM rag_points WHERE " + c.rows() + " AND " + passes + ")"
	}
	end := " ORDER BY score DESC, seq LIMIT " + strconv.Itoa(q.Limit)

	var lists []string
	if q.Vector != nil {
		product := "toFloat64(dotProduct(vector, " + w.param("Array(Float32)", q.Vector) + "))"
		score, from := product, c.rows()+" AND "+passes
		if len(q.Labels) == 0 {
			// Most points pass. Taking out the vectors of the others would copy all that stay: scores are told apart instead.
			score, from = "if("+passes+", "+product+", -inf)", c.rows()
		}
		lists = append(lists, "SELECT toUInt8(0) AS list, seq, "+score+" AS score FROM rag_points PREWHERE "+from+end)
	}
	if len(q.Terms.IDs) > 0 {
		terms := w.param("Array(UInt32)", q.Terms.IDs)
		asked := "transform(term, " + terms + ", " + w.param("Array(Float64)", q.Terms.Weights) + ", 0.)"
		// ln(1 + (N - df + 0.5) / (df + 0.5)), of the collection as a whole.
		points := "((SELECT count() FROM rag_points WHERE " + c.rows() + ") - (SELECT uniqExact(seq) FROM rag_gone WHERE " + c.rows() + "))"
		idf := "log(1 + (" + points + " - count() + 0.5) / (count() + 0.5))"
		perTerm := "SELECT " + asked + " * " + idf + " AS idf, groupArrayIf((seq, weight), " + inPostings + ") AS postings FROM rag_terms PREWHERE _partition_id = '" +
			strconv.FormatUint(c.number, 10) + "' AND term IN " + terms + " AND " + living + " GROUP BY term"
		lists = append(lists, "SELECT toUInt8(1) AS list, posting.1 AS seq, sum(posting.2 * idf) AS score FROM ("+perTerm+") ARRAY JOIN postings AS posting GROUP BY seq"+end)
	}
	return "SELECT * FROM (" + strings.Join(lists, ") UNION ALL SELECT * FROM (") + ")"
}

// bySeq reads the rows of what was found.
func (r *RAG) bySeq(ctx context.Context, c *ragCollection, found []ragFound, vectors bool) (map[uint64]*ragPointRow, error) {
	read := ragChunkColumns
	if vectors {
		read = append(slices.Clone(read), "vector")
	}
	rows := make(map[uint64]*ragPointRow, len(found))
	for part := range slices.Chunk(found, idsAtOnce) {
		var w where
		wanted := make([]uint64, len(part))
		for i := range part {
			wanted[i] = part[i].seq
		}
		err := r.query(ctx, "read what was found in "+strconv.Quote(c.Name), func(all driver.Rows) error {
			row := new(ragPointRow)
			if err := all.ScanStruct(row); err != nil {
				return err
			}
			rows[row.Seq] = row
			return nil
		}, "SELECT "+read.String()+" FROM rag_points PREWHERE "+c.rows()+" AND seq IN "+w.param("Array(UInt64)", wanted), w.args...)
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// ragHits makes hits of what was found, best first. Of two rows of one point, which is put anew at this moment, the newer
// counts.
func ragHits(found []ragFound, rows map[uint64]*ragPointRow) ([]rag.Hit, error) {
	newest := map[string]uint64{}
	var hits []rag.Hit
	for _, f := range found {
		row := rows[f.seq]
		if row == nil {
			continue
		}
		chunk, err := row.chunk()
		if err != nil {
			return nil, err
		}
		h := rag.Hit{Chunk: chunk, Score: f.score, Vector: row.Vector}
		switch last, seen := newest[h.ID]; {
		case !seen:
			hits = append(hits, h)
		case last < f.seq:
			hits[slices.IndexFunc(hits, func(other rag.Hit) bool { return other.ID == h.ID })] = h
		default:
			continue
		}
		newest[h.ID] = f.seq
	}
	slices.SortFunc(hits, func(a, b rag.Hit) int { return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.ID, b.ID)) })
	return hits, nil
}
