package clickhouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

const (
	// maxSearch is Config.MaxSearch unless it is given.
	maxSearch = 4 << 30

	// previewBytes is what the beginnings of a call's texts take, about.
	previewBytes = 400
)

// search adds the condition that each word of f's text is in the previews or in the body of a call that starts in [since, until). Of the
// bodies only those are read that may be of a call that f picks.
func (w *where) search(f *trace.Filter, since, until time.Time) {
	words := strings.Fields(strings.ToValidUTF8(f.Text, "\uFFFD"))
	if len(words) == 0 {
		return
	}
	within := func(word string, columns ...string) string {
		for i, c := range columns {
			columns[i] = "positionCaseInsensitiveUTF8(" + c + ", " + word + ") > 0"
		}
		return "(" + strings.Join(columns, " OR ") + ")"
	}
	var previews []string
	inner := where{args: w.args}
	inner.bodies(f, since, until)
	for _, word := range words {
		p := inner.text(word)
		previews = append(previews, within(p, "input_preview", "output_preview"))
		inner.costly = append(inner.costly, within(p, "request", "response", "input_text", "output_text"))
	}
	w.args = inner.args
	w.costly = append(w.costly, fmt.Sprintf("(%s OR call_id IN (SELECT call_id FROM bodies%s))", strings.Join(previews, " AND "), inner.String()))
}

// bodies keeps the bodies that start in [since, until) of calls that f may pick, by the columns that bodies have. Of a user and a session
// the calls are looked up first, as they are few.
func (w *where) bodies(f *trace.Filter, since, until time.Time) {
	w.started(since, until)
	own := f.Only("project", "trace")
	w.filter(&own)
	if !f.Wants("user") && !f.Wants("session") {
		return
	}
	calls := where{args: w.args}
	calls.and("kind = 'call'")
	calls.started(since, until)
	few := f.Only("project", "user", "session")
	calls.filter(&few)
	w.args = calls.args
	w.and("call_id IN (SELECT call_id FROM calls" + calls.String() + ")")
}

// checkSearch refuses a search that would read too much. from is the place that a list goes on from.
func (db *DB) checkSearch(ctx context.Context, f *trace.Filter, from *cursor) error {
	if strings.TrimSpace(f.Text) == "" {
		return nil
	}
	most := db.cfg.MaxSearch
	if most <= 0 {
		most = maxSearch
	}
	now := time.Now()
	since, until := searchSince(f, now), f.Until
	if from != nil && (until.IsZero() || from.start.Before(until)) {
		until = from.start.Add(time.Microsecond)
	}
	var (
		w         where
		sum, over int64
		fits      time.Time
	)
	w.bodies(f, since, until)
	sizes := "SELECT toStartOfFiveMinutes(start_time) AS at, sum(bytes) AS b FROM bodies" + w.String() + " GROUP BY at"
	if !f.Wants("user") && !f.Wants("session") && !f.Wants("trace") {
		calls := where{args: w.args}
		p := part{source{table: "usage_1h", unit: time.Hour}, since, until}
		calls.within(&p)
		known := f.Only("project")
		calls.filter(&known)
		w.args = calls.args
		sizes += fmt.Sprintf(" UNION ALL SELECT time AS at, sum(calls) * %d AS b FROM usage_1h%s GROUP BY at", previewBytes, calls.String())
	}
	err := db.query(ctx, "measure what a search would read", func(rows driver.Rows) error {
		var (
			at    time.Time
			bytes uint64
		)
		if err := rows.Scan(&at, &bytes); err != nil {
			return err
		}
		if sum += int64(min(bytes, 1<<40)); sum <= most {
			fits = at.UTC()
		} else {
			over++
		}
		return nil
	}, "SELECT at, toUInt64(sum(b)) FROM ("+sizes+") GROUP BY at ORDER BY at DESC", w.args...)
	if err != nil || over == 0 {
		return err
	}
	narrower := "look among the calls of one project, user or session"
	if !fits.IsZero() {
		narrower = "since=" + fits.Format(time.RFC3339) + " is the earliest that can be searched at once; or " + narrower
	}
	fault := llm.Faultf(llm.InvalidRequest, "the search would read %s of what was said, and %s are read at a time: %s",
		sizeText(sum), sizeText(most), narrower)
	fault.Param = "since"
	return fault
}

// sizeText is a number of bytes for people.
func sizeText(bytes int64) string {
	unit, name := float64(1<<30), "GiB"
	if bytes < 1<<30 {
		unit, name = 1<<20, "MiB"
	}
	return fmt.Sprintf("%.3g %s", float64(bytes)/unit, name)
}
