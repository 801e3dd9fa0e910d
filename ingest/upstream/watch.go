package upstream

import (
	"context"
	"sync"
	"time"

	"github.com/weir-dev/weir/llm"
)

// watch ends an exchange in which the provider is silent for too long: before its first byte, and between two reads of
// its answer. One timer does both, and a read only notes the time: a stream has hundreds of them.
type watch struct {
	cfg    *Config
	cancel context.CancelCauseFunc
	began  time.Time

	mu    sync.Mutex
	timer *time.Timer
	idle  bool          // the answer has begun
	heard time.Duration // since began, when the answer was last read
}

func newWatch(cfg *Config, cancel context.CancelCauseFunc) *watch {
	w := &watch{cfg: cfg, cancel: cancel, began: time.Now()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(cfg.FirstByteTimeout, w.look)
	return w
}

// answered says that the head of the answer is here.
func (w *watch) answered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle, w.heard = true, time.Since(w.began)
	if w.timer.Stop() { // else it has ended the exchange
		w.timer.Reset(w.cfg.IdleTimeout)
	}
}

// hear says that something of the answer was read.
func (w *watch) hear() {
	w.mu.Lock()
	w.heard = time.Since(w.began)
	w.mu.Unlock()
}

func (w *watch) stop() { w.timer.Stop() }

// look ends the exchange, unless something was read since the timer was set.
func (w *watch) look() {
	w.mu.Lock()
	idle := w.idle
	left := w.cfg.IdleTimeout - (time.Since(w.began) - w.heard)
	if idle && left > 0 {
		w.timer.Reset(left)
	}
	w.mu.Unlock()
	switch {
	case !idle:
		w.cancel(llm.Faultf(llm.UpstreamTimeout, "provider %s did not begin to answer within %v; the limit is its timeouts.first_byte", w.cfg.Name, w.cfg.FirstByteTimeout))
	case left <= 0:
		w.cancel(llm.Faultf(llm.UpstreamTimeout, "provider %s sent nothing for %v; the limit is its timeouts.idle", w.cfg.Name, w.cfg.IdleTimeout))
	}
}
