package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/trace"
)

// spoolWatch reads the counters all the time: they balance whatever happens.
type spoolWatch struct {
	bodiesFirst bool // records may be dropped only when bodies were

	stop chan struct{}
	once sync.Once
	wg   sync.WaitGroup
	most atomic.Int64 // records that waited

	mu     sync.Mutex // guards what follows
	reads  int
	faults []string
}

func watchSpool(s *storeStage, bodiesFirst bool) *spoolWatch {
	w := &spoolWatch{bodiesFirst: bodiesFirst, stop: make(chan struct{})}
	w.wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-tick.C:
			}
			if c, err := s.spool(); err == nil { // weir may be dead at the moment
				w.note(c)
			}
		}
	})
	return w
}

func (w *spoolWatch) note(c trace.Counters) {
	w.most.Store(max(w.most.Load(), c.Waiting))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads++
	switch {
	case c.Accepted != c.Written+c.Waiting+c.Quarantined+c.Dropped:
		w.faults = append(w.faults, fmt.Sprintf("counters do not balance: %+v", c))
	case w.bodiesFirst && c.Dropped > 0 && c.BodiesDropped == 0:
		w.faults = append(w.faults, fmt.Sprintf("records were dropped before bodies: %+v", c))
	}
}

// end may be called again.
func (w *spoolWatch) end() {
	w.once.Do(func() { close(w.stop) })
	w.wg.Wait()
}

func (w *spoolWatch) check(t *testing.T) {
	t.Helper()
	w.end()
	if w.reads == 0 {
		t.Error("the counters could not be read once")
	}
	for _, fault := range w.faults[:min(3, len(w.faults))] {
		t.Error(fault)
	}
}
