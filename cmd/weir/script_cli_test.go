package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the program itself for the scripts, and for the engine's child that run starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "engine" {
		main()
		os.Exit(0)
	}
	testscript.Main(suite{m}, map[string]func(){"weir": main})
}

// suite stops what tests share when all have run.
type suite struct{ *testing.M }

func (s suite) Run() int {
	defer sharedChromium.close()
	return s.M.Run()
}

// TestScripts runs the command line against an API that plays weir. Scripts find in their environment: WEIR_URL and
// WEIR_ADMIN_TOKEN of the API, READY its address, UNREADY that of a weir that is not ready, STRANGER that of another
// program and FREE one where nothing listens;
// and providers.yaml, a configuration with one provider that is there and one that is not.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			api := newFakeAPI()
			servers := map[string]http.Handler{
				"READY":   api,
				"UNREADY": answering(http.StatusServiceUnavailable, `{"status":"not ready","reasons":{"clickhouse":"no answer","spool":"full"}}`),
				"STRANGER": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					http.Error(w, "<h1>not here</h1>", http.StatusNotFound)
				}),
			}
			for name, h := range servers {
				srv := httptest.NewServer(h)
				env.Defer(srv.Close)
				env.Setenv(name, srv.Listener.Addr().String())
			}
			free := httptest.NewServer(nil)
			env.Setenv("FREE", free.Listener.Addr().String())
			away := httptest.NewServer(http.NotFoundHandler())
			away.Close()
			free.Close()
			providers := fmt.Sprintf("providers:\n  - {name: openai, kind: openai, base_url: \"http://%s/v1\", api_key: \"env:OPENAI_API_KEY\"}\n"+
				"  - {name: away, kind: compatible, base_url: \"http://%s/v1\"}\n", env.Getenv("READY"), away.Listener.Addr())
			if err := os.WriteFile(filepath.Join(env.WorkDir, "providers.yaml"), []byte(providers), 0o600); err != nil {
				return err
			}
			env.Setenv("WEIR_URL", "http://"+env.Getenv("READY"))
			env.Setenv("WEIR_ADMIN_TOKEN", fakeToken)
			env.Setenv("TZ", "UTC")
			env.Values["api"] = api
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "goeson": goesOn, "makespool": makeSpool},
	})
}

// exits runs a command and wants its exit code: exits 2 weir keys list.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND …")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code: got %d, want %d", got, want)
	}
}

// goesOn waits until a tail goes on behind a call: goeson ID.
func goesOn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: goeson ID")
	}
	if got := <-ts.Value("api").(*fakeAPI).again; got != args[0] {
		ts.Fatalf("goes on behind %q, want %q", got, args[0])
	}
}

func answering(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func TestLocalAddress(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:4000": "127.0.0.1:4000", ":4000": "127.0.0.1:4000", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "[::1]:80",
		"[::1]:80": "[::1]:80", "example.org:1": "example.org:1", "nonsense": "nonsense",
	} {
		if got := localAddress(listen); got != want {
			t.Errorf("localAddress(%q): got %q, want %q", listen, got, want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "127.8.8.8": true, "::1": true, "10.0.0.1": false, "localhost.evil.org": false, "": false} {
		if got := loopback(host); got != want {
			t.Errorf("loopback(%q): got %v, want %v", host, got, want)
		}
	}
}
