package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/ingest/cache"
)

// compared is how many points of one partition a search looks at, the newest: 20,000 of 512 dimensions are 40 MB.
const compared = 20_000

// Vectors keeps the response cache's points. Safe for concurrent use.
type Vectors struct{ db *DB }

var _ cache.Vectors = (*Vectors)(nil)

// Vectors gives the response cache's points in this ClickHouse.
func (db *DB) Vectors() *Vectors { return &Vectors{db} }

// vectorRow is one row of cache_vectors.
type vectorRow struct {
	Partition string    `ch:"partition"`
	Answer    string    `ch:"answer"`
	Stored    time.Time `ch:"stored"`
	Expires   time.Time `ch:"expires"`
	Project   string    `ch:"project"`
	Requested string    `ch:"model_requested"`
	Model     string    `ch:"model"`
	Answered  string    `ch:"model_answered"`
	TagNames  []string  `ch:"tag_names"`
	TagValues []string  `ch:"tag_values"`
	Vector    []float32 `ch:"vector"`
}

var vectorColumns = columnsOf[vectorRow]()

func newVectorRow(p *cache.Point) vectorRow {
	stored, _ := inRange(p.Stored)
	expires, _ := inRange(p.Expires)
	r := vectorRow{
		Partition: keyText(p.Partition), Answer: keyText(p.Answer), Stored: stored, Expires: expires, Project: p.Project,
		Requested: p.Requested, Model: p.Model, Answered: p.Answered, TagNames: slices.Sorted(maps.Keys(p.Tags)), Vector: p.Vector,
	}
	for _, name := range r.TagNames {
		r.TagValues = append(r.TagValues, p.Tags[name])
	}
	return r
}

func (r *vectorRow) encode(b *rowBinary) {
	b.text(r.Partition)
	b.text(r.Answer)
	b.micros(r.Stored)
	b.micros(r.Expires)
	b.text(r.Project)
	b.text(r.Requested)
	b.text(r.Model)
	b.text(r.Answered)
	b.texts(r.TagNames)
	b.texts(r.TagValues)
	b.float32s(r.Vector)
	b.end()
}

func (b *rowBinary) float32s(list []float32) {
	b.buf = binary.AppendUvarint(b.buf, uint64(len(list)))
	for _, x := range list {
		b.buf = binary.LittleEndian.AppendUint32(b.buf, math.Float32bits(x))
	}
}

func keyText(k cache.Key) string { return hex.EncodeToString(k[:]) }

// Add keeps points; see cache.Vectors.
func (v *Vectors) Add(ctx context.Context, points []cache.Point) error {
	if len(points) == 0 {
		return nil
	}
	if err := v.db.ensure(ctx); err != nil {
		return err
	}
	rows := make([]vectorRow, len(points))
	sum := sha256.New()
	for i := range points {
		rows[i] = newVectorRow(&points[i])
		fmt.Fprintf(sum, "%s %s %d\n", rows[i].Partition, rows[i].Answer, rows[i].Stored.UnixMicro())
	}
	w := v.db.inserts(ctx, "cache_vectors", vectorColumns, "points-"+hex.EncodeToString(sum.Sum(nil)[:16]))
	defer w.abort()
	for i := range rows {
		if err := w.add(&rows[i], 4*len(rows[i].Vector)); err != nil {
			return err
		}
	}
	return w.send()
}

// Nearest compares with every point of the partition, but for the oldest where there are more than 20,000; see cache.Vectors.
// A point that was added again counts as it was added last.
func (v *Vectors) Nearest(ctx context.Context, partition cache.Key, vector []float32, least float64, most int) ([]cache.Neighbor, error) {
	var w where
	score := "1 - cosineDistance(vector, " + w.param("Array(Float32)", vector) + ")"
	newest := fmt.Sprintf("SELECT answer, stored, expires, %s AS score FROM cache_vectors PREWHERE partition = %s ORDER BY partition DESC, stored DESC LIMIT %d",
		score, w.text(keyText(partition)), compared)
	sql := "SELECT answer, argMax(score, stored) AS s FROM (" + newest + ") GROUP BY answer HAVING max(expires) > now64(6) AND s >= " + w.param("Float64", least) +
		" ORDER BY s DESC, answer LIMIT " + w.param("UInt32", most)
	var found []cache.Neighbor
	err := v.db.query(ctx, "look for like questions", func(rows driver.Rows) error {
		var answer string
		var n cache.Neighbor
		if err := rows.Scan(&answer, &n.Score); err != nil {
			return err
		}
		if _, err := hex.Decode(n.Answer[:], []byte(answer)[:min(len(answer), 2*len(n.Answer))]); err != nil {
			return fmt.Errorf("answer %q: %w", answer, err)
		}
		found = append(found, n)
		return nil
	}, sql, w.args...)
	return found, err
}

// Remove lets go of points; see cache.Vectors.
func (v *Vectors) Remove(ctx context.Context, places []cache.Place) error {
	const atOnce = 1000 // they travel in the address
	for part := range slices.Chunk(places, atOnce) {
		answers, both := make([]string, len(part)), make([]string, len(part))
		for i, p := range part {
			answers[i] = keyText(p.Answer)
			both[i] = keyText(p.Partition) + answers[i]
		}
		var w where
		cond := "answer IN " + w.param("Array(String)", answers) + " AND concat(partition, answer) IN " + w.param("Array(String)", both)
		if err := v.remove(ctx, "remove vectors", cond, &w); err != nil {
			return err
		}
	}
	return nil
}

// Purge removes what the filter picks; see cache.Vectors.
func (v *Vectors) Purge(ctx context.Context, f cache.Filter) error {
	var w where
	w.and("1")
	if f.Project != "" {
		w.and("project = " + w.text(f.Project))
	}
	if f.Model != "" {
		m := w.text(f.Model)
		w.and("(model_requested = " + m + " OR model = " + m + " OR model_answered = " + m + ")")
	}
	for _, name := range slices.Sorted(maps.Keys(f.Tags)) {
		n := w.text(name)
		cond := "tag_values[indexOf(tag_names, " + n + ")] = " + w.text(f.Tags[name])
		if f.Tags[name] != "" { // an absent tag counts as empty, as everywhere in a cache.Filter
			cond = "has(tag_names, " + n + ") AND " + cond
		}
		w.and("(" + cond + ")")
	}
	if f.OlderThan > 0 {
		w.and("stored <= " + w.moment(time.Now().Add(-f.OlderThan)))
	}
	return v.remove(ctx, "purge vectors", strings.Join(w.conds, " AND "), &w)
}

// Trim removes the oldest; see cache.Vectors.
func (v *Vectors) Trim(ctx context.Context, most int) error {
	var count uint64
	if err := v.db.scan(ctx, "count vectors", []any{&count}, "SELECT count() FROM cache_vectors"); err != nil || count <= uint64(most) {
		return err
	}
	var w where
	var last time.Time
	err := v.db.scan(ctx, "find the oldest vectors", []any{&last},
		"SELECT stored FROM cache_vectors ORDER BY stored DESC LIMIT 1 OFFSET "+w.param("UInt64", most), w.args...)
	if err != nil || last.IsZero() {
		return err
	}
	var gone where
	return v.remove(ctx, "remove the oldest vectors", "stored <= "+gone.moment(last), &gone)
}

// remove takes rows out at once for who reads, and from the disk with time.
func (v *Vectors) remove(ctx context.Context, step, cond string, w *where) error {
	if err := v.db.ensure(ctx); err != nil {
		return err
	}
	if err := v.db.conn.Exec(ctx, "DELETE FROM cache_vectors WHERE "+cond, w.args...); err != nil {
		return v.db.wrap(ctx, step, err)
	}
	return nil
}
