package eval

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Bounds of a program's words.
const (
	maxOutput = 8 << 20  // bytes
	maxStderr = 16 << 10 // the end of it is kept
)

// tail keeps the end of what is written. It is for one writer, read after that is done.
type tail struct{ text []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - maxStderr; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// said is the last line of it, to be put behind a reason.
func (t *tail) said() string {
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	if last := clip(lines[len(lines)-1]); last != "" {
		return ": " + last
	}
	return ""
}

var errTooMuch = fmt.Errorf("it wrote more than %d MiB", maxOutput>>20)

// bounded keeps what is written, up to maxOutput.
type bounded struct {
	text bytes.Buffer
	over bool
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.text.Len()+len(p) > maxOutput {
		b.over = true
		return 0, errTooMuch
	}
	return b.text.Write(p)
}

// runCommand gives a program its input, and its output back. A program that does not end in time is killed, with all that it started.
func runCommand(ctx context.Context, argv []string, input string, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the person who runs the evaluation names the program
	ownGroup(cmd)
	var out bounded
	var errs tail
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	cmd.WaitDelay = time.Second // what it started may hold the pipes
	err := cmd.Run()
	killGroup(cmd)
	switch {
	case out.over:
		return "", errTooMuch
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", fmt.Errorf("it did not end within %s, and was killed%s", timeout, errs.said())
	case ctx.Err() != nil:
		return "", ctx.Err()
	case errors.Is(err, exec.ErrWaitDelay), errors.Is(err, io.ErrClosedPipe): // it ended well, but left others behind
	case err != nil:
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return "", fmt.Errorf("%s: %w%s", argv[0], exit, errs.said())
		}
		return "", err
	}
	return out.text.String(), nil
}
