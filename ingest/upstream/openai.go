package upstream

import (
	"context"
	"maps"
	"net/http"

	"github.com/weir-dev/weir/llm"
)

// OpenAI is a provider that speaks the OpenAI dialect: OpenAI itself or any compatible server. Safe for concurrent use.
type OpenAI struct {
	*link
	plain plainMemory // models found to refuse stream_options
	// place and sign are where a call goes and how it is paid for; Azure has its own.
	place func(*llm.Call) string
	sign  func(http.Header, *llm.Call)
}

var _ llm.Sender = (*OpenAI)(nil)

// NewOpenAI makes the sender. Close releases its connections.
func NewOpenAI(cfg Config) *OpenAI {
	o := &OpenAI{link: newLink(cfg)}
	o.place = func(call *llm.Call) string { return o.base + call.Path }
	o.sign = func(h http.Header, call *llm.Call) {
		switch {
		case call.UpstreamAuth != "":
			h.Set("Authorization", call.UpstreamAuth)
		case !o.cfg.APIKey.IsZero():
			h.Set("Authorization", "Bearer "+o.cfg.APIKey.Reveal())
		}
	}
	return o
}

// Send asks the provider. call.Model and call.Body are already in its spelling.
func (o *OpenAI) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	if call.Dialect == llm.Anthropic && call.Endpoint != llm.Passthrough {
		return nil, o.wrongDialect(call, "ask at /v1/chat/completions, or for a model of a provider of kind anthropic")
	}
	body, asked := call.Body, false
	if o.wantsUsage(call) {
		body, asked = withUsage(call.Body), true
	}
	resp, err := o.try(ctx, call, body)
	if err == nil && asked && o.cfg.UncertainStreamOptions && refusesStreamOptions(resp) {
		o.plain.remember(call.Model)
		asked = false
		resp, err = o.try(ctx, call, call.Body)
	}
	if err != nil {
		return nil, err
	}
	resp.UsageAsked = asked
	return resp, nil
}

// wantsUsage: a stream whose client did not ask for usage, on an endpoint and server that knows the option.
func (o *OpenAI) wantsUsage(call *llm.Call) bool {
	return call.Stream && !call.AskedUsage && !o.cfg.NoStreamOptions &&
		(call.Endpoint == llm.ChatCompletions || call.Endpoint == llm.Completions) && !o.plain.has(call.Model)
}

func (o *OpenAI) try(ctx context.Context, call *llm.Call, body []byte) (*llm.Response, error) {
	header := make(http.Header, len(call.Header)+2)
	maps.Copy(header, call.Header)
	o.sign(header, call)
	return o.ask(ctx, call, order{method: call.Method, url: o.place(call), header: header, body: body}, llm.OpenAI)
}
