package upstream

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// provider is a fake one: it answers as it is told and remembers what it was asked.
type provider struct {
	*httptest.Server
	asked  *http.Request
	body   []byte
	answer http.HandlerFunc
}

func newProvider(t *testing.T, answer http.HandlerFunc) *provider {
	t.Helper()
	p := &provider{answer: answer}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked = r
		p.body, _ = io.ReadAll(r.Body)
		p.answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// config is a Config of the provider at a path.
func (p *provider) config(t *testing.T, name, path string) Config {
	t.Helper()
	base, err := url.Parse(p.URL + path)
	check(t, err)
	return Config{Name: name, PriceAs: name, BaseURL: base, APIKey: account.NewSecret("provider-canary")}
}

type closingSender interface {
	llm.Sender
	Close()
}

func closed[S closingSender](t *testing.T, s S) S {
	t.Helper()
	t.Cleanup(s.Close)
	return s
}

// says answers with a status, a body and headers in pairs.
func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// streams answers with an event stream.
func streams(body string) http.HandlerFunc {
	return says(200, body, "Content-Type", "text/event-stream")
}

var testStart = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// chatCall is a chat completion in OpenAI's dialect as the gateway would make it.
func chatCall(model, body string) *llm.Call {
	c := &llm.Call{
		ID: "call-id", Start: testStart, Endpoint: llm.ChatCompletions, Dialect: llm.OpenAI, Method: "POST", Path: "/chat/completions",
		Header: http.Header{}, Model: model, Body: []byte(body),
	}
	if r, fault := readRequest("", c.Body); fault == nil {
		c.Stream, _ = r.take("stream").Bool()
		c.AskedUsage, _ = r.take("stream_options").Get("include_usage").Bool()
	}
	return c
}

func send(t *testing.T, s llm.Sender, call *llm.Call) (*llm.Response, string, error) {
	t.Helper()
	resp, err := s.Send(t.Context(), call)
	if err != nil {
		t.Fatalf("send: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func faultOf(t *testing.T, s llm.Sender, call *llm.Call) *llm.Fault {
	t.Helper()
	resp, err := s.Send(t.Context(), call)
	if err == nil {
		_ = resp.Body.Close()
		t.Fatalf("answered %d, want a fault", resp.Status)
	}
	f, ok := errors.AsType[*llm.Fault](err)
	if !ok {
		t.Fatalf("%v is no fault", err)
	}
	return f
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
