// Package redistest runs a Redis server for a test.
package redistest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Server is a redis-server of the test's own, which keeps nothing on the disk.
type Server struct {
	tb     testing.TB
	dir    string
	port   string
	server *exec.Cmd
}

// patience is how long a server may take to answer.
const patience = 20 * time.Second

// Start runs a server until the test ends, and skips the test when its program is not on the machine.
func Start(tb testing.TB) *Server {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		tb.Skip("redis-server is not on this machine (apt-get install redis-server)")
	}
	dir, err := os.MkdirTemp("", "weirredis") // short: it holds a unix socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Server{tb: tb, dir: dir, port: freePort(tb)}
	s.Again()
	tb.Cleanup(s.Stop)
	return s
}

// URL is where it listens, on the loopback interface.
func (s *Server) URL() string { return "redis://" + s.Addr() + "/0" }

// Addr is its host and port.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", s.port) }

// SocketURL is where it listens on a unix socket.
func (s *Server) SocketURL() string { return "unix://" + filepath.Join(s.dir, "s") + "?db=0" }

// Stop ends the server as a power cut would: what it knew is gone.
func (s *Server) Stop() {
	if s.server == nil {
		return
	}
	_ = s.server.Process.Kill()
	_ = s.server.Wait()
	s.server = nil
}

// Again starts it, empty, where it listened before, and waits until it answers.
func (s *Server) Again() {
	s.tb.Helper()
	s.server = exec.Command("redis-server", "--port", s.port, "--bind", "127.0.0.1", "--unixsocket", filepath.Join(s.dir, "s"), //nolint:noctx // Stop ends it
		"--dir", s.dir, "--save", "", "--appendonly", "no", "--loglevel", "warning")
	if err := s.server.Start(); err != nil {
		s.tb.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		if conn, err := net.DialTimeout("unix", filepath.Join(s.dir, "s"), time.Second); err == nil { //nolint:noctx // bounded
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			s.tb.Fatalf("redis-server did not answer within %s", patience)
		}
		<-time.After(10 * time.Millisecond) // nothing tells when it listens
	}
}

// Flush has it forget everything.
func (s *Server) Flush() {
	s.tb.Helper()
	conn, err := net.DialTimeout("unix", filepath.Join(s.dir, "s"), time.Second) //nolint:noctx // bounded
	if err != nil {
		s.tb.Fatal(err)
	}
	defer conn.Close()
	answer := make([]byte, 64)
	if _, err = conn.Write([]byte("FLUSHALL\r\n")); err == nil {
		_, err = conn.Read(answer)
	}
	if err != nil || answer[0] != '+' {
		s.tb.Fatalf("FLUSHALL: %q, %v", answer, err)
	}
}

func freePort(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	return port
}
