package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Behaviour says how a request is treated beyond its answer. The zero value is a healthy provider at its usual pace.
type Behaviour struct {
	Status     int           // answer with this error status; 0: answer
	Latency    time.Duration // before the first byte; 0: drawn from the model's distribution
	ChunkDelay time.Duration // before each later event; 0: drawn from the model's distribution
	ChunkWords int           // words in one event of a stream; 0: one to three
	Chunks     int           // content events in a stream; 0: as many as ChunkWords makes
	Words      int           // least length of the answer; 0: as long as it happens to be
	Text       string        // the whole answer; empty: composed
	CutAfter   int           // events until the connection is dropped; 0: never
	Hang       bool          // send nothing more once HangAfter events are out
	HangAfter  int           // events before Hang takes hold
	FailAfter  int           // events until an error event ends the stream; 0: never
	Usage      string        // "none": no usage; "zero": zeros; empty: the real counts
	Cached     int           // cached prompt tokens to report; 0: by the rule for long prefixes
	Reasoning  int           // reasoning tokens to report; 0: by the model
}

// set applies one directive.
func (b *Behaviour) set(name, value string) error {
	var err error
	switch name {
	case "status":
		b.Status, err = number(value)
		if err == nil && b.Status != 0 && (b.Status < 400 || b.Status > 599) {
			err = fmt.Errorf("%d is not an error status", b.Status)
		}
	case "latency":
		b.Latency, err = time.ParseDuration(value)
	case "delay":
		b.ChunkDelay, err = time.ParseDuration(value)
	case "chunks":
		b.Chunks, err = number(value)
	case "words":
		b.Words, err = number(value)
	case "text":
		b.Text = value
	case "cut":
		b.CutAfter, err = number(value)
	case "fail":
		b.FailAfter, err = number(value)
	case "hang":
		if n, nerr := number(value); nerr == nil {
			b.Hang, b.HangAfter = true, n
		} else {
			b.Hang, err = strconv.ParseBool(value)
		}
	case "usage":
		if value != "none" && value != "zero" && value != "" {
			err = fmt.Errorf("%q is neither none nor zero", value)
		}
		b.Usage = value
	case "cached":
		b.Cached, err = number(value)
	case "reason":
		b.Reasoning, err = number(value)
	default:
		err = fmt.Errorf("there is no such directive")
	}
	if err != nil {
		return fmt.Errorf("directive sim-%s: %w", name, err)
	}
	return nil
}

func number(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err == nil && (n < 0 || n > 1_000_000) {
		err = fmt.Errorf("%d is out of range", n)
	}
	return n, err
}

// behave reads the directives of one request over base.
func behave(base Behaviour, modelID string, metadata map[string]string, header http.Header) (Behaviour, error) {
	b := base
	if rest, ok := strings.CutPrefix(modelID, "sim-"); ok {
		name, value, _ := strings.Cut(rest, "-")
		if err := b.set(name, value); err != nil {
			return b, err
		}
	}
	for name, value := range metadata {
		name = strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, "_", "-"), "x-"))
		if rest, ok := strings.CutPrefix(name, "sim-"); ok {
			if err := b.set(rest, value); err != nil {
				return b, err
			}
		}
	}
	for name, values := range header {
		if rest, ok := strings.CutPrefix(name, "X-Sim-"); ok && len(values) > 0 {
			if err := b.set(strings.ToLower(rest), values[0]); err != nil {
				return b, err
			}
		}
	}
	return b, nil
}
