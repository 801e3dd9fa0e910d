// Package enginetest gives a test binary one real ClickHouse engine, whose child process is the test binary itself.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { enginetest.Main(m) }
//
// and its tests call Start. Tests share the engine: each makes a database of its own.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/weir-dev/weir/clickhouse/engine"
)

const (
	// childEnv is set in the environment of the test binary that is run as the engine's child.
	childEnv = "WEIR_TEST_ENGINE_CHILD"

	// EnvRequired names the variable that makes a missing library a failure instead of a skip, when it is "required".
	EnvRequired = "WEIR_TEST_ENGINE"
)

var shared struct {
	mu      sync.Mutex
	main    bool // Main runs this binary
	started bool
	dir     string
	engine  *engine.Engine
	err     error
}

// Main runs the tests and exits, or is the engine's child when it was started as that. It stops the shared engine after
// the last test.
func Main(m *testing.M) {
	if RunChild() {
		return
	}
	shared.mu.Lock()
	shared.main = true
	shared.mu.Unlock()
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the shared engine:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// RunChild is the engine's child and exits with it when this process was started as that; otherwise it returns false at
// once. Main calls it; a TestMain of another shape calls it first.
func RunChild() bool {
	if os.Getenv(childEnv) == "" {
		return false
	}
	if err := engine.Main(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
	return true
}

// Config is a configuration that runs this test binary as the child, on dir. It skips the test when the library is
// missing, as Start does. Tests that need an engine of their own pass it to engine.Start.
func Config(tb testing.TB, dir string) engine.Config {
	tb.Helper()
	path, err := engine.Locate()
	if err != nil {
		if os.Getenv(EnvRequired) == "required" {
			tb.Fatalf("%s=required: %v", EnvRequired, err)
		}
		tb.Skipf("no ClickHouse engine: %v", err)
	}
	exe, err := os.Executable()
	if err != nil {
		tb.Fatalf("find the test binary: %v", err)
	}
	return engine.Config{Dir: dir, Command: []string{exe}, Env: []string{childEnv + "=1"}, Library: path}
}

// Start returns the engine that all tests of this binary share, started at the first call in a temporary directory.
// It skips the test when the library is missing, and fails it instead when WEIR_TEST_ENGINE is "required".
func Start(tb testing.TB) *engine.Engine {
	tb.Helper()
	cfg := Config(tb, "")
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.main {
		tb.Fatal("this package has no `func TestMain(m *testing.M) { enginetest.Main(m) }`")
	}
	if !shared.started {
		shared.started = true
		shared.dir, shared.err = os.MkdirTemp("", "weir-engine-test-")
		if shared.err == nil {
			cfg.Dir = shared.dir
			shared.engine, shared.err = engine.Start(context.Background(), cfg) //nolint:usetesting // it outlives the test that starts it
		}
	}
	if shared.err != nil {
		tb.Fatalf("start the shared engine: %v", shared.err)
	}
	return shared.engine
}

func stop() error {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.started {
		return nil
	}
	var err error
	if shared.engine != nil {
		err = shared.engine.Close()
	}
	return errors.Join(err, os.RemoveAll(shared.dir))
}
