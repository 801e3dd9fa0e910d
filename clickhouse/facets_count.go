package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

var _ trace.Explorer = (*DB)(nil)

// CountFacets counts calls by fields; see trace.Explorer. Rollups answer for project, key, user, model, provider, status, endpoint and
// cache, as long as the filter asks for nothing else; the rest is counted over the newest calls. Without a Since a Text is looked for in the last 92
// days before Until.
func (db *DB) CountFacets(ctx context.Context, q trace.FacetQuery) ([]trace.FieldFacets, error) {
	q.Filter.Since = searchSince(&q.Filter, time.Now())
	out := make([]trace.FieldFacets, len(q.Fields))
	for i, field := range q.Fields {
		if !trace.FacetField(field) || slices.Contains(q.Fields[:i], field) {
			f := llm.Faultf(llm.InvalidRequest, "calls cannot be counted by %q; known are %s, tag.k and tag, each once", field, strings.Join(trace.FacetFields, ", "))
			f.Param = "fields"
			return nil, fmt.Errorf("count facets: %w", f)
		}
		out[i] = trace.FieldFacets{Field: field, Since: q.Filter.Since}
	}
	if err := db.checkSearch(ctx, &q.Filter, nil); err != nil {
		return nil, fmt.Errorf("count facets: %w", err)
	}
	scans := facetScans(&q.Filter, q.Fields)
	asks := make([]func() error, len(scans))
	for i, s := range scans {
		asks[i] = func() error { return db.countScan(ctx, s, &q, out) }
	}
	return out, atOnce(asks...)
}

// countScan fills in the fields of a scan.
func (db *DB) countScan(ctx context.Context, s *facetScan, q *trace.FacetQuery, out []trace.FieldFacets) error {
	if s.class == byUsage || s.class == byUserUsage {
		s.plan()
	} else if err := db.newestCalls(ctx, s); err != nil {
		return err
	}
	if len(s.parts) == 0 {
		return nil
	}
	at := make([]int, len(s.fields))
	for i, field := range s.fields {
		at[i] = slices.Index(q.Fields, field)
		out[at[i]].Since = s.since
	}
	var w where
	sql := s.sql(&w, min(max(q.Limit, 1), 1000))
	return db.query(ctx, "count facets", func(rows driver.Rows) error {
		var (
			i           uint64
			values, sum int64
			calls       []int64
			names       []string
		)
		if err := rows.Scan(&i, &values, &sum, &calls, &names); err != nil {
			return err
		}
		one := &out[at[i-1]]
		one.MoreValues, one.MoreCalls = values-int64(len(names)), sum
		one.Values = make([]trace.Facet, len(names))
		for j, name := range names {
			one.Values[j] = trace.Facet{Value: name, Calls: -calls[j]}
			one.MoreCalls += calls[j]
		}
		return nil
	}, sql, w.args...)
}

// newestCalls plans a scan of calls: of all that are in the filter's time, or of the newest whole hours, or minutes of one hour, that hold
// no more than are counted at a time. The rollups know how many that are, by what they know of the filter.
func (db *DB) newestCalls(ctx context.Context, s *facetScan) error {
	f := &s.filter
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return nil
	}
	most := uint64(facetCalls)
	switch {
	case f.Text != "":
		most = facetTexts
	case f.Wants("tag"):
		most = facetTaggedOnly
	case s.class == byTags || s.class == byTagNames:
		most = facetTagCalls
	}
	if !f.Wants("session") && !f.Wants("trace") { // whose indexes lead to few calls
		if err := db.narrow(ctx, s, most); err != nil {
			return err
		}
	}
	s.parts = []part{{source{table: "calls"}, s.since, f.Until}}
	return nil
}

// hourly is the rollup of hours that has these dimensions, and whether it is that of users.
func hourly(dims []dimension) (table string, ofUsers bool) {
	if slices.Contains(dims, "user") {
		return "usage_user_1h", true
	}
	return "usage_1h", false
}

// narrow moves the beginning of a scan to where no more than most calls are left.
func (db *DB) narrow(ctx context.Context, s *facetScan, most uint64) error {
	f := &s.filter
	table, ofUsers := hourly(filterDimensions(f))
	hours, err := db.callsPer(ctx, part{source{table: table, unit: time.Hour}, f.Since, f.Until}, s)
	if err != nil {
		return err
	}
	n := newestUnits(hours, most)
	if n == len(hours) {
		return nil
	}
	s.since = later(hours[max(n, 1)-1].from, f.Since)
	if n > 0 || ofUsers { // of users there are no minutes
		return nil
	}
	minutes, err := db.callsPer(ctx, part{source{table: "usage_1m", unit: time.Minute}, s.since, f.Until}, s)
	if n := newestUnits(minutes, most); err == nil && n < len(minutes) {
		s.since = later(minutes[max(n, 1)-1].from, s.since)
	}
	return err
}

// unitCalls is the number of calls of a unit of time.
type unitCalls struct {
	from  time.Time
	calls uint64
}

// newestUnits is how many of the first units hold at most so many calls together.
func newestUnits(units []unitCalls, most uint64) int {
	var sum uint64
	for i, u := range units {
		if sum += u.calls; sum > most {
			return i
		}
	}
	return len(units)
}

// callsPer counts calls in each unit of a rollup, the newest first, by what the rollup knows of the scan's filter.
func (db *DB) callsPer(ctx context.Context, p part, s *facetScan) ([]unitCalls, error) {
	f := &s.filter
	var w where
	if !p.since.IsZero() {
		p.since = floor(p.since, p.unit)
	}
	w.within(&p)
	known := f.Only("user", "project", "key", "model", "provider", "status", "endpoint", "cache", "prompt", "arm")
	w.filter(&known)
	if s.class == byErrors || f.Wants("error_code") {
		w.and("status != 'ok'")
	}
	var units []unitCalls
	err := db.query(ctx, "count calls back from the newest", func(rows driver.Rows) error {
		var u unitCalls
		err := rows.Scan(&u.from, &u.calls)
		u.from = u.from.UTC()
		units = append(units, u)
		return err
	}, "SELECT time, sum(calls) FROM "+p.table+w.String()+" GROUP BY time ORDER BY time DESC", w.args...)
	return units, err
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
