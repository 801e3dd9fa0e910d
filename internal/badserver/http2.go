package badserver

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
)

// Frame is an HTTP/2 frame. Of the stream of the request that is answered, unless it is the connection's own.
type Frame struct {
	Type, Flags byte
	Payload     []byte
	Connection  bool // it belongs to the connection, not to the stream
}

// HTTP2 is a server of HTTP/2 alone, over TLS. It answers each request with the frames it was told last and, after them, ends
// the connection if it was told so. Safe for concurrent use.
type HTTP2 struct {
	URL  string
	Cert []byte // its certificate, in DER, which signs itself

	listener net.Listener
	wg       sync.WaitGroup
	mu       sync.Mutex // guards all below
	frames   []Frame
	hangUp   bool
	conns    map[net.Conn]bool
	opened   int
}

// StartHTTP2 runs a server until the test ends.
func StartHTTP2(tb testing.TB) *HTTP2 {
	tb.Helper()
	lender := httptest.NewTLSServer(nil) // of a certificate for 127.0.0.1
	defer lender.Close()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	l = tls.NewListener(l, &tls.Config{Certificates: lender.TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
	s := &HTTP2{URL: "https://" + l.Addr().String(), Cert: lender.Certificate().Raw, listener: l, conns: map[net.Conn]bool{}}
	s.wg.Go(s.accept)
	tb.Cleanup(s.close)
	return s
}

// Answer sets what requests are answered from now on.
func (s *HTTP2) Answer(hangUp bool, frames ...Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frames, s.hangUp = frames, hangUp
}

// Opened is how many connections were made so far.
func (s *HTTP2) Opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// Frame types and flags, RFC 9113.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7
	flagEndStream, flagAck, flagEndHeaders                                     = 1, 1, 4
)

// Headers begins an answer of status 200.
func Headers(contentType string) Frame {
	b := []byte{0x88, 0x5f, byte(len(contentType))} // :status 200 and content-type, as HPACK's static table has them
	return Frame{Type: frameHeaders, Flags: flagEndHeaders, Payload: append(b, contentType...)}
}

// Data is a part of the body, the last one if end says so.
func Data(body string, end bool) Frame {
	f := Frame{Type: frameData, Payload: []byte(body)}
	if end {
		f.Flags = flagEndStream
	}
	return f
}

// ResetStream ends the stream with an error code.
func ResetStream(code uint32) Frame {
	return Frame{Type: frameReset, Payload: binary.BigEndian.AppendUint32(nil, code)}
}

// GoAway says that streams above last are not answered.
func GoAway(last, code uint32) Frame {
	return Frame{Type: frameGoAway, Payload: binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code), Connection: true}
}

func (s *HTTP2) close() {
	_ = s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *HTTP2) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = true
		s.opened++
		s.mu.Unlock()
		s.wg.Go(func() {
			s.serve(c)
			_ = c.Close()
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
		})
	}
}

// serve reads frames and answers each request that is whole.
func (s *HTTP2) serve(c net.Conn) {
	in := bufio.NewReader(c)
	if _, err := io.CopyN(io.Discard, in, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	if write(c, Frame{Type: frameSettings}, 0) != nil {
		return
	}
	for {
		var head [9]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(in, payload); err != nil {
			return
		}
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		var err error
		switch {
		case (kind == frameSettings || kind == framePing) && flags&flagAck == 0:
			f := Frame{Type: kind, Flags: flagAck}
			if kind == framePing {
				f.Payload = payload
			}
			err = write(c, f, 0)
		case (kind == frameHeaders || kind == frameData) && flags&flagEndStream != 0:
			s.mu.Lock()
			frames, hangUp := s.frames, s.hangUp
			s.mu.Unlock()
			for _, f := range frames {
				if err == nil {
					err = write(c, f, stream)
				}
			}
			if hangUp {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func write(w io.Writer, f Frame, stream uint32) error {
	if f.Connection {
		stream = 0
	}
	n := len(f.Payload)
	b := binary.BigEndian.AppendUint32([]byte{byte(n >> 16), byte(n >> 8), byte(n), f.Type, f.Flags}, stream)
	_, err := w.Write(append(b, f.Payload...))
	return err
}
