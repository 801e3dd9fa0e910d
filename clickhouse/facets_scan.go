package clickhouse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Calls that one answer counts at most, of those that no rollup counts: what is newer than them is counted, and the answer says from when on.
const (
	facetCalls      = 2_000_000
	facetTagCalls   = 1_000_000 // by their tags
	facetTaggedOnly = 500_000   // those with a tag
	facetTexts      = 200_000   // whose texts are looked at
)

// facetClass says where a field is counted.
type facetClass int

const (
	byUsage facetClass = iota
	byUserUsage
	byCalls
	byErrors // calls with an error code, which are few
	byTags
	byTagNames
)

// facetScan is one reading of the rollups or of calls that counts several fields.
type facetScan struct {
	class  facetClass
	fields []string
	filter trace.Filter // of the calls that count
	own    bool         // the filter is not the whole one: the scan is for a field that is asked something
	since  time.Time    // counted from here
	parts  []part
}

// facetScans sorts fields into scans: those of a class are read together, but for one that the filter asks something of, which counts
// other calls.
func facetScans(f *trace.Filter, fields []string) []*facetScan {
	var scans []*facetScan
	for _, field := range fields {
		rest := f.Without(field)
		own := len(filterDimensions(&rest)) < len(filterDimensions(f))
		class := classOf(&rest, field)
		i := slices.IndexFunc(scans, func(s *facetScan) bool { return s.class == class && !s.own && !own })
		if i < 0 {
			i = len(scans)
			scans = append(scans, &facetScan{class: class, filter: rest, own: own, since: f.Since})
		}
		scans[i].fields = append(scans[i].fields, field)
	}
	return scans
}

// classOf says where a field of the calls of a filter is counted.
func classOf(f *trace.Filter, field string) facetClass {
	dims := filterDimensions(f)
	known := func(d dimension) bool { return d == "user" || slices.Contains(usageDimensions, d) }
	switch {
	case field == "tag":
		return byTagNames
	case strings.HasPrefix(field, "tag."):
		return byTags
	case f.Text != "" || !all(dims, known):
		return byCalls
	case field == "error_code":
		return byErrors
	case !known(dimension(field)):
		return byCalls
	case field == "user" || slices.Contains(dims, "user"):
		return byUserUsage
	}
	return byUsage
}

func all(dims []dimension, is func(dimension) bool) bool {
	return !slices.ContainsFunc(dims, func(d dimension) bool { return !is(d) })
}

// filterDimensions are those that a filter looks at.
func filterDimensions(f *trace.Filter) []dimension {
	var unused where
	return unused.filter(f)
}

// plan says what a scan of rollups reads.
func (s *facetScan) plan() {
	dims := filterDimensions(&s.filter)
	for _, field := range s.fields {
		dims = append(dims, dimension(field))
	}
	s.parts = plan(s.filter.Since, s.filter.Until, dims, day)
}

// expr is the column of a field, of a source's row.
func (s *facetScan) expr(w *where, field string) string {
	if tag, ok := strings.CutPrefix(field, "tag."); ok {
		return "tag_values[indexOf(tag_names, " + w.text(tag) + ")]"
	}
	if field == "tag" {
		return "arrayJoin(tag_names)"
	}
	return field
}

// sql counts the fields: one row for each, of its number in s.fields from 1 on, how many values it has, how many calls have one, and the
// values with most calls, the calls negative as they are sorted by.
func (s *facetScan) sql(w *where, limit int) string {
	selects := make([]string, len(s.parts))
	for i := range s.parts {
		selects[i] = s.partSQL(w, &s.parts[i])
	}
	var sets, is, values []string
	for i := range s.fields {
		c := "f" + strconv.Itoa(i)
		sets = append(sets, "("+c+")")
		is = append(is, "grouping("+c+") = 0")
		values = append(values, "toString("+c+")")
	}
	field, value := "1", "toString(f0)"
	if len(s.fields) > 1 {
		field, value = "arrayFirstIndex(is -> is, ["+strings.Join(is, ", ")+"])", "["+strings.Join(values, ", ")+"][i]"
	}
	counted := fmt.Sprintf("SELECT %s AS i, %s AS v, toInt64(sum(n)) AS c FROM (%s) GROUP BY GROUPING SETS (%s)",
		field, value, strings.Join(selects, " UNION ALL "), strings.Join(sets, ", "))
	return fmt.Sprintf(`SELECT toUInt64(i), toInt64(values), calls, arrayMap(t -> t.1, top), arrayMap(t -> t.2, top) FROM (
		SELECT i, count() AS values, sum(c) AS calls, groupArraySorted(%d)((-c, v)) AS top FROM (%s) WHERE v != '' GROUP BY i)`, limit, counted)
}

// partSQL reads a part.
func (s *facetScan) partSQL(w *where, p *part) string {
	columns := make([]string, 0, len(s.fields)+1)
	for i, field := range s.fields {
		columns = append(columns, s.expr(w, field)+" AS f"+strconv.Itoa(i))
	}
	cond := where{args: w.args}
	cond.within(p)
	cond.filter(&s.filter)
	if s.class == byErrors {
		cond.and("error_code != ''")
	}
	cond.search(&s.filter, p.since, p.until)
	w.args = cond.args
	n := "toUInt64(1)"
	if p.unit != 0 {
		n = "toUInt64(calls)"
	}
	return "SELECT " + strings.Join(columns, ", ") + ", " + n + " AS n FROM " + p.table + cond.String()
}

// within keeps the rows of a part.
func (w *where) within(p *part) {
	if p.unit == 0 {
		w.and("kind = 'call'")
		w.started(p.since, p.until)
		return
	}
	if !p.since.IsZero() {
		w.and("time >= " + w.second(clampTime(p.since)))
	}
	if !p.until.IsZero() {
		w.and("time < " + w.second(clampTime(p.until)))
	}
}
