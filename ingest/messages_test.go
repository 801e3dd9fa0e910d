package ingest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

func TestAnAnthropicClient(t *testing.T) {
	answer := `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"Yes."}],"stop_reason":"end_turn","usage":` + cachedUsage + `}`
	var path, version, sent string
	r := newTranslatingRig(t, func(w http.ResponseWriter, req *http.Request) {
		path, version, sent = req.URL.RequestURI(), req.Header.Get("Anthropic-Version"), string(must(io.ReadAll(req.Body)))
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(path, "count_tokens") {
			_, _ = io.WriteString(w, `{"input_tokens":14}`)
			return
		}
		_, _ = io.WriteString(w, answer)
	})
	ask := func(path, body, key string) (*http.Response, string) {
		req := r.request(t, "POST", path, body, "X-Api-Key", key, "Anthropic-Version", "2023-06-01")
		req.Header.Del("Authorization")
		return r.do(t, req)
	}
	body := `{"model":"claude-sonnet-4-5", "max_tokens":10,"messages":[{"role":"user","content":"Hi"}],"metadata":{"user_id":"ann"}}`
	resp, got := ask("/v1/messages?beta=true", body, testKey)
	if resp.StatusCode != 200 || got != answer || sent != body || path != "/v1/messages?beta=true" || version != "2023-06-01" {
		t.Errorf("answer %d %s; sent %s to %s", resp.StatusCode, got, sent, path)
	}
	s := r.record(t).Call
	if d := cmp.Diff(cachedBuckets, s.Usage); d != "" || s.User != "ann" || s.Endpoint != llm.Messages || resp.Header.Get(costHeader) != "0.002040000" {
		t.Errorf("span %+v\n%s", s, d)
	}
	resp, got = ask("/v1/messages/count_tokens", body, testKey)
	if s := r.record(t).Call; resp.StatusCode != 200 || got != `{"input_tokens":14}` || s.Usage != (llm.Usage{}) || s.UsageSource != llm.NoUsage || resp.Header.Get(costHeader) != "0.000000000" {
		t.Errorf("answer %d %s, cost %q, span %+v", resp.StatusCode, got, resp.Header.Get(costHeader), s)
	}
	for _, c := range []struct{ body, key, want string }{
		{body, "nix", `"type":"authentication_error"`},
		{`{"max_tokens":1}`, testKey, `"type":"invalid_request_error"`},
		{strings.Replace(body, "claude", "gpt", 1), testKey, `"type":"not_found_error"`},
	} {
		resp, got := ask("/v1/messages", c.body, c.key)
		if resp.StatusCode < 400 || !strings.Contains(got, c.want) || !strings.Contains(got, `"type":"error"`) {
			t.Errorf("%d %s, want %s", resp.StatusCode, got, c.want)
		}
	}
}

func TestDroppedMembersAreTold(t *testing.T) {
	r := newTranslatingRig(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`)
	})
	resp, _ := r.do(t, r.request(t, "POST", "/v1/chat/completions", `{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"Hi"}],"seed":1,"frequency_penalty":1}`))
	if got := resp.Header.Get("X-Weir-Dropped"); got != "seed,frequency_penalty" {
		t.Errorf("X-Weir-Dropped %q", got)
	}
}
