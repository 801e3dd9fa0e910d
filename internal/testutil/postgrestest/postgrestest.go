// Package postgrestest runs a PostgreSQL server of a test's own, when its programs are on the machine.
package postgrestest

import (
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Server is a PostgreSQL server on a port of this machine, with an empty database.
type Server struct {
	t              *testing.T
	dir, bin, port string
	attr           *syscall.SysProcAttr
	cmd            *exec.Cmd
}

// Start runs a server until the test ends. The test is skipped where there are no programs of PostgreSQL.
func Start(t *testing.T) *Server {
	t.Helper()
	s := &Server{t: t, bin: programs(t), port: freePort(t)}
	var err error
	if s.dir, err = os.MkdirTemp("", "weirpg"); err != nil { //nolint:usetesting // short: it holds a unix socket
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(s.dir) })
	s.attr = unprivileged(t, s.dir)
	initdb := exec.CommandContext(t.Context(), filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", "weir", "-A", "trust", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = s.attr, s.dir
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.Again()
	t.Cleanup(s.Stop)
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// URL is where the database is.
func (s *Server) URL() string {
	u := url.URL{Scheme: "postgres", User: url.User("weir"), Host: "127.0.0.1:" + s.port, Path: "/postgres", RawQuery: "sslmode=disable"}
	return u.String()
}

// Stop ends the server at once, as a crash does. Its data stay.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGQUIT) // immediate shutdown
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Again starts the server again on its data.
func (s *Server) Again() {
	s.t.Helper()
	s.cmd = exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data(), "-p", s.port, "-k", s.dir, "-c", "fsync=off", "-c", "listen_addresses=127.0.0.1") //nolint:noctx // Stop ends it
	s.cmd.SysProcAttr, s.cmd.Dir = s.attr, s.dir
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for {
		ready := exec.CommandContext(ctx, filepath.Join(s.bin, "pg_isready"), "-q", "-t", "5", "-h", "127.0.0.1", "-p", s.port)
		if ready.Run() == nil {
			return
		}
		if ctx.Err() != nil {
			s.t.Fatal("PostgreSQL did not start within 30 s")
		}
	}
}

func programs(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) > 0 {
		slices.Sort(found)
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(real)
		}
	}
	t.Skip("PostgreSQL's server programs are not on this machine (apt-get install postgresql)")
	return ""
}

// unprivileged: PostgreSQL refuses to run as root, so root's tests run it as nobody.
func unprivileged(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip("tests run as root and there is no user nobody to run PostgreSQL as")
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
