package upstream

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// Gemini is Google's Gemini API. Chat completions and embeddings in OpenAI's dialect are translated to it and back.
// Safe for concurrent use.
//
// What has no counterpart is treated as Anthropic describes. Calls of functions get ids, since OpenAI's clients need
// them; the signatures of the thoughts behind calls are given out, and taken back, as
// tool_calls[].extra_content.google.thought_signature. Filtered prompts and answers finish with content_filter. Images
// that the model made are message.images. reasoning_effort maps as on Google's own OpenAI endpoint. The API counts no
// tokens of embeddings: theirs are estimated.
type Gemini struct {
	*link
}

var _ llm.Sender = (*Gemini)(nil)

// NewGemini makes the sender. The base URL has the version: https://generativelanguage.googleapis.com/v1beta. Close
// releases its connections.
func NewGemini(cfg Config) *Gemini { return &Gemini{link: newLink(cfg)} }

// Send asks the provider. call.Model is already in its spelling.
func (g *Gemini) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	switch {
	case call.Endpoint == llm.Models:
		return g.models(ctx, call)
	case call.Endpoint == llm.Passthrough:
		h := call.Header.Clone()
		if h == nil {
			h = http.Header{}
		}
		g.sign(h, call)
		return g.ask(ctx, call, order{method: call.Method, url: g.base + call.Path, header: h, body: call.Body}, llm.Gemini)
	case call.Endpoint == llm.Embeddings && call.Dialect == llm.OpenAI:
		return g.embed(ctx, call)
	case call.Endpoint != llm.ChatCompletions || call.Dialect != llm.OpenAI:
		return nil, g.wrongDialect(call, "ask at /v1/chat/completions, or for a model of another provider")
	}
	body, dropped, fault := toGemini(g.cfg.Name, call)
	if fault != nil {
		return nil, fault
	}
	verb := ":generateContent"
	if call.Stream {
		verb = ":streamGenerateContent?alt=sse"
	}
	o := order{method: http.MethodPost, url: g.base + geminiModel(call.Model) + verb, header: g.header(call), body: body}
	return g.send(ctx, call, o, llm.Gemini, &fromGemini{chunks: chunks{call: call}}, dropped)
}

// geminiModel is the path of a model. Names may come with their collection: models/…, tunedModels/….
func geminiModel(model string) string {
	collection, name, ok := strings.Cut(model, "/")
	if !ok || collection != "models" && collection != "tunedModels" {
		collection, name = "models", model
	}
	return "/" + collection + "/" + url.PathEscape(name)
}

func (g *Gemini) header(call *llm.Call) http.Header {
	h := ownHeader(call)
	g.sign(h, call)
	return h
}

func (g *Gemini) sign(h http.Header, call *llm.Call) {
	key := g.broughtKey(call)
	switch {
	case strings.HasPrefix(key, "ya29."): // a token of OAuth
		h.Set("Authorization", "Bearer "+key)
	case key != "":
		h.Set("X-Goog-Api-Key", key)
	}
}

func (g *Gemini) models(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	path, _, _ := strings.Cut(call.Path, "?")
	id, one := strings.CutPrefix(path, "/models/")
	at := "/models?pageSize=1000"
	if one {
		at = geminiModel(id)
	}
	resp, err := g.ask(ctx, call, order{method: http.MethodGet, url: g.base + at, header: g.header(call)}, llm.Gemini)
	if err != nil {
		return nil, err
	}
	entry := func(m rawjson.Value) ([]byte, bool) {
		name, ok := m.Get("name").Str()
		return modelEntry(strings.TrimPrefix(name, "models/"), "google", 0), ok
	}
	return g.relist(resp, func(body []byte) ([]byte, bool) {
		v := rawjson.Value(trimmed(body))
		if one {
			return entry(v)
		}
		if v.Get("models").Kind() != rawjson.Array {
			return nil, false
		}
		var all list
		v.Get("models").Each(func(_ int, m rawjson.Value) bool {
			if e, ok := entry(m); ok {
				all = append(all, e)
			}
			return true
		})
		return modelList(all), true
	})
}
