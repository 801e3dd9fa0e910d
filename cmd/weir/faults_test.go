package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/weir-dev/weir/internal/simulator"
)

// kills is how often the fault tests kill; make test-faults says more.
var kills = flag.Int("kills", 3, "how often the fault tests kill a process")

// process is weir as a process of its own.
type process struct {
	cmd          *exec.Cmd
	url, gateway string
	output       *bytes.Buffer
}

var greeting = regexp.MustCompile(`(?m)^ {2}(console|gateway|key) +(\S+)`)

// startProcess runs weir serve on a data directory and waits until it answers.
func startProcess(t *testing.T, dir, config string) (p *process, firstKey string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p = &process{output: &bytes.Buffer{}}
	p.cmd = exec.Command(exe)
	// Under the name weir the test binary is weir: see TestMain.
	p.cmd.Args = []string{"weir", "serve", "--config", config, "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0"}
	p.cmd.Stderr = p.output
	p.cmd.WaitDelay = 20 * time.Second // an engine that outlives its parent holds the pipe
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer p.overdue(time.Minute).Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := greeting.FindStringSubmatch(lines.Text()); m != nil {
			switch m[1] {
			case "console":
				p.url = m[2]
			case "gateway":
				p.gateway = m[2]
			case "key":
				firstKey = m[2]
			}
		}
		if strings.HasPrefix(lines.Text(), "  admin") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return p, firstKey
		}
	}
	_ = p.cmd.Wait()
	t.Fatalf("weir did not start:\n%s", p.output.String())
	return nil, ""
}

// overdue has the process tell what its goroutines do, and end, when it takes too long.
func (p *process) overdue(d time.Duration) *time.Timer {
	return time.AfterFunc(d, func() { _ = p.cmd.Process.Signal(syscall.SIGQUIT) })
}

// stop asks the process to end, as an operator does, and expects it to.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	defer p.overdue(time.Minute).Stop()
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("stopped by SIGTERM: %v\n%s", err, p.output.String())
	}
}

// kill ends the process as the kernel would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// load sends calls until it is stopped and remembers those that were answered to the end.
type load struct {
	mu       sync.Mutex // guards answered
	answered map[string]string
	sent     atomic.Int64
	every    time.Duration // a client begins a call at most so often
	stop     chan struct{}
	wg       sync.WaitGroup
}

// startLoad runs clients against whatever gateway is up.
func startLoad(gateway *atomic.Pointer[string], key string, clients int, every time.Duration) *load {
	l := &load{answered: map[string]string{}, every: every, stop: make(chan struct{})}
	for i := range clients {
		l.wg.Go(func() { l.client(gateway, key, i%2 == 0) })
	}
	return l
}

func (l *load) client(gateway *atomic.Pointer[string], key string, stream bool) {
	client := &http.Client{Timeout: 10 * time.Second}
	pace := time.NewTicker(max(l.every, time.Nanosecond))
	defer pace.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-pace.C:
		}
		n := l.sent.Add(1)
		body := fmt.Sprintf(`{"model":"gpt-4o-mini","stream":%t,"max_tokens":20,"messages":[{"role":"user","content":"call %d"}]}`, stream, n)
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, *gateway.Load()+"/chat/completions", strings.NewReader(body))
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := client.Do(req)
		if err != nil {
			time.Sleep(5 * time.Millisecond) // it is down; a client that spins would only heat the machine
			continue
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || stream && !bytes.Contains(answer, []byte("[DONE]")) {
			continue
		}
		cost := resp.Header.Get("X-Weir-Cost-Usd")
		if stream {
			cost = resp.Trailer.Get("X-Weir-Cost-Usd")
		}
		l.mu.Lock()
		l.answered[resp.Header.Get("X-Weir-Call-Id")] = cost
		l.mu.Unlock()
	}
}

func (l *load) end() map[string]string {
	close(l.stop)
	l.wg.Wait()
	return l.answered
}

// Whatever is killed, and whenever: every call that was answered is in the store once, at the cost its client was told,
// and the sums agree.
func TestNothingIsLostWhenProcessesAreKilled(t *testing.T) {
	needEngine(t)
	provider := startProvider(t, simulator.Config{Seed: 4})
	dir := t.TempDir()
	config := filepath.Join(dir, "weir.yaml")
	text := fmt.Sprintf("providers:\n  - {name: openai, kind: openai, base_url: %q, api_key: x}\nspool: {max_age: 100ms, max_rows: 500}\n", provider.URL+"/v1")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, key := startProcess(t, dir, config)
	var gateway atomic.Pointer[string]
	gateway.Store(&p.gateway)
	l := startLoad(&gateway, key, 8, 0)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range *kills {
		time.Sleep(time.Duration(100+random.IntN(900)) * time.Millisecond) // a random moment under load is the point
		switch i % 3 {
		case 0: // weir and, by its pipe, the engine
			p.kill()
		case 1: // the engine alone
			killChildren(t, p.cmd.Process.Pid)
			continue
		case 2: // politely
			p.stop(t)
		}
		p, _ = startProcess(t, dir, config)
		gateway.Store(&p.gateway)
	}
	answered := l.end()
	token, err := os.ReadFile(filepath.Join(dir, "data", adminTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	compareBooks(t, p, strings.TrimSpace(string(token)), answered)
	p.stop(t)
	t.Logf("%d kills, %d calls sent, %d answered whole", *kills, l.sent.Load(), len(answered))
}
