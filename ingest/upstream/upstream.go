// Package upstream reaches language model providers: each Sender here speaks to one configured provider.
package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// Config describes one provider. The zero timeouts take the defaults named beside them.
type Config struct {
	Name    string   // how routes, records and cost tables name it
	PriceAs string   // its name in the price book
	BaseURL *url.URL // with the version: https://api.openai.com/v1
	APIKey  account.Secret
	Quirks  llm.Quirks

	// NoStreamOptions: the server refuses stream_options, so usage is not asked for.
	NoStreamOptions bool
	// UncertainStreamOptions: an unknown server. A 400 or 422 that names stream_options is tried once more without,
	// and remembered.
	UncertainStreamOptions bool
	// AllowPrivate lets the host name resolve to private and loopback addresses. A host that is written as such an
	// address, or as localhost, needs no permission: whoever wrote it meant it.
	AllowPrivate bool

	ConnectTimeout   time.Duration // 10 s
	FirstByteTimeout time.Duration // 10 min, until the head of the answer
	IdleTimeout      time.Duration // 2 min between two reads of the body
}

// OpenAI is a provider that speaks the OpenAI dialect: OpenAI itself or any compatible server. Safe for concurrent use.
type OpenAI struct {
	cfg    Config
	base   string
	client *http.Client
	plain  plainMemory // models found to refuse stream_options
}

var _ llm.Sender = (*OpenAI)(nil)

// NewOpenAI makes the sender. Close releases its connections.
func NewOpenAI(cfg Config) *OpenAI {
	cfg.ConnectTimeout = orDefault(cfg.ConnectTimeout, 10*time.Second)
	cfg.FirstByteTimeout = orDefault(cfg.FirstByteTimeout, 10*time.Minute)
	cfg.IdleTimeout = orDefault(cfg.IdleTimeout, 2*time.Minute)
	return &OpenAI{cfg: cfg, base: strings.TrimSuffix(cfg.BaseURL.String(), "/"), client: newClient(cfg)}
}

// Close drops idle connections; calls under way go on.
func (o *OpenAI) Close() { o.client.CloseIdleConnections() }

// Send asks the provider. call.Model and call.Body are already in its spelling. Redirects are not followed: a
// provider's key must not travel to another host.
func (o *OpenAI) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
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
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(o.cfg.FirstByteTimeout, func() {
		cancel(llm.Faultf(llm.UpstreamTimeout, "provider %s did not begin to answer within %v; the limit is its timeouts.first_byte", o.cfg.Name, o.cfg.FirstByteTimeout))
	})
	attempt := llm.Attempt{SpanID: llm.NewSpanID(), Provider: o.cfg.Name, PriceAs: o.cfg.PriceAs, Model: call.Model, Start: time.Now()}
	resp, err := o.exchange(ctx, call, body) //nolint:bodyclose // the caller of Send closes it
	attempt.Duration = time.Since(attempt.Start)
	timer.Stop()
	if err != nil {
		fault := o.explain(ctx, err)
		cancel(nil)
		attempt.Err = &llm.Error{Type: string(fault.Code), Message: fault.Message, Status: http.StatusBadGateway, Retryable: fault.Code != llm.ClientClosed}
		if fault.Code == llm.UpstreamTimeout {
			attempt.Err.Status = http.StatusGatewayTimeout
		}
		fault.Attempts = []llm.Attempt{attempt}
		return nil, fault
	}
	attempt.Status = resp.StatusCode
	return &llm.Response{
		Status:   resp.StatusCode,
		Header:   resp.Header,
		Body:     newBody(resp.Body, o, ctx, cancel),
		Stream:   isEventStream(resp.Header),
		Provider: o.cfg.Name,
		PriceAs:  o.cfg.PriceAs,
		Model:    call.Model,
		Dialect:  llm.OpenAI,
		Quirks:   o.cfg.Quirks,
		Attempts: []llm.Attempt{attempt},
	}, nil
}

func (o *OpenAI) exchange(ctx context.Context, call *llm.Call, body []byte) (*http.Response, error) {
	var reader io.Reader
	if len(body) > 0 {
		reader = bytes.NewReader(body) // of a kind the transport can replay on a connection that died while idle
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, o.base+call.Path, reader)
	if err != nil {
		return nil, err
	}
	req.ContentLength = int64(len(body))
	maps.Copy(req.Header, call.Header)
	if len(body) > 0 && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	switch {
	case call.UpstreamAuth != "":
		req.Header.Set("Authorization", call.UpstreamAuth)
	case !o.cfg.APIKey.IsZero():
		req.Header.Set("Authorization", "Bearer "+o.cfg.APIKey.Reveal())
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "weir")
	}
	return o.client.Do(req)
}

// explain turns a transport error into a Fault that says what happened to which provider and what to do.
func (o *OpenAI) explain(ctx context.Context, err error) *llm.Fault {
	if f, ok := errors.AsType[*llm.Fault](context.Cause(ctx)); ok {
		return &llm.Fault{Code: f.Code, Message: f.Message, Err: err}
	}
	if context.Cause(ctx) != nil {
		return llm.Faultf(llm.ClientClosed, "the client went away before provider %s answered", o.cfg.Name).Because(err)
	}
	host := o.cfg.BaseURL.Host
	if _, ok := errors.AsType[*privateAddressError](err); ok {
		return llm.Faultf(llm.UpstreamUnavailable, "provider %s: its host name leads to a private address, which weir refuses unless the provider is configured with allow_private: true", o.cfg.Name).Because(err)
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return llm.Faultf(llm.UpstreamUnavailable, "provider %s cannot be reached: the name %s does not resolve; check its base_url and this machine's DNS", o.cfg.Name, host).Because(err)
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return llm.Faultf(llm.UpstreamTimeout, "provider %s did not accept a connection in time; check that %s can be reached from this machine", o.cfg.Name, host).Because(err)
	}
	return llm.Faultf(llm.UpstreamUnavailable, "provider %s cannot be reached at %s; check its base_url and that it is up", o.cfg.Name, host).Because(err)
}

// FaultOfBody explains an error that came while the body was read.
func (o *OpenAI) faultOfBody(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*llm.Fault](context.Cause(ctx)); ok {
		return &llm.Fault{Code: f.Code, Message: f.Message, Err: err}
	}
	if context.Cause(ctx) != nil {
		return llm.Faultf(llm.ClientClosed, "the client went away while provider %s was answering", o.cfg.Name).Because(err)
	}
	return llm.Faultf(llm.UpstreamUnavailable, "provider %s broke the connection in the middle of its answer", o.cfg.Name).Because(fmt.Errorf("read answer: %w", err))
}

func isEventStream(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(h.Get("Content-Type"))), "text/event-stream")
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}
