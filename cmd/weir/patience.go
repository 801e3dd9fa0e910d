package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// writeBuffer, which the kernel doubles, is what it may hold of an answer that its client does not take. It bounds how far a
// provider is read ahead of a slow client, and how much a client must take before its connection counts as moving again.
const writeBuffer = 128 << 10

// patientListener gives connections whose writes end when the client takes nothing for stall.
type patientListener struct {
	net.Listener
	stall time.Duration
}

// Accept waits for the next connection.
func (l *patientListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(writeBuffer) // without it the kernel chooses, and stuck clients cost more
	}
	return &patientConn{Conn: c, stall: l.stall}, nil
}

// patientConn is a client's connection. Writes come one at a time, as net/http makes them.
type patientConn struct {
	net.Conn
	stall time.Duration
	armed time.Time // when the deadline was last moved
	err   error     // of the first write that failed: nothing is waited for after it
}

// Write waits for the client for stall at most. The deadline is moved when a quarter of it is over: a system call less for
// each event of a stream.
func (c *patientConn) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if now := time.Now(); now.Sub(c.armed) > c.stall/4 {
		if err := c.SetWriteDeadline(now.Add(c.stall)); err != nil {
			return 0, err
		}
		c.armed = now
	}
	n, err := c.Conn.Write(p)
	if c.err = err; errors.Is(err, os.ErrDeadlineExceeded) {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // the kernel need not keep for this client what it did not take
		}
	}
	return n, err
}

// CloseWrite ends this side's half of the connection, so that an answer still arrives whose request is not read to its end.
func (c *patientConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// inTime ends the reading of a body that is not here whole within limit. net/http's own ReadTimeout would go on after the
// body's end, and end calls that take longer.
func inTime(h http.Handler, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := w.(readDeadliner)
		if !ok || r.Body == http.NoBody || c.SetReadDeadline(time.Now().Add(limit)) != nil {
			h.ServeHTTP(w, r)
			return
		}
		timed := *r // net/http looks at its own request's body when the handler leaves some of it
		timed.Body = &timedBody{r.Body, c}
		h.ServeHTTP(w, &timed)
	})
}

type readDeadliner interface {
	SetReadDeadline(deadline time.Time) error
}

// timedBody lifts the deadline at its end.
type timedBody struct {
	io.ReadCloser
	conn readDeadliner
}

// Read reads on.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		_ = b.conn.SetReadDeadline(time.Time{}) // it was set, so it can be lifted
	}
	return n, err
}
