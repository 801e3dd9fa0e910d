// Package floor is the least a Go gateway on net/http can cost: httputil.ReverseProxy, tuned, which looks at nothing and
// keeps nothing.
package floor

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// New makes a proxy to the upstream.
func New(upstream *url.URL) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
		FlushInterval: -1, // every piece at once, or streams would be held back
		BufferPool:    &buffers{},
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 4096, // or most connections would be closed after one use
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
			ReadBufferSize:      16 << 10,
			WriteBufferSize:     16 << 10,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// An answer that comes very soon makes the server close the request's body while the transport still looks for
		// its end; the transport then drops the connection and the client sees a torn stream. Full duplex prevents it.
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/1.1 has it
		proxy.ServeHTTP(w, r)
	})
}

// buffers are copying buffers, used again.
type buffers struct{ pool sync.Pool }

// Get gives a buffer of 32 KiB.
func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

// Put takes it back.
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
