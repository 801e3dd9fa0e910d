package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// store is a writer that stores a batch once under its token, as the real one does, and fails when it is told to.
type store struct {
	mu      sync.Mutex
	tokens  map[string]bool
	rows    map[string][]trace.Record // by call
	batches []trace.Batch             // as they came, stored or not
	poison  map[string]bool           // calls it refuses
	before  func(trace.Batch) error   // fails without storing
	after   func(trace.Batch) error   // fails although it has stored
}

func newStore() *store {
	return &store{tokens: map[string]bool{}, rows: map[string][]trace.Record{}, poison: map[string]bool{}}
}

var (
	errAway   = errors.New("the store is away")
	errPoison = errors.New("cannot parse a value")
)

func (s *store) Write(ctx context.Context, b trace.Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	records, err := readAll(b)
	if err != nil {
		return err
	}
	s.batches = append(s.batches, trace.Batch{Token: b.Token, Records: records})
	if s.before != nil {
		if err := s.before(b); err != nil {
			return err
		}
	}
	if !s.tokens[b.Token] {
		for _, r := range records {
			if s.poison[r.Call.ID] {
				return fmt.Errorf("insert: %w", errPoison)
			}
		}
		s.tokens[b.Token] = true
		for _, r := range records {
			s.rows[r.Call.ID] = append(s.rows[r.Call.ID], r)
		}
	}
	if s.after != nil {
		return s.after(b)
	}
	return nil
}

// readAll copies the records of a batch.
func readAll(b trace.Batch) (trace.Slice, error) {
	var out trace.Slice
	for i := range b.Len() {
		r, err := b.Records.At(i)
		if err != nil {
			return nil, err
		}
		c := *r
		c.Body = trace.Body{Request: bytes.Clone(r.Body.Request), Response: bytes.Clone(r.Body.Response)}
		out = append(out, c)
	}
	return out, nil
}

func (s *store) holds(_ context.Context, ids []string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(ids, func(id string) bool { return len(s.rows[id]) > 0 }), nil
}

func (s *store) set(before, after func(trace.Batch) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after = before, after
}

func (s *store) count(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows[id])
}

func (s *store) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows)
}

// asBytes compares bodies at once, not byte by byte.
var asBytes = cmp.Comparer(bytes.Equal)

func away(trace.Batch) error { return errAway }

// config is a spool's over the store, with times and sizes for tests: too small for a reserve, which takes long to write.
func (s *store) config(dir string) Config {
	return Config{
		Dir: dir, Writer: s, Holds: s.holds, Poison: func(err error) bool { return errors.Is(err, errPoison) },
		Log: slog.New(slog.DiscardHandler), MaxAge: 10 * time.Millisecond, MaxDisk: 4<<20 - 1,
	}
}

func open(tb testing.TB, cfg Config) *Disk {
	tb.Helper()
	d, err := Open(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { d.Close() })
	return d
}

// call is a record with bodies of n bytes each.
func call(id string, n int) *trace.Record {
	return &trace.Record{
		Call: trace.Span{
			ID: id, TraceID: "0123456789abcdef0123456789abcdef", SpanID: "0123456789abcdef", Kind: trace.KindCall,
			Start: time.Date(2026, 11, 24, 8, 0, 0, 123456000, time.UTC), Duration: 812 * time.Millisecond, TTFT: 210 * time.Millisecond,
			Project: "default", KeyID: "k1", Key: "dev", User: "u1", Session: "s1", Tags: map[string]string{"team": "a"},
			Endpoint: llm.ChatCompletions, Path: "/chat/completions", Stream: true, Provider: "openai", ModelRequested: "fast",
			Model: "gpt-4o-mini-2024-07-18", ResponseID: "chatcmpl-1", Status: trace.StatusOK, HTTPStatus: 200, FinishReasons: []string{"stop"},
			Usage: llm.Usage{InputUncached: 10, OutputText: 20}, UsageSource: llm.FromProvider, UsageRaw: `{"prompt_tokens":10,"completion_tokens":20}`,
			Cost: 13500, PriceStatus: price.Exact, PriceVersion: "2026-11-01", PriceRule: "openai/gpt-4o-mini", Cache: trace.CacheOff, Attempts: 1,
		},
		Body: trace.Body{Request: text("q"+id, n), Response: text("a"+id, n)},
	}
}

func text(seed string, n int) []byte {
	if n == 0 {
		return nil
	}
	return []byte(strings.Repeat(seed+" ", n/(len(seed)+1)+1)[:n])
}

func record(tb testing.TB, d *Disk, r *trace.Record) {
	tb.Helper()
	if err := d.Record(r); err != nil {
		tb.Fatalf("record %s: %v", r.Call.ID, err)
	}
}

// eventually waits until a condition holds.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			tb.Fatalf("not in 20 s: %s", what)
		}
	}
}

func drained(d *Disk) func() bool {
	return func() bool { return d.Counters().Waiting == 0 }
}

// balanced checks that every accepted record is somewhere.
func balanced(tb testing.TB, c trace.Counters) {
	tb.Helper()
	if c.Accepted != c.Written+c.Waiting+c.Quarantined+c.Dropped || c.Written < 0 || c.Waiting < 0 {
		tb.Errorf("counters do not balance: %+v", c)
	}
}

// crash gives a copy of the spool's files as a kill at this moment would leave them. From then on the store hears
// nothing of the spool that was copied, which is closed.
func crash(tb testing.TB, s *store, d *Disk) string {
	tb.Helper()
	s.mu.Lock()
	d.turn.Lock()
	d.book.Lock()
	dir := copyDir(tb, d.cfg.Dir)
	d.cancel() // what it sends now is refused, see Write
	d.book.Unlock()
	d.turn.Unlock()
	s.mu.Unlock()
	d.Close()
	return dir
}

func copyDir(tb testing.TB, from string) string {
	tb.Helper()
	to := tb.TempDir()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return to
}

// newestSegment is the path of the segment that was written to last.
func newestSegment(tb testing.TB, dir string) string {
	tb.Helper()
	files, err := segmentFiles(dir)
	if err != nil || len(files) == 0 {
		tb.Fatalf("segments of %s: %d, %v", dir, len(files), err)
	}
	return files[len(files)-1].path
}
