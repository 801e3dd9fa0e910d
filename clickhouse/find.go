package clickhouse

import (
	"context"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

var _ trace.Finder = (*DB)(nil)

// Spans gives calls by id; see trace.Finder. Ids that weir made say when the calls started; the others are looked for
// through the bloom filter of all of them.
func (db *DB) Spans(ctx context.Context, ids []string) (map[string]trace.Span, error) {
	var (
		dated, other []string
		since, until time.Time
	)
	for _, id := range ids {
		at, ok := llm.IDTime(id)
		if !ok {
			other = append(other, id)
			continue
		}
		if dated = append(dated, id); since.IsZero() || at.Before(since) {
			since = at
		}
		if at.After(until) {
			until = at
		}
	}
	out := make(map[string]trace.Span, len(ids))
	get := func(ids []string, since, until time.Time) error {
		if len(ids) == 0 {
			return nil
		}
		var w where
		w.and("kind = 'call' AND call_id IN " + w.param("Array(String)", ids))
		w.started(since, until)
		var found []trace.CallRow
		err := db.query(ctx, "find calls", lines(&found), "SELECT "+lineColumns+" FROM calls"+w.String(), w.args...)
		for i := range found {
			out[found[i].ID] = found[i].Span
		}
		return err
	}
	if err := get(dated, since.Add(-slack), until.Add(slack)); err != nil {
		return nil, err
	}
	for _, id := range dated {
		if _, found := out[id]; !found {
			other = append(other, id)
		}
	}
	return out, get(other, time.Time{}, time.Time{})
}
