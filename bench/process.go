package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a program that the benchmark started and will end.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.Closer     // its input, closed to end it; nil: a signal ends it
	done chan struct{} // closed at its end
	err  error         // how it ended, once done is closed
	tail *tail
}

// startSelf starts this program in a role and waits for the address it prints.
func startSelf(ctx context.Context, role string, args ...string) (p *process, address string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", fmt.Errorf("start %s: %w", role, err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, "", fmt.Errorf("start %s: %w", role, err)
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, self, append([]string{role}, args...)...)
	in, err := cmd.StdinPipe()
	if err == nil {
		p, err = startProcess(ctx, role, cmd, w)
	}
	_ = w.Close() // the child has its own
	if err != nil {
		return nil, "", err
	}
	p.in = in
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("start %s: it did not print its address: %w", role, err), p.stop())
	}
	return p, "http://" + strings.TrimSpace(line), nil
}

func startProcess(ctx context.Context, name string, cmd *exec.Cmd, out io.Writer) (*process, error) {
	p := &process{name: name, cmd: cmd, done: make(chan struct{}), tail: &tail{}}
	cmd.Stdout, cmd.Stderr = out, p.tail
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		if err := cmd.Wait(); err != nil && ctx.Err() == nil {
			p.err = fmt.Errorf("%s ended: %w\n%s", name, err, p.tail)
		}
		close(p.done)
	}()
	return p, nil
}

// stop ends the process in order, or by force after a while.
func (p *process) stop() error {
	if p.in != nil {
		_ = p.in.Close()
	} else {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	}
	select {
	case <-p.done:
		return p.err
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not end within 30 s and was killed\n%s", p.name, p.tail)
	}
}

// alive is nil while the process runs.
func (p *process) alive() error {
	select {
	case <-p.done:
		if p.err != nil {
			return p.err
		}
		return fmt.Errorf("%s ended by itself\n%s", p.name, p.tail)
	default:
		return nil
	}
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// tail keeps the last 8 KiB that a process said. Safe for concurrent use.
type tail struct {
	mu sync.Mutex // guards b
	b  []byte
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - 8<<10; over > 0 {
		t.b = append(t.b[:0:0], t.b[over:]...)
	}
	return len(p), nil
}

// String is what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.b))
}
