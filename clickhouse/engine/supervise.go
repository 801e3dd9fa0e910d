package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// child is one run of the child process.
type child struct {
	cmd     *exec.Cmd
	control io.Closer // the child ends when this is closed
	stderr  *tail
	ended   chan struct{} // closed after err is set
	err     error
}

// supervise runs one child after the other until the engine is closed.
func (e *Engine) supervise() {
	defer close(e.done)
	// Linux tells a child of its parent's death when the thread that started it ends; this thread ends with supervise.
	runtime.LockOSThread()
	delay := firstDelay
	for {
		begun := time.Now()
		err := e.runChild()
		select {
		case <-e.stop:
			return
		default:
		}
		if time.Since(begun) > steadyTime {
			delay = firstDelay
		}
		e.died(err, time.Since(begun) > steadyTime)
		e.cfg.Log.Error("clickhouse engine died, starting it again", slog.Any("error", err), slog.Duration("in", delay))
		select {
		case <-e.stop:
			return
		case <-time.After(delay):
		}
		delay = min(2*delay, maxDelay)
	}
}

// runChild starts a child and returns why it ended. When the engine is closed meanwhile, it stops the child softly,
// then firmly.
func (e *Engine) runChild() error {
	c, err := e.startChild()
	if err != nil {
		return err
	}
	e.update(func() { e.child = c })
	defer e.update(func() { e.child, e.ready = nil, false })
	select {
	case <-c.ended:
		return c.err
	case <-e.stop:
	}
	_ = c.control.Close()
	select {
	case <-c.ended:
	case <-time.After(e.cfg.StopWait):
		e.cfg.Log.Error("clickhouse engine did not stop, killing it", slog.Int("pid", c.cmd.Process.Pid), slog.Duration("after", e.cfg.StopWait))
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
	return c.err
}

func (e *Engine) startChild() (*child, error) {
	args := append(append([]string(nil), e.cfg.Command[1:]...),
		"--dir", e.cfg.Dir,
		"--socket", e.socket,
		"--library", e.cfg.Library,
		"--memory", strconv.FormatInt(e.cfg.Memory, 10),
		"--connections", strconv.Itoa(e.cfg.Connections))
	cmd := exec.Command(e.cfg.Command[0], args...) //nolint:noctx // it is stopped by its control pipe, so that it can close the database
	cmd.Env = append(append(os.Environ(), "TZ=UTC"), e.cfg.Env...)
	cmd.ExtraFiles = []*os.File{e.lock} // the directory stays locked as long as the child lives
	cmd.SysProcAttr = childAttr()
	cmd.WaitDelay = time.Second
	c := &child{cmd: cmd, stderr: &tail{log: e.cfg.Log}, ended: make(chan struct{})}
	cmd.Stdout = &lines{each: func(line string) {
		if line == readyLine {
			e.update(func() { e.child, e.ready, e.deaths = c, true, 0 })
			e.cfg.Log.Info("clickhouse engine is ready", slog.Int("pid", cmd.Process.Pid))
		}
	}}
	cmd.Stderr = &lines{each: c.stderr.add}
	control, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make the engine's control pipe: %w", err)
	}
	c.control = control
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the engine's process: %w", err)
	}
	go func() {
		defer close(c.ended)
		err := cmd.Wait()
		if err == nil {
			err = errors.New("exit status 0")
		}
		c.err = fmt.Errorf("the engine's process ended: %w", err)
		if said := c.stderr.String(); said != "" {
			c.err = fmt.Errorf("%w: %s", c.err, said)
		}
	}()
	return c, nil
}

// died notes the end of a child.
func (e *Engine) died(err error, steady bool) {
	e.update(func() {
		e.last = err
		e.restarts++
		e.deaths++
		if steady {
			e.deaths = 1
		}
	})
}

// update changes the state under the lock and wakes those who wait for a change.
func (e *Engine) update(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
	close(e.changed)
	e.changed = make(chan struct{})
}

// lines is a Writer that hands on whole lines, without their ends.
type lines struct {
	each    func(string)
	partial []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.partial = append(l.partial, p...)
	for {
		line, rest, ok := bytes.Cut(l.partial, []byte("\n"))
		if !ok {
			// A line without an end must not grow without bound.
			l.partial = l.partial[:min(len(l.partial), 1<<16)]
			return len(p), nil
		}
		l.each(string(line))
		l.partial = append(l.partial[:0], rest...)
	}
}

// tail logs what a child says and remembers the last lines.
type tail struct {
	log *slog.Logger

	mu   sync.Mutex // guards last
	last []string
}

func (t *tail) add(line string) {
	if strings.TrimSpace(line) == "" {
		return
	}
	t.log.Warn("clickhouse engine says", slog.String("line", line))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last = append(t.last, line); len(t.last) > 5 {
		t.last = t.last[1:]
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.last, " | ")
}
