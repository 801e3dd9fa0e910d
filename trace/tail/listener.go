package tail

import "github.com/weir-dev/weir/trace"

// Listener is given the calls that it asked for. It is used by one goroutine at a time, which closes it.
type Listener struct {
	tail   *Tail
	filter trace.Filter
	ready  chan struct{}
	from   string

	// Guarded by tail.mu.
	hears   bool // it was let in
	queue   []*trace.CallRow
	skipped int64 // calls behind those of queue for which there was no room
}

// From is the id of the newest call when the listener came, which it is not given unless it asked for what it missed. "" when there is none.
func (l *Listener) From() string { return l.from }

// Ready tells that there is something to take.
func (l *Listener) Ready() <-chan struct{} { return l.ready }

// Take gives the calls that came, which are not to be changed, and how many came after them and are lost to this listener, because it
// did not take those before in time.
func (l *Listener) Take() (calls []*trace.CallRow, skipped int64) {
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	calls, skipped = l.queue, l.skipped
	l.queue, l.skipped = nil, 0
	return calls, skipped
}

// Close ends the listening. It may be called twice.
func (l *Listener) Close() {
	l.tail.mu.Lock()
	defer l.tail.mu.Unlock()
	delete(l.tail.listeners, l)
	l.queue = nil
}

// push adds a call when the listener hears and its filter picks it. The caller has tail.mu.
func (l *Listener) push(call *trace.CallRow) {
	if !l.hears || !l.filter.Matches(&call.Span) {
		return
	}
	if l.skipped > 0 || len(l.queue) >= waiting {
		l.skipped++
	} else {
		l.queue = append(l.queue, call)
	}
	select {
	case l.ready <- struct{}{}:
	default:
	}
}
