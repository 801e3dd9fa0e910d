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

// outputs learns how much models write. The zero value knows nothing. Safe for concurrent use.
type outputs struct {
	mu sync.RWMutex // guards by
	by map[string]*answers
}

// answers are the latest output lengths of a model.
type answers struct {
	ring  [remembered]int64
	n     int // seen
	usual int64
}

// usual is the percentile of a model's latest answers, and false before the first.
func (o *outputs) usual(model string) (int64, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	a, ok := o.by[model]
	if !ok {
		return 0, false
	}
	return a.usual, true
}

// learn notes an answer.
func (o *outputs) learn(model string, tokens int64) {
	if tokens <= 0 || model == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	a, ok := o.by[model]
	if !ok {
		if o.by == nil || len(o.by) >= modelsAtMost {
			o.by = map[string]*answers{}
		}
		a = &answers{}
		o.by[strings.Clone(model)] = a
	}
	a.ring[a.n%remembered] = tokens
	a.n++
	if a.n > refreshEvery && a.n%refreshEvery != 0 {
		return
	}
	have := slices.Clone(a.ring[:min(a.n, remembered)])
	slices.Sort(have)
	a.usual = have[(len(have)*percentile+99)/100-1]
}
