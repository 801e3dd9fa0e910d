package clickhouse

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/trace"
)

// Sizes of texts kept beside the bodies.
const (
	previewRunes = 300
	searchBytes  = 64 << 10
)

// Write stores a batch: the rows of calls, from which the store itself feeds the rollups, then the bodies. The records
// are read twice, one at a time: what they need in memory does not depend on the size of the batch where the
// embedded engine is the store. It may be called from several goroutines with different batches.
func (db *DB) Write(ctx context.Context, b trace.Batch) error {
	if b.Len() == 0 {
		return nil
	}
	if err := db.ensure(ctx); err != nil {
		return err
	}
	if err := db.writeCalls(ctx, b); err != nil {
		return err
	}
	return db.writeBodies(ctx, b)
}

func (db *DB) writeCalls(ctx context.Context, b trace.Batch) error {
	w := db.inserts(ctx, "calls", callColumns, b.Token)
	defer w.abort()
	var row callRow // one for all: add has done with it when it returns
	for i := range b.Len() {
		rec, err := b.Records.At(i)
		if err != nil {
			return fmt.Errorf("%s: read the batch: %w", w.step, err)
		}
		row = newCallRow(&rec.Call, rec.Call.ID)
		in, out := db.texts(rec, previewRunes*utf8.UTFMax)
		row.InputPreview, row.OutputPreview = cutRunes(in, previewRunes), cutRunes(out, previewRunes)
		if err := w.add(&row, 0); err != nil {
			return err
		}
		for j := range rec.Attempts {
			row = newCallRow(&rec.Attempts[j], rec.Call.ID)
			if err := w.add(&row, 0); err != nil {
				return err
			}
		}
	}
	return w.send()
}

func (db *DB) writeBodies(ctx context.Context, b trace.Batch) error {
	w := db.inserts(ctx, "bodies", bodyColumns, b.Token)
	defer w.abort()
	var row bodyRow
	for i := range b.Len() {
		rec, err := b.Records.At(i)
		if err != nil {
			return fmt.Errorf("%s: read the batch: %w", w.step, err)
		}
		size := len(rec.Body.Request) + len(rec.Body.Response)
		if size == 0 {
			continue
		}
		in, out := db.texts(rec, searchBytes)
		start, _ := inRange(rec.Call.Start)
		row = bodyRow{
			CallID: rec.Call.ID, TraceID: rec.Call.TraceID, SpanID: rec.Call.SpanID, Project: rec.Call.Project, StartTime: start,
			Request: rec.Body.Request, Response: rec.Body.Response,
			InputText:  unlessIn(rec.Body.Request, cutBytes(in, searchBytes)),
			OutputText: unlessIn(rec.Body.Response, cutBytes(out, searchBytes)),
			Bytes:      uint64(size),
		}
		if err := w.add(&row, size); err != nil {
			return err
		}
	}
	return w.send()
}

// texts are what lists show of a call and searches look in.
func (db *DB) texts(rec *trace.Record, most int) (in, out string) {
	if db.cfg.Preview == nil {
		return "", ""
	}
	return db.cfg.Preview(rec, most)
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
