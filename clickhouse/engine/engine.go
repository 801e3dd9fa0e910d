// Package engine runs a real ClickHouse engine in a supervised child process that answers ClickHouse's HTTP protocol on a unix socket.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Defaults of Config.
const (
	DefaultMemory      = 400 << 20 // bytes
	DefaultConnections = 4
)

const (
	maxSocketPath = 103 // bytes; macOS allows 104 with the closing NUL, Linux 108

	firstDelay  = 50 * time.Millisecond // before the first restart
	maxDelay    = 5 * time.Second       // between restarts
	steadyTime  = 30 * time.Second      // a child that lived so long makes the next delay the first again
	loopAfter   = 3                     // quick deaths in a row that make a crash loop
	dialWait    = 5 * time.Second       // how long a dial waits for a child that is starting
	redialDelay = 20 * time.Millisecond
)

// Config says how to run the engine. Dir is required; every other zero value has a default.
type Config struct {
	Dir         string        // directory of the engine's data; made with mode 0700 when missing
	Command     []string      // program and first arguments of the child; default: this executable and "engine"
	Env         []string      // added to the child's environment, "NAME=value"
	Library     string        // path of libchdb; default: what Locate finds
	Log         *slog.Logger  // default: discard
	Memory      int64         // limit of what the engine allocates, in bytes; default DefaultMemory
	Connections int           // statements that run at once; default DefaultConnections
	LockWait    time.Duration // how long to wait for the directory; default 10 s
	StartWait   time.Duration // how long the first child may take to answer; default 60 s
	StopWait    time.Duration // how long Close waits before it kills the child; default 15 s
}

// Engine is a ClickHouse engine that runs in a child process and is started again when it dies. It is safe for
// concurrent use.
type Engine struct {
	cfg     Config
	socket  string
	private string   // directory made for a socket whose path in Dir would be too long
	lock    *os.File // held by this process and by the child
	stop    chan struct{}
	done    chan struct{} // closed when the child is gone and will not come back

	closeOnce sync.Once
	closeErr  error

	mu       sync.Mutex // guards what follows
	changed  chan struct{}
	child    *child // nil between two children
	ready    bool
	restarts int
	deaths   int   // quick deaths in a row
	last     error // why the last child ended
}

// Start takes the directory, starts the child and returns when it answers. The error says what to do when the library
// is missing (ErrMissing, ErrUnsupported), the directory is in use (*InUseError) or the engine cannot open it. ctx bounds
// the start only; Close ends the engine.
func Start(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Dir == "" {
		return nil, errors.New("start the engine: no data directory is given")
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	cfg.Dir = dir
	if cfg.Library == "" {
		if cfg.Library, err = Locate(); err != nil {
			return nil, fmt.Errorf("start the engine: %w", err)
		}
	}
	if len(cfg.Command) == 0 {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("start the engine: find this program: %w", err)
		}
		cfg.Command = []string{exe, "engine"}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Memory = cmp.Or(cfg.Memory, DefaultMemory)
	cfg.Connections = cmp.Or(cfg.Connections, DefaultConnections)
	cfg.LockWait = cmp.Or(cfg.LockWait, 10*time.Second)
	cfg.StartWait = cmp.Or(cfg.StartWait, time.Minute)
	cfg.StopWait = cmp.Or(cfg.StopWait, 15*time.Second)

	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("start the engine: make its directory: %w", err)
	}
	e := &Engine{cfg: cfg, stop: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{})}
	if e.lock, err = lockDir(ctx, dir, cfg.LockWait); err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	if err := e.placeSocket(); err != nil {
		e.lock.Close()
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	go e.supervise()
	ctx, cancel := context.WithTimeout(ctx, cfg.StartWait)
	defer cancel()
	if err := e.await(ctx, 1); err != nil {
		_ = e.Close()
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	return e, nil
}

// placeSocket chooses the socket's path: in the data directory, or in a private directory when that is too long.
func (e *Engine) placeSocket() error {
	e.socket = filepath.Join(e.cfg.Dir, "weir-engine.sock")
	if len(e.socket) <= maxSocketPath {
		return nil
	}
	private, err := os.MkdirTemp("", "weir-")
	if err != nil {
		return fmt.Errorf("make a directory for the socket: %w", err)
	}
	e.private, e.socket = private, filepath.Join(private, "s")
	if len(e.socket) > maxSocketPath {
		_ = os.Remove(private)
		return fmt.Errorf("both %s and %s are too long for a unix socket: choose a shorter data directory or TMPDIR", e.cfg.Dir, private)
	}
	return nil
}

// DialContext connects to the child that runs now; network and addr are ignored. While a child is starting it waits,
// for at most five seconds; in a crash loop it fails at once with what Health says.
func (e *Engine) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	for {
		if err := e.await(ctx, loopAfter); err != nil {
			return nil, fmt.Errorf("dial the engine: %w", err)
		}
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "unix", e.socket)
		if err == nil {
			return conn, nil
		}
		// A socket that refuses is that of a child whose death has not been noticed yet.
		select {
		case <-time.After(redialDelay):
		case <-ctx.Done():
			return nil, fmt.Errorf("dial the engine: %w", err)
		}
	}
}

// await returns when a child answers. It fails when the engine is closed, when so many children in a row died
// quickly, or when ctx is done.
func (e *Engine) await(ctx context.Context, deaths int) error {
	for {
		e.mu.Lock()
		ready, failed, last, changed := e.ready, e.deaths >= deaths, e.last, e.changed
		e.mu.Unlock()
		switch {
		case ready:
			return nil
		case failed:
			return last
		}
		select {
		case <-changed:
		case <-e.done:
			return errors.New("the engine is closed")
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the engine does not answer: %w", ctx.Err()), last)
		}
	}
}

// Health is nil when the child answers. Otherwise the error says why not, and whether it is a crash loop.
func (e *Engine) Health() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.done:
		return errors.New("the engine is closed")
	default:
	}
	switch {
	case e.ready:
		return nil
	case e.deaths >= loopAfter:
		return fmt.Errorf("the engine died %d times in a row and is tried again every %v: %w", e.deaths, maxDelay, e.last)
	case e.last != nil:
		return fmt.Errorf("the engine is starting again: %w", e.last)
	}
	return errors.New("the engine is starting")
}

// Pid is the process id of the child, or 0 when none runs.
func (e *Engine) Pid() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.child == nil {
		return 0
	}
	return e.child.cmd.Process.Pid
}

// Restarts is how many times a child that died was started again.
func (e *Engine) Restarts() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.restarts
}

// Close asks the child to finish its statements and close the database, kills it when that takes longer than
// Config.StopWait, and lets the directory go. It may be called more than once.
func (e *Engine) Close() error {
	e.closeOnce.Do(func() {
		close(e.stop)
		<-e.done
		e.closeErr = e.lock.Close()
		if e.private != "" {
			e.closeErr = errors.Join(e.closeErr, os.RemoveAll(e.private))
		}
	})
	return e.closeErr
}
