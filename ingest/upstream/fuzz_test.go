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

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/weir-dev/weir/llm"
)

// seeds adds the parts of that name of every golden case of a provider.
func seeds(f *testing.F, provider, part string) {
	f.Helper()
	files, err := filepath.Glob("testdata/translate/" + provider + "-*.txtar")
	check(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		check(f, err)
		for _, p := range txtar.Parse(text).Files {
			if name, _, _ := strings.Cut(p.Name, " "); name == part {
				f.Add(p.Data)
			}
		}
	}
}

func fuzzRequest(f *testing.F, provider, model string, translate func(string, *llm.Call) ([]byte, []string, *llm.Fault)) {
	f.Helper()
	seeds(f, provider, "request")
	f.Fuzz(func(t *testing.T, body []byte) {
		got, _, fault := translate(provider, chatCall(model, string(body)))
		if fault == nil && !json.Valid(got) {
			t.Errorf("%s\nbecame\n%s\nwhich is no JSON", body, got)
		}
		if fault != nil && fault.Code != llm.InvalidRequest {
			t.Errorf("refused with %v", fault)
		}
	})
}

func FuzzToAnthropic(f *testing.F) { fuzzRequest(f, "anthropic", "claude-sonnet-4-5", toAnthropic) }
func FuzzToGemini(f *testing.F)    { fuzzRequest(f, "gemini", "gemini-2.5-pro", toGemini) }

func fuzzAnswer(f *testing.F, provider string, d llm.Dialect, make func(*llm.Call) translator) {
	f.Helper()
	seeds(f, provider, "answer")
	l := &link{cfg: Config{Name: provider}}
	f.Fuzz(func(t *testing.T, body []byte) {
		call := chatCall("m", `{"stream_options":{"include_usage":true}}`)
		for _, stream := range []bool{false, true} {
			resp := &llm.Response{Status: 200, Header: http.Header{}, Stream: stream, Body: io.NopCloser(bytes.NewReader(body))}
			resp, err := l.translated(call, resp, d, make(call))
			if err != nil {
				continue
			}
			got, err := io.ReadAll(resp.Body)
			if !stream {
				if err != nil || !json.Valid(got) {
					t.Errorf("plain: %v\n%s", err, got)
				}
				continue
			}
			var s llm.Splitter
			s.Write(got)
			done := false
			for ev, ok := s.Next(); ok; ev, ok = s.Next() {
				if done = string(ev.Data) == "[DONE]"; !done && len(ev.Data) > 0 && !json.Valid(ev.Data) {
					t.Errorf("an event that is no JSON: %q", ev.Data)
				}
			}
			if len(s.Pending()) > 0 || done != (err == nil && resp.Outcome(false).Err == nil) {
				t.Errorf("done %v, error %v, left %q, outcome %+v", done, err, s.Pending(), resp.Outcome(false))
			}
		}
	})
}

func FuzzFromAnthropic(f *testing.F) {
	fuzzAnswer(f, "anthropic", llm.Anthropic, func(c *llm.Call) translator { return &fromAnthropic{chunks: chunks{call: c}} })
}

func FuzzFromGemini(f *testing.F) {
	fuzzAnswer(f, "gemini", llm.Gemini, func(c *llm.Call) translator { return &fromGemini{chunks: chunks{call: c}} })
}
