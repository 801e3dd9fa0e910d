package ingest

import (
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/ingest/route"
	"github.com/weir-dev/weir/ingest/upstream"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// newTranslatingRig is a gateway for OpenAI's clients in front of a fake Anthropic.
func newTranslatingRig(t *testing.T, provider http.HandlerFunc) *rig {
	t.Helper()
	up := httptest.NewServer(provider)
	t.Cleanup(up.Close)
	base, err := url.Parse(up.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	sender := upstream.NewAnthropic(upstream.Config{Name: "anthropic", PriceAs: "anthropic", BaseURL: base, APIKey: account.NewSecret("sk-ant-canary")})
	t.Cleanup(sender.Close)
	table := route.NewTable([]route.Provider{{Name: "anthropic", PriceAs: "anthropic", Models: []string{"claude-*"}, Send: sender}}, nil)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	mem := &memory{came: make(chan struct{}, 100)}
	record := Record(route.Fallback(table, nil), RecordConfig{Book: price.Embedded, Recorder: mem, Log: log})
	key := account.Key{ID: "testtesttest", Project: "p", Name: "k", Hash: sha256.Sum256([]byte(testKey))}
	srv := httptest.NewServer(New(Config{Send: record, Refused: record.Refused, Keys: ring(key), Log: log}))
	t.Cleanup(srv.Close)
	return &rig{srv, mem, up}
}

// cachedUsage costs, at 3 dollars per million tokens in and 15 out, 20 x 3 + 100 x 3.75 + 200 x 6 + 1000 x 0.30 + 7 x 15
// = 2040 microdollars. OpenAI's form of it would not tell the two kinds of cache writes apart.
const cachedUsage = `{"input_tokens":20,"cache_creation_input_tokens":300,"cache_read_input_tokens":1000,"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":200},"output_tokens":7}`

var cachedBuckets = llm.Usage{InputUncached: 20, CacheRead: 1000, CacheWrite5m: 100, CacheWrite1h: 200, OutputText: 7}

func TestATranslatedAnswerIsMeteredInTheProvidersOwnForm(t *testing.T) {
	r := newTranslatingRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"Yes."}],"stop_reason":"end_turn","usage":`+cachedUsage+`}`)
	})
	resp, body := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hi"}]}`))
	if resp.StatusCode != 200 || !strings.Contains(body, `"prompt_tokens":1320`) {
		t.Fatalf("answer %d %s", resp.StatusCode, body)
	}
	if cost := resp.Header.Get(costHeader); cost != "0.002040000" {
		t.Errorf("cost %s", cost)
	}
	s := r.record(t).Call
	if d := cmp.Diff(cachedBuckets, s.Usage); d != "" || s.UsageRaw != cachedUsage || s.Status != trace.StatusOK || s.ResponseID != "msg_1" {
		t.Errorf("span %+v (-want +got):\n%s", s, d)
	}
}

func TestATranslatedStreamIsMeteredInTheProvidersOwnForm(t *testing.T) {
	r := newTranslatingRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, data := range []string{
			`{"type":"message_start","message":{"id":"msg_1","model":"claude-sonnet-4-5-20250929","content":[],"usage":` + strings.Replace(cachedUsage, `:7}`, `:1}`, 1) + `}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Yes."}}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}`,
			`{"type":"message_stop"}`,
		} {
			_, _ = io.WriteString(w, "data: "+data+"\n\n")
		}
	})
	resp, body := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hi"}],"stream":true}`))
	if resp.StatusCode != 200 || !strings.Contains(body, `"content":"Yes."`) || !strings.HasSuffix(body, "data: [DONE]\n\n") || strings.Contains(body, "prompt_tokens") {
		t.Fatalf("answer %d %s", resp.StatusCode, body)
	}
	if cost := resp.Trailer.Get(costHeader); cost != "0.002040000" {
		t.Errorf("cost %s", cost)
	}
	s := r.record(t).Call
	if d := cmp.Diff(cachedBuckets, s.Usage); d != "" || s.UsageSource != llm.FromProvider || s.TTFT == 0 || s.Status != trace.StatusOK {
		t.Errorf("span %+v (-want +got):\n%s", s, d)
	}
}

// TestATranslatedStreamThatFails: the client is told in its own form, the record in the provider's words, and the output
// is counted in what the client was given.
func TestATranslatedStreamThatFails(t *testing.T) {
	r := newTranslatingRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, data := range []string{
			`{"type":"message_start","message":{"id":"msg_1","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"One two three"}}`,
			`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`,
		} {
			_, _ = io.WriteString(w, "data: "+data+"\n\n")
		}
	})
	_, body := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hi"}],"stream":true}`))
	if !strings.HasSuffix(body, `data: {"error":{"message":"Overloaded","type":"overloaded_error","param":null,"code":"overloaded_error"}}`+"\n\n") {
		t.Errorf("answer %s", body)
	}
	s := r.record(t).Call
	if s.Status != trace.StatusError || s.ErrorCode != "overloaded_error" || s.Error == nil || s.Error.Status != 529 ||
		s.Usage.InputUncached != 9 || s.Usage.OutputText != 3 || s.UsageSource != llm.Estimated {
		t.Errorf("span %+v, error %+v", s, s.Error)
	}
}

func TestWhatCannotBeTranslatedIsRefused(t *testing.T) {
	asked := false
	r := newTranslatingRig(t, func(http.ResponseWriter, *http.Request) { asked = true })
	resp, body := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hi"}],"n":3}`))
	if resp.StatusCode != 400 || !strings.Contains(body, "weir_invalid_request") || !strings.Contains(body, `"param":"n"`) || asked {
		t.Errorf("answer %d %s, asked %v", resp.StatusCode, body, asked)
	}
	if s := r.record(t).Call; s.ErrorCode != "weir_invalid_request" || s.UsageSource != llm.NoUsage {
		t.Errorf("span %+v", s)
	}
}
