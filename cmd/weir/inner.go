package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/weir-dev/weir/account"
)

// innerKeys opens one text, made at this start and told to nobody, as a key that is in no store.
type innerKeys struct {
	secret account.Secret
	key    account.Key
}

// Open gives the key to who has the text.
func (k innerKeys) Open(_ context.Context, text string, _ time.Time) (account.Key, bool) {
	return k.key, k.secret.Equal(text)
}

// innerTransport carries requests to a handler of this process, without a port.
type innerTransport struct {
	to   http.Handler
	user string // X-Weir-User of each; "": as they are
}

// RoundTrip implements http.RoundTripper. The answer is whole when it returns.
func (t innerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	r.RequestURI, r.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:0"
	if t.user != "" {
		r.Header.Set("X-Weir-User", t.user)
	}
	w := &innerAnswer{header: http.Header{}}
	t.to.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil && w.status == 0 {
		return nil, err
	}
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, Trailer: w.header,
		Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// innerAnswer keeps what a handler writes.
type innerAnswer struct {
	header, sent http.Header // sent: as it was when the status was written
	status       int
	body         bytes.Buffer
}

// Header implements http.ResponseWriter.
func (w *innerAnswer) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter: the first status counts.
func (w *innerAnswer) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status, w.sent = status, w.header.Clone()
	}
}

// Write implements http.ResponseWriter.
func (w *innerAnswer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush does nothing: the answer is given whole.
func (w *innerAnswer) Flush() {}
