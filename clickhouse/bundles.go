package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

var _ trace.Bundles = (*DB)(nil)

// bundling is what makes spans belong together.
type bundling struct {
	name string
	key  []string // columns; the last one is the bundle's id
	has  string   // what is true of a span that is in a bundle
	kind string   // of the spans that are summed up
}

var (
	traceBundles   = bundling{"traces", []string{"trace_id"}, "trace_id != ''", "1"}
	sessionBundles = bundling{"sessions", []string{"project", "session"}, "session != ''", "kind = 'call'"}
)

// sessionBack is how long before its newest call a session's beginning is looked for.
const sessionBack = 31 * day

// bundleKey is the value of a bundling's columns; project is "" of a trace.
type bundleKey struct{ project, id string }

// candidate is the newest span of a bundle that a filter picks.
type candidate struct {
	bundleKey
	at cursor
}

// Traces lists traces; see trace.Bundles. A limit outside 1..1000 is taken to be the nearest in it.
func (db *DB) Traces(ctx context.Context, f trace.Filter, limit int, after string) (trace.BundlePage, error) {
	return db.bundles(ctx, &traceBundles, f, limit, after)
}

// Sessions lists sessions; see trace.Bundles. What a session began with is looked for in the 31 days before its newest
// call.
func (db *DB) Sessions(ctx context.Context, f trace.Filter, limit int, after string) (trace.BundlePage, error) {
	return db.bundles(ctx, &sessionBundles, f, limit, after)
}

func (db *DB) bundles(ctx context.Context, b *bundling, f trace.Filter, limit int, after string) (trace.BundlePage, error) {
	limit = min(max(limit, 1), 1000)
	sum := filterSum(&f) ^ uint32(len(b.name)) // the two lists' cursors are not one another's
	var from *cursor
	if after != "" {
		c, err := decodeCursor(after, sum)
		if err != nil {
			return trace.BundlePage{}, err
		}
		from = &c
	}
	if err := db.checkSearch(ctx, &f, from); err != nil {
		return trace.BundlePage{}, fmt.Errorf("list %s: %w", b.name, err)
	}
	found, err := db.candidates(ctx, b, f, limit+1, from)
	if err != nil {
		return trace.BundlePage{}, err
	}
	var page trace.BundlePage
	if len(found) > limit {
		found = found[:limit]
		page.Next = found[limit-1].at.encode(sum)
	}
	page.Bundles, err = db.sumBundles(ctx, b, found)
	return page, err
}

// candidates finds the bundles of a page: it reads calls from the newest on, one of each bundle, and stops when it has
// enough. Bundles whose newest call is before the page's place were on an earlier page.
func (db *DB) candidates(ctx context.Context, b *bundling, f trace.Filter, n int, from *cursor) ([]candidate, error) {
	var found, known []candidate // known are those that are not to be found again
	for lo, hi := range steps(f, from, time.Now()) {
		for place := from; len(found) < n; {
			want := n - len(found)
			list, err := db.newest(ctx, b, &f, lo, hi, place, known, want)
			if err != nil {
				return nil, err
			}
			earlier := map[bundleKey]bool{}
			if from != nil && len(list) > 0 {
				if earlier, err = db.seen(ctx, b, &f, list, *from); err != nil {
					return nil, err
				}
			}
			for _, c := range list {
				if !earlier[c.bundleKey] {
					found = append(found, c)
				}
			}
			if known = append(known, list...); len(list) < want {
				break
			}
			place = &list[len(list)-1].at
		}
		if len(found) >= n {
			break
		}
	}
	return found, nil
}

// newest finds up to n bundles in [lo, hi) behind a place that are not among those known.
func (db *DB) newest(ctx context.Context, b *bundling, f *trace.Filter, lo, hi time.Time, place *cursor, known []candidate, n int) ([]candidate, error) {
	var w where
	w.and("kind IN ('call', 'chain') AND " + b.has)
	w.filter(f)
	w.started(lo, hi)
	if place != nil {
		w.and("(start_time, id) < (" + w.moment(place.start) + ", " + w.text(place.id) + ")")
	}
	if len(known) > 0 {
		w.and("NOT " + w.keys(b, known))
	}
	w.search(f, lo, hi)
	var list []candidate
	sql := "SELECT " + b.columns() + ", start_time, id FROM calls" + w.String() + newestFirst +
		" LIMIT 1 BY " + strings.Join(b.key, ", ") + " LIMIT " + w.param("UInt32", n)
	err := db.query(ctx, "list "+b.name, func(rows driver.Rows) error {
		var c candidate
		err := rows.Scan(&c.project, &c.id, &c.at.start, &c.at.id)
		c.at.start = c.at.start.UTC()
		list = append(list, c)
		return err
	}, sql, w.args...)
	return list, err
}

// columns are the values of a bundleKey.
func (b *bundling) columns() string {
	if len(b.key) == 1 {
		return "'' AS in_project, " + b.key[0] + " AS in_id"
	}
	return "toString(" + b.key[0] + ") AS in_project, " + b.key[1] + " AS in_id"
}

// seen says which bundles have a span at or after a place.
func (db *DB) seen(ctx context.Context, b *bundling, f *trace.Filter, list []candidate, from cursor) (map[bundleKey]bool, error) {
	var w where
	w.and("kind IN ('call', 'chain')")
	w.among(b, list)
	w.filter(f)
	w.started(from.start, f.Until)
	w.and("(start_time, id) >= (" + w.moment(from.start) + ", " + w.text(from.id) + ")")
	w.search(f, from.start, f.Until)
	out := map[bundleKey]bool{}
	err := db.query(ctx, "list earlier "+b.name, func(rows driver.Rows) error {
		var k bundleKey
		err := rows.Scan(&k.project, &k.id)
		out[k] = true
		return err
	}, "SELECT DISTINCT "+b.columns()+" FROM calls"+w.String(), w.args...)
	return out, err
}

// among keeps the spans of bundles.
func (w *where) among(b *bundling, list []candidate) {
	if len(b.key) > 1 {
		ids := make([]string, len(list))
		for i, c := range list {
			ids[i] = c.id
		}
		w.and(b.key[len(b.key)-1] + " IN " + w.param("Array(String)", ids)) // lets the bloom filter skip
	}
	w.and(w.keys(b, list))
}

// keys is true of the spans of bundles.
func (w *where) keys(b *bundling, list []candidate) string {
	ids := make([]string, len(list))
	projects := make([]string, len(list))
	for i, c := range list {
		ids[i], projects[i] = c.id, c.project
	}
	if len(b.key) == 1 {
		return b.key[0] + " IN " + w.param("Array(String)", ids)
	}
	return "(toString(project), session) IN arrayZip(" + w.param("Array(String)", projects) + ", " + w.param("Array(String)", ids) + ")"
}

// bundleSums are the figures of a bundle, beside its key: of narrow columns, as its spans may be many.
const bundleSums = `count(), countIf(kind = 'call'), countIf(kind = 'call' AND status = 'error'), countIf(kind = 'call' AND price_status = 'unpriced'),
	toString(sumIf(toDecimal128(ifNull(cost, 0), 9), kind = 'call')), toString(sumIf(toDecimal128(saved, 9), kind = 'call')),
	sumIf(input_uncached, kind = 'call'), sumIf(cache_read, kind = 'call'), sumIf(cache_write_5m, kind = 'call'), sumIf(cache_write_1h, kind = 'call'),
	sumIf(input_audio, kind = 'call'), sumIf(output_text, kind = 'call'), sumIf(reasoning, kind = 'call'), sumIf(output_audio, kind = 'call'),
	arraySort(groupUniqArrayIf(8)(toString(model), kind = 'call' AND model != '')), arraySort(groupUniqArrayIf(8)(user, user != '')),
	min(start_time), max(start_time), toInt64(max(toUnixTimestamp64Micro(start_time) + intDiv(duration_ns, 1000)))`

// bundleFirst is what is told of the span that a bundle begins with, beside the bundle's key.
const bundleFirst = `id, toString(kind), start_time, duration_ns, trace_id, span_id, parent_id, toString(project), toString(key), user, session,
	toString(endpoint), stream, toString(provider), toString(model_requested), toString(model), toString(status), http_status, toString(error_code), input_preview`

// sumBundles reads the figures of bundles, in the order of list, and then what each begins with.
func (db *DB) sumBundles(ctx context.Context, b *bundling, list []candidate) ([]trace.Bundle, error) {
	if len(list) == 0 {
		return nil, nil
	}
	since, until, err := db.bundleSpan(ctx, b, list)
	if err != nil {
		return nil, err
	}
	var w where
	w.and(b.kind)
	w.among(b, list)
	w.started(since, until)
	found := make(map[bundleKey]trace.Bundle, len(list))
	began := make(map[bundleKey]time.Time, len(list))
	err = db.query(ctx, "sum up "+b.name, func(rows driver.Rows) error {
		k, first, sums, err := scanBundle(rows)
		found[k], began[k] = sums, first
		return err
	}, "SELECT "+b.columns()+", "+bundleSums+" FROM calls"+w.String()+" GROUP BY in_project, in_id", w.args...)
	if err != nil {
		return nil, err
	}
	var firsts map[bundleKey]trace.CallRow
	err = atOnce(
		func() (err error) { firsts, err = db.bundleFirsts(ctx, b, list, began); return err },
		func() error { return db.bundleExtras(ctx, b, list, since, until, found) },
	)
	if err != nil {
		return nil, err
	}
	out := make([]trace.Bundle, 0, len(list))
	for _, c := range list {
		sums, ok := found[c.bundleKey]
		first, known := firsts[c.bundleKey]
		if ok && known { // it may have been removed between the questions
			sums.First = first
			out = append(out, sums)
		}
	}
	return out, nil
}

// bundleSpan says from when to when spans of bundles may have started.
func (db *DB) bundleSpan(ctx context.Context, b *bundling, list []candidate) (since, until time.Time, err error) {
	if len(b.key) > 1 {
		return list[len(list)-1].at.start.Add(-sessionBack), time.Time{}, nil
	}
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.id
	}
	var w where
	err = db.scan(ctx, "look up traces", []any{&since, &until}, "SELECT min(first), max(last) FROM trace_ts WHERE trace_id IN "+w.param("Array(String)", ids), w.args...)
	return since, until.Add(time.Microsecond), err
}

func scanBundle(rows driver.Rows) (k bundleKey, began time.Time, out trace.Bundle, err error) {
	var (
		spans, calls, errs, unpriced uint64
		cost, saved                  string
		ended                        int64
	)
	u := &out.Usage
	err = rows.Scan(&k.project, &k.id, &spans, &calls, &errs, &unpriced, &cost, &saved,
		&u.InputUncached, &u.CacheRead, &u.CacheWrite5m, &u.CacheWrite1h, &u.InputAudio, &u.OutputText, &u.Reasoning, &u.OutputAudio,
		&out.Models, &out.Users, &began, &out.Last, &ended)
	if err != nil {
		return k, began, out, err
	}
	out.ID, out.Spans, out.Calls, out.Errors, out.Unpriced = k.id, int64(spans), int64(calls), int64(errs), int64(unpriced)
	out.Last, out.End = out.Last.UTC(), time.UnixMicro(ended).UTC()
	if out.Cost, err = parseSum(cost); err != nil {
		return k, began, out, err
	}
	out.Saved, err = parseSum(saved)
	return k, began, out, err
}

// bundleFirsts reads the span that each bundle begins with: of those that start first a call rather than its attempt, and the longest.
func (db *DB) bundleFirsts(ctx context.Context, b *bundling, list []candidate, began map[bundleKey]time.Time) (map[bundleKey]trace.CallRow, error) {
	starts := make([]time.Time, 0, len(began))
	for _, at := range began {
		starts = append(starts, at)
	}
	var w where
	w.and(b.kind)
	w.at(starts)
	w.among(b, list)
	out := make(map[bundleKey]trace.CallRow, len(list))
	err := db.query(ctx, "read how "+b.name+" begin", func(rows driver.Rows) error {
		var (
			k                      bundleKey
			s                      trace.CallRow
			kind, endpoint, status string
			duration               int64
			http                   int32
		)
		err := rows.Scan(&k.project, &k.id,
			&s.ID, &kind, &s.Start, &duration, &s.TraceID, &s.SpanID, &s.ParentID, &s.Project, &s.Key, &s.User, &s.Session,
			&endpoint, &s.Stream, &s.Provider, &s.ModelRequested, &s.Model, &status, &http, &s.ErrorCode, &s.InputPreview)
		s.Start, s.Duration, s.Kind, s.Endpoint, s.Status, s.HTTPStatus = s.Start.UTC(), time.Duration(duration), trace.Kind(kind), llm.Endpoint(endpoint), trace.Status(status), int(http)
		out[k] = s
		return err
	}, "SELECT "+b.columns()+", "+bundleFirst+" FROM calls"+w.String()+" ORDER BY start_time, kind = 'attempt', duration_ns DESC LIMIT 1 BY in_project, in_id", w.args...)
	return out, err
}

// bundleExtras adds what stands in other tables: what was added to the cost of calls, and how many scores they have.
func (db *DB) bundleExtras(ctx context.Context, b *bundling, list []candidate, since, until time.Time, found map[bundleKey]trace.Bundle) error {
	var w where
	w.among(b, list)
	w.started(since, until)
	err := db.query(ctx, "read adjustments of "+b.name, func(rows driver.Rows) error {
		var (
			k     bundleKey
			sum   string
			first uint64
		)
		if err := rows.Scan(&k.project, &k.id, &sum, &first); err != nil {
			return err
		}
		added, err := parseSum(sum)
		if out, ok := found[k]; ok && err == nil {
			out.Cost = price.USD(int64(out.Cost) + int64(added))
			out.Unpriced = max(0, out.Unpriced-int64(first))
			found[k] = out
		}
		return err
	}, "SELECT "+b.columns()+", toString(sum(toDecimal128(ifNull(cost, 0), 9))), countIf(has(flags, '"+wasUnpriced+"')) FROM adjustments"+w.String()+" GROUP BY in_project, in_id", w.args...)
	if err != nil {
		return err
	}
	var s where
	s.among(b, list)
	s.started(since, until)
	return db.query(ctx, "count scores of "+b.name, func(rows driver.Rows) error {
		var (
			k bundleKey
			n uint64
		)
		if err := rows.Scan(&k.project, &k.id, &n); err != nil {
			return err
		}
		if out, ok := found[k]; ok {
			out.Scores = int64(n)
			found[k] = out
		}
		return nil
	}, fmt.Sprintf("SELECT in_project, in_id, countIf(NOT gone) FROM (SELECT %s, id, argMax(deleted, revision) AS gone FROM scores%s GROUP BY in_project, in_id, id) GROUP BY in_project, in_id",
		b.columns(), s.String()), s.args...)
}
