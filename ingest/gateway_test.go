package ingest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/ingest/route"
	"github.com/weir-dev/weir/ingest/upstream"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// testKey opens the test gateway; its project is "p".
const testKey = "sk-weir-testtesttest-0123456789012345678901234567890123456789012"

// ring knows one key.
type ring account.Key

func (r ring) Open(_ context.Context, text string, _ time.Time) (account.Key, bool) {
	return account.Key(r), account.Key(r).Opens(text)
}

// memory remembers records and tells when one comes.
type memory struct {
	mu      sync.Mutex // guards records
	records []*trace.Record
	came    chan struct{}
	fail    error
}

func (m *memory) Record(r *trace.Record) error {
	if m.fail != nil {
		return m.fail
	}
	m.mu.Lock()
	m.records = append(m.records, r)
	m.mu.Unlock()
	m.came <- struct{}{}
	return nil
}

// rig is a gateway in front of one provider played by a handler.
type rig struct {
	*httptest.Server
	memory   *memory
	provider *httptest.Server
}

type rigOption func(*Config, *upstream.Config, *account.Key)

func newRig(t *testing.T, provider http.HandlerFunc, opts ...rigOption) *rig {
	t.Helper()
	up := httptest.NewServer(provider)
	t.Cleanup(up.Close)
	base, err := url.Parse(up.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	key := account.Key{ID: "testtesttest", Project: "p", Name: "k", Hash: sha256.Sum256([]byte(testKey))}
	upConfig := upstream.Config{Name: "openai", PriceAs: "openai", BaseURL: base, APIKey: account.NewSecret("sk-provider-canary")}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	config := Config{Log: log}
	for _, o := range opts {
		o(&config, &upConfig, &key)
	}
	sender := upstream.NewOpenAI(upConfig)
	t.Cleanup(sender.Close)
	table := route.NewTable([]route.Provider{{Name: "openai", PriceAs: "openai", Models: []string{"gpt-*", "text-embedding-*"}, Send: sender}}, nil)
	mem := &memory{came: make(chan struct{}, 100)}
	record := Record(route.Fallback(table, nil), RecordConfig{Book: price.Embedded, Recorder: mem, Log: log})
	config.Send, config.Refused, config.Keys = record, record.Refused, ring(key)
	srv := httptest.NewServer(New(config))
	t.Cleanup(srv.Close)
	return &rig{srv, mem, up}
}

func (r *rig) request(t *testing.T, method, path, body string, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

func (r *rig) do(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read answer: %v after %q", err, b)
	}
	return resp, string(b)
}

// record waits for the next record.
func (r *rig) record(t *testing.T) *trace.Record {
	t.Helper()
	select {
	case <-r.memory.came:
	case <-time.After(10 * time.Second):
		t.Fatal("no record came")
	}
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	return r.memory.records[len(r.memory.records)-1]
}

const plainAnswer = `{"id":"chatcmpl-1","object":"chat.completion","model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"Three."},"finish_reason":"stop"}],
"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":40},"completion_tokens_details":{"reasoning_tokens":5}}}`

func answerPlain(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Set-Cookie", "provider=1")
	w.Header().Set("X-Request-Id", "req_1")
	_, _ = io.WriteString(w, plainAnswer)
}

func TestAPlainCallIsRelayedMeteredPricedAndRecorded(t *testing.T) {
	var seen http.Header
	var sent []byte
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		seen, sent = req.Header.Clone(), must(io.ReadAll(req.Body))
		answerPlain(w, req)
	})
	body := `{ "model":"gpt-4o-mini", "unknown_field":{"a":[1,2]}, "messages":[{"role":"user","content":"How many?"}], "user":"u-body", "metadata":{"team":"a","n":3} }`
	resp, got := r.do(t, r.request(t, "POST", "/v1/chat/completions?x=1", body,
		"X-Weir-Session", "s1", "X-Weir-Tags", "env=prod, team=b", "Helicone-Property-Feature", "search",
		"Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "Cookie", "secret=1", "Accept-Encoding", "gzip"))

	if resp.StatusCode != 200 || got != plainAnswer {
		t.Fatalf("answer %d %q", resp.StatusCode, got)
	}
	if string(sent) != body {
		t.Errorf("the provider got %q, want the client's bytes", sent)
	}
	if auth := seen.Get("Authorization"); auth != "Bearer sk-provider-canary" {
		t.Errorf("Authorization upstream = %q", auth)
	}
	for _, name := range []string{"X-Weir-Session", "X-Weir-Tags", "Helicone-Property-Feature", "Cookie", "Traceparent", "Accept-Encoding"} {
		if v := seen.Get(name); v != "" {
			t.Errorf("header %s went upstream: %q", name, v)
		}
	}
	// 60 x 0.15 + 40 x 0.075 + 20 x 0.60 dollars per million tokens = 9 + 3 + 12 microdollars.
	want := map[string]string{
		"X-Weir-Cost-Usd": "0.000024000", "X-Weir-Provider": "openai", "X-Weir-Model": "gpt-4o-mini", "X-Weir-Attempts": "1", "X-Weir-Cache": "off",
		"X-Weir-Trace-Id": "4bf92f3577b34da6a3ce929d0e0e4736", "X-Request-Id": "req_1", "X-Content-Type-Options": "nosniff", "Set-Cookie": "", "Content-Type": "application/json",
	}
	for k, v := range want {
		if got := resp.Header.Get(k); got != v {
			t.Errorf("header %s = %q, want %q", k, got, v)
		}
	}
	s := r.record(t).Call
	if s.ID != resp.Header.Get("X-Weir-Call-Id") || s.ParentID != "00f067aa0ba902b7" || s.Project != "p" || s.Key != "k" || s.User != "u-body" || s.Session != "s1" {
		t.Errorf("attribution: %+v", s)
	}
	if diff := cmp.Diff(map[string]string{"env": "prod", "team": "b", "feature": "search", "n": "3"}, s.Tags); diff != "" {
		t.Errorf("tags (-want +got): %s", diff)
	}
	if diff := cmp.Diff(llm.Usage{InputUncached: 60, CacheRead: 40, OutputText: 15, Reasoning: 5}, s.Usage); diff != "" {
		t.Errorf("usage (-want +got): %s", diff)
	}
	if s.Cost != 24_000 || s.PriceStatus != price.Exact || s.Status != trace.StatusOK || s.Model != "gpt-4o-mini-2024-07-18" || s.ModelRequested != "gpt-4o-mini" ||
		s.UsageSource != llm.FromProvider || s.Endpoint != llm.ChatCompletions || s.Path != "/chat/completions" || s.TTFT != 0 || s.Duration <= 0 {
		t.Errorf("span: %+v", s)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// chunks of a stream as OpenAI sends them when usage was asked for.
var chunks = []string{
	"data: {\"id\":\"c\",\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
	"data: {\"id\":\"c\",\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"},\"finish_reason\":null}]}\n\n",
	"data: {\"id\":\"c\",\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" there\"},\"finish_reason\":\"stop\"}]}\n\n",
	"data: {\"id\":\"c\",\"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2,\"total_tokens\":12}}\n\n",
	"data: [DONE]\n\n",
}

func stream(w http.ResponseWriter, events ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		_, _ = io.WriteString(w, e)
		_ = http.NewResponseController(w).Flush()
	}
}

func TestUsageIsAskedForAndItsChunkHidden(t *testing.T) {
	var sent []byte
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		sent = must(io.ReadAll(req.Body))
		stream(w, chunks...)
	})
	resp, got := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini","stream":true,"messages":[]}`))
	if want := chunks[0] + chunks[1] + chunks[2] + chunks[4]; got != want {
		t.Errorf("relayed %q\nwant %q", got, want)
	}
	var asked struct {
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if err := json.Unmarshal(sent, &asked); err != nil || !asked.StreamOptions.IncludeUsage {
		t.Errorf("the provider was asked %s", sent)
	}
	if cost := resp.Trailer.Get("X-Weir-Cost-Usd"); cost != "0.000002700" { // 10 x 0.15 + 2 x 0.60
		t.Errorf("trailer X-Weir-Cost-USD = %q", cost)
	}
	rec := r.record(t)
	if s := rec.Call; s.Usage != (llm.Usage{InputUncached: 10, OutputText: 2}) || s.TTFT <= 0 || !s.Stream || s.Status != trace.StatusOK {
		t.Errorf("span: %+v", s)
	}
	if want := strings.Join(chunks, ""); string(rec.Body.Response) != want {
		t.Errorf("recorded body %q", rec.Body.Response)
	}
}

func TestAClientThatAsksForUsageGetsItsChunk(t *testing.T) {
	body := `{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[]}`
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		if sent := must(io.ReadAll(req.Body)); string(sent) != body {
			t.Errorf("the provider got %s", sent)
		}
		stream(w, chunks...)
	})
	if _, got := r.do(t, r.request(t, "POST", "/v1/chat/completions", body)); got != strings.Join(chunks, "") {
		t.Errorf("relayed %q", got)
	}
}

func TestEventsAreRelayedAtOnceAndTheLastOneAfterTheRecord(t *testing.T) {
	next := make(chan string)
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		for e := range next {
			stream(w, e)
		}
	})
	go func() { next <- chunks[0] }()
	resp, err := http.DefaultClient.Do(r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini","stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	read := func() string { return must(lines.ReadString('\n')) + must(lines.ReadString('\n')) }
	if got := read(); got != chunks[0] {
		t.Fatalf("first event %q", got)
	}
	next <- chunks[1] // the provider waits for us: the first event was not held back
	if got := read(); got != chunks[1] {
		t.Fatalf("second event %q", got)
	}
	r.memory.mu.Lock()
	early := len(r.memory.records)
	r.memory.mu.Unlock()
	if early != 0 {
		t.Fatal("recorded before the end")
	}
	next <- chunks[4]
	r.record(t) // there, though the provider has not closed yet and we have not read [DONE]
	if got := read(); got != chunks[4] {
		t.Fatalf("last event %q", got)
	}
	close(next)
}

func TestARecordThatCannotBeKeptLeavesNoCompleteAnswer(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) { stream(w, chunks...) })
	r.memory.fail = errors.New("disk full")
	resp, err := http.DefaultClient.Do(r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini","stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil || bytes.Contains(got, []byte("[DONE]")) {
		t.Errorf("the stream looks complete: %q, %v", got, err)
	}
}

func TestAClientThatLeavesStopsTheProviderAndIsCharged(t *testing.T) {
	gone := make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		stream(w, chunks[0], chunks[1])
		<-req.Context().Done()
		close(gone)
	})
	ctx, leave := context.WithCancel(t.Context())
	req := r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hi"}]}`)
	resp, err := http.DefaultClient.Do(req.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, len(chunks[0])+len(chunks[1]))); err != nil {
		t.Fatal(err)
	}
	leave()
	<-gone
	s := r.record(t).Call
	if s.Status != trace.StatusClientClosed || s.UsageSource != llm.Estimated || s.Usage.OutputText != 1 || s.Usage.InputUncached != 8 || s.Cost == 0 {
		t.Errorf("span: %+v", s)
	}
}

func TestAClientThatLeavesBeforeTheFirstByteIsChargedForItsPrompt(t *testing.T) {
	arrived := make(chan struct{})
	r := newRig(t, func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.ReadAll(req.Body)
		close(arrived)
		<-req.Context().Done()
	})
	ctx, leave := context.WithCancel(t.Context())
	req := r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}`)
	go func() {
		<-arrived
		leave()
	}()
	if resp, err := http.DefaultClient.Do(req.WithContext(ctx)); err == nil {
		resp.Body.Close()
		t.Fatal("got an answer")
	}
	s := r.record(t).Call
	if s.Status != trace.StatusClientClosed || s.UsageSource != llm.Estimated || s.Usage != (llm.Usage{InputUncached: 8}) || s.Cost == 0 {
		t.Errorf("span: %+v", s)
	}
}

func TestAStreamThatBreaksOffIsSeenBroken(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		stream(w, chunks[0], chunks[1])
		panic(http.ErrAbortHandler)
	})
	resp, err := http.DefaultClient.Do(r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini","stream":true,"messages":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err == nil || string(got) != chunks[0]+chunks[1] {
		t.Errorf("client saw %q, %v; want a broken stream", got, err)
	}
	s := r.record(t).Call
	if s.Status != trace.StatusError || s.ErrorCode != "stream_truncated" || s.UsageSource != llm.Estimated || s.Usage.OutputText != 1 {
		t.Errorf("span: %+v", s)
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t, answerPlain, func(c *Config, _ *upstream.Config, k *account.Key) {
		c.MaxBody = 1000
		k.Models = []string{"gpt-4o*", "nope"}
	})
	chat := "/v1/chat/completions"
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code                     llm.Code
		says                     string
		recorded                 bool
	}{
		{name: "no key", method: "POST", path: chat, body: "{}", header: []string{"Authorization", ""}, status: 401, code: llm.Unauthorized, says: "weir keys create"},
		{name: "wrong key", method: "POST", path: chat, body: "{}", header: []string{"Authorization", "Bearer " + testKey[:len(testKey)-1] + "x"}, status: 401, code: llm.Unauthorized, says: "unknown, revoked or expired"},
		{name: "a provider's key", method: "POST", path: chat, body: "{}", header: []string{"Authorization", "Bearer sk-proj-abc"}, status: 401, code: llm.Unauthorized},
		{name: "basic auth", method: "POST", path: chat, body: "{}", header: []string{"Authorization", "Basic eDp5"}, status: 401, code: llm.Unauthorized},
		{name: "broken JSON", method: "POST", path: chat, body: "{\"model\":\n oops}", status: 400, code: llm.InvalidRequest, says: "line 2", recorded: true},
		{name: "not an object", method: "POST", path: chat, body: `[1]`, status: 400, code: llm.InvalidRequest, says: "not a JSON object", recorded: true},
		{name: "empty body", method: "POST", path: chat, body: "", status: 400, code: llm.InvalidRequest, recorded: true},
		{name: "a key twice", method: "POST", path: chat, body: `{"model":"gpt-4o","mod\u0065l":"gpt-4o-mini"}`, status: 400, code: llm.InvalidRequest, says: `"model" twice`, recorded: true},
		{name: "no model", method: "POST", path: chat, body: `{"messages":[]}`, status: 400, code: llm.InvalidRequest, says: "names no model", recorded: true},
		{name: "model of the wrong type", method: "POST", path: chat, body: `{"model":7}`, status: 400, code: llm.InvalidRequest, says: "a string, not a number", recorded: true},
		{name: "stream of the wrong type", method: "POST", path: chat, body: `{"model":"gpt-4o","stream":"yes"}`, status: 400, code: llm.InvalidRequest, says: "true or false, not a string", recorded: true},
		{name: "unknown model", method: "POST", path: chat, body: `{"model":"nope"}`, status: 404, code: llm.ModelUnknown, says: `"nope"`, recorded: true},
		{name: "forbidden model", method: "POST", path: chat, body: `{"model":"gpt-3.5-turbo"}`, status: 403, code: llm.Forbidden, says: "gpt-4o*", recorded: true},
		{name: "wrong method", method: "GET", path: chat, status: 405, code: llm.MethodNotAllowed, says: "POST", recorded: true},
		{name: "too large", method: "POST", path: chat, body: `{"model":"` + strings.Repeat("x", 1000) + `"}`, status: 413, code: llm.BodyTooLarge, says: "1000 bytes", recorded: true},
		{name: "unmodelled path", method: "POST", path: "/v1/fine_tuning/jobs", body: `{}`, status: 403, code: llm.EndpointDenied, says: "--endpoint fine_tuning/jobs", recorded: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, body := r.do(t, r.request(t, c.method, c.path, c.body, c.header...))
			var got struct {
				Error struct{ Message, Type, Code string }
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("not the dialect's error: %s", body)
			}
			if resp.StatusCode != c.status || got.Error.Code != string(c.code) || !strings.Contains(got.Error.Message, c.says) || got.Error.Type == "" {
				t.Errorf("answer %d %s, want %d %s that says %q", resp.StatusCode, body, c.status, c.code, c.says)
			}
			if strings.Contains(body, "canary") || strings.Contains(body, testKey) || strings.Contains(body, "goroutine") {
				t.Errorf("the answer tells too much: %s", body)
			}
			if c.recorded {
				if s := r.record(t).Call; s.ErrorCode != string(c.code) || s.HTTPStatus != c.status || s.Project != "p" || s.Status != trace.StatusError {
					t.Errorf("record: %+v", s)
				}
			}
		})
	}
}

func TestAProvidersErrorPassesAsItCame(t *testing.T) {
	const refusal = `{"error":{"message":"Rate limit reached","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(429)
		_, _ = io.WriteString(w, refusal)
	})
	resp, body := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini"}`))
	if resp.StatusCode != 429 || body != refusal || resp.Header.Get("Retry-After") != "7" {
		t.Errorf("answer %d %s", resp.StatusCode, body)
	}
	want := &llm.Error{Type: "tokens", Message: "Rate limit reached", Status: 429, Retryable: true}
	s := r.record(t).Call
	if diff := cmp.Diff(want, s.Error); diff != "" || s.Status != trace.StatusError || s.UsageSource != llm.NoUsage || s.PriceStatus != price.Exact || s.Cost != 0 {
		t.Errorf("error (-want +got): %s\nspan: %+v", diff, s)
	}
}

func TestAProviderThatIsAway(t *testing.T) {
	r := newRig(t, answerPlain)
	r.provider.Close()
	resp, body := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini"}`))
	if resp.StatusCode != 502 || !strings.Contains(body, "weir_upstream_unavailable") || !strings.Contains(body, "base_url") {
		t.Errorf("answer %d %s", resp.StatusCode, body)
	}
	if s := r.record(t).Call; s.ErrorCode != "weir_upstream_unavailable" || s.Provider != "openai" || s.Attempts != 1 {
		t.Errorf("span: %+v", s)
	}
}

func TestTimeouts(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		if strings.Contains(string(must(io.ReadAll(req.Body))), "late") {
			stream(w, chunks[0])
		}
		select {
		case <-hang:
		case <-req.Context().Done():
		}
	}, func(_ *Config, u *upstream.Config, _ *account.Key) {
		u.FirstByteTimeout, u.IdleTimeout = 50*time.Millisecond, 50*time.Millisecond
	})
	resp, body := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini"}`))
	if resp.StatusCode != 504 || !strings.Contains(body, "weir_upstream_timeout") || !strings.Contains(body, "first_byte") {
		t.Errorf("no first byte: answer %d %s", resp.StatusCode, body)
	}
	r.record(t)
	late, err := http.DefaultClient.Do(r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini","stream":true,"user":"late"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer late.Body.Close()
	if _, err := io.ReadAll(late.Body); err == nil {
		t.Error("an idle stream ended as if it were complete")
	}
	if s := r.record(t).Call; s.Status != trace.StatusError || s.Error == nil || !strings.Contains(s.Error.Message, "timeouts.idle") {
		t.Errorf("span: %+v, error %+v", s, s.Error)
	}
}

func TestAServerThatRefusesStreamOptionsIsAskedOnceMoreWithout(t *testing.T) {
	asked := 0
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		asked++
		if bytes.Contains(must(io.ReadAll(req.Body)), []byte("stream_options")) {
			w.WriteHeader(422)
			_, _ = io.WriteString(w, `{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"]}]}`)
			return
		}
		stream(w, chunks[0], chunks[1], chunks[2], chunks[4])
	}, func(_ *Config, u *upstream.Config, _ *account.Key) { u.UncertainStreamOptions = true })
	for i, want := range []int{2, 3} { // the second call remembers
		resp, got := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini","stream":true,"messages":[]}`))
		if resp.StatusCode != 200 || !strings.HasSuffix(got, chunks[4]) || asked != want {
			t.Errorf("call %d: %d %q, the server was asked %d times, want %d", i, resp.StatusCode, got, asked, want)
		}
		if s := r.record(t).Call; s.UsageSource != llm.Estimated || s.Usage.OutputText != 2 {
			t.Errorf("span: %+v", s)
		}
	}
}

func TestPassthroughClientsBringTheirOwnKey(t *testing.T) {
	var auth string
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		auth = req.Header.Get("Authorization")
		answerPlain(w, req)
	}, func(c *Config, _ *upstream.Config, _ *account.Key) { c.Passthrough = true })
	resp, _ := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"gpt-4o-mini"}`, "Authorization", "Bearer sk-proj-own"))
	if resp.StatusCode != 200 || auth != "Bearer sk-proj-own" {
		t.Errorf("status %d, upstream %q", resp.StatusCode, auth)
	}
	if s := r.record(t).Call; s.Project != "passthrough" || s.KeyID != "" {
		t.Errorf("span: %+v", s)
	}
}

func TestAnAllowedUnmodelledEndpointPassesAndIsRecorded(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, req *http.Request) {
		_, _ = fmt.Fprintf(w, `{"path":%q}`, req.URL.Path)
	}, func(c *Config, _ *upstream.Config, k *account.Key) {
		k.Endpoints = []string{"moderations", "images/*"}
		c.ProjectProvider = func(string) (string, bool) { return "openai", true }
	})
	resp, body := r.do(t, r.request(t, "POST", "/v1/images/generations", `{"model":"gpt-image-1"}`))
	if resp.StatusCode != 200 || body != `{"path":"/v1/images/generations"}` {
		t.Errorf("answer %d %s", resp.StatusCode, body)
	}
	if s := r.record(t).Call; s.Endpoint != llm.Passthrough || s.Path != "/images/generations" || s.ModelRequested != "gpt-image-1" {
		t.Errorf("span: %+v", s)
	}
}

func TestALongPlainAnswerIsRelayedAndMetered(t *testing.T) {
	vectors := strings.Repeat("0.123456789,", 200_000)
	long := `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[` + vectors + `1]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":1000,"total_tokens":1000}}`
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, long)
	})
	resp, got := r.do(t, r.request(t, "POST", "/v1/embeddings", `{"model":"text-embedding-3-small","input":"x"}`))
	if got != long {
		t.Errorf("%d bytes relayed, want %d", len(got), len(long))
	}
	if cost := resp.Trailer.Get("X-Weir-Cost-Usd"); cost != "0.000020000" { // 1000 x 0.02 dollars per million
		t.Errorf("trailer X-Weir-Cost-USD = %q", cost)
	}
	if s := r.record(t).Call; s.Usage.InputUncached != 1000 || s.Status != trace.StatusOK {
		t.Errorf("span: %+v", s)
	}
}
