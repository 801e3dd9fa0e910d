package budget

import (
	"slices"
	"strings"
	"sync"
)

const (
	remembered   = 128  // answers of a model
	percentile   = 90   // of them is expected of the next
	modelsAtMost = 4096 // names come from outside
	refreshEvery = 16   // answers
)

// habits learns how much models write, and how many tokens they make of a body. The zero value knows nothing. Safe for
// concurrent use.
type habits struct {
	mu sync.RWMutex // guards by
	by map[string]*habit
}

// habit is what a model's latest answers were like.
type habit struct {
	output  recent // tokens
	density recent // tokens of input for a million bytes of the request's body
}

// usual is the percentile of the output tokens of a model's latest answers, and false before the first.
func (h *habits) usual(model string) (int64, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	m, ok := h.by[model]
	if !ok || m.output.n == 0 {
		return 0, false
	}
	return m.output.usual, true
}

// input is how many tokens a body of so many bytes comes to as a rule, and false before enough of them were seen.
func (h *habits) input(model string, bytes int) (int64, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	m, ok := h.by[model]
	if !ok || m.density.n < refreshEvery {
		return 0, false
	}
	return times(m.density.usual, int64(bytes)) / 1e6, true
}

// learn notes an answer. Without bytes its input says nothing of other calls.
func (h *habits) learn(model string, output, input int64, bytes int) {
	if model == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	m, ok := h.by[model]
	if !ok {
		if h.by == nil || len(h.by) >= modelsAtMost {
			h.by = map[string]*habit{}
		}
		m = &habit{}
		h.by[strings.Clone(model)] = m
	}
	if output > 0 {
		m.output.add(output)
	}
	if input > 0 && bytes > 0 {
		m.density.add(times(input, 1e6) / int64(bytes))
	}
}

// recent is the latest of some values.
type recent struct {
	ring  [remembered]int64
	n     int   // seen
	usual int64 // their percentile, as of a moment ago
}

func (r *recent) add(v int64) {
	r.ring[r.n%remembered] = v
	r.n++
	if r.n > refreshEvery && r.n%refreshEvery != 0 {
		return
	}
	have := slices.Clone(r.ring[:min(r.n, remembered)])
	slices.Sort(have)
	r.usual = have[(len(have)*percentile+99)/100-1]
}
