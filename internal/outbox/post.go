// Package outbox tells addresses outside of what happened: signed, guarded from the network inside, and again until they answer.
package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"github.com/weir-dev/weir/account"
)

// Timeout bounds one try.
const Timeout = 10 * time.Second

// ErrPrivate says that a host is inside the network; errors.Is finds it in what a client with Dialer gives.
var ErrPrivate = errors.New("a private address; allow_private lets it be one")

// shared is the range of carriers' networks, where clouds keep services of their own.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// refusePrivate runs after names are resolved: one that changes its answer cannot lead inside.
func refusePrivate(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %s: %w", address, err)
	}
	a := ap.Addr().Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || shared.Contains(a) {
		return ErrPrivate
	}
	return nil
}

// Dialer connects to hosts, to private, loopback and link-local addresses only when allowed.
func Dialer(allowPrivate bool) *net.Dialer {
	d := &net.Dialer{Timeout: Timeout}
	if !allowPrivate {
		d.ControlContext = refusePrivate
	}
	return d
}

// Poster sends JSON to one address, which must come from the configuration. Safe for concurrent use.
type Poster struct {
	at     *url.URL
	secret account.Secret
	client *http.Client
}

// NewPoster makes a Poster for an http or https address. A zero secret signs nothing. allowPrivate lets the host be, or resolve to, a
// private, loopback or link-local address.
func NewPoster(at *url.URL, secret account.Secret, allowPrivate bool) *Poster {
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: at}); err == nil && proxy != nil { // a proxy is reached where it is
		allowPrivate = true
	}
	return &Poster{at: at, secret: secret, client: &http.Client{
		Timeout: Timeout,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: Dialer(allowPrivate).DialContext, TLSHandshakeTimeout: Timeout, MaxIdleConns: 2,
			IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
		// Another address is not the one that was configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Post sends a body, which has an id that stays the same when it is sent again. Anything but 2xx is an error. Errors do not show the
// address, which may hold a secret.
func (p *Poster) Post(ctx context.Context, id string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.at.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "weir")
	req.Header.Set("X-Weir-Event-Id", id)
	if !p.secret.IsZero() {
		req.Header.Set(SignatureHeader, Sign(p.secret, time.Now(), body))
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return fmt.Errorf("not reached: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}
