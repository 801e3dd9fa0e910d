package eval

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"sync"
	"time"
)

// Defaults of programs that score.
const (
	defaultScoreTime = 30 * time.Second
	defaultMemoryMB  = 2048
	maxScoreLine     = 1 << 20 // bytes
)

// processScorer asks a program of its user: a JSON line to it for each answer, a JSON line back. It is started when it is first needed, and
// anew after it broke or was killed; one answer is with it at a time.
type processScorer struct {
	argv    []string
	timeout time.Duration

	mu  sync.Mutex // guards the program that runs
	cmd *exec.Cmd  // nil: none runs
	in  io.WriteCloser
	out *bufio.Reader
	err *tail
}

func ownProcess(c ScorerConfig) (Scorer, error) {
	if len(c.Command) == 0 {
		return nil, errors.New("there is no command")
	}
	p := &processScorer{timeout: time.Duration(c.Timeout)}
	if p.timeout == 0 {
		p.timeout = defaultScoreTime
	}
	memory := c.MemoryMB
	if memory == 0 {
		memory = defaultMemoryMB
	}
	p.argv = limited(c.Command, memory)
	return p, nil
}

// scoreRequest is the line that the program gets.
type scoreRequest struct {
	Item
	Answer    string     `json:"answer"`
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`
}

// scoreReply is the line that it answers with.
type scoreReply struct {
	Score      *float64 `json:"score"`
	Passed     *bool    `json:"passed"`
	Reason     string   `json:"reason"`
	Unscorable string   `json:"unscorable"` // why there is no score
}

// Score implements Scorer.
func (p *processScorer) Score(ctx context.Context, s Sample) Score {
	p.mu.Lock()
	defer p.mu.Unlock()
	line, err := p.ask(ctx, append(marshal(scoreRequest{*s.Item, s.Answer.Text, s.Answer.ToolCalls}), '\n'))
	if err != nil {
		return failed("the program that scores " + err.Error())
	}
	var reply scoreReply
	switch err := json.Unmarshal(line, &reply); {
	case err != nil:
		return unscorable("the program that scores answered no JSON: " + clip(string(line)))
	case reply.Unscorable != "":
		return unscorable(clip(reply.Unscorable))
	case reply.Score == nil || math.IsNaN(*reply.Score) || math.IsInf(*reply.Score, 0):
		return unscorable(`the program that scores answered without a score: want {"score": 0.5}, not ` + clip(string(line)))
	}
	return Score{State: Scored, Value: *reply.Score, Passed: reply.Passed, Reason: clip(reply.Reason)}
}

// ask sends a line and waits for one. A program that does not answer well is ended, with all that it started.
func (p *processScorer) ask(ctx context.Context, line []byte) (reply []byte, err error) {
	if err := p.start(); err != nil {
		return nil, err
	}
	type answer struct {
		line []byte
		err  error
	}
	got := make(chan answer, 1)
	in, out := p.in, p.out
	go func() {
		if _, err := in.Write(line); err != nil {
			got <- answer{nil, err}
			return
		}
		text, err := readLine(out)
		got <- answer{text, err}
	}()
	wait := time.NewTimer(p.timeout)
	defer wait.Stop()
	select {
	case a := <-got:
		if a.err == nil {
			return a.line, nil
		}
		p.stop()
		if errors.Is(a.err, errTooMuch) {
			return nil, fmt.Errorf("answered with a line of more than %d KiB, and was killed", maxScoreLine>>10)
		}
		return nil, errors.New("ended without an answer" + p.err.said())
	case <-wait.C:
		p.stop()
		<-got
		return nil, fmt.Errorf("did not answer within %s, and was killed", p.timeout)
	case <-ctx.Done():
		p.stop()
		<-got
		return nil, ctx.Err()
	}
}

// readLine reads a line of bounded length.
func readLine(from *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := from.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxScoreLine:
			return nil, errTooMuch
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

func (p *processScorer) start() error {
	if p.cmd != nil {
		return nil
	}
	cmd := exec.Command(p.argv[0], p.argv[1:]...) //nolint:gosec,noctx // the person who runs the evaluation names the program; it outlives one answer
	ownGroup(cmd)
	cmd.Cancel = nil
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.err = &tail{}
	cmd.Stderr, cmd.WaitDelay = p.err, time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("does not start: %w", err)
	}
	p.cmd, p.in, p.out = cmd, in, bufio.NewReader(out)
	return nil
}

func (p *processScorer) stop() {
	if p.cmd == nil {
		return
	}
	_ = p.in.Close()
	killGroup(p.cmd)
	_ = p.cmd.Wait() // killed: its error is no news
	p.cmd = nil
}

// Close implements Scorer.
func (p *processScorer) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	return nil
}
