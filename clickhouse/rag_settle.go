package clickhouse

import (
	"context"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// ragTables are those that a collection has a partition of.
var ragTables = []string{"rag_points", "rag_terms", "rag_gone"}

// Settle implements rag.Settler: it makes one part of a collection's parts in each table, where those beside the largest have a
// tenth of the rows or more. Each part costs a search some time, and the engine stops merging at half a dozen; writing
// all of a large collection anew for one document would cost more than it saves.
func (r *RAG) Settle(ctx context.Context, collection string) error {
	const share = 10
	c, err := r.resolve(ctx, collection)
	if err != nil {
		return err
	}
	var w where
	partition := strconv.FormatUint(c.number, 10)
	step := "settle collection " + strconv.Quote(c.Name)
	var scattered []string
	err = r.query(ctx, step, func(rows driver.Rows) error {
		var table string
		var all, largest uint64
		if err := rows.Scan(&table, &all, &largest); err != nil {
			return err
		}
		if share*(all-largest) >= all {
			scattered = append(scattered, table)
		}
		return nil
	}, "SELECT table, sum(rows), max(rows) FROM system.parts WHERE database = currentDatabase() AND table IN "+w.param("Array(String)", ragTables)+
		" AND active AND partition_id = "+w.text(partition)+" GROUP BY table HAVING count() > 1 ORDER BY table", w.args...)
	if err != nil {
		return err
	}
	for _, table := range scattered {
		if err := r.exec(ctx, step, "OPTIMIZE TABLE "+table+" PARTITION "+partition+" FINAL"); err != nil {
			return err
		}
	}
	return nil
}
