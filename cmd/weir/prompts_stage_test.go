package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/trace"
)

// overheard is a simulated provider that remembers the last body it got.
type overheard struct {
	*httptest.Server
	mu   sync.Mutex // guards body
	body string
}

func overhear(t *testing.T) *overheard {
	t.Helper()
	o := &overheard{}
	sim := simulator.New(simulator.Config{Seed: 1})
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		o.mu.Lock()
		o.body = string(body)
		o.mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *overheard) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.body
}

// pushPrompt stores a content, given as JSON.
func (s *service) pushPrompt(t *testing.T, name, content string) (v struct {
	Version int
	Hash    string
},
) {
	t.Helper()
	s.post(t, http.MethodPost, "/prompts", fmt.Sprintf(`{"name":%q,"content":%s,"message":"a test"}`, name, content), http.StatusOK, &v)
	return v
}

// moved is the answer to a move of a label.
type moved struct {
	Revision  int64
	Converged bool
}

func (s *service) moveLabel(t *testing.T, name, label string, version int) (m moved) {
	t.Helper()
	s.post(t, http.MethodPut, "/prompts/"+name+"/labels/"+label, fmt.Sprintf(`{"version":%d,"reason":"a test"}`, version), http.StatusOK, &m)
	return m
}

// promptedCall is what the API says of a call with a prompt.
type promptedCall struct {
	Prompt         string          `json:"prompt"`
	PromptHash     string          `json:"prompt_hash"`
	PromptRevision int64           `json:"prompt_revision"`
	ModelRequested string          `json:"model_requested"`
	Status         string          `json:"status"`
	ErrorCode      string          `json:"error_code"`
	Request        json.RawMessage `json:"request"`
}

// compact writes JSON with its members in the order that they have, without the escapes of the API.
func compact(v json.RawMessage) string {
	return strings.NewReplacer(`\u003e`, ">", `\u003c`, "<", `\u0026`, "&").Replace(string(v))
}

func TestPromptsInTheGateway(t *testing.T) {
	provider := overhear(t)
	cfg := defaultConfig()
	cfg.Providers = []ProviderConfig{{Name: "openai", Kind: "openai", BaseURL: provider.URL + "/v1", APIKey: secretText{Secret: account.NewSecret("sk-provider-canary")}}}
	cfg.Routes = []RouteConfig{{Model: "greeter", Prompt: "greet@production", Targets: []TargetConfig{{Provider: "openai", Model: "gpt-4o-mini"}}}}
	faults := &configFaults{}
	cfg.validate(faults)
	if err := faults.asError(); err != nil {
		t.Fatal(err)
	}
	s := startWeir(t, cfg)

	first := s.pushPrompt(t, "greet", `{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Greet {{name}}."}],"model":"gpt-4o-mini","settings":{"temperature":0,"max_tokens":20},"defaults":{"name":"all"}}`)
	s.pushPrompt(t, "greet", `{"messages":[{"role":"system","content":"Be very kind."},{"role":"user","content":"Greet {{name}}."}],"model":"gpt-4o-mini","settings":{"temperature":0,"max_tokens":20},"defaults":{"name":"all"}}`)
	at := s.moveLabel(t, "greet", "production", 1)
	if !at.Converged {
		t.Fatalf("%+v", at)
	}
	header := func(h http.Header) { h.Set("X-Weir-Prompt", "greet@production") }
	for _, c := range []struct {
		name, body string
		change     []func(http.Header)
		provider   string // what it got
		recorded   string
		requested  string
	}{
		{
			"by the body", `{"prompt":{"id":"greet@production","variables":{"name":"{{> greet}}"}}}`, nil,
			`{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Greet {{> greet}}."}],"temperature":0,"max_tokens":20,"model":"gpt-4o-mini"}`,
			`{"prompt":{"id":"greet@1","variables":{"name":"{{> greet}}"}},"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Greet {{> greet}}."}],"temperature":0,"max_tokens":20,"model":"gpt-4o-mini"}`,
			"gpt-4o-mini",
		},
		{
			"by a header", `{"model":"gpt-4o","messages":[{"role":"user","content":"Go."}]}`,
			[]func(http.Header){header},
			`{"temperature":0,"max_tokens":20,"model":"gpt-4o","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Greet all."},{"role":"user","content":"Go."}]}`,
			`{"prompt":{"id":"greet@1","variables":{}},"temperature":0,"max_tokens":20,"model":"gpt-4o","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Greet all."},{"role":"user","content":"Go."}]}`,
			"gpt-4o",
		},
		{
			"by a route", `{"model":"greeter"}`, nil,
			`{"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Greet all."}],"temperature":0,"max_tokens":20,"model":"gpt-4o-mini"}`,
			`{"prompt":{"id":"greet@1","variables":{}},"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Greet all."}],"temperature":0,"max_tokens":20,"model":"greeter"}`,
			"greeter",
		},
	} {
		got := s.askFor(t, "/chat/completions", c.body, append(c.change, func(h http.Header) { h.Set("X-Weir-Cache", "off") })...)
		if got.status != http.StatusOK || got.header.Get("X-Weir-Prompt") != "greet@1" {
			t.Errorf("%s: %d, X-Weir-Prompt %q: %s", c.name, got.status, got.header.Get("X-Weir-Prompt"), got.body)
			continue
		}
		if provider.last() != c.provider {
			t.Errorf("%s: the provider got\n%s, want\n%s", c.name, provider.last(), c.provider)
		}
		s.settle(t)
		var rec promptedCall
		s.get(t, "/calls/"+got.header.Get("X-Weir-Call-Id"), &rec)
		want := promptedCall{"greet@1", first.Hash, at.Revision, c.requested, "ok", "", json.RawMessage(c.recorded)}
		if diff := cmp.Diff(want, rec, cmp.Transformer("compact", compact)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}

	// The cache keeps versions apart, though their variables and models are the same.
	cached := func() string {
		t.Helper()
		got := s.askFor(t, "/chat/completions", `{"prompt":{"id":"greet","variables":{"name":"Ann"}}}`)
		if got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		return got.header.Get("X-Weir-Prompt") + " " + got.header.Get("X-Weir-Cache")
	}
	for _, want := range []string{"greet@1 miss", "greet@1 hit"} {
		if got := cached(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	s.moveLabel(t, "greet", "production", 2)
	for _, want := range []string{"greet@2 miss", "greet@2 hit"} {
		if got := cached(); got != want {
			t.Errorf("after the move: got %s, want %s", got, want)
		}
	}
	if !strings.Contains(provider.last(), "very kind") {
		t.Errorf("after the move the provider got %s", provider.last())
	}

	// What is refused says why, and is recorded with what is known.
	s.post(t, http.MethodDelete, "/prompts/greet/versions/1", "", http.StatusNoContent, nil)
	for _, c := range []struct {
		body, path string
		status     int
		code, says string
		prompt     string
	}{
		{`{"prompt":{"id":"greet@1"}}`, "/chat/completions", 404, "weir_prompt_not_found", "deleted", "greet"},
		{`{"prompt":{"id":"gret"}}`, "/responses", 404, "weir_prompt_not_found", "greet", ""},
		{`{"prompt":{"id":"greet","variables":{"nme":"Ann"}}}`, "/messages", 422, "weir_prompt_invalid", `nme`, "greet@2"},
	} {
		before := provider.last()
		got := s.askFor(t, c.path, c.body)
		if got.status != c.status || !strings.Contains(got.body, c.code) || !strings.Contains(got.body, c.says) || strings.Contains(got.body, "Be kind") {
			t.Errorf("%s: %d %s", c.body, got.status, got.body)
		}
		if provider.last() != before {
			t.Errorf("%s went to the provider", c.body)
		}
		s.settle(t)
		var rec promptedCall
		s.get(t, "/calls/"+got.header.Get("X-Weir-Call-Id"), &rec)
		if rec.Prompt != c.prompt || rec.Status != string(trace.StatusError) || rec.ErrorCode != c.code {
			t.Errorf("%s is recorded as %+v", c.body, rec)
		}
	}
}
