package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/weir-dev/weir/bench/floor"
)

// TestMain lets the test binary be the programs that the benchmark starts: mock, floor, and a stand-in for weir.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case roleMock, roleFloor:
			os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
		case "--version":
			fmt.Println("stand-in 1")
			os.Exit(0)
		case "serve":
			if err := standIn(os.Args[3]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// The stand-in's name says what it does wrong: "lose" a record, "mix" answers up, "miscount" tokens, or nothing.

var (
	findListen   = regexp.MustCompile(`listen: "(.*)"`)
	findUpstream = regexp.MustCompile(`base_url: "(.*)/v1"`)
	findUsage    = regexp.MustCompile(`"prompt_tokens":(\d+)(?:,"completion_tokens":(\d+))?`)
	findNonce    = regexp.MustCompile(`nonce=[0-9a-f]{16}`)
)

// standIn is a weir as far as the benchmark can see: a proxy with a key, that counts.
func standIn(file string) error {
	config, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	up, err := url.Parse(string(findUpstream.FindSubmatch(config)[1]))
	if err != nil {
		return err
	}
	proxy := floor.New(up)
	fault := filepath.Base(os.Args[0])
	var calls, input, output atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	admin := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer "+os.Getenv("WEIR_ADMIN_TOKEN") {
				http.Error(w, "no token", http.StatusUnauthorized)
				return
			}
			h(w, r)
		}
	}
	mux.HandleFunc("POST /api/v1/keys", admin(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		key := "sk-weir-test"
		if bytes.Contains(body, []byte("requests_per_minute")) {
			key = "sk-weir-guarded"
		}
		fmt.Fprintf(w, `{"key":%q}`, key)
	}))
	mux.HandleFunc("POST /api/v1/budgets", admin(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }))
	mux.HandleFunc("GET /api/v1/calls", admin(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"calls":[]}`)
	}))
	mux.HandleFunc("GET /api/v1/spool", admin(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"accepted":%d,"written":%d}`, calls.Load(), calls.Load())
	}))
	mux.HandleFunc("GET /api/v1/costs", admin(func(w http.ResponseWriter, _ *http.Request) {
		n := calls.Load()
		if fault == "lose" {
			n--
		}
		fmt.Fprintf(w, `{"rows":[{"status":"ok","calls":%d}],"total":{"calls":%d,"cost_usd":"1.5","input_tokens":%d,"output_tokens":%d}}`, n, n, input.Load(), output.Load())
	}))
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		guarded := r.Header.Get("Authorization") == "Bearer sk-weir-guarded" && r.Header.Get("X-Weir-Cache") == "read"
		if !guarded && r.Header.Get("Authorization") != "Bearer sk-weir-test" {
			http.Error(w, "no key", http.StatusUnauthorized)
			return
		}
		answer := httptest.NewRecorder()
		proxy.ServeHTTP(answer, r)
		n := calls.Add(1)
		b := answer.Body.Bytes()
		if m := findUsage.FindSubmatch(b); m != nil {
			in, _ := strconv.ParseInt(string(m[1]), 10, 64)
			out, _ := strconv.ParseInt(string(m[2]), 10, 64) // embeddings have none
			if fault == "miscount" && n == 20 {
				in++
			}
			input.Add(in)
			output.Add(out)
		}
		if fault == "mix" && n%50 == 0 {
			b = findNonce.ReplaceAll(b, []byte("nonce=00000000ffffffff"))
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(b)
	})
	s := &http.Server{Addr: string(findListen.FindSubmatch(config)[1]), Handler: mux}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() { <-ctx.Done(); _ = s.Close() }()
	if err := s.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// TestWholeRun runs every kind of load against the stand-in, right and wrong ones.
func TestWholeRun(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fault, scenarios string
		code             int
		says             string
	}{
		{"nothing", "one,streams,open,embeddings", 0, "Balanced."},
		{"lose", "one", 1, "the records do not balance"},
		{"miscount", "one", 1, "the records do not balance"},
		{"mix", "sixteen", 1, "the answer belongs to another request"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			t.Parallel()
			file, program := filepath.Join(t.TempDir(), "figures.json"), filepath.Join(t.TempDir(), c.fault)
			if err := os.Symlink(self, program); err != nil {
				t.Fatal(err)
			}
			var out, log bytes.Buffer
			code := run(t.Context(), []string{
				"-weir", program, "-scenarios", c.scenarios, "-rounds", "1", "-duration", "150ms", "-warm", "50ms", "-max-foreign", "2", "-unguarded", "-out", file,
			}, &out, &log)
			if code != c.code {
				t.Fatalf("got code %d, want %d\n%s\n%s", code, c.code, &out, &log)
			}
			if text := out.String() + log.String(); !strings.Contains(text, c.says) {
				t.Errorf("%q is not in\n%s", c.says, text)
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var r report
			if err := json.Unmarshal(b, &r); err != nil {
				t.Fatal(err)
			}
			if got, want := len(r.Scenarios), 1+strings.Count(c.scenarios, ","); got != want {
				t.Fatalf("got %d scenarios, want %d", got, want)
			}
			for _, s := range r.Scenarios {
				for _, f := range s.Targets {
					if f.Sent == 0 || f.RPS == nil || f.RPS.Median <= 0 || f.P50 == nil {
						t.Errorf("%s, %s: nothing measured: %+v", s.Name, f.Target, f)
					}
				}
			}
			if c.fault == "nothing" && r.Ledger.Rows != r.Ledger.Good {
				t.Errorf("got %d rows for %d answers", r.Ledger.Rows, r.Ledger.Good)
			}
		})
	}
}

func TestBadCommandLines(t *testing.T) {
	for args, says := range map[string]string{
		"-scenarios nonsense":             `there is no scenario "nonsense"`,
		"-rounds 0 -duration 1ms":         "-duration 1ms: want",
		"extra":                           `"extra" is not an option`,
		"-weir /nowhere -scenarios one":   "ask /nowhere for its version",
		"floor -to http://[bad":           "-to:",
		"mock -listen 127.0.0.1:notaport": "notaport",
	} {
		var log bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), io.Discard, &log); code != 2 || !strings.Contains(log.String(), says) {
			t.Errorf("%s: got code %d and %q, want 2 and %q", args, code, &log, says)
		}
	}
}
