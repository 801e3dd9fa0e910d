package cache

import "sync"

// flights are the calls that were sent on and that equal calls wait for.
type flights struct {
	mu    sync.Mutex // guards under
	under map[Key]*flight
}

// flight is one of them.
type flight struct {
	landed chan struct{} // closed when it ended
	entry  *Entry        // what it brought, after that; nil when there is nothing to share
	near   *Neighbor     // how near that is, of one that answered another question
	again  bool          // nothing was brought, and another one may
}

// join gives the flight under way for a key, or a new one, which the caller leads.
func (f *flights) join(key Key) (fl *flight, leads bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl, ok := f.under[key]; ok {
		return fl, false
	}
	fl = &flight{landed: make(chan struct{})}
	f.under[key] = fl
	return fl, true
}

// land ends a flight; nil is none.
func (f *flights) land(key Key, fl *flight, e *Entry, near *Neighbor, again bool) {
	if fl == nil {
		return
	}
	fl.entry, fl.near, fl.again = e, near, again
	f.mu.Lock()
	delete(f.under, key)
	f.mu.Unlock()
	close(fl.landed)
}
