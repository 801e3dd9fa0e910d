package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/trace"
)

// RAG keeps the passages of documents and finds them. Its search by meaning compares with every point, see
// docs/adr/0018-rag-index.md. Safe for concurrent use.
type RAG struct {
	db     *DB
	last   atomic.Int64 // the last number that was given to a row or a revision
	naming sync.Mutex   // one change of names at a time
	seen   sync.Map     // from a name or alias to the ragCollection that it last was
}

var (
	_ rag.Index      = (*RAG)(nil)
	_ rag.ManyReader = (*RAG)(nil)
	_ rag.Settler    = (*RAG)(nil)
)

// RAG gives the passages that are kept in this ClickHouse.
func (db *DB) RAG() *RAG { return &RAG{db: db} }

// numbers reserves n numbers that ascend with time, and gives the first.
func (r *RAG) numbers(n int) uint64 {
	for {
		last := r.last.Load()
		first := max(last+1, time.Now().UnixNano())
		if r.last.CompareAndSwap(last, first+int64(n)-1) {
			return uint64(first)
		}
	}
}

// away says of an error that the store could not be reached in the words of package rag too.
func away(err error) error {
	if errors.Is(err, trace.ErrAway) {
		return fmt.Errorf("%w: %w", rag.ErrAway, err)
	}
	return err
}

func (r *RAG) query(ctx context.Context, step string, scan func(driver.Rows) error, sql string, args ...any) error {
	return away(r.db.query(ctx, step, scan, sql, args...))
}

func (r *RAG) exec(ctx context.Context, step, sql string, args ...any) error {
	if err := r.db.ensure(ctx); err != nil {
		return away(err)
	}
	return away(r.db.wrap(ctx, step, r.db.conn.Exec(ctx, sql, args...)))
}

// ragCollection is one as its newest row says.
type ragCollection struct {
	rag.Collection
	number   uint64
	drops    uint64 // how many of this name were dropped
	revision int64  // 0: there was never one
	dropped  bool
}

const ragCollectionColumns = `name, argMax(number, revision), countIf(dropped), max(revision), argMax(dropped, revision),
	argMax(embedder, revision), argMax(dimensions, revision), argMax(splitter, revision), argMax(average_length, revision)`

func (c *ragCollection) scan(rows driver.Rows) error {
	var dimensions int32
	err := rows.Scan(&c.Name, &c.number, &c.drops, &c.revision, &c.dropped, &c.Embedder, &dimensions, &c.Splitter, &c.AverageLength)
	c.Dimensions = int(dimensions)
	return err
}

// named gives what rag_collections says of a name, whether it is there or not.
func (r *RAG) named(ctx context.Context, name string) (ragCollection, error) {
	var w where
	c := ragCollection{dropped: true}
	err := r.query(ctx, "read collection "+strconv.Quote(name), c.scan,
		"SELECT "+ragCollectionColumns+" FROM rag_collections WHERE name = "+w.text(name)+" GROUP BY name", w.args...)
	return c, err
}

// resolve gives the collection of a name or an alias.
func (r *RAG) resolve(ctx context.Context, name string) (ragCollection, error) {
	if err := rag.CheckName(name); err != nil {
		return ragCollection{}, fmt.Errorf("%w: %w", rag.ErrNoCollection, err)
	}
	var w where
	n := w.text(name)
	c := ragCollection{dropped: true}
	err := r.query(ctx, "read collection "+strconv.Quote(name), c.scan,
		"WITH (SELECT argMax(collection, revision) FROM rag_aliases WHERE alias = "+n+") AS target SELECT "+ragCollectionColumns+
			" FROM rag_collections WHERE name = if(target = '', "+n+", target) GROUP BY name", w.args...)
	if err != nil {
		return c, err
	}
	if c.dropped {
		r.seen.Delete(name)
		return c, fmt.Errorf("collection %q: %w", name, rag.ErrNoCollection)
	}
	r.seen.Store(name, c)
	return c, nil
}

// Make implements rag.Index.
func (r *RAG) Make(ctx context.Context, c rag.Collection) error {
	if err := rag.CheckName(c.Name); err != nil {
		return err
	}
	const most = 1 << 16 // dimensions: of any model there is, with room
	if c.Dimensions < 1 || c.Dimensions > most {
		return fmt.Errorf("make collection %q: %d dimensions: want 1 to %d", c.Name, c.Dimensions, most)
	}
	r.naming.Lock()
	defer r.naming.Unlock()
	aliases, err := r.Aliases(ctx)
	if err != nil {
		return err
	}
	if target, ok := aliases[c.Name]; ok {
		return fmt.Errorf("make collection %q: it is an alias of %q: choose another name", c.Name, target)
	}
	there, err := r.named(ctx, c.Name)
	if err != nil {
		return err
	}
	if !there.dropped {
		shape := c.Shape
		shape.AverageLength = there.AverageLength
		if shape != there.Shape {
			return fmt.Errorf("make collection %q: it is there with embedder %q, %d dimensions and splitter %q: %w", c.Name, there.Embedder, there.Dimensions, there.Splitter, rag.ErrOtherShape)
		}
		return nil
	}
	there.Collection, there.dropped = c, false
	// Two that make it at the same time give it the same number.
	sum := sha256.Sum256(strconv.AppendUint([]byte(c.Name+"\x00"), there.drops, 10))
	there.number = binary.BigEndian.Uint64(sum[:8])
	return r.write(ctx, "make collection "+strconv.Quote(c.Name), there)
}

func (r *RAG) write(ctx context.Context, step string, c ragCollection) error {
	var w where
	revision := max(int64(r.numbers(1)), c.revision+1)
	return r.exec(ctx, step, "INSERT INTO rag_collections (name, revision, number, embedder, dimensions, splitter, average_length, dropped) SELECT "+
		w.text(c.Name)+", "+w.param("Int64", revision)+", "+w.param("UInt64", c.number)+", "+w.text(c.Embedder)+", "+w.param("Int32", int32(c.Dimensions))+", "+
		w.text(c.Splitter)+", "+w.param("Float64", c.AverageLength)+", "+w.param("Bool", c.dropped), w.args...)
}

// Collections implements rag.Index.
func (r *RAG) Collections(ctx context.Context) ([]rag.CollectionInfo, error) {
	var list []rag.CollectionInfo
	at := map[uint64]int{}
	err := r.query(ctx, "list collections", func(rows driver.Rows) error {
		var c ragCollection
		if err := c.scan(rows); err != nil {
			return err
		}
		if !c.dropped {
			at[c.number] = len(list)
			list = append(list, rag.CollectionInfo{Collection: c.Collection})
		}
		return nil
	}, "SELECT "+ragCollectionColumns+" FROM rag_collections GROUP BY name ORDER BY name")
	if err != nil || len(list) == 0 {
		return nil, err
	}
	err = r.query(ctx, "count points", func(rows driver.Rows) error {
		var number, points, documents uint64
		if err := rows.Scan(&number, &points, &documents); err != nil {
			return err
		}
		if i, ok := at[number]; ok {
			list[i].Points, list[i].Documents = int64(points), int64(documents)
		}
		return nil
	}, "SELECT collection, uniqExact(id), uniqExact(document) FROM rag_points WHERE (collection, seq) NOT IN (SELECT collection, seq FROM rag_gone) GROUP BY collection")
	return list, err
}

// Collection implements rag.Index.
func (r *RAG) Collection(ctx context.Context, name string) (rag.CollectionInfo, error) {
	c, err := r.resolve(ctx, name)
	if err != nil {
		return rag.CollectionInfo{}, err
	}
	info := rag.CollectionInfo{Collection: c.Collection}
	err = r.query(ctx, "count points", func(rows driver.Rows) error {
		var points, documents uint64
		err := rows.Scan(&points, &documents)
		info.Points, info.Documents = int64(points), int64(documents)
		return err
	}, "SELECT uniqExact(id), uniqExact(document) FROM rag_points WHERE "+c.living())
	return info, err
}

// rows is the condition that picks a collection's rows.
func (c *ragCollection) rows() string { return "collection = " + strconv.FormatUint(c.number, 10) }

// living is the condition that picks the rows of its points as they are now.
func (c *ragCollection) living() string {
	return c.rows() + " AND seq NOT IN (SELECT seq FROM rag_gone WHERE " + c.rows() + ")"
}

// Drop implements rag.Index. A partition is a collection's: it goes with its files.
func (r *RAG) Drop(ctx context.Context, name string) error {
	r.naming.Lock()
	defer r.naming.Unlock()
	aliases, err := r.Aliases(ctx)
	if err != nil {
		return err
	}
	for alias, target := range aliases {
		if target == name {
			return fmt.Errorf("drop collection %q: the alias %q points at it: move that first", name, alias)
		}
	}
	c, err := r.named(ctx, name)
	if err != nil || c.revision == 0 {
		return err
	}
	step := "drop collection " + strconv.Quote(name)
	if !c.dropped {
		c.dropped = true
		if err := r.write(ctx, step, c); err != nil {
			return err
		}
	}
	for _, table := range ragTables {
		if err := r.exec(ctx, step, "ALTER TABLE "+table+" DROP PARTITION "+strconv.FormatUint(c.number, 10)); err != nil {
			return err
		}
	}
	return nil
}

// Aliases implements rag.Index.
func (r *RAG) Aliases(ctx context.Context) (map[string]string, error) {
	aliases := map[string]string{}
	err := r.query(ctx, "list aliases", func(rows driver.Rows) error {
		var alias, target string
		err := rows.Scan(&alias, &target)
		aliases[alias] = target
		return err
	}, "SELECT alias, argMax(collection, revision) AS target FROM rag_aliases GROUP BY alias HAVING target != ''")
	return aliases, err
}

// Point implements rag.Index. The move is one row.
func (r *RAG) Point(ctx context.Context, alias, collection string) error {
	if err := rag.CheckName(alias); err != nil {
		return err
	}
	r.naming.Lock()
	defer r.naming.Unlock()
	same, err := r.named(ctx, alias)
	if err != nil {
		return err
	}
	if !same.dropped {
		return fmt.Errorf("alias %q: a collection is called so: choose another name", alias)
	}
	c, err := r.named(ctx, collection)
	if err != nil {
		return err
	}
	if c.dropped {
		return fmt.Errorf("alias %q: collection %q: %w", alias, collection, rag.ErrNoCollection)
	}
	return r.point(ctx, alias, collection)
}

func (r *RAG) point(ctx context.Context, alias, collection string) error {
	var w where
	a := w.text(alias)
	return r.exec(ctx, "move alias "+strconv.Quote(alias), "INSERT INTO rag_aliases (alias, revision, collection) SELECT "+a+", greatest("+
		w.param("Int64", int64(r.numbers(1)))+", max(revision) + 1), "+w.text(collection)+" FROM rag_aliases WHERE alias = "+a, w.args...)
}

// Unpoint implements rag.Index.
func (r *RAG) Unpoint(ctx context.Context, alias string) error {
	r.naming.Lock()
	defer r.naming.Unlock()
	aliases, err := r.Aliases(ctx)
	if err != nil || aliases[alias] == "" {
		return err
	}
	return r.point(ctx, alias, "")
}
