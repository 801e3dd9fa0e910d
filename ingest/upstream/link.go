package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
)

// link is the HTTP side of one provider, whatever it speaks. Safe for concurrent use.
type link struct {
	cfg       Config
	base      string          // without a slash at its end
	transport *http.Transport // not a Client: nothing here follows redirects or keeps cookies
}

func newLink(cfg Config) *link {
	cfg.ConnectTimeout = orDefault(cfg.ConnectTimeout, 10*time.Second)
	cfg.FirstByteTimeout = orDefault(cfg.FirstByteTimeout, 10*time.Minute)
	cfg.IdleTimeout = orDefault(cfg.IdleTimeout, 2*time.Minute)
	return &link{cfg: cfg, base: strings.TrimSuffix(cfg.BaseURL.String(), "/"), transport: newTransport(cfg)}
}

// Close drops idle connections; calls under way go on.
func (l *link) Close() { l.transport.CloseIdleConnections() }

// order is one HTTP request to the provider.
type order struct {
	method, url string
	header      http.Header // belongs to the order
	body        []byte
}

// ask sends an order. Redirects are not followed: a provider's key must not travel to another host. The error is a
// *llm.Fault that lists the attempt.
func (l *link) ask(ctx context.Context, call *llm.Call, o order, d llm.Dialect) (*llm.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := newWatch(&l.cfg, cancel)
	attempt := llm.Attempt{SpanID: llm.NewSpanID(), Provider: l.cfg.Name, PriceAs: l.cfg.PriceAs, Model: call.Model, Start: time.Now()}
	resp, err := l.exchange(ctx, o)
	attempt.Duration = time.Since(attempt.Start)
	if err != nil {
		watch.stop()
		fault := l.explain(ctx, err)
		cancel(nil)
		attempt.Err = &llm.Error{Type: string(fault.Code), Message: fault.Message, Status: http.StatusBadGateway, Retryable: fault.Code != llm.ClientClosed}
		if fault.Code == llm.UpstreamTimeout {
			attempt.Err.Status = http.StatusGatewayTimeout
		}
		fault.Attempts = []llm.Attempt{attempt}
		return nil, fault
	}
	attempt.Status = resp.StatusCode
	if fault := l.noAnswer(resp); fault != nil {
		watch.stop()
		_ = resp.Body.Close()
		cancel(nil)
		attempt.Err = &llm.Error{Type: string(fault.Code), Message: fault.Message, Status: http.StatusBadGateway}
		fault.Attempts = []llm.Attempt{attempt}
		return nil, fault
	}
	watch.answered()
	return &llm.Response{
		Status:   resp.StatusCode,
		Header:   resp.Header,
		Body:     &body{rc: resp.Body, from: l, ctx: ctx, cancel: cancel, watch: watch},
		Stream:   isEventStream(resp.Header),
		Provider: l.cfg.Name,
		PriceAs:  l.cfg.PriceAs,
		Model:    call.Model,
		Dialect:  d,
		Quirks:   l.cfg.Quirks,
		Attempts: []llm.Attempt{attempt},
	}, nil
}

// noAnswer refuses what HTTP allows and an API does not: a redirect, which weir's client must not follow either, since it would
// take its key along; and a change of protocol.
func (l *link) noAnswer(resp *http.Response) *llm.Fault {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		to := "another place"
		if u, err := resp.Location(); err == nil {
			to = u.Scheme + "://" + u.Host
		}
		return llm.Faultf(llm.UpstreamUnavailable, "provider %s answered %d, a redirect to %s, which weir does not follow; set its base_url to where the API is", l.cfg.Name, resp.StatusCode, to)
	case http.StatusSwitchingProtocols:
		return llm.Faultf(llm.UpstreamUnavailable, "provider %s answered 101, another protocol, to a plain request; check that its base_url leads to the provider's API", l.cfg.Name)
	}
	return nil
}

func (l *link) exchange(ctx context.Context, o order) (*http.Response, error) {
	var reader io.Reader
	if len(o.body) > 0 {
		reader = bytes.NewReader(o.body) // of a kind the transport can replay on a connection that died while idle
	}
	req, err := http.NewRequestWithContext(ctx, o.method, o.url, reader)
	if err != nil {
		return nil, err
	}
	req.ContentLength = int64(len(o.body))
	req.Header = o.header
	if len(o.body) > 0 && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "weir")
	}
	return l.transport.RoundTrip(req)
}

// ownHeader is the head of a request that weir wrote itself: of the client's headers only those that mean the same
// in any dialect, and those named.
func ownHeader(call *llm.Call, also ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for _, name := range append(also, "User-Agent", "X-Request-Id") {
		if v, ok := call.Header[name]; ok {
			h[name] = v
		}
	}
	return h
}

// broughtKey is the provider key that a passthrough client brought, or weir's own.
func (l *link) broughtKey(call *llm.Call) string {
	if key, ok := strings.CutPrefix(call.UpstreamAuth, "Bearer "); ok {
		return key
	}
	return l.cfg.APIKey.Reveal()
}

// explain turns a transport error into a Fault that says what happened to which provider and what to do.
func (l *link) explain(ctx context.Context, err error) *llm.Fault {
	if f, ok := errors.AsType[*llm.Fault](context.Cause(ctx)); ok {
		return &llm.Fault{Code: f.Code, Message: f.Message, Err: err}
	}
	if context.Cause(ctx) != nil {
		return llm.Faultf(llm.ClientClosed, "the client went away before provider %s answered", l.cfg.Name).Because(err)
	}
	host := l.cfg.BaseURL.Host
	if _, ok := errors.AsType[*privateAddressError](err); ok {
		return llm.Faultf(llm.UpstreamUnavailable, "provider %s: its host name leads to a private address, which weir refuses unless the provider is configured with allow_private: true", l.cfg.Name).Because(err)
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return llm.Faultf(llm.UpstreamUnavailable, "provider %s cannot be reached: the name %s does not resolve; check its base_url and this machine's DNS", l.cfg.Name, host).Because(err)
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return llm.Faultf(llm.UpstreamTimeout, "provider %s did not accept a connection in time; check that %s can be reached from this machine", l.cfg.Name, host).Because(err)
	}
	return llm.Faultf(llm.UpstreamUnavailable, "provider %s cannot be reached at %s; check its base_url and that it is up", l.cfg.Name, host).Because(err)
}

// faultOfBody explains an error that came while the body was read.
func (l *link) faultOfBody(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*llm.Fault](context.Cause(ctx)); ok {
		return &llm.Fault{Code: f.Code, Message: f.Message, Err: err}
	}
	if context.Cause(ctx) != nil {
		return llm.Faultf(llm.ClientClosed, "the client went away while provider %s was answering", l.cfg.Name).Because(err)
	}
	return llm.Faultf(llm.UpstreamUnavailable, "provider %s broke the connection in the middle of its answer", l.cfg.Name).Because(fmt.Errorf("read answer: %w", err))
}

// wrongDialect refuses a call in a dialect that the provider neither speaks nor weir translates to it.
func (l *link) wrongDialect(call *llm.Call, instead string) *llm.Fault {
	return llm.Faultf(llm.InvalidRequest, "provider %s does not answer %s in the %s dialect, and weir does not translate that; %s", l.cfg.Name, call.Endpoint, call.Dialect, instead)
}

func isEventStream(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(h.Get("Content-Type"))), "text/event-stream")
}
