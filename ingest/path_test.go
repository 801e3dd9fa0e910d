package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/ingest/route"
	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/internal/testutil/race"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Answers of a provider that costs nothing itself.
const (
	helloAnswer = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there, how can I help you today?"},"finish_reason":"stop"}],"usage":{"prompt_tokens":180,"completion_tokens":10,"total_tokens":190}}`
	chunk       = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n"
	lastChunks  = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[],\"usage\":{\"prompt_tokens\":180,\"completion_tokens\":50,\"total_tokens\":230}}\n\ndata: [DONE]\n\n"
)

// bits gives one chunk a read, as a stream comes.
type bits struct{ parts []string }

func (b *bits) Read(p []byte) (int, error) {
	if len(b.parts) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.parts[0])
	b.parts = b.parts[1:]
	return n, nil
}

func (*bits) Close() error { return nil }

var (
	plainHeader  = http.Header{"Content-Type": {"application/json"}, "Content-Length": {fmt.Sprint(len(helloAnswer))}}
	streamHeader = http.Header{"Content-Type": {"text/event-stream"}}
)

func quickProvider(_ context.Context, call *llm.Call) (*llm.Response, error) {
	resp := &llm.Response{
		Status: http.StatusOK, Header: plainHeader, Provider: "openai", PriceAs: "openai", Model: call.Model, Dialect: llm.OpenAI,
		Attempts: []llm.Attempt{{Provider: "openai", Model: call.Model, Status: http.StatusOK, Start: call.Start}},
	}
	if !call.Stream {
		resp.Body = io.NopCloser(strings.NewReader(helloAnswer))
		return resp, nil
	}
	parts := make([]string, 50, 51)
	for i := range parts {
		parts[i] = chunk
	}
	resp.Header, resp.Stream, resp.Body = streamHeader, true, &bits{append(parts, lastChunks)}
	return resp, nil
}

// silent is a store that takes everything, one record after another.
type silent struct{}

func (silent) Write(_ context.Context, b trace.Batch) error {
	for i := range b.Len() {
		if _, err := b.Records.At(i); err != nil {
			return err
		}
	}
	return nil
}

// sink is a client that takes everything.
type sink struct {
	h http.Header
	n int
}

func (s *sink) Header() http.Header         { return s.h }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }
func (s *sink) Flush()                      {}

// hotPath is the whole way of a call through weir, with a spool on the disk, and neither network nor net/http.
func hotPath(tb testing.TB, stream bool, promptBytes int) func() {
	tb.Helper()
	disk, err := spool.Open(spool.Config{Dir: tb.TempDir(), Writer: silent{}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := disk.Close(); err != nil {
			tb.Error(err)
		}
	})
	key := account.Key{ID: "testtesttest", Project: "p", Name: "k", Hash: sha256.Sum256([]byte(testKey))}
	log := slog.New(slog.DiscardHandler)
	table := route.NewTable([]route.Provider{{Name: "openai", PriceAs: "openai", Models: []string{"gpt-*"}, Send: llm.SenderFunc(quickProvider)}}, nil)
	record := Record(route.Fallback(table, nil), RecordConfig{
		Book: price.Embedded, Recorder: disk, Log: log,
		Admit: func(c *llm.Call) error {
			return disk.Admit(spool.Admission{ID: c.ID, TraceID: c.TraceID, SpanID: c.SpanID, Start: c.Start, Project: c.Project, KeyID: c.KeyID, Key: c.Key, Endpoint: c.Endpoint, Path: c.Path, Stream: c.Stream, Model: c.Model})
		},
	})
	g := New(Config{Send: record, Refused: record.Refused, Keys: ring(key), Log: log})
	body := fmt.Appendf(nil, `{"model":"gpt-4o-mini","stream":%t,"stream_options":{"include_usage":true},"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"%s"}]}`,
		stream, strings.Repeat(`The \"quick\" brown fox jumps over the lazy dog.\n`, promptBytes/50))
	reader := bytes.NewReader(body)
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, "http://weir/v1/chat/completions", io.NopCloser(reader))
	if err != nil {
		tb.Fatal(err)
	}
	req.ContentLength = int64(len(body))
	req.Header = http.Header{"Authorization": {"Bearer " + testKey}, "Content-Type": {"application/json"}, "User-Agent": {"bench"}}
	w := &sink{h: http.Header{}}
	return func() {
		reader.Reset(body)
		clear(w.h)
		w.n = 0
		g.ServeHTTP(w, req)
		if w.n < len(helloAnswer) {
			tb.Fatalf("%d bytes were answered", w.n)
		}
	}
}

// BenchmarkCall measures what weir itself adds to a call, the writing of its record included:
//
//	go test ./ingest -run - -bench Call -benchmem
func BenchmarkCall(b *testing.B) {
	for _, c := range []struct {
		name   string
		stream bool
		bytes  int
	}{{"plain 1 KB", false, 1000}, {"plain 100 KB", false, 100_000}, {"stream of 50", true, 1000}} {
		b.Run(c.name, func(b *testing.B) {
			call := hotPath(b, c.stream, c.bytes)
			b.ReportAllocs()
			for b.Loop() {
				call()
			}
		})
	}
}

// TestCallAllocates bounds what a call costs the collector: what is above the bound was added, and should be wanted.
func TestCallAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates by itself")
	}
	for _, c := range []struct {
		name   string
		stream bool
		most   float64
	}{{"plain", false, 42}, {"stream of 50", true, 52}} {
		call := hotPath(t, c.stream, 1000)
		call() // pools are filled
		if got := testing.AllocsPerRun(300, call); got > c.most {
			t.Errorf("%s: %v allocations a call, want at most %v", c.name, got, c.most)
		}
	}
}
