package load

import (
	"time"

	"github.com/weir-dev/weir/bench/hist"
)

// Window is when a round counts: load runs from Begin to To, and what is sent from From on is measured.
type Window struct{ Begin, From, To time.Time }

// NewWindow begins now, with a warm-up before the measured time.
func NewWindow(warm, measured time.Duration) Window {
	now := time.Now()
	return Window{now, now.Add(warm), now.Add(warm + measured)}
}

func (w Window) measures(at time.Time) bool { return !at.Before(w.From) && at.Before(w.To) }

// Tally is what a round came to.
type Tally struct {
	Latency hist.Hist // from the sending (closed loop) or the intended sending (open loop) to the last byte
	First   hist.Hist // from the same moment to the first byte of the body
	Lag     hist.Hist // open loop: from the intended sending to the real one
	Done    int64     // good answers whose last byte came inside the window
	Sent    int64     // requests due inside the window
	Failed  int64     // of these, those without a good answer
	Good    int64     // good answers at all, warm-up included
	Bad     int64     // failures of requests that were sent, warm-up included
	Why     string    // the first failure
}

// add counts one exchange that began, or should have begun, at the moment given.
func (t *Tally) add(began time.Time, x *Exchange, err error, w Window) {
	switch {
	case err != nil:
		t.Bad++
		if t.Why == "" {
			t.Why = err.Error()
		}
	default:
		t.Good++
		if w.measures(x.Done) {
			t.Done++
		}
	}
	if !w.measures(began) {
		return
	}
	t.Sent++
	if err != nil {
		t.Failed++
		return
	}
	t.Latency.Add(x.Done.Sub(began))
	if !x.First.IsZero() {
		t.First.Add(x.First.Sub(began))
	}
}

// Merge adds another tally to this one.
func (t *Tally) Merge(o *Tally) {
	t.Latency.Merge(&o.Latency)
	t.First.Merge(&o.First)
	t.Lag.Merge(&o.Lag)
	t.Done += o.Done
	t.Sent += o.Sent
	t.Failed += o.Failed
	t.Good += o.Good
	t.Bad += o.Bad
	if t.Why == "" {
		t.Why = o.Why
	}
}
