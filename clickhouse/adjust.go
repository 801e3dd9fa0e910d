package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

var _ trace.Adjuster = (*DB)(nil)

// kindAdjustment is the kind of the rows of adjustments.
const kindAdjustment trace.Kind = "adjustment"

// wasUnpriced flags the adjustment by which a call got its first cost. The views look for it.
const wasUnpriced = "was_unpriced"

// Adjusted streams calls with what was added to their cost; see trace.Adjuster. It holds one page of calls.
func (db *DB) Adjusted(ctx context.Context, f trace.Filter) iter.Seq2[trace.Adjusted, error] {
	return func(yield func(trace.Adjusted, error) bool) {
		var from *cursor
		for {
			page, err := db.exportPage(ctx, f, from)
			if err == nil && len(page) > 0 {
				err = db.attempts(ctx, page)
			}
			var adjusted map[string]*trace.Adjusted
			if err == nil && len(page) > 0 {
				adjusted, err = db.adjusted(ctx, page)
			}
			if err != nil {
				yield(trace.Adjusted{}, err)
				return
			}
			for _, rec := range page {
				if !yield(*adjusted[rec.Call.ID], nil) {
					return
				}
			}
			if len(page) < exportRows {
				return
			}
			last := page[len(page)-1].Call
			from = &cursor{last.Start, last.ID}
		}
	}
}

// adjusted adds to a page of calls what was added to their cost.
func (db *DB) adjusted(ctx context.Context, page []*trace.Record) (map[string]*trace.Adjusted, error) {
	out := make(map[string]*trace.Adjusted, len(page))
	for _, rec := range page {
		a := &trace.Adjusted{Record: *rec}
		a.Cost, a.Known = rec.Call.KnownCost()
		if !a.Known {
			a.Cost = 0
		}
		out[rec.Call.ID] = a
	}
	var w where
	w.and("call_id IN " + w.param("Array(String)", ids(page)))
	w.started(startsOf(page))
	err := db.query(ctx, "read adjustments", func(rows driver.Rows) error {
		var (
			id, sum  string
			n, first uint64
		)
		if err := rows.Scan(&id, &n, &first, &sum); err != nil {
			return err
		}
		added, err := parseSum(sum)
		if err != nil {
			return err
		}
		a := out[id]
		a.Count, a.Cost, a.Known = int(n), a.Cost+added, a.Known || first > 0
		return nil
	}, "SELECT call_id, count(), countIf(has(flags, '"+wasUnpriced+"')), toString(sum(toDecimal128(ifNull(cost, 0), 9))) FROM adjustments"+
		w.String()+" GROUP BY call_id", w.args...)
	return out, err
}

// Adjust adds a batch; see trace.Adjuster. Its token is made of its rows, which name the number of each call's adjustment:
// a batch that is sent again is the same, one that adds more never is.
func (db *DB) Adjust(ctx context.Context, batch []trace.Adjustment) error {
	if len(batch) == 0 {
		return nil
	}
	if err := db.ensure(ctx); err != nil {
		return err
	}
	rows := make([]callRow, len(batch))
	sum := sha256.New()
	for i := range batch {
		rows[i] = adjustmentRow(&batch[i])
		fmt.Fprintf(sum, "%s %s\n", rows[i].ID, price.USD(rows[i].Cost.amount))
	}
	w := db.inserts(ctx, "adjustments", callColumns, "adjust-"+hex.EncodeToString(sum.Sum(nil)[:16]))
	defer w.abort()
	for i := range rows {
		if err := w.add(&rows[i], 0); err != nil {
			return err
		}
	}
	return w.send()
}

// adjustmentRow has the call's dimensions, so that sums count it where they count the call, and no figure but a cost.
func adjustmentRow(a *trace.Adjustment) callRow {
	c := a.Call
	r := newCallRow(&trace.Span{
		ID: fmt.Sprintf("%s/adjustment-%d", c.ID, a.Number), TraceID: c.TraceID, SpanID: c.SpanID, ParentID: c.ParentID, Kind: kindAdjustment,
		Start: c.Start, Project: c.Project, KeyID: c.KeyID, Key: c.Key, User: c.User, Session: c.Session, Tags: c.Tags,
		Endpoint: c.Endpoint, Path: c.Path, Stream: c.Stream, Provider: c.Provider, ModelRequested: c.ModelRequested, Model: c.Model,
		Status: c.Status, ErrorCode: c.ErrorCode, ServiceTier: c.ServiceTier, UsageSource: c.UsageSource, Cache: c.Cache,
		Prompt: c.Prompt, PromptVersion: c.PromptVersion, PromptHash: c.PromptHash, PromptRevision: c.PromptRevision, Experiment: c.Experiment, Arm: c.Arm, Epoch: c.Epoch, Unit: c.Unit,
		Cost: a.Amount, PriceStatus: a.Status, PriceVersion: a.Version, PriceRule: a.Rule,
	}, c.ID)
	if a.Priced {
		r.flag(wasUnpriced)
	}
	return r
}
