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
	// Of the default, a megabyte, a block would be some hundred vectors.
	"preferred_block_size_bytes": 4 << 20,
	// A condition that is worked out first, to spare the vectors that fail it, copies all others.
	"short_circuit_function_evaluation": "disable",
}

// ragTies is how many rows more than asked for a search finds at first, so that most often those whose score is as good as the last
// one's are all there: of them the ones with the lowest ids stay.
const ragTies = 64

// ragFound is a row that a search found.
type ragFound struct {
	seq   uint64
	score float64
}

// Search implements rag.Index. One request finds both lists, a second reads what was found. Which collection an alias stands for is
// asked at the same time: the search begins in the one that it last was, and is done anew when that has changed. A collection's own
// name needs no such question while something is found: rows have the number of one that is there.
func (r *RAG) Search(ctx context.Context, collection string, q rag.Query) (rag.Found, error) {
	last, ok := r.seen.Load(collection)
	if !ok {
		c, err := r.resolve(ctx, collection)
		if err != nil {
			return rag.Found{}, err
		}
		return r.searchIn(ctx, &c, &q)
	}
	guess := last.(ragCollection) //nolint:forcetypeassert // resolve stores nothing else
	var now ragCollection
	var resolving error
	var wait sync.WaitGroup
	alias := guess.Name != collection
	if alias {
		wait.Go(func() { now, resolving = r.resolve(ctx, collection) })
	}
	found, err := r.searchIn(ctx, &guess, &q)
	wait.Wait()
	if !alias {
		if err == nil && len(found.Dense)+len(found.Sparse) > 0 {
			return found, nil
		}
		now, resolving = r.resolve(ctx, collection)
	}
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
	var lists [2][]ragFound // by meaning, by words
	var near, words where
	fast := ch.Context(ctx, ch.WithSettings(ragSettings))
	find := func(list *[]ragFound, w *where, sql string) error {
		return r.query(fast, "search "+strconv.Quote(c.Name), func(rows driver.Rows) error {
			var f ragFound
			if err := rows.Scan(&f.seq, &f.score); err != nil {
				return err
			}
			if !math.IsInf(f.score, -1) {
				*list = append(*list, f)
			}
			return nil
		}, sql+" ORDER BY score DESC, seq LIMIT "+strconv.Itoa(q.Limit+ragTies), w.args...)
	}
	// Two statements, as what the engine does before it reads is a good part of each and done by one thread.
	err := atOnce(func() error {
		if q.Vector == nil {
			return nil
		}
		return find(&lists[0], &near, c.nearSQL(&near, q))
	}, func() error {
		if len(q.Terms.IDs) == 0 {
			return nil
		}
		return find(&lists[1], &words, c.wordsSQL(&words, q, careful))
	})
	if err != nil {
		return rag.Found{}, false, err
	}
	for i := range lists {
		all := false
		if lists[i], all = lastAlike(lists[i], q.Limit); all {
			continue
		}
		if lists[i], err = r.lowest(fast, c, q, i, lists[i]); err != nil {
			return rag.Found{}, false, err
		}
	}
	rows, err := r.bySeq(fast, c, slices.Concat(lists[0], lists[1]), q.Vectors)
	if err != nil {
		return rag.Found{}, false, err
	}
	var found rag.Found
	if found.Dense, err = ragHits(lists[0], rows, q.Limit); err == nil {
		found.Sparse, err = ragHits(lists[1], rows, q.Limit)
	}
	if err != nil {
		return rag.Found{}, false, fmt.Errorf("read what was found in %q: %w", c.Name, err)
	}
	whole := !slices.ContainsFunc(lists[1], func(f ragFound) bool { return rows[f.seq] == nil })
	return found, whole, nil
}

// lastAlike ends a list behind the last row that has the score of the one at the limit. It says false when there may be more of them.
func lastAlike(list []ragFound, limit int) ([]ragFound, bool) {
	if len(list) <= limit {
		return list, true
	}
	end := limit
	for end < len(list) && list[end].score == list[limit-1].score {
		end++
	}
	return list[:end], end < limit+ragTies
}

// lowest puts in place of the rows of a list that are as good as its last one those with the lowest ids of all that are.
func (r *RAG) lowest(ctx context.Context, c *ragCollection, q *rag.Query, which int, list []ragFound) ([]ragFound, error) {
	score := list[len(list)-1].score
	better := slices.IndexFunc(list, func(f ragFound) bool { return f.score == score })
	out := slices.Clone(list[:better])
	var w where
	all := ""
	if which == 0 {
		all = c.nearSQL(&w, q)
	} else {
		all = c.wordsSQL(&w, q, false)
	}
	alike := "SELECT seq FROM (" + all + ") WHERE score = " + w.param("Float64", score)
	err := r.query(ctx, "search "+strconv.Quote(c.Name)+" for passages that are as good", func(rows driver.Rows) error {
		f := ragFound{score: score}
		err := rows.Scan(&f.seq)
		out = append(out, f)
		return err
	}, "SELECT seq FROM rag_points PREWHERE "+c.rows()+" AND seq IN ("+alike+") ORDER BY id, seq DESC LIMIT 1 BY id LIMIT "+strconv.Itoa(q.Limit-better), w.args...)
	return out, err
}

// passes are the conditions on a point's row: that it is there now, is of the tenant and has the labels. The first two are given apart besides.
func (c *ragCollection) passes(w *where, q *rag.Query) (passes, living, tenant string) {
	living = "seq NOT IN (SELECT seq FROM rag_gone WHERE " + c.rows() + ")"
	tenant = "1"
	if !q.AnyTenant {
		tenant = "tenant IN ('', " + w.text(q.Tenant) + ")"
	}
	conds := []string{living, tenant}
	for _, name := range slices.Sorted(maps.Keys(q.Labels)) {
		n := w.text(name)
		conds = append(conds, "has(label_names, "+n+") AND has("+w.param("Array(String)", q.Labels[name])+", label_values[indexOf(label_names, "+n+")])")
	}
	return strings.Join(conds, " AND "), living, tenant
}

// nearSQL gives the numbers and scores of all rows, by meaning.
func (c *ragCollection) nearSQL(w *where, q *rag.Query) string {
	passes, _, _ := c.passes(w, q)
	product := "toFloat64(dotProduct(vector, " + w.param("Array(Float32)", q.Vector) + "))"
	score, from := product, c.rows()+" AND "+passes
	if len(q.Labels) == 0 {
		// Most points pass. Taking out the vectors of the others would copy all that stay: scores are told apart instead.
		score, from = "if("+passes+", "+product+", -inf)", c.rows()
	}
	return "SELECT seq, " + score + " AS score FROM rag_points PREWHERE " + from
}

// wordsSQL gives the numbers and scores of all rows that have one of the words; careful asks for their points first.
func (c *ragCollection) wordsSQL(w *where, q *rag.Query, careful bool) string {
	passes, living, inPostings := c.passes(w, q)
	if len(q.Labels) > 0 || careful {
		inPostings = "seq IN (SELECT seq FROM rag_points WHERE " + c.rows() + " AND " + passes + ")"
	}
	terms := w.param("Array(UInt32)", q.Terms.IDs)
	asked := "transform(term, " + terms + ", " + w.param("Array(Float64)", q.Terms.Weights) + ", 0.)"
	// ln(1 + (N - df + 0.5) / (df + 0.5)), of the collection as a whole.
	points := "((SELECT count() FROM rag_points WHERE " + c.rows() + ") - (SELECT uniqExact(seq) FROM rag_gone WHERE " + c.rows() + "))"
	idf := "log(1 + (" + points + " - count() + 0.5) / (count() + 0.5))"
	// Two arrays of numbers are gathered faster than one of pairs; both have the order of the rows.
	perTerm := "SELECT " + asked + " * " + idf + " AS idf, groupArrayIf(seq, " + inPostings + ") AS seqs, groupArrayIf(weight, " + inPostings + ") AS weights FROM rag_terms PREWHERE _partition_id = '" +
		strconv.FormatUint(c.number, 10) + "' AND term IN " + terms + " AND " + living + " GROUP BY term"
	// The order in which a sum is made is open, and shows in its last digits: what is rounded is alike.
	return "SELECT at AS seq, round(sum(weight * idf), 9) AS score FROM (" + perTerm + ") ARRAY JOIN seqs AS at, weights AS weight GROUP BY at"
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

// ragHits makes hits of what was found, the best so many, equal ones by id. Of two rows of one point, which is put anew at this
// moment, the newer counts.
func ragHits(found []ragFound, rows map[uint64]*ragPointRow, limit int) ([]rag.Hit, error) {
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
	return hits[:min(limit, len(hits))], nil
}
