package upstream

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// newTransport makes the provider's connections: many idle ones, no transparent compression (the recorder and the client
// read the same plain bytes), and a check of every address after name resolution.
func newTransport(cfg Config) *http.Transport {
	dialer := &net.Dialer{Timeout: cfg.ConnectTimeout, KeepAlive: 30 * time.Second}
	if !cfg.AllowPrivate && !namesPrivateHost(cfg.BaseURL.Hostname()) && !goesByProxy(cfg.BaseURL) {
		dialer.ControlContext = refusePrivate
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           0,
		MaxIdleConnsPerHost:    1024,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    cfg.ConnectTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 1 << 20, // a hundred times what providers send
		WriteBufferSize:        16 << 10,
		ReadBufferSize:         16 << 10,
	}
}

// goesByProxy: the environment sends this provider's traffic through a proxy, whose own address is not the
// provider's and may well be private.
func goesByProxy(base *url.URL) bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base})
	return err == nil && proxy != nil
}

// privateAddressError says that a public-looking name led inside.
type privateAddressError struct{ addr string }

func (e *privateAddressError) Error() string {
	return fmt.Sprintf("refused to connect to private address %s", e.addr)
}

// refusePrivate runs after name resolution, so a name that changes its answer cannot lead inside.
func refusePrivate(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %s: %w", address, err)
	}
	if isPrivate(ap.Addr()) {
		return &privateAddressError{address}
	}
	return nil
}

// sharedAddressSpace is RFC 6598's carrier-grade range, where clouds keep internal services.
var sharedAddressSpace = netip.MustParsePrefix("100.64.0.0/10")

func isPrivate(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() ||
		a.IsInterfaceLocalMulticast() || a.IsMulticast() || a.IsUnspecified() || sharedAddressSpace.Contains(a)
}

// namesPrivateHost: the configuration itself says a private address or localhost.
func namesPrivateHost(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && isPrivate(a)
}
