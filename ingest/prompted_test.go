package ingest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// send gives what the gateway makes of a request, answered by a stage of the test's own.
func send(t *testing.T, path, body string, stage llm.SenderFunc, header ...string) (*http.Response, string, *memory) {
	t.Helper()
	mem := &memory{came: make(chan struct{}, 10)}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	record := Record(stage, RecordConfig{Book: price.Embedded, Recorder: mem, Log: log})
	key := account.Key{ID: "testtesttest", Project: "p", Name: "k"}
	srv := httptest.NewServer(New(Config{Send: record, Refused: record.Refused, Keys: open(key), Log: log}))
	t.Cleanup(srv.Close)
	r := &rig{Server: srv, memory: mem}
	resp, text := r.do(t, r.request(t, http.MethodPost, "/v1"+path, body, header...))
	return resp, text, mem
}

// open is a ring that every text opens.
type open account.Key

func (o open) Open(context.Context, string, time.Time) (account.Key, bool) {
	return account.Key(o), true
}

func TestTheBodyNamesAPrompt(t *testing.T) {
	for _, c := range []struct{ path, body, header, prompt string }{
		{"/chat/completions", `{"prompt":{"id":"greet@live"}}`, "", "greet@live"},
		{"/responses", `{"prompt":{"id":" greet "},"model":"m"}`, "other", "greet"},
		{"/messages", `{"prompt":{"variables":{}}}`, "greet@7", "greet@7"},
		{"/messages/count_tokens", `{"prompt":{"id":"greet"}}`, "", "greet"},
		{"/chat/completions", `{"prompt":{"id":null},"model":"m"}`, "", ""},
		{"/chat/completions", `{"prompt":"text","model":"m"}`, "", ""},
		{"/completions", `{"prompt":{"id":"greet"},"model":"m"}`, "", ""},
		{"/completions", `{"prompt":"Say","model":"m"}`, "", ""},
	} {
		var got *llm.Call
		send(t, c.path, c.body, func(_ context.Context, call *llm.Call) (*llm.Response, error) {
			got = call
			return nil, llm.Faultf(llm.NotFound, "seen")
		}, "X-Weir-Prompt", c.header)
		if got == nil || got.Prompt != c.prompt || string(got.Body) != c.body || got.Use == nil {
			t.Errorf("%s %s: %+v", c.path, c.body, got)
		}
	}
}

func TestBodiesWithPromptsThatAreRefused(t *testing.T) {
	for body, says := range map[string]string{
		`{"prompt":{"id":7}}`:                       "prompt.id must be a string",
		`{"prompt":{"variables":{}}}`:               "names no model",
		`{"prompt":{"id":""}}`:                      "names no model",
		`{"prompt":{"id":"a"},"prompt":{"id":"b"}}`: "twice",
		`{"prompt":{"id":"a"},"model":5}`:           "model must be a string",
	} {
		resp, text, mem := send(t, "/chat/completions", body, func(context.Context, *llm.Call) (*llm.Response, error) {
			t.Errorf("%s came through", body)
			return nil, llm.Faultf(llm.NotFound, "seen")
		})
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, says) || len(mem.records) != 1 {
			t.Errorf("%s: %d %s", body, resp.StatusCode, text)
		}
	}
}

// resolved plays the stage that finds prompts and arms.
func resolved(call *llm.Call) {
	*call.Use = llm.Use{
		Prompt: "greet", PromptVersion: 7, PromptHash: "sha256:1", PromptRevision: 3, Model: "gpt-4o-mini",
		Experiment: "e", Arm: "new", Epoch: 1, Unit: "u", OwnText: 2, Request: []byte(`{"messages":[{"role":"user","content":"one two three four five six"}]}`),
	}
}

func TestAnswersAndRefusalsSayThePrompt(t *testing.T) {
	for name, stage := range map[string]llm.SenderFunc{
		"answer": func(_ context.Context, call *llm.Call) (*llm.Response, error) {
			resolved(call)
			body := `{"id":"1","model":"gpt-4o-mini","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}` // without usage
			return &llm.Response{
				Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
				Provider: "openai", PriceAs: "openai", Model: "gpt-4o-mini", Dialect: llm.OpenAI,
			}, nil
		},
		"refusal": func(_ context.Context, call *llm.Call) (*llm.Response, error) {
			resolved(call)
			return nil, llm.Faultf(llm.RateLimited, "no")
		},
	} {
		resp, _, mem := send(t, "/chat/completions", `{"prompt":{"id":"greet"}}`, stage)
		if got := resp.Header.Get("X-Weir-Prompt") + " " + resp.Header.Get("X-Weir-Arm"); got != "greet@7 new" {
			t.Errorf("%s: the headers say %q", name, got)
		}
		<-mem.came
		s, body := mem.records[0].Call, mem.records[0].Body
		if s.Prompt != "greet" || s.PromptVersion != 7 || s.PromptHash != "sha256:1" || s.PromptRevision != 3 || s.Arm != "new" || s.Unit != "u" || s.Epoch != 1 || s.OwnText != 2 {
			t.Errorf("%s: recorded as %+v", name, s)
		}
		if s.ModelRequested != "gpt-4o-mini" || !strings.Contains(string(body.Request), "six") {
			t.Errorf("%s: of %s, %s", name, s.ModelRequested, body.Request)
		}
		if name == "answer" && s.Usage.InputUncached < 6 {
			t.Errorf("the prompt's messages are not counted: %+v", s.Usage)
		}
	}
	resp, _, _ := send(t, "/chat/completions", `{"model":"m"}`, func(context.Context, *llm.Call) (*llm.Response, error) { return nil, llm.Faultf(llm.NotFound, "seen") })
	if len(resp.Header["X-Weir-Prompt"])+len(resp.Header["X-Weir-Arm"]) > 0 {
		t.Errorf("a call without a prompt: %v", resp.Header)
	}
}
