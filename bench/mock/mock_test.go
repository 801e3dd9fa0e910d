package mock

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// start runs a mock and returns its base URL. Go's own client reads it: a second opinion on the wire format.
func start(t *testing.T, s Settings) (*Server, string) {
	t.Helper()
	m, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Serve(l) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		l.Close()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return m, "http://" + l.Addr().String()
}

func post(t *testing.T, url string, body io.Reader) (*http.Response, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

const nonce = "nonce=00000000000abc12"

type completion struct {
	Model   string
	Choices []struct {
		Message, Delta struct{ Content string }
	}
	Usage *struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
		TotalTokens      int `json:"total_tokens"`
	}
}

func TestChat(t *testing.T) {
	s := Default()
	s.ReplyBytes = 1000
	m, base := start(t, s)
	request := `{"model":"gpt-4o","messages":[{"role":"user","content":"hello ` + nonce + `"}]}`
	for name, body := range map[string]io.Reader{"with a length": strings.NewReader(request), "in chunks": io.MultiReader(strings.NewReader(request))} {
		resp, text := post(t, base+"/v1/chat/completions", body)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("%s: got %d %s", name, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
		var got completion
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v in %s", name, err, text)
		}
		content := got.Choices[0].Message.Content
		if !strings.HasPrefix(content, nonce+" lorem") || len(content) != len(nonce)+1+1000 {
			t.Errorf("%s: got content of %d bytes, %.60q", name, len(content), content)
		}
		if got.Model != "gpt-4o" || got.Usage.PromptTokens != len(request)/4+1 || got.Usage.CompletionTokens != 250 ||
			got.Usage.TotalTokens != got.Usage.PromptTokens+250 {
			t.Errorf("%s: got model %s, usage %+v", name, got.Model, got.Usage)
		}
	}
	if got, want := m.Stats().Requests, int64(2); got != want {
		t.Errorf("got %d requests, want %d", got, want)
	}
}

func TestStream(t *testing.T) {
	s := Default()
	s.Chunks, s.First, s.Inter = 7, 10*time.Millisecond, 2*time.Millisecond
	m, base := start(t, s)
	begun := time.Now()
	resp, text := post(t, base+"/v1/chat/completions",
		strings.NewReader(`{"model":"gpt-4o","messages":[{"content":"`+nonce+`"}],"stream":true,"stream_options":{"include_usage":true}}`))
	if took, want := time.Since(begun), 22*time.Millisecond; took < want-time.Millisecond {
		t.Errorf("the stream took %v, want at least %v", took, want)
	}
	if got, want := resp.Header.Get("Content-Type"), "text/event-stream"; got != want {
		t.Errorf("got type %s, want %s", got, want)
	}
	var events, usages int
	var content string
	lines := bufio.NewScanner(strings.NewReader(text))
	last := ""
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		events++
		if last = data; data == "[DONE]" {
			break
		}
		var c completion
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		for _, choice := range c.Choices {
			content += choice.Delta.Content
		}
		if c.Usage != nil {
			usages++
			if got, want := c.Usage.CompletionTokens, 7*5; got != want {
				t.Errorf("got %d tokens, want %d", got, want)
			}
		}
	}
	if events != 7+3 || usages != 1 || last != "[DONE]" {
		t.Errorf("got %d events, %d with usage, the last %q; want 10, 1, [DONE]", events, usages, last)
	}
	if got, want := len(content), len(nonce)+6*20; got != want || !strings.HasPrefix(content, nonce) {
		t.Errorf("got %d bytes of content, want %d: %.60q", got, want, content)
	}
	_, text = post(t, base+"/v1/chat/completions", strings.NewReader(`{"stream":true,"messages":[]}`))
	if strings.Contains(text, "usage") || strings.Count(text, "data: ") != 9 {
		t.Errorf("usage was not asked for, got\n%s", text)
	}
	if got, want := m.Stats(), (Stats{Requests: 2, Streams: 2, Connections: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEmbeddings(t *testing.T) {
	_, base := start(t, Default())
	_, text := post(t, base+"/v1/embeddings", strings.NewReader(`{"model":"text-embedding-3-small","input":"`+nonce+`"}`))
	var got struct {
		Data []struct{ Embedding []float64 }
		Echo string
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Data[0].Embedding) != 256 || got.Echo != nonce {
		t.Errorf("got %d dimensions and echo %q", len(got.Data[0].Embedding), got.Echo)
	}
}

func TestControl(t *testing.T) {
	m, base := start(t, Default())
	resp, text := post(t, base+ControlPath, strings.NewReader(`{"latency_ns":5000000,"chunks":3}`))
	if resp.StatusCode != 200 {
		t.Fatalf("got %d: %s", resp.StatusCode, text)
	}
	want := Default()
	want.Latency, want.Chunks = 5*time.Millisecond, 3
	if diff := cmp.Diff(m.set.Load().Settings, want); diff != "" {
		t.Errorf("settings (-got +want):\n%s", diff)
	}
	for _, bad := range []string{`{"chunks":0}`, `{"reply_bytes":-1}`, `{"chunk_bytes":2000000}`, `{"first_ns":-1}`, `{"max_body_bytes":0}`, `no JSON`} {
		if resp, _ := post(t, base+ControlPath, strings.NewReader(bad)); resp.StatusCode != 400 {
			t.Errorf("%s: got %d, want 400", bad, resp.StatusCode)
		}
	}
	if diff := cmp.Diff(m.set.Load().Settings, want); diff != "" {
		t.Errorf("refused settings changed something (-got +want):\n%s", diff)
	}
	for _, path := range []string{"/nothing", "/v1/other"} {
		if resp, _ := post(t, base+path, strings.NewReader("{}")); resp.StatusCode != 404 {
			t.Errorf("%s: got %d, want 404", path, resp.StatusCode)
		}
	}
}
