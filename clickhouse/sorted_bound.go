package clickhouse

import (
	"context"
	"slices"
	"strings"
	"time"
)

const (
	sampleSpans = 12      // that calls are sampled from, an even distance apart
	sampleShare = 6       // one part of so many
	sampleFrom  = 2 * day // shorter times are looked through without
)

// sortedColumns are the columns of a line of a sorted list, whose calls lie far apart: each costs a block of its file for nearly every
// call. See trace.Explorer for what is left out.
var sortedColumns = strings.Join(slices.DeleteFunc(slices.Clone(callColumns), func(name string) bool {
	return slices.Contains([]string{
		"call_id", "span_id", "parent_id", "key_id", "path", "response_id", "service_tier", "usage_raw", "cost_lines", "held", "provider_cost", "price_rule",
		"has_error", "error_type", "error_message", "error_status", "error_retryable", "prompt_hash", "prompt_revision", "experiment", "epoch", "unit", "own_text",
	}, name)
}), ", ")

// bound finds what each of the first n calls has at least, upwards at most: what the last of the first n calls of a sample has. With the index by_size that
// leads to the few granules that hold such values, and without it further columns are read of these only.
func (l *sorted) bound(ctx context.Context, db *DB, n int) error {
	if l.f.Text != "" {
		return nil
	}
	since, until := l.f.Since, l.f.Until
	if until.IsZero() {
		until = time.Now()
	}
	if since.IsZero() {
		since = until.Add(-rawDays * day)
	}
	step := until.Sub(since) / sampleSpans
	if until.Sub(since) < sampleFrom {
		return nil
	}
	var w where
	spans := make([]string, sampleSpans)
	for i := range spans {
		hi := until.Add(-time.Duration(i) * step) // the newest among them
		spans[i] = "start_time >= " + w.moment(hi.Add(-step/sampleShare)) + " AND start_time < " + w.moment(hi)
	}
	w.and("kind = 'call'")
	w.and("(" + strings.Join(spans, " OR ") + ")")
	w.filter(l.f)
	if l.after != nil {
		w.and(l.behind(&w, l.after, false))
	}
	var (
		found uint64
		least *string
	)
	err := db.scan(ctx, "find how large calls are", []any{&found, &least}, "SELECT count(v), toNullable(toString("+l.sign("min", "max")+"(v))) FROM (SELECT "+l.expr+" AS v FROM calls"+w.String()+
		" ORDER BY v "+l.way()+" NULLS LAST LIMIT "+w.param("UInt32", n)+")", w.args...)
	if err != nil || found < uint64(n) || least == nil {
		return err
	}
	v, err := l.parse(*least)
	l.least = &v
	return err
}
