package eval

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script writes a program for the shell.
func script(t *testing.T, text string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"/bin/sh", file}
}

func TestCommandTarget(t *testing.T) {
	ask := func(text string, timeout time.Duration) (Answer, error) {
		it := itemsOf(t, `{"id":"a","input":"line\nline"}`)[0]
		return NewCommand(script(t, text), timeout).Ask(t.Context(), Ask{Key: Key{"t", "a", 1}, Item: &it})
	}
	if a, err := ask("cat; echo", time.Minute); err != nil || a.Text != "line\nline" {
		t.Errorf("got %q, %v", a.Text, err)
	}
	for text, want := range map[string]string{
		"echo first >&2; echo why >&2; exit 3": "exit status 3: why",
		"head -c 9000000 /dev/zero":            "more than 8 MiB",
	} {
		if _, err := ask(text, time.Minute); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	begin := time.Now()
	if _, err := ask("sleep 600 & sleep 600", 100*time.Millisecond); err == nil || !strings.Contains(err.Error(), "did not end within 100ms, and was killed") {
		t.Errorf("one that hangs: %v", err)
	}
	if time.Since(begin) > 20*time.Second {
		t.Errorf("it was waited for %v", time.Since(begin))
	}
}

// gone waits until the process of a pid that a program wrote is no more.
func gone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
			return
		}
		if state, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil && strings.Contains(string(state), ") Z ") {
			return // dead, and not yet fetched by whoever has to
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Errorf("process %d still runs", pid)
}

func TestProcessScorer(t *testing.T) {
	sample := func(answer string) Sample {
		return Sample{&itemsOf(t, `{"id":"a","input":"x"}`)[0], &Answer{Text: answer}}
	}
	score := func(text string, cfg ScorerConfig) Score {
		cfg.Metric, cfg.Command = "process", script(t, text)
		if cfg.Timeout == 0 {
			cfg.Timeout = Duration(time.Minute)
		}
		return scorerOf(t, cfg).Score(t.Context(), sample("y"))
	}
	good := scorerOf(t, ScorerConfig{Metric: "process", Command: script(t, `n=0; while read -r line; do n=$((n+1)); echo "{\"score\": $n, \"passed\": true, \"reason\": \"so\"}"; done`)})
	for want := 1.0; want <= 3; want++ {
		if got := good.Score(t.Context(), sample("y")); got.State != Scored || got.Value != want || got.Passed == nil || got.Reason != "so" {
			t.Errorf("answer %v of one process: %+v", want, got)
		}
	}
	child := filepath.Join(t.TempDir(), "child")
	for _, c := range []struct {
		text  string
		cfg   ScorerConfig
		state State
		want  string
	}{
		{"read -r line; echo 'I think it is good'", ScorerConfig{}, Unscorable, "no JSON: I think it is good"},
		{"read -r line; echo '{}'", ScorerConfig{}, Unscorable, "without a score"},
		{`read -r line; echo '{"unscorable":"no key"}'`, ScorerConfig{}, Unscorable, "no key"},
		{"echo broken >&2; exit 1", ScorerConfig{}, Failed, "ended without an answer"},
		{"sleep 600 & echo $! > " + child + "; sleep 600", ScorerConfig{Timeout: Duration(300 * time.Millisecond)}, Failed, "did not answer within 300ms, and was killed"},
		{"head -c 2000000 /dev/zero", ScorerConfig{}, Failed, "more than 1024 KiB, and was killed"},
		{`x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done`, ScorerConfig{MemoryMB: 32}, Failed, "ended without an answer"},
	} {
		if got := score(c.text, c.cfg); got.State != c.state || !strings.Contains(got.Reason, c.want) {
			t.Errorf("%s: got %+v, want %s %q", c.text, got, c.state, c.want)
		}
	}
	gone(t, child)
	flaky := scorerOf(t, ScorerConfig{Metric: "process", Timeout: Duration(time.Minute), Command: script(t, `read -r line; echo '{"score":1}'; exit 0`)})
	for i := range 3 { // it ends after each answer, and is started anew
		got := flaky.Score(t.Context(), sample("y"))
		if got.State == Failed {
			got = flaky.Score(t.Context(), sample("y"))
		}
		if got.State != Scored {
			t.Errorf("answer %d of one that ends: %+v", i, got)
		}
	}
}
