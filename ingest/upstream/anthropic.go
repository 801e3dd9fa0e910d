package upstream

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// AnthropicVersion is the anthropic-version that is asked for unless the client names one.
const AnthropicVersion = "2023-06-01"

// Anthropic is Anthropic's Messages API. Calls in its own dialect go through byte for byte; chat completions in
// OpenAI's are translated to it and back. Safe for concurrent use.
//
// What has no counterpart is refused with weir_invalid_request when the answer would mean something else without it
// (n, logprobs, logit_bias, audio), and left out and named in Response.Dropped when it would not (seed, penalties,
// members weir does not know). Beyond the names of things:
//
//   - max_tokens, which the API wants, is the model's own limit when the client names none, less for a long prompt.
//   - reasoning_effort is an effort for models that take one and else a budget of tokens, below the client's bound. It
//     is dropped where the API would refuse to think: in a tool loop whose thoughts the client did not send back, beside
//     a forced tool, with a bound under 2,048 tokens, for models that do not think.
//   - Thoughts are given out as reasoning_content, and with their signatures as thinking_blocks; an assistant message
//     that brings thinking_blocks back has them first, unchanged.
//   - response_format json_schema is output_config.format, which older models refuse; json_object is a sentence at the
//     end of the system prompt.
//   - cache_control on a part or tool goes along. user is metadata.user_id, unless it is an address of e-mail, which the
//     API refuses.
//   - Answers that end early break off for the client too: a stream that is whole ends with [DONE].
type Anthropic struct {
	*link
}

var _ llm.Sender = (*Anthropic)(nil)

// NewAnthropic makes the sender. Close releases its connections.
func NewAnthropic(cfg Config) *Anthropic { return &Anthropic{link: newLink(cfg)} }

// Send asks the provider. call.Model and call.Body are already in its spelling.
func (a *Anthropic) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	switch {
	case call.Endpoint == llm.Models:
		return a.models(ctx, call)
	case call.Endpoint == llm.Passthrough, call.Dialect == llm.Anthropic:
		h := maps.Clone(call.Header)
		if h == nil {
			h = http.Header{}
		}
		a.sign(h, call)
		return a.ask(ctx, call, order{method: call.Method, url: a.base + call.Path, header: h, body: call.Body}, llm.Anthropic)
	case call.Endpoint != llm.ChatCompletions || call.Dialect != llm.OpenAI:
		return nil, a.wrongDialect(call, "ask at /v1/chat/completions or /v1/messages, or for a model of another provider")
	}
	body, dropped, fault := toAnthropic(a.cfg.Name, call)
	if fault != nil {
		return nil, fault
	}
	h := ownHeader(call, "Anthropic-Version", "Anthropic-Beta")
	a.sign(h, call)
	o := order{method: http.MethodPost, url: a.base + "/messages", header: h, body: body}
	return a.send(ctx, call, o, llm.Anthropic, &fromAnthropic{chunks: chunks{call: call}}, dropped)
}

// sign adds the key and the version.
func (a *Anthropic) sign(h http.Header, call *llm.Call) {
	key := a.broughtKey(call)
	switch {
	case strings.HasPrefix(key, "sk-ant-oat"): // a token of OAuth
		h.Set("Authorization", "Bearer "+key)
	case key != "":
		h.Set("X-Api-Key", key)
	}
	if h.Get("Anthropic-Version") == "" {
		h.Set("Anthropic-Version", AnthropicVersion)
	}
}

func (a *Anthropic) models(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	path, _, _ := strings.Cut(call.Path, "?")
	one := path != "/models"
	if !one {
		path += "?limit=1000"
	}
	h := ownHeader(call, "Anthropic-Version", "Anthropic-Beta")
	a.sign(h, call)
	resp, err := a.ask(ctx, call, order{method: http.MethodGet, url: a.base + path, header: h}, llm.Anthropic)
	if err != nil {
		return nil, err
	}
	entry := func(m rawjson.Value) ([]byte, bool) {
		id, ok := m.Get("id").Str()
		made, _ := m.Get("created_at").Str()
		at, err := time.Parse(time.RFC3339, made)
		if err != nil {
			at = time.Unix(0, 0)
		}
		return modelEntry(id, "anthropic", at.Unix()), ok
	}
	return a.relist(resp, func(body []byte) ([]byte, bool) {
		v := rawjson.Value(trimmed(body))
		if one {
			return entry(v)
		}
		if v.Get("data").Kind() != rawjson.Array {
			return nil, false
		}
		var all list
		v.Get("data").Each(func(_ int, m rawjson.Value) bool {
			if e, ok := entry(m); ok {
				all = append(all, e)
			}
			return true
		})
		return modelList(all), true
	})
}
