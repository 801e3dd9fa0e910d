package clickhouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/trace"
)

// Facets counts the most frequent values of each column; see trace.Reader. Calls without a value are not counted.
// Filters that no rollup knows are answered from the calls themselves, for at most 92 days.
func (db *DB) Facets(ctx context.Context, f trace.Filter, limit int) (map[string][]trace.Facet, error) {
	facets := []string{"project", "key", "model", "provider", "status"}
	out := make(map[string][]trace.Facet, len(facets)+1)
	if limit < 1 {
		return out, nil
	}
	if err := db.checkSearch(ctx, &f, nil); err != nil {
		return nil, fmt.Errorf("facets: %w", err)
	}
	var w where
	var counts []string
	// Users have usage tables of their own, whose rows are many, so they are counted apart.
	groups := [][]string{facets, {"user"}}
	var unused where
	if mainlyCalls(searchedPlan(&f, unused.filter(&f), day)) {
		groups = [][]string{append(facets, "user")}
	}
	for _, by := range groups {
		sql, err := db.facetSQL(ctx, &w, &f, by)
		if err != nil {
			return nil, fmt.Errorf("facets: %w", err)
		}
		if sql != "" {
			counts = append(counts, sql)
		}
	}
	if len(counts) == 0 {
		return out, nil
	}
	sql := "SELECT pair.1 AS facet, pair.2 AS value, sum(s_calls) AS n FROM (" + strings.Join(counts, " UNION ALL ") +
		") WHERE value != '' GROUP BY facet, value ORDER BY n DESC, value LIMIT " + w.param("UInt32", limit) + " BY facet"
	err := db.query(ctx, "count facets", func(rows driver.Rows) error {
		var (
			facet, value string
			n            uint64
		)
		if err := rows.Scan(&facet, &value, &n); err != nil {
			return err
		}
		out[facet] = append(out[facet], trace.Facet{Value: value, Calls: int64(n)})
		return nil
	}, sql, w.args...)
	return out, err
}

// facetSQL makes the query that counts calls by pairs of a facet's name and a value; "" when no call can be in it.
func (db *DB) facetSQL(ctx context.Context, w *where, f *trace.Filter, by []string) (string, error) {
	g, err := newGrouping(&trace.CostQuery{By: by})
	if err != nil {
		return "", err
	}
	var unused where
	parts := searchedPlan(f, append(unused.filter(f), g.dims()...), day)
	if err := db.checkWidth(ctx, parts, "filtering by these columns"); err != nil || len(parts) == 0 {
		return "", err
	}
	pairs := make([]string, len(by))
	for i, name := range by {
		pairs[i] = fmt.Sprintf("('%s', toString(g%d))", name, i)
	}
	return fmt.Sprintf("SELECT arrayJoin([%s]) AS pair, s_calls FROM (%s)", strings.Join(pairs, ", "), partsSQL(w, &g, f, parts)), nil
}
