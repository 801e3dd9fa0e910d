package upstream

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

const transcripts = "../../llm/testdata/wire/transcripts/"

// transcript is a recorded answer and what must be read out of it; llm's own tests read all of it.
type transcript struct {
	name          string
	request, body []byte
	Provider      string            `json:"provider"`
	Stream        bool              `json:"stream"`
	Model         *string           `json:"model_response"`
	Text          string            `json:"text"`
	FinishReasons []*string         `json:"finish_reasons"`
	Usage         map[string]*int64 `json:"usage"`
	UsageSource   string            `json:"usage_source"`
	Error         *llm.Error        `json:"error"`
	ToolCalls     []struct {
		ID              *string
		Name, Arguments string
	} `json:"tool_calls"`
	Extra struct {
		HTTP struct {
			Path    string            `json:"path"`
			Status  int               `json:"status"`
			Headers map[string]string `json:"headers"`
		} `json:"http"`
		Abort         bool   `json:"abort"`
		SplitAt       []int  `json:"split_at"`
		ReasoningText string `json:"reasoning_text"`
	} `json:"extra"`
}

func readTranscripts(t *testing.T, pattern string) (all []transcript) {
	t.Helper()
	files, err := filepath.Glob(transcripts + pattern + ".expect.json")
	check(t, err)
	if len(files) == 0 {
		t.Fatalf("no transcripts %s", pattern)
	}
	for _, file := range files {
		stem := strings.TrimSuffix(file, ".expect.json")
		c := transcript{name: filepath.Base(stem)}
		text, err := os.ReadFile(file)
		check(t, err)
		check(t, json.Unmarshal(text, &c))
		c.request, err = os.ReadFile(stem + ".request.json")
		check(t, err)
		suffix := ".response.json"
		if c.Stream {
			suffix = ".response.sse"
		}
		c.body, err = os.ReadFile(stem + suffix)
		check(t, err)
		all = append(all, c)
	}
	return all
}

// serve answers as the transcript says, flushed where it says or, with byByte, after every byte.
func (c transcript) serve(byByte bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range c.Extra.HTTP.Headers {
			w.Header().Set(k, v)
		}
		w.WriteHeader(c.Extra.HTTP.Status)
		cuts := c.Extra.SplitAt
		if byByte {
			cuts = nil
			for i := range c.body {
				cuts = append(cuts, i)
			}
		}
		from := 0
		for _, to := range append(cuts, len(c.body)) {
			_, _ = w.Write(c.body[from:to])
			_ = http.NewResponseController(w).Flush()
			from = to
		}
		if c.Extra.Abort {
			panic(http.ErrAbortHandler)
		}
	}
}

// compare holds what was metered against what must be recorded.
func (c transcript) compare(t *testing.T, got llm.Outcome) {
	t.Helper()
	n := func(name string) int64 {
		if v := c.Usage[name]; v != nil {
			return *v
		}
		return 0
	}
	want := llm.Usage{
		InputUncached: n("input_uncached"), CacheRead: n("cache_read"), CacheWrite5m: n("cache_write_5m"), CacheWrite1h: n("cache_write_1h"),
		InputAudio: n("input_audio"), OutputText: n("output_text"), Reasoning: n("reasoning"), OutputAudio: n("output_audio"),
	}
	if d := cmp.Diff(want, got.Usage); d != "" {
		t.Errorf("usage (-want +got):\n%s", d)
	}
	if string(got.Source) != c.UsageSource {
		t.Errorf("usage source %s, want %s", got.Source, c.UsageSource)
	}
	if c.Model != nil && got.Model != *c.Model {
		t.Errorf("model %q, want %q", got.Model, *c.Model)
	}
	if d := cmp.Diff(c.Error, got.Err, cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".Message" && c.Error.Message == ""
	}, cmp.Ignore())); d != "" {
		t.Errorf("error (-want +got):\n%s", d)
	}
	var finish []string
	for _, f := range c.FinishReasons {
		if f == nil {
			finish = append(finish, "")
		} else {
			finish = append(finish, *f)
		}
	}
	if d := cmp.Diff(finish, got.FinishReasons); d != "" {
		t.Errorf("finish reasons (-want +got):\n%s", d)
	}
}

// reread meters a body as the client got it, in its own dialect.
func reread(resp *llm.Response, endpoint llm.Endpoint, path string, body []byte, cut bool) llm.Outcome {
	m := llm.NewMeter(llm.MeterConfig{Endpoint: endpoint, Path: path, Dialect: resp.Dialect, Quirks: resp.Quirks, Stream: resp.Stream, Status: resp.Status, Header: resp.Header})
	if !resp.Stream {
		m.Body(body)
		return m.End(cut)
	}
	var s llm.Splitter
	s.Write(body)
	for ev, ok := s.Next(); ok; ev, ok = s.Next() {
		m.Event(ev)
	}
	if ev, ok := s.Finish(); ok {
		m.Event(ev)
	}
	return m.End(cut)
}

// TestNativeTranscripts: what is not translated goes through byte for byte, both ways.
func TestNativeTranscripts(t *testing.T) {
	for _, c := range append(readTranscripts(t, "anthropic-*"), readTranscripts(t, "azure-*")...) {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t, c.serve(false))
			call := chatCall("chat-prod", string(c.request))
			var s llm.Sender
			if c.Provider == "anthropic" {
				call.Endpoint, call.Dialect, call.Path, call.AskedUsage = llm.Messages, llm.Anthropic, "/messages", true
				s = closed(t, NewAnthropic(p.config(t, "anthropic", "/v1")))
			} else {
				s = closed(t, NewAzure(p.config(t, "azure", "")))
			}
			resp, err := s.Send(t.Context(), call)
			check(t, err)
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if (err != nil) != c.Extra.Abort {
				t.Errorf("read: %v, the transcript aborts: %v", err, c.Extra.Abort)
			}
			if !bytes.Equal(got, c.body) || resp.Status != c.Extra.HTTP.Status {
				t.Errorf("status %d, %d bytes; want %d, %d bytes as they came", resp.Status, len(got), c.Extra.HTTP.Status, len(c.body))
			}
			if !bytes.Equal(p.body, c.request) {
				t.Errorf("the provider got %q, want the client's bytes", p.body)
			}
			if at := p.asked.URL.RequestURI(); at != c.Extra.HTTP.Path {
				t.Errorf("asked at %s, want %s", at, c.Extra.HTTP.Path)
			}
			if resp.Outcome != nil || resp.UsageAsked {
				t.Error("a native answer is metered by whoever relays it, and weir asked for nothing")
			}
			c.compare(t, reread(resp, call.Endpoint, call.Path, got, err != nil))
		})
	}
}

// TestTranslatedTranscripts: the provider's own usage is kept, and the client gets the same answer in OpenAI's form,
// however the bytes arrive.
func TestTranslatedTranscripts(t *testing.T) {
	for _, c := range append(readTranscripts(t, "anthropic-*"), readTranscripts(t, "gemini-*")...) {
		for _, byByte := range []bool{false, true} {
			if byByte && !c.Stream {
				continue
			}
			name := c.name
			if byByte {
				name += " byte by byte"
			}
			t.Run(name, func(t *testing.T) { c.translate(t, byByte) })
		}
	}
}

func (c transcript) translate(t *testing.T, byByte bool) {
	p := newProvider(t, c.serve(byByte))
	model, body := "claude-sonnet-4-5", `{"model":"x","messages":[{"role":"user","content":"Hi"}]}`
	if c.Stream {
		body = `{"model":"x","messages":[{"role":"user","content":"Hi"}],"stream":true,"stream_options":{"include_usage":true}}`
	}
	var s llm.Sender = closed(t, NewAnthropic(p.config(t, "anthropic", "/v1")))
	if c.Provider == "gemini" {
		model = "gemini-2.5-flash"
		s = closed(t, NewGemini(p.config(t, "gemini", "/v1beta")))
	}
	call := chatCall(model, body)
	resp, err := s.Send(t.Context(), call)
	check(t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	truncated := c.Error != nil && c.Error.Type == "stream_truncated"
	if (err != nil) != truncated {
		t.Errorf("read: %v, the transcript is truncated: %v", err, truncated)
	}
	if at := p.asked.URL.RequestURI(); at != c.Extra.HTTP.Path {
		t.Errorf("asked at %s, want %s", at, c.Extra.HTTP.Path)
	}
	if resp.Status != c.Extra.HTTP.Status || resp.Dialect != llm.OpenAI || resp.Stream != c.Stream {
		t.Errorf("status %d, dialect %s, stream %v", resp.Status, resp.Dialect, resp.Stream)
	}
	out := resp.Outcome(err != nil)
	c.compare(t, out)
	if again := resp.Outcome(false); !cmp.Equal(out, again) {
		t.Errorf("asked twice, the outcome is another: %+v", again)
	}
	if c.Error == nil {
		seen := reread(resp, call.Endpoint, call.Path, got, false)
		if seen.Usage.Input() != out.Usage.Input() || seen.Usage.Output() != out.Usage.Output() || seen.Usage.CacheRead != out.Usage.CacheRead || seen.Usage.Reasoning != out.Usage.Reasoning {
			t.Errorf("the client reads usage %+v, the provider said %+v", seen.Usage, out.Usage)
		}
		if d := cmp.Diff(out.FinishReasons, seen.FinishReasons); d != "" {
			t.Errorf("finish reasons (-provider's +client's):\n%s", d)
		}
	} else if !truncated {
		if seen := reread(resp, call.Endpoint, call.Path, got, false); !cmp.Equal(seen.Err, out.Err) {
			t.Errorf("the client reads error %+v, the provider said %+v", seen.Err, out.Err)
		}
	}
	a := llm.Assemble(call.Endpoint, resp.Dialect, resp.Stream, got)
	text := ""
	if len(a.Texts) > 0 {
		text = a.Texts[0]
	}
	if text != c.Text || a.Reasoning != c.Extra.ReasoningText {
		t.Errorf("text %q, reasoning %q; want %q, %q", text, a.Reasoning, c.Text, c.Extra.ReasoningText)
	}
	if len(a.ToolCalls) != len(c.ToolCalls) {
		t.Fatalf("%d tool calls, want %d", len(a.ToolCalls), len(c.ToolCalls))
	}
	for i, w := range c.ToolCalls {
		g := a.ToolCalls[i]
		if g.Name != w.Name || w.ID != nil && g.ID != *w.ID || g.ID == "" || canonical(t, g.Arguments) != canonical(t, w.Arguments) {
			t.Errorf("tool call %+v, want %+v", g, w)
		}
	}
}

func canonical(t *testing.T, s string) string {
	t.Helper()
	var v any
	check(t, json.Unmarshal([]byte(s), &v))
	b, err := json.Marshal(v)
	check(t, err)
	return string(b)
}
