package clickhouse

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/rag"
)

// checkVector refuses a vector that no distance can be told to.
func (c *ragCollection) checkVector(v []float32) error {
	if len(v) != c.Dimensions {
		return fmt.Errorf("a vector of %d dimensions, where %q has %d: %w", len(v), c.Name, c.Dimensions, rag.ErrOtherShape)
	}
	for _, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("a vector with %v in it", x)
		}
	}
	return nil
}

// Put implements rag.Index. The rows are added and those they replace are noted as gone: when it is cut short in between, a
// search still takes the newer of two, and the next Put of the point notes both.
func (r *RAG) Put(ctx context.Context, collection string, points []rag.Point) error {
	c, err := r.resolve(ctx, collection)
	if err != nil {
		return err
	}
	at := make(map[string]int, len(points))
	rows := make([]ragPointRow, 0, len(points))
	for i := range points {
		p := &points[i]
		id, err := uuidBytes(p.ID)
		if err == nil {
			err = c.checkVector(p.Vector)
		}
		if err == nil && len(p.Terms.IDs) != len(p.Terms.Weights) {
			err = fmt.Errorf("%d terms and %d weights", len(p.Terms.IDs), len(p.Terms.Weights))
		}
		if err != nil {
			return fmt.Errorf("put chunk %s of %q into %q: %w", p.ID, p.Document, c.Name, err)
		}
		row := ragPointRow{ID: id, Vector: p.Vector, TermIDs: p.Terms.IDs, TermWeights: p.Terms.Weights}
		if err := row.setChunk(&p.Chunk); err != nil {
			return fmt.Errorf("put chunk %s of %q into %q: %w", p.ID, p.Document, c.Name, err)
		}
		if n, ok := at[id]; ok {
			rows[n] = row
			continue
		}
		at[id] = len(rows)
		rows = append(rows, row)
	}
	return r.put(ctx, &c, rows)
}

// put adds rows of distinct ids and takes out those they replace.
func (r *RAG) put(ctx context.Context, c *ragCollection, rows []ragPointRow) error {
	if len(rows) == 0 {
		return nil
	}
	if err := r.db.ensure(ctx); err != nil {
		return away(err)
	}
	first := r.numbers(len(rows))
	for i := range rows {
		rows[i].Collection, rows[i].Seq = c.number, first+uint64(i)
	}
	token := "rag-" + strconv.FormatUint(first, 10)
	// Terms come first: they are looked at only where there is a point.
	terms := r.db.inserts(ctx, "rag_terms", ragTermColumns, token)
	defer terms.abort()
	points := r.db.inserts(ctx, "rag_points", ragPointColumns, token)
	defer points.abort()
	ids := make([]string, len(rows))
	for i := range rows {
		row := &rows[i]
		ids[i] = row.ID
		for n, term := range row.TermIDs {
			if err := terms.add(&ragTermRow{c.number, term, row.Seq, row.Tenant, row.TermWeights[n]}, 0); err != nil {
				return away(err)
			}
		}
	}
	if err := terms.send(); err != nil {
		return away(err)
	}
	for i := range rows {
		row := &rows[i]
		if err := points.add(row, 4*len(row.Vector)+8*len(row.TermIDs)+len(row.Passage)); err != nil {
			return away(err)
		}
	}
	if err := points.send(); err != nil {
		return away(err)
	}
	return r.forget(ctx, c, ids, true)
}

// forget notes the rows of these ids as gone; but for the newest of each when that is to stay.
func (r *RAG) forget(ctx context.Context, c *ragCollection, ids []string, newestStays bool) error {
	newest := map[string]uint64{}
	var gone []uint64
	err := r.byID(ctx, c, columns{"seq", "id"}, ids, func(row *ragPointRow) {
		if !newestStays {
			gone = append(gone, row.Seq)
			return
		}
		last, seen := newest[row.ID]
		if seen {
			gone = append(gone, min(last, row.Seq))
		}
		newest[row.ID] = max(last, row.Seq)
	})
	if err != nil || len(gone) == 0 {
		return err
	}
	at := r.numbers(1)
	w := r.db.inserts(ctx, "rag_gone", ragGoneColumns, "rag-gone-"+strconv.FormatUint(at, 10))
	defer w.abort()
	for _, seq := range gone {
		if err := w.add(&ragGoneRow{c.number, seq, at}, 0); err != nil {
			return away(err)
		}
	}
	if err := w.send(); err != nil {
		return away(err)
	}
	return r.clear(ctx, c)
}

const idsAtOnce = 1000 // they travel in the address

// byID reads columns of the living rows of these ids.
func (r *RAG) byID(ctx context.Context, c *ragCollection, columns columns, ids []string, take func(*ragPointRow)) error {
	for part := range slices.Chunk(ids, idsAtOnce) {
		var all bytes.Buffer
		for _, id := range part {
			all.WriteString(id)
		}
		var w where
		set := "arrayMap(i -> substring(unhex(" + w.text(hex.EncodeToString(all.Bytes())) + "), 16 * i + 1, 16), range(" + strconv.Itoa(len(part)) + "))"
		err := r.query(ctx, "read points of "+strconv.Quote(c.Name), func(rows driver.Rows) error {
			var row ragPointRow
			if err := rows.ScanStruct(&row); err != nil {
				return err
			}
			take(&row)
			return nil
		}, "SELECT "+columns.String()+" FROM rag_points PREWHERE "+c.living()+" AND id IN "+set, w.args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// clear removes from the disk what is gone, once that is a good part of a collection.
func (r *RAG) clear(ctx context.Context, c *ragCollection) error {
	const least = 5000 // rows
	var gone, all uint64
	err := away(r.db.scan(ctx, "count points that are gone", []any{&gone, &all},
		"SELECT (SELECT count() FROM rag_gone WHERE "+c.rows()+"), (SELECT count() FROM rag_points WHERE "+c.rows()+")"))
	if err != nil || gone < max(least, all/4) {
		return err
	}
	until := strconv.FormatUint(r.numbers(1), 10)
	step := "clear up collection " + strconv.Quote(c.Name)
	goneNow := "seq IN (SELECT seq FROM rag_gone WHERE " + c.rows() + " AND at < " + until + ")"
	// Terms of the last minute that no point has may be of one that is about to be put.
	orphans := "seq < " + until + " - 60000000000 AND seq NOT IN (SELECT seq FROM rag_points WHERE " + c.rows() + ")"
	for _, sql := range []string{
		"DELETE FROM rag_points WHERE " + c.rows() + " AND " + goneNow,
		"DELETE FROM rag_terms WHERE " + c.rows() + " AND (" + goneNow + " OR " + orphans + ")",
		"DELETE FROM rag_gone WHERE " + c.rows() + " AND at < " + until,
	} {
		if err := r.exec(ctx, step, sql); err != nil {
			return err
		}
	}
	return nil
}

// Describe implements rag.Index: a point's row is written anew with its text, vector and terms.
func (r *RAG) Describe(ctx context.Context, collection string, chunks []rag.Chunk) error {
	c, err := r.resolve(ctx, collection)
	if err != nil {
		return err
	}
	const atOnce = 500 // rows of some kilobytes
	for part := range slices.Chunk(chunks, atOnce) {
		given := make(map[string]*rag.Chunk, len(part))
		for i := range part {
			id, err := uuidBytes(part[i].ID)
			if err != nil {
				return fmt.Errorf("describe a chunk of %q in %q: %w", part[i].Document, c.Name, err)
			}
			given[id] = &part[i]
		}
		newest := map[string]ragPointRow{}
		err := r.byID(ctx, &c, ragPointColumns, slices.Collect(maps.Keys(given)), func(row *ragPointRow) {
			if there, ok := newest[row.ID]; !ok || there.Seq < row.Seq {
				newest[row.ID] = *row
			}
		})
		if err != nil {
			return err
		}
		rows := make([]ragPointRow, 0, len(newest))
		for id, row := range newest {
			there, err := row.chunk()
			if err != nil {
				return fmt.Errorf("describe a chunk in %q: %w", c.Name, err)
			}
			now := *given[id]
			now.Text = there.Text
			if err := row.setChunk(&now); err != nil {
				return fmt.Errorf("describe a chunk in %q: %w", c.Name, err)
			}
			rows = append(rows, row)
		}
		if err := r.put(ctx, &c, rows); err != nil {
			return err
		}
	}
	return nil
}

// Remove implements rag.Index.
func (r *RAG) Remove(ctx context.Context, collection string, ids []string) error {
	c, err := r.resolve(ctx, collection)
	if err != nil {
		return err
	}
	return r.forget(ctx, &c, knownIDs(ids), false)
}

// knownIDs gives the bytes of those ids that a chunk can have, each once.
func knownIDs(ids []string) []string {
	var list []string
	for _, id := range ids {
		if raw, err := uuidBytes(id); err == nil {
			list = append(list, raw)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Chunks implements rag.Index.
func (r *RAG) Chunks(ctx context.Context, collection, document string) ([]rag.Chunk, error) {
	all, err := r.ChunksOf(ctx, collection, []string{document})
	return all[document], err
}

// ChunksOf implements rag.ManyReader: one look through the column of documents serves them all.
func (r *RAG) ChunksOf(ctx context.Context, collection string, documents []string) (map[string][]rag.Chunk, error) {
	c, err := r.resolve(ctx, collection)
	if err != nil {
		return nil, err
	}
	var w where
	chunks := make(map[string][]rag.Chunk, len(documents))
	err = r.query(ctx, "read chunks of "+strconv.Quote(c.Name), func(rows driver.Rows) error {
		var row ragPointRow
		if err := rows.ScanStruct(&row); err != nil {
			return err
		}
		chunk, err := row.chunk()
		chunks[chunk.Document] = append(chunks[chunk.Document], chunk)
		return err
	}, "SELECT "+ragChunkColumns.String()+" FROM rag_points WHERE "+c.living()+" AND document IN "+w.param("Array(String)", documents)+
		" ORDER BY ordinal, id, seq DESC LIMIT 1 BY id", w.args...)
	return chunks, err
}

// Get implements rag.Index.
func (r *RAG) Get(ctx context.Context, collection string, ids []string) ([]rag.Chunk, error) {
	c, err := r.resolve(ctx, collection)
	if err != nil {
		return nil, err
	}
	newest := map[string]ragPointRow{}
	err = r.byID(ctx, &c, append(columns{"id"}, ragChunkColumns...), knownIDs(ids), func(row *ragPointRow) {
		if there, ok := newest[row.ID]; !ok || there.Seq < row.Seq {
			newest[row.ID] = *row
		}
	})
	if err != nil {
		return nil, err
	}
	var chunks []rag.Chunk
	for _, id := range ids {
		if raw, err := uuidBytes(id); err == nil {
			if row, ok := newest[raw]; ok {
				chunk, err := row.chunk()
				if err != nil {
					return nil, fmt.Errorf("read points of %q: %w", c.Name, err)
				}
				chunks = append(chunks, chunk)
			}
		}
	}
	return chunks, nil
}

// Documents implements rag.Index.
func (r *RAG) Documents(ctx context.Context, collection, after string, limit int) ([]rag.DocumentInfo, error) {
	c, err := r.resolve(ctx, collection)
	if err != nil || limit <= 0 {
		return nil, err
	}
	var w where
	var list []rag.DocumentInfo
	ends := map[uint64]int{} // from the row of a document's last chunk to its place in the list
	step := "list documents of " + strconv.Quote(c.Name)
	err = r.query(ctx, step, func(rows driver.Rows) error {
		var d rag.DocumentInfo
		var names, values []string
		var chunks, newest, last uint64
		if err := rows.Scan(&d.ID, &d.Title, &d.Hash, &d.Tenant, &names, &values, &chunks, &newest, &last); err != nil {
			return err
		}
		for i, name := range names[:min(len(names), len(values))] {
			if d.Labels == nil {
				d.Labels = make(map[string]string, len(names))
			}
			d.Labels[name] = values[i]
		}
		d.Chunks, d.Indexed = int(chunks), time.Unix(0, int64(newest)).UTC()
		ends[last] = len(list)
		list = append(list, d)
		return nil
	}, "SELECT document, argMin(title, (ordinal, id)), argMin(document_hash, (ordinal, id)), argMin(tenant, (ordinal, id)), argMin(label_names, (ordinal, id)), "+
		"argMin(label_values, (ordinal, id)), uniqExact(id), max(seq), argMax(seq, (ordinal, id, seq)) FROM rag_points WHERE "+
		c.living()+" AND document > "+w.text(after)+" GROUP BY document ORDER BY document LIMIT "+strconv.Itoa(limit), w.args...)
	if err != nil || len(list) == 0 {
		return list, err
	}
	// Where a document ends is in its last passage alone, which is not read for any other row.
	return list, r.query(ctx, step, func(rows driver.Rows) error {
		var row ragPointRow
		if err := rows.ScanStruct(&row); err != nil {
			return err
		}
		chunk, err := row.chunk()
		list[ends[row.Seq]].Bytes = chunk.End
		return err
	}, "SELECT "+ragChunkColumns.String()+" FROM rag_points WHERE "+c.rows()+" AND seq IN ("+numbersText(slices.Collect(maps.Keys(ends)))+")")
}

// numbersText writes rows' numbers as a list of SQL.
func numbersText(list []uint64) string {
	var b []byte
	for i, n := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, n, 10)
	}
	return string(b)
}
