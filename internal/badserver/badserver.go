// Package badserver is an upstream that misbehaves on purpose: tests say, byte by byte, what each request is answered.
package badserver

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Script is the request header that names who answers.
const Script = "X-Bad-Script"

// Server listens on a port of the loopback. Safe for concurrent use.
type Server struct {
	URL string // without a path and without a slash at its end

	listener net.Listener
	over     chan struct{} // closed by Close
	wg       sync.WaitGroup

	mu      sync.Mutex // guards all below
	scripts map[string]*script
	conns   map[net.Conn]bool // whether a request is being answered on it
}

// script is what the requests of one name are answered, in turn; the last reply is repeated.
type script struct {
	replies  []Reply
	requests int
}

// Start runs a server until the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{
		URL: "http://" + l.Addr().String(), listener: l, over: make(chan struct{}),
		scripts: map[string]*script{}, conns: map[net.Conn]bool{},
	}
	s.wg.Go(s.accept)
	tb.Cleanup(s.Close)
	return s
}

// On sets what requests of a name are answered: the first the first reply, and so on; the last reply stays.
func (s *Server) On(name string, replies ...Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[name] = &script{replies: replies}
}

// Requests is how many requests of a name came.
func (s *Server) Requests(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sc, ok := s.scripts[name]; ok {
		return sc.requests
	}
	return 0
}

// Open is how many connections there are, idle ones among them.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Drop closes the connections on which no request is being answered.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, busy := range s.conns {
		if !busy {
			_ = c.Close()
		}
	}
}

// Close ends everything.
func (s *Server) Close() {
	s.mu.Lock()
	select {
	case <-s.over:
	default:
		close(s.over)
	}
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	_ = s.listener.Close()
	s.wg.Wait()
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = false
		s.mu.Unlock()
		s.wg.Go(func() { s.serve(c) })
	}
}

func (s *Server) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	in := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		reply := s.next(c, req.Header.Get(Script))
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return
		}
		conn := &Conn{Conn: c, in: in, over: s.over}
		for _, step := range reply {
			if err := step(conn); err != nil {
				return
			}
		}
		s.mu.Lock()
		s.conns[c] = false
		s.mu.Unlock()
	}
}

// next is the reply to a request of a name; a name nobody set is a mistake of the test and answered 404.
func (s *Server) next(c net.Conn, name string) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = true
	sc, ok := s.scripts[name]
	if !ok || len(sc.replies) == 0 {
		return Reply{Send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")}
	}
	n := min(sc.requests, len(sc.replies)-1)
	sc.requests++
	return sc.replies[n]
}

// Conn is the connection of a request that is being answered.
type Conn struct {
	net.Conn
	in   *bufio.Reader
	over <-chan struct{}
}

var errDone = errors.New("done with this connection")

// lines joins header lines.
func lines(header []string) string {
	if len(header) == 0 {
		return ""
	}
	return strings.Join(header, "\r\n") + "\r\n"
}
