// Package ingest is the write side of weir: a call comes in by HTTP, goes out through one Sender, its answer is relayed as it comes and one record is left behind.
package ingest

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/httperr"
	"github.com/weir-dev/weir/llm"
)

// Keyring finds the live virtual key that a presented text is.
type Keyring interface {
	Open(ctx context.Context, text string, now time.Time) (account.Key, bool)
}

// Config is what a Gateway is made of.
type Config struct {
	Send    llm.Sender                  // the whole chain, record outermost
	Refused func(*llm.Call, *llm.Fault) // hears of calls of known callers that were refused before the chain
	// Stamp puts the stages' own headers into the head of an answer or a refusal. Nil: there are none.
	Stamp   func(h http.Header, call *llm.Call, attempts []llm.Attempt)
	Keys    Keyring
	MaxBody int64 // bytes of a request body; 0 is 20 MB
	// Passthrough lets a client bring a provider's own key in place of a virtual one. Its calls are recorded under
	// PassthroughProject.
	Passthrough        bool
	PassthroughProject string
	// ProjectProvider names the provider that a project's unmodelled calls go to, and false when it has none.
	ProjectProvider func(project string) (string, bool)
	Log             *slog.Logger
}

// Gateway serves /v1. Safe for concurrent use.
type Gateway struct {
	cfg Config
}

// DefaultMaxBody bounds request bodies unless configured.
const DefaultMaxBody = 20 << 20

// New makes a gateway.
func New(cfg Config) *Gateway {
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.PassthroughProject == "" {
		cfg.PassthroughProject = "passthrough"
	}
	if cfg.ProjectProvider == nil {
		cfg.ProjectProvider = func(string) (string, bool) { return "", false }
	}
	if cfg.Refused == nil {
		cfg.Refused = func(*llm.Call, *llm.Fault) {}
	}
	if cfg.Stamp == nil {
		cfg.Stamp = func(http.Header, *llm.Call, []llm.Attempt) {}
	}
	return &Gateway{cfg: cfg}
}

// modelled is a path weir understands: what is asked there, and how.
type modelled struct {
	endpoint llm.Endpoint
	method   string
	dialect  llm.Dialect
}

var routes = map[string]modelled{
	"/chat/completions": {llm.ChatCompletions, http.MethodPost, llm.OpenAI},
	"/completions":      {llm.Completions, http.MethodPost, llm.OpenAI},
	"/embeddings":       {llm.Embeddings, http.MethodPost, llm.OpenAI},
	"/responses":        {llm.Responses, http.MethodPost, llm.OpenAI},
	"/models":           {llm.Models, http.MethodGet, llm.OpenAI},

	"/messages":              {llm.Messages, http.MethodPost, llm.Anthropic},
	"/messages/count_tokens": {llm.CountTokens, http.MethodPost, llm.Anthropic},
}

// Modelled lists the paths below /v1 that weir understands, with what is asked there.
func Modelled() map[string]llm.Endpoint {
	out := make(map[string]llm.Endpoint, len(routes))
	for path, rt := range routes {
		out[path] = rt.endpoint
	}
	return out
}

// ServeHTTP answers anything under /v1.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Content-Type-Options"] = nosniff
	call, fault := g.read(w, r)
	if call != nil {
		v := []string{call.ID, call.TraceID}
		w.Header()["X-Weir-Call-Id"], w.Header()["X-Weir-Trace-Id"] = v[0:1:1], v[1:2:2]
	}
	if fault != nil {
		if call != nil {
			g.cfg.Refused(call, fault)
		}
		g.refuse(w, r, call, fault)
		return
	}
	resp, err := g.cfg.Send.Send(r.Context(), call)
	if err != nil {
		g.refuse(w, r, call, llm.AsFault(err))
		return
	}
	g.relay(w, r, call, resp)
}

// inbound is a call and what the stages find out about its prompt and its arm, in one piece of memory.
type inbound struct {
	call llm.Call
	use  llm.Use
}

// read makes a Call of a request. The call is nil when the caller is not known; with a known caller it comes back even
// beside a fault, so that the refusal carries its id.
func (g *Gateway) read(w http.ResponseWriter, r *http.Request) (*llm.Call, *llm.Fault) {
	now := time.Now()
	in := &inbound{call: llm.Call{
		ID: llm.NewID(now), SpanID: llm.NewSpanID(), Start: now, Dialect: dialectOf(r),
		Method: r.Method, Path: strings.TrimPrefix(r.URL.Path, "/v1"), Endpoint: llm.Passthrough,
	}}
	call := &in.call
	call.Use = &in.use
	call.TraceID, call.ParentID = traceparent(r.Header)

	key, fault := g.authenticate(call, r)
	if fault != nil {
		return nil, fault
	}
	if fault := g.place(call, r, key); fault != nil {
		return call, fault
	}
	readHeaders(call, r.Header)
	if fault := g.readBody(call, w, r); fault != nil {
		return call, fault
	}
	if len(key.Models) > 0 && call.Model != "" && !allows(key.Models, call.Model) {
		return call, &llm.Fault{Code: llm.Forbidden, Param: "model", Message: "key " + key.Name + " may not ask for the model " + call.Model + "; it is limited to " + strings.Join(key.Models, ", ")}
	}
	return call, nil
}

// place finds the endpoint, refuses a wrong method and a path that is not modelled and not allowed.
func (g *Gateway) place(call *llm.Call, r *http.Request, key account.Key) *llm.Fault {
	if rt, ok := routes[call.Path]; ok {
		if r.Method != rt.method {
			return llm.Faultf(llm.MethodNotAllowed, "%s /v1%s: this endpoint takes %s", r.Method, call.Path, rt.method)
		}
		call.Endpoint = rt.endpoint
	} else if id, ok := strings.CutPrefix(call.Path, "/models/"); ok && id != "" && r.Method == http.MethodGet {
		call.Endpoint, call.Model = llm.Models, id
	} else if fault := g.allowUnmodelled(call, key); fault != nil {
		return fault
	}
	if r.URL.RawQuery != "" {
		call.Path += "?" + r.URL.RawQuery
	}
	return nil
}

// allowUnmodelled lets a call through that weir does not understand: the key must list the path and its project must
// say where such calls go. A passthrough client pays by itself and may go anywhere its key opens.
func (g *Gateway) allowUnmodelled(call *llm.Call, key account.Key) *llm.Fault {
	if strings.Contains(call.Path, "..") || strings.Contains(call.Path, "//") {
		return llm.Faultf(llm.NotFound, "there is nothing at /v1%s", call.Path)
	}
	provider, ok := g.cfg.ProjectProvider(call.Project)
	switch {
	case call.UpstreamAuth == "" && !allows(key.Endpoints, strings.TrimPrefix(call.Path, "/")) && !allows(key.Endpoints, "/v1"+call.Path):
		return llm.Faultf(llm.EndpointDenied, "key %s may not reach /v1%s: weir cannot meter this endpoint; allow it in the key's endpoints (weir keys create --endpoint %s)", key.Name, call.Path, strings.TrimPrefix(call.Path, "/"))
	case !ok:
		return llm.Faultf(llm.EndpointDenied, "project %s does not say which provider answers /v1%s; set projects: [{name: %s, provider: …}] in the configuration", call.Project, call.Path, call.Project)
	}
	call.Provider = provider
	return nil
}

// refuse writes weir's own error. A client that has gone gets nothing.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, call *llm.Call, fault *llm.Fault) {
	if fault.Code == llm.MethodNotAllowed && call != nil {
		if rt, ok := routes[call.Path]; ok {
			w.Header().Set("Allow", rt.method)
		}
	}
	id := ""
	if call != nil {
		id = call.ID
	}
	if fault.Code == llm.Internal || fault.Code == llm.UpstreamUnavailable || fault.Code == llm.UpstreamTimeout {
		g.cfg.Log.LogAttrs(r.Context(), slog.LevelWarn, "call failed", slog.String("call", id), slog.String("code", string(fault.Code)), slog.Any("error", fault.Err))
	}
	if len(fault.Attempts) > 0 {
		setAttemptHeaders(w.Header(), fault.Attempts)
	}
	if call != nil {
		setUseHeaders(w.Header(), call.Use)
		g.cfg.Stamp(w.Header(), call, fault.Attempts)
	}
	if fault.Code == llm.BodyTooLarge || fault.Code == llm.RequestTimeout {
		w.Header().Set("Connection", "close") // the rest of the body is not read
	}
	httperr.Write(w, fault, dialectOf(r))
}

// dialectOf is the dialect that the client of a path speaks, so also the one its errors come in.
func dialectOf(r *http.Request) llm.Dialect {
	path := strings.TrimPrefix(r.URL.Path, "/v1")
	if rt, ok := routes[path]; ok {
		return rt.dialect
	}
	if strings.HasPrefix(path, "/messages/") { // batches and the like
		return llm.Anthropic
	}
	return llm.OpenAI
}
