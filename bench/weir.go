package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-dev/weir/bench/procfs"
)

// weir is a weir that serves with everything on: keys, prices, budgets, limits, the response cache, records with bodies, in
// a directory of its own.
type weir struct {
	*process
	url      string
	version  string
	admin    string // token
	key      string // virtual key of the load: under budgets and limits
	freeKey  string // another, that nothing is held against
	dir      string
	keep     bool
	children []int // the engine
	log      *os.File
}

// project is whose calls the load's are.
const project = "bench"

const config = `listen: %q
data: %q
providers:
  - {name: mock, kind: openai, base_url: "%s/v1", api_key: "the-mock-takes-any"}
`

// startWeir builds weir if need be, starts it and waits until it is ready.
func startWeir(ctx context.Context, o options, upstream string, progress func(string, ...any)) (w *weir, err error) {
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for weir: %w", err)
	}
	w = &weir{dir: dir, keep: o.Keep, admin: rand.Text() + rand.Text()}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
			w = nil
		}
	}()
	if o.Keep {
		progress("weir's directory is %s", dir)
	}
	program, err := w.program(ctx, o.Weir, progress)
	if err != nil {
		return w, err
	}
	listen, err := freePort()
	if err != nil {
		return w, err
	}
	w.url = "http://" + listen
	file := filepath.Join(dir, "weir.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, listen, filepath.Join(dir, "data"), upstream), 0o600); err != nil {
		return w, fmt.Errorf("write weir's configuration: %w", err)
	}
	if w.log, err = os.Create(filepath.Join(dir, "weir.out")); err != nil {
		return w, fmt.Errorf("make weir's log: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, "serve", "--config", file, "--log-level", "warn")
	cmd.Env = environment("WEIR_ADMIN_TOKEN=" + w.admin)
	if w.process, err = startProcess(ctx, weirName, cmd, w.log); err != nil {
		return w, err
	}
	if err := w.waitReady(ctx); err != nil {
		return w, err
	}
	w.findChildren()
	return w, w.guards(ctx)
}

// guards makes the keys of the load, and limits and budgets that no load reaches.
func (w *weir) guards(ctx context.Context) error {
	for _, k := range []struct {
		into *string
		body string
	}{
		{&w.key, `{"project":"` + project + `","name":"bench","requests_per_minute":1000000000,"tokens_per_minute":1000000000,"concurrent":100000}`},
		{&w.freeKey, `{"project":"` + project + `","name":"free"}`},
	} {
		var made struct{ Key string }
		if err := w.api(ctx, http.MethodPost, "/api/v1/keys", strings.NewReader(k.body), &made); err != nil {
			return fmt.Errorf("make a key: %w", err)
		}
		*k.into = made.Key
	}
	for _, body := range []string{
		`{"name":"bench-month","scope":{"project":"` + project + `","key":"bench"},"window":"month","limit_usd":"100000000"}`,
		`{"name":"bench-day","scope":{"key":"bench"},"window":"day","limit_usd":"100000000","limit_tokens":1000000000000}`,
	} {
		if err := w.api(ctx, http.MethodPost, "/api/v1/budgets", strings.NewReader(body), nil); err != nil {
			return fmt.Errorf("make a budget: %w", err)
		}
	}
	return nil
}

// program is the weir to run: the one named, or one built from this tree.
func (w *weir) program(ctx context.Context, named string, progress func(string, ...any)) (string, error) {
	path := named
	if path == "" {
		progress("building weir")
		path = filepath.Join(w.dir, "weir")
		build := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/weir-dev/weir/cmd/weir")
		build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does
		if b, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build weir: %w; run this inside weir's tree, or name a program with -weir\n%s", err, b)
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find weir: %w", err)
	}
	b, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask %s for its version: %w; build it with make build, or leave -weir out", path, err)
	}
	w.version = strings.TrimSpace(string(b))
	return path, nil
}

// freePort finds a port that was free a moment ago.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

func (w *weir) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := call(ctx, http.MethodGet, w.url+"/readyz", "", nil, nil)
		if err == nil {
			return nil
		}
		if dead := w.alive(); dead != nil {
			return dead
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("weir is not ready after a minute: %w\n%s", err, w.tail)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// findChildren looks for the engine's processes again: it may have been restarted.
func (w *weir) findChildren() { w.children = procfs.Children(w.pid()) }

// resetPeaks lets the peaks of memory start again.
func (w *weir) resetPeaks() {
	for _, pid := range append(w.children, w.pid()) {
		procfs.ResetPeak(pid)
	}
}

// peaks are the most memory, in bytes, since resetPeaks.
func (w *weir) peaks() (gateway, engine int64) {
	for _, pid := range w.children {
		engine += procfs.PeakMemory(pid)
	}
	return procfs.PeakMemory(w.pid()), engine
}

// close ends weir and removes its directory, unless it is to be kept.
func (w *weir) close() error {
	var errs []error
	if w.process != nil {
		errs = append(errs, w.stop())
	}
	if w.log != nil {
		errs = append(errs, w.log.Close())
	}
	if !w.keep {
		errs = append(errs, os.RemoveAll(w.dir))
	}
	return errors.Join(errs...)
}

// spoolCounters are what GET /api/v1/spool says.
type spoolCounters struct {
	Accepted    int64 `json:"accepted"`
	Written     int64 `json:"written"`
	Waiting     int64 `json:"waiting"`
	Quarantined int64 `json:"quarantined"`
	Dropped     int64 `json:"dropped"`
	// BodiesDropped are records kept without their bodies because the store could not keep up.
	BodiesDropped int64 `json:"bodies_dropped"`
}

func (w *weir) spool(ctx context.Context) (c spoolCounters, err error) {
	return c, w.api(ctx, http.MethodGet, "/api/v1/spool", nil, &c)
}

// drained waits until no record waits for the store.
func (w *weir) drained(ctx context.Context, longest time.Duration) (spoolCounters, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	// A reader has what waits sent at once, and pays for the small batch: without one it would take up to spool.max_age.
	if err := w.api(ctx, http.MethodGet, "/api/v1/calls?limit=1", nil, nil); err != nil {
		return spoolCounters{}, err
	}
	for {
		c, err := w.spool(ctx)
		if err == nil && c.Waiting == 0 {
			return c, nil
		}
		select {
		case <-ctx.Done():
			return c, errors.Join(fmt.Errorf("%d records still wait for the store after %v", c.Waiting, longest), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// api calls weir's API.
func (w *weir) api(ctx context.Context, method, path string, body io.Reader, answer any) error {
	return call(ctx, method, w.url+path, w.admin, body, answer)
}

// call makes one HTTP request outside the measured load and reads its answer as JSON, where one is wanted.
func call(ctx context.Context, method, url, token string, body io.Reader, answer any) error {
	b, err := ask(ctx, method, url, token, body)
	if err != nil || answer == nil {
		return err
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	return nil
}

// ask makes one HTTP request. Any status but 2xx is an error with the answer's text.
func ask(ctx context.Context, method, url, token string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s: %.500s", method, url, resp.Status, b)
	}
	return b, nil
}
