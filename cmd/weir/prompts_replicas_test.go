package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/internal/testutil/postgrestest"
)

// startReplica runs weir as a process of its own on a shared control plane.
func startReplica(t *testing.T, control, provider string) (*process, *service) {
	t.Helper()
	dir := killedDir(t)
	config := filepath.Join(dir, "weir.yaml")
	text := fmt.Sprintf("control: {url: %q}\nproviders:\n  - {name: openai, kind: openai, base_url: %q, api_key: x}\n", control, provider+"/v1")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, key := startProcess(t, dir, config)
	token, err := os.ReadFile(filepath.Join(dir, "data", adminTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	return p, &service{url: at.Scheme + "://" + at.Host, gateway: p.gateway, firstKey: account.NewSecret(key), admin: account.NewSecret(strings.TrimSpace(string(token)))}
}

// hammer sends calls with the prompt p to a gateway until ctx ends. A call that starts when a move was answered must be
// made with that version or a later one: versions and moves count up together.
type hammer struct {
	gateway, key string
	answered     *atomic.Int64 // version that the last answered move made the label's
	calls        atomic.Int64
	late         atomic.Int64 // calls with an older version
	ticks        chan struct{}

	mu    sync.Mutex // guards wrong
	wrong string     // what went wrong besides
}

func (h *hammer) run(ctx context.Context) {
	client := &http.Client{Timeout: 30 * time.Second}
	for ctx.Err() == nil {
		floor := h.answered.Load()
		version, err := h.call(ctx, client)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			h.mu.Lock()
			h.wrong = err.Error()
			h.mu.Unlock()
		case version < floor:
			h.late.Add(1)
		}
		h.calls.Add(1)
		select {
		case h.ticks <- struct{}{}:
		default:
		}
	}
}

func (h *hammer) call(ctx context.Context, client *http.Client) (version int64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.gateway+"/chat/completions", strings.NewReader(`{"max_tokens":3,"prompt":{"id":"p@live"}}`))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+h.key)
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	number, ok := strings.CutPrefix(resp.Header.Get("X-Weir-Prompt"), "p@")
	if resp.StatusCode != http.StatusOK || !ok {
		return 0, fmt.Errorf("%d %s", resp.StatusCode, body)
	}
	return strconv.ParseInt(number, 10, 64)
}

// Two weirs share a PostgreSQL. While both answer calls, a label moves 20 times, by either's API: no call that starts after a
// move was answered is made with an older version, on either. Then the control plane goes away, and comes back.
func TestTwoReplicasAnswerWithTheLabelAsItWasMoved(t *testing.T) {
	needEngine(t)
	const moves = 20
	control := postgrestest.Start(t)
	provider := startProvider(t, simulator.Config{Seed: 1})
	var services [2]*service
	for i := range services {
		p, s := startReplica(t, control.URL(), provider.URL)
		defer p.kill()
		services[i] = s
	}
	key := services[0].firstKey.Reveal() // the first one made it
	for i := range moves + 1 {
		services[i%2].pushPrompt(t, "p", fmt.Sprintf(`{"text":"version %d","model":"gpt-4o-mini"}`, i+1))
	}
	services[0].moveLabel(t, "p", "live", 1)

	var answered atomic.Int64
	answered.Store(1)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	hammers := make([]*hammer, len(services))
	for i, s := range services {
		h := &hammer{gateway: s.gateway, key: key, answered: &answered, ticks: make(chan struct{}, 1)}
		hammers[i] = h
		for range 4 {
			running.Go(func() { h.run(ctx) })
		}
	}
	var slowest time.Duration
	for i := range moves {
		for _, h := range hammers { // calls are under way on both
			for range 5 {
				<-h.ticks
			}
		}
		began := time.Now()
		if m := services[i%2].moveLabel(t, "p", "live", i+2); !m.Converged {
			t.Errorf("move %d is not in force everywhere: %+v", i+1, m)
		}
		answered.Store(int64(i + 2))
		slowest = max(slowest, time.Since(began))
	}
	for _, h := range hammers {
		for range 10 {
			<-h.ticks
		}
	}
	for i, h := range hammers {
		if n := h.late.Load(); n > 0 || h.wrong != "" {
			t.Errorf("replica %d: %d of %d calls with an older version; %s", i, n, h.calls.Load(), h.wrong)
		}
		t.Logf("replica %d: %d calls, %d with an older version; the slowest of %d moves was in force on both after %v", i, h.calls.Load(), h.late.Load(), moves, slowest)
	}
	stop()
	running.Wait()

	var system struct {
		Replicas []struct {
			Name            string
			PromptsRevision int64 `json:"prompts_revision"`
		}
	}
	services[1].get(t, "/system", &system)
	if r := system.Replicas; len(r) != 2 || r[0].Name == r[1].Name || r[0].PromptsRevision != r[1].PromptsRevision || r[0].PromptsRevision < moves {
		t.Errorf("replicas: %+v", r)
	}

	// Without the control plane both go on with what they have, and say so.
	control.Stop()
	h := &hammer{gateway: services[1].gateway, key: key}
	client := &http.Client{Timeout: 30 * time.Second}
	services[1].until(t, http.StatusServiceUnavailable, `"prompts"`)
	if version, err := h.call(t.Context(), client); err != nil || version != moves+1 {
		t.Errorf("without the control plane: version %d, %v", version, err)
	}
	if _, text := services[1].plain(t, "/metrics"); !strings.Contains(text, "weir_prompts_stale 1\n") {
		t.Error("the metrics do not say that the prompts may be old")
	}
	control.Again()
	services[1].until(t, http.StatusOK, "")
	services[0].until(t, http.StatusOK, "")
	if m := services[0].moveLabel(t, "p", "live", 1); !m.Converged {
		t.Errorf("after the control plane came back: %+v", m)
	}
	if version, err := h.call(t.Context(), client); err != nil || version != 1 {
		t.Errorf("after the control plane came back: version %d, %v", version, err)
	}
}

// until waits for an answer of /readyz with a status and a text.
func (s *service) until(t *testing.T, status int, says string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		if got, text := s.plain(t, "/readyz"); got != status || !strings.Contains(text, says) {
			return fmt.Errorf("/readyz says %d %s", got, text)
		}
		return nil
	})
}

// plain asks outside of the API.
func (s *service) plain(t *testing.T, path string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
