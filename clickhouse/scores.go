package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/trace"
)

var _ trace.Scores = (*DB)(nil)

// PutScores stores a batch; see trace.Scores. Its token is made of its rows: the same batch again is known by it.
func (db *DB) PutScores(ctx context.Context, batch []trace.Score) error {
	if len(batch) == 0 {
		return nil
	}
	if err := db.ensure(ctx); err != nil {
		return err
	}
	sum := sha256.New()
	rows := make([]scoreRow, len(batch))
	for i := range batch {
		rows[i] = newScoreRow(&batch[i])
		fmt.Fprintf(sum, "%q %d\n", rows[i].ID, rows[i].Revision)
	}
	w := db.inserts(ctx, "scores", scoreColumns, "scores-"+hex.EncodeToString(sum.Sum(nil)[:16]))
	defer w.abort()
	for i := range rows {
		if err := w.add(&rows[i], len(rows[i].Comment)); err != nil {
			return err
		}
	}
	return w.send()
}

// holding selects the scores that hold of those that a filter picks.
func (w *where) holding(f *trace.ScoreFilter) string {
	w.scores(f)
	return "(SELECT * FROM (SELECT " + scoreColumns.String() + " FROM scores" + w.String() + " ORDER BY id, revision DESC LIMIT 1 BY id) WHERE NOT deleted)"
}

// scores keeps the revisions of scores that a filter picks.
func (w *where) scores(f *trace.ScoreFilter) {
	w.started(f.Since, f.Until)
	for _, c := range [...]struct{ column, value string }{
		{"id", f.ID},
		{"call_id", f.CallID},
		{"trace_id", f.TraceID},
		{"name", f.Name},
		{"source", f.Source},
		{"config", f.Config},
		{"project", f.Project},
		{"model", f.Model},
		{"experiment", f.Experiment},
		{"arm", f.Arm},
	} {
		if c.value != "" {
			w.and(c.column + " = " + w.text(c.value))
		}
	}
	if name, version, ok := cutVersion(f.Prompt); ok {
		w.and(fmt.Sprintf("(prompt = %s OR prompt = %s AND prompt_version = %s)", w.text(f.Prompt), w.text(name), w.param("Int32", version)))
	} else if f.Prompt != "" {
		w.and("prompt = " + w.text(f.Prompt))
	}
}

// ListScores lists scores, newest first; see trace.Scores. A limit outside 1..1000 is taken to be the nearest in it.
func (db *DB) ListScores(ctx context.Context, f trace.ScoreFilter, limit int, after string) (trace.ScorePage, error) {
	limit = min(max(limit, 1), 1000)
	var from *cursor
	if after != "" {
		c, err := decodeCursor(after, scoreFilterSum(&f))
		if err != nil {
			return trace.ScorePage{}, err
		}
		from = &c
	}
	ids, err := db.newestScores(ctx, &f, limit+1, from)
	if err != nil || len(ids) == 0 {
		return trace.ScorePage{}, err
	}
	var page trace.ScorePage
	var w where
	w.and("id IN " + w.param("Array(String)", ids))
	err = db.query(ctx, "list scores", func(rows driver.Rows) error {
		var r scoreRow
		if err := rows.ScanStruct(&r); err != nil {
			return err
		}
		page.Scores = append(page.Scores, r.score())
		return nil
	}, "SELECT * FROM "+w.holding(&f)+" ORDER BY start_time DESC, id DESC", w.args...)
	if err != nil {
		return trace.ScorePage{}, err
	}
	if len(page.Scores) > limit {
		page.Scores = page.Scores[:limit]
		last := &page.Scores[limit-1]
		page.Next = cursor{last.CallStart, last.ID}.encode(scoreFilterSum(&f))
	}
	return page, nil
}

// newestScores finds the first n scores that hold, behind a place, by a few narrow columns.
func (db *DB) newestScores(ctx context.Context, f *trace.ScoreFilter, n int, from *cursor) (ids []string, err error) {
	var w where
	w.scores(f)
	beyond := ""
	if from != nil {
		beyond = " AND (at, id) < (" + w.moment(from.start) + ", " + w.text(from.id) + ")"
	}
	err = db.query(ctx, "list scores", func(rows driver.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	}, "SELECT id FROM (SELECT id, argMax(deleted, revision) AS gone, argMax(start_time, revision) AS at FROM scores"+w.String()+" GROUP BY id) WHERE NOT gone"+beyond+
		" ORDER BY at DESC, id DESC LIMIT "+strconv.Itoa(n), w.args...)
	return ids, err
}

// scoreFilterSum tells filters apart, times aside.
func scoreFilterSum(f *trace.ScoreFilter) uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "scores %q", []string{f.ID, f.CallID, f.TraceID, f.Name, f.Source, f.Config, f.Project, f.Model, f.Prompt, f.Experiment, f.Arm})
	return h.Sum32()
}

// scoreGroups are the columns that scores are grouped by, as text.
var scoreGroups = map[string]string{
	"source": "source", "config": "config", "project": "project", "model": "model", "experiment": "experiment", "arm": "arm",
	"prompt": "if(prompt_version > 0, concat(prompt, '@', toString(prompt_version)), prompt)",
	"day":    "toString(toDate(start_time, 'UTC'))",
}

// SumScores gives figures; see trace.Scores.
func (db *DB) SumScores(ctx context.Context, q trace.ScoreQuery) ([]trace.ScoreFigures, error) {
	groups := make([]string, len(q.By))
	for i, by := range q.By {
		expr, ok := scoreGroups[by]
		if !ok {
			return nil, fmt.Errorf("sum scores: cannot group by %q", by)
		}
		groups[i] = expr
	}
	var w where
	var out []trace.ScoreFigures
	err := db.query(ctx, "sum scores", func(rows driver.Rows) error {
		var (
			f     trace.ScoreFigures
			kind  string
			n     uint64
			words []string
			many  []uint64
		)
		if err := rows.Scan(&f.Name, &kind, &f.Group, &n, &f.Mean, &f.SD, &f.Min, &f.Max, &f.P50, &words, &many); err != nil {
			return err
		}
		f.Kind, f.N = trace.ScoreKind(kind), int64(n)
		if len(f.Group) == 0 {
			f.Group = nil
		}
		if f.Kind == trace.CategoryScore {
			f.Categories = map[string]int64{}
			for i, word := range words {
				f.Categories[word] = int64(many[i])
			}
		}
		out = append(out, f)
		return nil
	}, `SELECT toString(name) AS score, toString(kind) AS sort, CAST([`+strings.Join(groups, ", ")+`] AS Array(String)) AS group, count(),
		ifNotFinite(avg(value), 0), ifNotFinite(stddevSamp(value), 0), min(value), max(value), ifNotFinite(quantileExactInclusive(0.5)(value), 0),
		sumMap([toString(category)], [toUInt64(1)]).1, sumMap([toString(category)], [toUInt64(1)]).2
		FROM `+w.holding(&q.Filter)+` GROUP BY score, sort, group`, w.args...)
	slices.SortFunc(out, func(a, b trace.ScoreFigures) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		if c := slices.Compare(a.Group, b.Group); c != 0 {
			return c
		}
		return strings.Compare(string(a.Kind), string(b.Kind))
	})
	return out, err
}
