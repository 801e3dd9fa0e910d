package clickhouse

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
)

// RAGLog keeps what pipelines of RAG were asked. Safe for concurrent use.
type RAGLog struct{ db *DB }

var _ rag.Log = (*RAGLog)(nil)

// RAGLog gives the questions that are kept in this ClickHouse.
func (db *DB) RAGLog() *RAGLog { return &RAGLog{db} }

// Write implements rag.Log.
func (l *RAGLog) Write(ctx context.Context, asked []rag.Asked) error {
	if len(asked) == 0 {
		return nil
	}
	if err := l.db.ensure(ctx); err != nil {
		return away(err)
	}
	revision := time.Now().UnixNano()
	w := l.db.inserts(ctx, "rag_queries", ragQueryColumns, "rag-queries-"+asked[0].ID+"-"+strconv.FormatInt(revision, 10))
	defer w.abort()
	for i := range asked {
		row := newRAGQueryRow(&asked[i], revision+int64(i))
		const perChunk = 200 // bytes, about
		if err := w.add(&row, len(row.Question)+perChunk*len(row.ChunkIDs)); err != nil {
			return away(err)
		}
	}
	return away(w.send())
}

// picked is the newest row of each question that the filter picks.
func (w *where) picked(f *rag.AskedFilter, columns string) string {
	for _, c := range [...]struct{ column, value string }{
		{"project", f.Project}, {"pipeline", f.Pipeline}, {"collection", f.Collection}, {"trace_id", f.TraceID}, {"call_id", f.CallID},
	} {
		if c.value != "" {
			w.and(c.column + " = " + w.text(c.value))
		}
	}
	if !f.Since.IsZero() {
		w.and("time >= " + w.moment(clampTime(f.Since)))
	}
	if !f.Until.IsZero() {
		w.and("time < " + w.moment(clampTime(f.Until)))
	}
	only := ""
	switch f.Only {
	case rag.AskedEmpty:
		only = " WHERE empty"
	case rag.AskedSlow:
		only = " WHERE " + w.slow(f)
	case rag.AskedNotFound:
		only = " WHERE not_in_sources"
	case rag.AskedUnverified:
		only = " WHERE verified < citations"
	}
	return "(SELECT * FROM (SELECT " + columns + " FROM rag_queries" + w.String() + " ORDER BY id, revision DESC LIMIT 1 BY id)" + only + ")"
}

func (w *where) slow(f *rag.AskedFilter) string {
	if f.SlowMS <= 0 {
		return "0"
	}
	return "retrieval_ms >= " + w.param("Float64", f.SlowMS)
}

// List implements rag.Log.
func (l *RAGLog) List(ctx context.Context, f rag.AskedFilter, after *rag.AskedKey, limit int) ([]rag.Asked, error) {
	switch f.Only {
	case "", rag.AskedEmpty, rag.AskedSlow, rag.AskedNotFound, rag.AskedUnverified:
	default:
		return nil, fmt.Errorf("list questions: no kind of them is called %q", f.Only)
	}
	if limit <= 0 {
		return nil, nil
	}
	var w where
	from := w.picked(&f, ragAskedColumns.String())
	beyond := ""
	if after != nil {
		beyond = " WHERE (time, id) < (" + w.moment(clampTime(after.Time)) + ", " + w.text(after.ID) + ")"
	}
	return l.read(ctx, "list questions", "SELECT * FROM "+from+beyond+" ORDER BY time DESC, id DESC LIMIT "+strconv.Itoa(limit), &w)
}

// Get implements rag.Log.
func (l *RAGLog) Get(ctx context.Context, id string) (rag.Asked, error) {
	var w where
	list, err := l.read(ctx, "read question "+strconv.Quote(id), "SELECT "+ragQueryColumns.String()+" FROM rag_queries WHERE id = "+w.text(id)+
		" ORDER BY revision DESC LIMIT 1", &w)
	if err != nil {
		return rag.Asked{}, err
	}
	if len(list) == 0 {
		return rag.Asked{}, fmt.Errorf("question %q: %w", id, rag.ErrNotAsked)
	}
	return list[0], nil
}

func (l *RAGLog) read(ctx context.Context, step, sql string, w *where) ([]rag.Asked, error) {
	var list []rag.Asked
	err := l.db.query(ctx, step, func(rows driver.Rows) error {
		var r ragQueryRow
		if err := rows.ScanStruct(&r); err != nil {
			return err
		}
		list = append(list, r.asked())
		return nil
	}, sql, w.args...)
	return list, away(err)
}

// Summary implements rag.Log.
func (l *RAGLog) Summary(ctx context.Context, f rag.AskedFilter) (rag.AskedSummary, error) {
	var s rag.AskedSummary
	all, err := l.totals(ctx, &f, "''", "toDateTime(0, 'UTC')", "")
	if err != nil {
		return s, err
	}
	if len(all) > 0 {
		s.AskedTotals = all[0].AskedTotals
	}
	if s.Pipelines, err = l.totals(ctx, &f, "pipeline", "toDateTime(0, 'UTC')", "pipeline"); err != nil {
		return s, err
	}
	for i := range s.Pipelines {
		s.Pipelines[i].Hour = time.Time{}
	}
	if s.Hours, err = l.totals(ctx, &f, "''", "toStartOfHour(toDateTime(time, 'UTC'))", "hour"); err != nil {
		return s, err
	}
	var w where
	from := w.picked(&f, "id, revision, time, retrieval_ms, empty, not_in_sources, citations, verified, took_steps, took_ms")
	err = l.db.query(ctx, "sum up the stages of questions", func(rows driver.Rows) error {
		var name string
		var runs uint64
		var t rag.StepTimes
		err := rows.Scan(&name, &runs, &t.P50, &t.P95)
		t.Step, t.Runs = rag.Step(name), int64(runs)
		s.Steps = append(s.Steps, t)
		return err
	}, "SELECT toString(step) AS name, count(), quantileExact(0.5)(ms), quantileExact(0.95)(ms) FROM "+from+
		" ARRAY JOIN took_steps AS step, took_ms AS ms GROUP BY name ORDER BY name", w.args...)
	return s, away(err)
}

// totals sums up the questions of each group.
func (l *RAGLog) totals(ctx context.Context, f *rag.AskedFilter, name, hour, group string) ([]rag.AskedGroup, error) {
	var w where
	from := w.picked(f, "id, revision, time, pipeline, retrieval_ms, empty, not_in_sources, citations, verified, context_tokens, generation_cost, context_relevance, response_quality")
	sql := "SELECT toString(" + name + "), " + hour + " AS hour, toInt64(count()), toInt64(countIf(empty)), toInt64(countIf(" + w.slow(f) + ")), toInt64(countIf(not_in_sources)), " +
		"toInt64(sum(citations)), toInt64(sum(verified)), sum(ifNull(generation_cost, toDecimal64(0, 9))), toInt64(count(generation_cost)), toInt64(sum(context_tokens)), " +
		"quantileExact(0.5)(retrieval_ms), quantileExact(0.95)(retrieval_ms), avg(context_relevance), avg(response_quality) FROM " + from
	if group != "" {
		sql += " GROUP BY " + group + " ORDER BY " + group
	}
	var groups []rag.AskedGroup
	err := l.db.query(ctx, "sum up questions", func(rows driver.Rows) error {
		var g rag.AskedGroup
		var cost money
		err := rows.Scan(&g.Name, &g.Hour, &g.Questions, &g.Empty, &g.Slow, &g.NotInSources, &g.Citations, &g.Verified, &cost, &g.Priced,
			&g.ContextTokens, &g.RetrievalP50, &g.RetrievalP95, &g.ContextRelevance, &g.ResponseQuality)
		g.Cost, g.Hour = price.USD(cost), g.Hour.UTC()
		for _, p := range []*float64{&g.RetrievalP50, &g.RetrievalP95} {
			if math.IsNaN(*p) { // of no questions
				*p = 0
			}
		}
		groups = append(groups, g)
		return err
	}, sql, w.args...)
	return groups, away(err)
}
