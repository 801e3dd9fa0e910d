package clickhouse

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/weir-dev/weir/trace"
)

// Sizes of texts kept beside the bodies.
const (
	previewRunes = 300
	searchBytes  = 64 << 10
)

// An insert holds at most so many rows and about so many bytes of bodies, so that an engine with a few hundred
// megabytes takes any batch.
const (
	insertRows  = 25_000
	insertBytes = 16 << 20
)

// Write stores a batch: the rows of calls, from which the store itself feeds the rollups, then the bodies. It may be
// called from several goroutines with different batches.
func (db *DB) Write(ctx context.Context, b trace.Batch) error {
	if len(b.Records) == 0 {
		return nil
	}
	if err := db.ensure(ctx); err != nil {
		return err
	}
	calls, bodies := db.rows(b.Records)
	if err := insertAll(ctx, db, "calls", callColumns, calls, b.Token, func(*callRow) int { return 0 }); err != nil {
		return err
	}
	return insertAll(ctx, db, "bodies", bodyColumns, bodies, b.Token, func(r *bodyRow) int { return int(r.Bytes) })
}

// insertAll cuts rows into inserts, each under a token of its own. Where it cuts depends on the rows alone, so that a
// batch that is sent again is cut into the same.
func insertAll[R any](ctx context.Context, db *DB, table string, c columns, rows []R, token string, size func(*R) int) error {
	for i := 0; len(rows) > 0; i++ {
		n, bytes := 0, 0
		for n < len(rows) && n < insertRows && (n == 0 || bytes+size(&rows[n]) <= insertBytes) {
			bytes += size(&rows[n])
			n++
		}
		if err := insert(ctx, db, table, c, rows[:n], fmt.Sprintf("%s/%s/%d", token, table, i)); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// rows makes the rows of records. The same records make the same rows in the same order.
func (db *DB) rows(records []trace.Record) ([]callRow, []bodyRow) {
	n := len(records)
	for i := range records {
		n += len(records[i].Attempts)
	}
	calls, bodies := make([]callRow, 0, n), make([]bodyRow, 0, len(records))
	for i := range records {
		rec := &records[i]
		row := newCallRow(&rec.Call, rec.Call.ID)
		var in, out string
		if db.cfg.Preview != nil {
			in, out = db.cfg.Preview(rec)
			row.InputPreview, row.OutputPreview = cutRunes(in, previewRunes), cutRunes(out, previewRunes)
		}
		calls = append(calls, row)
		for j := range rec.Attempts {
			calls = append(calls, newCallRow(&rec.Attempts[j], rec.Call.ID))
		}
		if len(rec.Body.Request) == 0 && len(rec.Body.Response) == 0 {
			continue
		}
		bodies = append(bodies, bodyRow{
			CallID: row.CallID, TraceID: row.TraceID, SpanID: row.SpanID, Project: row.Project, StartTime: row.StartTime,
			Request: rec.Body.Request, Response: rec.Body.Response,
			InputText:  unlessIn(rec.Body.Request, cutBytes(in, searchBytes)),
			OutputText: unlessIn(rec.Body.Response, cutBytes(out, searchBytes)),
			Bytes:      uint64(len(rec.Body.Request) + len(rec.Body.Response)),
		})
	}
	return calls, bodies
}

// insert sends rows in one block under a token of their own and returns nil when they and what views make of them
// are stored.
func insert[R any](ctx context.Context, db *DB, table string, c columns, rows []R, token string) error {
	step := "write clickhouse " + table
	ctx = ch.Context(ctx, ch.WithSettings(ch.Settings{
		"insert_deduplication_token":                         token,
		"insert_deduplicate":                                 1,
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		"async_insert":                                       0, // an answer must mean stored
		"materialized_views_ignore_errors":                   0,
		"max_partitions_per_insert_block":                    0, // a backfill may span years
	}))
	batch, err := db.conn.PrepareBatch(ctx, fmt.Sprintf("INSERT INTO %s (%s)", table, c))
	if err != nil {
		return db.wrap(ctx, step, err)
	}
	defer batch.Close()
	for i := range rows {
		if err := batch.AppendStruct(&rows[i]); err != nil {
			return fmt.Errorf("%s: %w: %w", step, errRow, err)
		}
	}
	return db.wrap(ctx, step, batch.Send())
}

// cutRunes gives the first n characters of s; what is not UTF-8 counts byte by byte and stays as it is.
func cutRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// cutBytes gives at most n bytes of s, without half a character at the end.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}

// unlessIn gives text, or "" when body holds it letter for letter and a search finds it there.
func unlessIn(body []byte, text string) string {
	const escaped = "\"\\\n\r\t" // inside JSON none of these stands for itself, so there is nothing to look for
	if text != "" && (strings.ContainsAny(text, escaped) || !bytes.Contains(body, []byte(text))) {
		return text
	}
	return ""
}
