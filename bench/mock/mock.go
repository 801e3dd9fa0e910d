// Package mock is an OpenAI-compatible upstream that costs next to nothing: HTTP/1.1 straight on TCP, answers made by
// appending, each with the nonce of its request.
package mock

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Settings say how the mock answers. They may be changed while it runs, with a POST of their JSON to ControlPath; what
// is left out there stays as it is.
type Settings struct {
	Latency    time.Duration `json:"latency_ns"`     // before an answer that is not streamed
	First      time.Duration `json:"first_ns"`       // before the first event of a stream
	Inter      time.Duration `json:"inter_ns"`       // between events
	Chunks     int           `json:"chunks"`         // events with content in a stream
	ReplyBytes int           `json:"reply_bytes"`    // text in an answer that is not streamed
	ChunkBytes int           `json:"chunk_bytes"`    // text in an event
	MaxBody    int           `json:"max_body_bytes"` // of a request
}

// Default are the settings of a mock that answers at once.
func Default() Settings {
	return Settings{Chunks: 50, ReplyBytes: 400, ChunkBytes: 20, MaxBody: 32 << 20}
}

// ControlPath takes new settings (POST) and gives the counters (GET).
const ControlPath = "/mock"

// Stats are the mock's counters since it started.
type Stats struct {
	Requests    int64 `json:"requests"`    // answered, control apart
	Streams     int64 `json:"streams"`     // of these
	Connections int64 `json:"connections"` // accepted
}

// Server is a mock. New makes one.
type Server struct {
	set   atomic.Pointer[prepared]
	stats struct{ requests, streams, connections atomic.Int64 }

	mu     sync.Mutex // guards conns, closed
	conns  map[net.Conn]bool
	closed bool
}

// prepared are settings with what can be made ahead of answers.
type prepared struct {
	Settings
	reply, chunk []byte // text of the right length
	vector       []byte // an embedding, as JSON
}

// New makes a mock; bad settings are an error.
func New(s Settings) (*Server, error) {
	m := &Server{conns: map[net.Conn]bool{}}
	return m, m.Set(s)
}

// Set changes the settings for the requests that come.
func (m *Server) Set(s Settings) error {
	switch {
	case s.Chunks < 1 || s.Chunks > 100_000:
		return fmt.Errorf("chunks: %d; want 1 to 100,000", s.Chunks)
	case s.ReplyBytes < 0 || s.ReplyBytes > 16<<20:
		return fmt.Errorf("reply_bytes: %d; want 0 to 16 MiB", s.ReplyBytes)
	case s.ChunkBytes < 0 || s.ChunkBytes > 1<<20:
		return fmt.Errorf("chunk_bytes: %d; want 0 to 1 MiB", s.ChunkBytes)
	case s.Latency < 0 || s.First < 0 || s.Inter < 0:
		return errors.New("a delay is negative; want 0 or more")
	case s.MaxBody < 1:
		return fmt.Errorf("max_body_bytes: %d; want 1 or more", s.MaxBody)
	}
	p := &prepared{Settings: s, reply: filler(s.ReplyBytes), chunk: filler(s.ChunkBytes)}
	for i := range 256 {
		if i > 0 {
			p.vector = append(p.vector, ',')
		}
		p.vector = fmt.Appendf(p.vector, "%.6f", float64(i%17)/17-0.5)
	}
	m.set.Store(p)
	return nil
}

// filler is n bytes of text that needs no escaping in JSON.
func filler(n int) []byte {
	const text = "lorem ipsum dolor sit amet "
	b := make([]byte, n)
	for i := range b {
		b[i] = text[i%len(text)]
	}
	return b
}

// Stats reads the counters.
func (m *Server) Stats() Stats {
	return Stats{m.stats.requests.Load(), m.stats.streams.Load(), m.stats.connections.Load()}
}

// Serve answers on l until l is closed, which is no error, and closes what connections there are then.
func (m *Server) Serve(l net.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer m.closeAll()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept: %w", err)
		}
		m.stats.connections.Add(1)
		wg.Go(func() {
			if m.keep(c) {
				newConn(m, c).serve()
			}
			_ = c.Close()
			m.forget(c)
		})
	}
}

func (m *Server) keep(c net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.conns[c] = true
	}
	return !m.closed
}

func (m *Server) forget(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.conns, c)
}

func (m *Server) closeAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	for c := range m.conns {
		_ = c.Close()
	}
}

// control answers on ControlPath.
func (m *Server) control(method string, body []byte) (status int, answer []byte) {
	if method == "GET" {
		answer, _ = json.Marshal(m.Stats()) // integers only: it cannot fail
		return 200, answer
	}
	s := m.set.Load().Settings
	err := json.Unmarshal(body, &s)
	if err == nil {
		err = m.Set(s)
	}
	if err != nil {
		return 400, fmt.Appendf(nil, `{"error":%q}`, err.Error())
	}
	answer, _ = json.Marshal(s)
	return 200, answer
}
