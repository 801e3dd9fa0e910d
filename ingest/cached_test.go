package ingest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/ingest/cache"
	"github.com/weir-dev/weir/ingest/route"
	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/ingest/upstream"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// cachedRig is a rig with a response cache, and its provider's calls counted.
func cachedRig(t *testing.T, provider http.HandlerFunc, opts ...rigOption) (*rig, *atomic.Int64) {
	t.Helper()
	calls := &atomic.Int64{}
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		calls.Add(1)
		provider(w, req)
	}, opts...)
	store := cache.NewMemory(0)
	t.Cleanup(func() { _ = store.Close() })
	gateway := r.Config.Handler.(*Gateway)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	record := gateway.cfg.Send.(*Recording)
	record.next = cache.Serve(record.next, cache.Config{Store: store, Log: log})
	return r, calls
}

const (
	coldChat   = `{"model":"gpt-4o-mini","temperature":0,"messages":[{"role":"user","content":"How many?"}]}`
	coldStream = `{"model":"gpt-4o-mini","temperature":0,"messages":[{"role":"user","content":"How many?"}],"stream":true}`
)

func TestAHitIsRecordedAsWhatItSaved(t *testing.T) {
	r, calls := cachedRig(t, answerPlain)
	resp, _ := r.do(t, r.request(t, "POST", "/v1/chat/completions", coldChat))
	first := r.record(t).Call
	if got := resp.Header.Get("X-Weir-Cache"); got != "miss" || first.Cache != trace.CacheMiss || first.Cost != 24_000 || first.Saved != 0 || first.Attempts != 1 {
		t.Errorf("the first call: header %q, %+v", got, first)
	}
	resp, got := r.do(t, r.request(t, "POST", "/v1/chat/completions", coldChat, "X-Weir-User", "another"))
	if resp.StatusCode != 200 || got != plainAnswer || calls.Load() != 1 {
		t.Errorf("answer %d %q after %d calls", resp.StatusCode, got, calls.Load())
	}
	for name, want := range map[string]string{
		"X-Weir-Cache": "hit", "X-Weir-Provider": "openai", "X-Weir-Model": "gpt-4o-mini", "X-Weir-Attempts": "0", "X-Weir-Cost-Usd": "0.000000000",
		"X-Request-Id": "", "Set-Cookie": "", "Age": "0", "Content-Type": "application/json", "Content-Length": fmt.Sprint(len(plainAnswer)),
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("header %s = %q, want %q", name, got, want)
		}
	}
	rec := r.record(t)
	s := rec.Call
	if s.Cache != trace.CacheHit || s.Cost != 0 || s.PriceStatus != price.Exact || s.Saved != 24_000 || s.Attempts != 0 || len(rec.Attempts) != 0 || s.User != "another" ||
		s.Provider != "openai" || s.Model != first.Model || s.ResponseID != first.ResponseID || s.Status != trace.StatusOK || s.Duration <= 0 || s.ID == first.ID {
		t.Errorf("span: %+v", s)
	}
	if diff := cmp.Diff(first.Usage, s.Usage); diff != "" || s.UsageSource != llm.FromProvider || s.UsageRaw != first.UsageRaw || string(rec.Body.Response) != plainAnswer {
		t.Errorf("usage (-first +hit): %s", diff)
	}
	resp, _ = r.do(t, r.request(t, "POST", "/v1/chat/completions", coldChat, "X-Weir-Cache", "off"))
	if s := r.record(t).Call; resp.Header.Get("X-Weir-Cache") != "off" || s.Cache != trace.CacheOff || s.Cost != 24_000 || calls.Load() != 2 {
		t.Errorf("off: header %q, %+v", resp.Header.Get("X-Weir-Cache"), s)
	}
	resp, got = r.do(t, r.request(t, "POST", "/v1/chat/completions", coldChat, "X-Weir-Cache", "sometimes"))
	if s := r.record(t).Call; resp.StatusCode != 400 || !strings.Contains(got, "weir_invalid_request") || !strings.Contains(got, "sometimes") || s.ErrorCode != "weir_invalid_request" {
		t.Errorf("a header that is none: %d %s, %+v", resp.StatusCode, got, s)
	}
}

const (
	chatBegin = `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":"Three."},"finish_reason":null}],"usage":null}` + "\n\n" +
		`data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}` + "\n\n"
	chatUsage = `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"completion_tokens_details":{"reasoning_tokens":5}}}` + "\n\n"
	chatDone  = "data: [DONE]\n\n"
)

func TestAStreamOutOfTheCache(t *testing.T) {
	r, calls := cachedRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, chatBegin+chatUsage+chatDone)
	})
	asked := strings.Replace(coldStream, `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1)
	for i, tt := range []struct{ body, use, want string }{
		{coldStream, "miss", chatBegin + chatDone}, // weir asked for usage, the client did not
		{coldStream, "hit", chatBegin + chatDone},
		{asked, "hit", chatBegin + chatUsage + chatDone},
	} {
		resp, got := r.do(t, r.request(t, "POST", "/v1/chat/completions", tt.body))
		s := r.record(t).Call
		if got != tt.want || resp.Header.Get("X-Weir-Cache") != tt.use || string(s.Cache) != tt.use || s.Usage.Reasoning != 5 || s.Usage.OutputText != 15 || s.TTFT <= 0 {
			t.Errorf("call %d: cache %q, %q, %+v", i+1, resp.Header.Get("X-Weir-Cache"), got, s)
		}
		if hit := tt.use == "hit"; hit && (s.Cost != 0 || s.Saved != 27_000 || resp.Trailer.Get("X-Weir-Cost-Usd") != "0.000000000") || !hit && s.Cost != 27_000 {
			t.Errorf("call %d: cost %v, saved %v, trailer %v", i+1, s.Cost, s.Saved, resp.Trailer)
		}
	}
	resp, got := r.do(t, r.request(t, "POST", "/v1/chat/completions", coldChat))
	s := r.record(t).Call
	if resp.Header.Get("X-Weir-Cache") != "hit" || !strings.Contains(got, `"content":"Three."`) || !strings.Contains(got, `"reasoning_tokens":5`) || s.Saved != 27_000 || s.Stream || calls.Load() != 1 {
		t.Errorf("as a plain answer: %q %+v after %d calls", got, s, calls.Load())
	}
}

func TestARateLimitIsNotRepeated(t *testing.T) {
	r, calls := cachedRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"message":"slow down","type":"rate_limit_exceeded"}}`)
	})
	for i := range 2 {
		resp, _ := r.do(t, r.request(t, "POST", "/v1/chat/completions", coldChat))
		if s := r.record(t).Call; resp.StatusCode != 429 || resp.Header.Get("X-Weir-Cache") != "miss" || calls.Load() != int64(i+1) || s.Saved != 0 {
			t.Errorf("call %d: %d, %d calls, %+v", i+1, resp.StatusCode, calls.Load(), s)
		}
	}
}

func TestEqualRequestsAtOnceCostOneCall(t *testing.T) {
	const n = 50
	arrived := make(chan struct{}, n)
	let := make(chan struct{})
	r, calls := cachedRig(t, func(w http.ResponseWriter, req *http.Request) {
		<-let
		answerPlain(w, req)
	})
	record := r.Config.Handler.(*Gateway).cfg.Send.(*Recording)
	record.cfg.Admit = func(*llm.Call) error { arrived <- struct{}{}; return nil }
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, got := r.do(t, r.request(t, "POST", "/v1/chat/completions", coldChat)); got != plainAnswer {
				t.Errorf("answer %q", got)
			}
		})
	}
	for range n {
		<-arrived
	}
	close(let)
	wg.Wait()
	var cost, saved price.USD
	for range n {
		<-r.memory.came
	}
	for _, rec := range r.memory.records {
		cost += rec.Call.Cost
		saved += rec.Call.Saved
	}
	if calls.Load() != 1 || cost != 24_000 || saved != 24_000*(n-1) {
		t.Errorf("%d calls upstream; cost %v, saved %v", calls.Load(), cost, saved)
	}
}

func TestAClientsOwnKeySharesNothing(t *testing.T) {
	r, calls := cachedRig(t, answerPlain, func(c *Config, _ *upstream.Config, _ *account.Key) { c.Passthrough = true })
	for range 2 {
		req := r.request(t, "POST", "/v1/chat/completions", coldChat, "Authorization", "Bearer sk-mine", "X-Weir-Cache", "read")
		resp, _ := r.do(t, req)
		if r.record(t); resp.Header.Get("X-Weir-Cache") != "off" {
			t.Errorf("cache %q", resp.Header.Get("X-Weir-Cache"))
		}
	}
	if calls.Load() != 2 {
		t.Errorf("%d calls", calls.Load())
	}
}

// BenchmarkHit measures a hit as its client does: over HTTP, with the record written to the spool.
func BenchmarkHit(b *testing.B) {
	disk, err := spool.Open(spool.Config{Dir: b.TempDir(), Writer: silent{}})
	if err != nil {
		b.Fatal(err)
	}
	defer disk.Close()
	store := cache.NewMemory(0)
	defer store.Close()
	key := account.Key{ID: "testtesttest", Project: "p", Name: "k", Hash: sha256.Sum256([]byte(testKey))}
	log := slog.New(slog.DiscardHandler)
	table := route.NewTable([]route.Provider{{Name: "openai", PriceAs: "openai", Models: []string{"gpt-*"}, Send: llm.SenderFunc(quickProvider)}}, nil)
	record := Record(cache.Serve(route.Fallback(table, nil), cache.Config{Store: store, Log: log}), RecordConfig{Book: price.Embedded, Recorder: disk, Log: log})
	srv := httptest.NewServer(New(Config{Send: record, Refused: record.Refused, Keys: ring(key), Log: log}))
	defer srv.Close()
	body := strings.Replace(coldChat, "How many?", strings.Repeat("How many weirs? ", 60), 1)
	ask := func() string {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, srv.URL+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+testKey)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			b.Fatal(err)
		}
		return resp.Header.Get("X-Weir-Cache")
	}
	if use := ask(); use != "miss" {
		b.Fatalf("the first answer: cache %q", use)
	}
	var took []time.Duration
	b.ReportAllocs()
	for b.Loop() {
		from := time.Now()
		if use := ask(); use != "hit" {
			b.Fatalf("cache %q", use)
		}
		took = append(took, time.Since(from))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
}
