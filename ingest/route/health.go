package route

import (
	"sync"
	"time"
)

// Bounds of a provider's circuit breaker.
const (
	breakAfter  = 5                // failures in a row that open it
	breakFor    = 10 * time.Second // first pause; it doubles while the provider stays ill
	breakAtMost = 2 * time.Minute
	smoothing   = 0.2 // weight of the newest answer in the mean time to the first byte
)

// health is what routing knows of one provider. The zero value is a provider never tried. Safe for concurrent use.
type health struct {
	mu       sync.Mutex // guards all below
	failures int        // in a row
	pause    time.Duration
	until    time.Time     // open before it
	probing  bool          // one call tries whether it is well again
	mean     time.Duration // moving mean of the time to the head of a good answer; 0 = none yet
}

// admit says whether a call may be sent: always while the circuit is closed; when a pause is over, one call at a time.
func (h *health) admit(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.failures < breakAfter:
		return true
	case now.Before(h.until) || h.probing:
		return false
	}
	h.probing = true
	return true
}

// ill says whether the circuit is open.
func (h *health) ill(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failures >= breakAfter && now.Before(h.until)
}

// good notes an answer and how long its head took.
func (h *health) good(took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures, h.pause, h.probing = 0, 0, false
	if h.mean == 0 {
		h.mean = took
		return
	}
	h.mean += time.Duration(smoothing * float64(took-h.mean))
}

// bad notes a failure of the provider.
func (h *health) bad(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probing = false
	if h.failures++; h.failures >= breakAfter {
		h.pause = min(max(2*h.pause, breakFor), breakAtMost)
		h.until = now.Add(h.pause)
	}
}

// unknown notes a call that says nothing about the provider: the client left, or was at fault.
func (h *health) unknown() {
	h.mu.Lock()
	h.probing = false
	h.mu.Unlock()
}

func (h *health) latency() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mean
}
