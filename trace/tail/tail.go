// Package tail follows calls as they come into a store: it reads once for all who listen.
package tail

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/trace"
)

// MostListeners is how many may listen at a time.
const MostListeners = 64

const (
	every    = time.Second
	window   = time.Minute // how far back calls are looked for whose stamps are late
	nearer   = 5 * time.Second
	sweep    = 10 // looks from one that reads the window to the next; those between read nearer alone
	lookTime = 30 * time.Second
	page     = 500
	waiting  = 1000    // calls kept for a listener that does not take them
	lately   = 10_000  // calls remembered however long ago they came
	mostSeen = 100_000 // calls remembered at most, but for those of the last two seconds
)

// Errors of Follow. Test with errors.Is.
var (
	ErrFull     = errors.New("too many listen")
	ErrStopping = errors.New("stopping")
)

// Config is what a Tail reads. Both fields are needed.
type Config struct {
	Arrivals trace.Arrivals
	Log      *slog.Logger
}

// Tail reads what comes, once a second while anybody listens. Make one with New. Safe for concurrent use.
type Tail struct {
	cfg     Config
	turn    chan struct{} // held by who looks
	stopped chan struct{}

	// Of who has the turn.
	until time.Time // up to where was looked
	floor time.Time // what came before it is not remembered, nor looked at

	mu        sync.Mutex // guards all below
	seen      map[string]place
	last      string                 // the call that was seen last
	listeners map[*Listener]struct{} // and those that are being let in
}

// place is where a call stands among those seen.
type place struct {
	number int64
	at     time.Time // when it came
}

// New makes a Tail that nobody listens to.
func New(cfg Config) *Tail {
	return &Tail{cfg: cfg, turn: make(chan struct{}, 1), stopped: make(chan struct{}), seen: map[string]place{}, listeners: map[*Listener]struct{}{}}
}

// Run reads until ctx ends. After it nobody listens any more. It is called once.
func (t *Tail) Run(ctx context.Context) {
	defer close(t.stopped)
	tick := time.NewTicker(every)
	defer tick.Stop()
	failing := false
	for round := 1; ; round++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !t.listened() || t.take(ctx) != nil {
			continue
		}
		err := t.look(ctx, round%sweep == 0)
		<-t.turn
		if err != nil && !failing && ctx.Err() == nil && !errors.Is(err, trace.ErrAway) { // that one is told elsewhere
			t.cfg.Log.Warn("the tail of calls cannot be read", "error", err)
		}
		failing = err != nil
	}
}

// Stopped is closed when nothing comes any more.
func (t *Tail) Stopped() <-chan struct{} { return t.stopped }

// Follow lets one listen to the calls that f picks, its times and text aside. After it has returned no call that comes is missed. With
// the id of a call, what came after that is given first, as far as it came within the last minute; of an id that is not known, all of that minute, so that
// some of it may be known to who asks. ErrFull when too many listen, ErrStopping after Run, trace.ErrAway when the store is.
func (t *Tail) Follow(ctx context.Context, f trace.Filter, after string) (*Listener, error) {
	f.Since, f.Until = time.Time{}, time.Time{}
	l := &Listener{tail: t, filter: f, ready: make(chan struct{}, 1)}
	if err := t.reserve(l); err != nil {
		return nil, err
	}
	if err := t.letIn(ctx, l, after); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// reserve keeps a place for a listener.
func (t *Tail) reserve(l *Listener) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.listeners) >= MostListeners {
		return ErrFull
	}
	t.listeners[l] = struct{}{}
	return nil
}

// letIn looks at what is there, which is not news to a new listener, and lets it hear from then on.
func (t *Tail) letIn(ctx context.Context, l *Listener, after string) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if err := t.take(ctx); err != nil {
		return err
	}
	defer func() { <-t.turn }()
	if err := t.look(ctx, true); err != nil {
		return err
	}
	missed, err := t.since(ctx, after)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l.from, l.hears = t.last, true
	for _, call := range missed {
		l.push(call)
	}
	return nil
}

func (t *Tail) listened() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range t.listeners {
		if l.hears {
			return true
		}
	}
	return false
}

// take waits for the turn.
func (t *Tail) take(ctx context.Context) error {
	select {
	case <-t.stopped:
		return ErrStopping
	default:
	}
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-t.stopped:
		return ErrStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look reads what came since the look before, and gives it to who listens. The caller has the turn.
func (t *Tail) look(ctx context.Context, whole bool) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	now, err := t.cfg.Arrivals.StoreTime(ctx)
	if err != nil {
		return err
	}
	if t.until.IsZero() || !t.listened() && now.Sub(t.until) > window { // what came while nobody listened is nobody's news
		t.until = now
	}
	back := nearer
	if whole || now.Sub(t.until) > nearer {
		back = window
	}
	since := t.until.Add(-back)
	if since.Before(t.floor) {
		since = t.floor
	}
	if err := t.read(ctx, since, now.Add(time.Second), t.give); err != nil { // with the second that is not over yet
		return err
	}
	t.until = now
	t.forget()
	return nil
}

// read gives what came in [since, until), a page at a time.
func (t *Tail) read(ctx context.Context, since, until time.Time, give func([]trace.Arrival)) error {
	q := trace.ArrivalQuery{Since: since, Until: until, Limit: page}
	for {
		arrivals, err := t.cfg.Arrivals.Arrived(ctx, q)
		if err != nil {
			return err
		}
		give(arrivals)
		if len(arrivals) < page {
			return nil
		}
		q.After = arrivals[len(arrivals)-1]
	}
}

// give hands calls that were not seen before to those whose filters pick them.
func (t *Tail) give(arrivals []trace.Arrival) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range arrivals {
		a := &arrivals[i]
		if _, known := t.seen[a.ID]; known {
			continue
		}
		t.seen[a.ID] = place{t.seen[t.last].number + 1, a.At}
		t.last = a.ID
		for l := range t.listeners {
			l.push(&a.CallRow)
		}
	}
}

// since reads the calls of the last minute that were seen after one, in that order. The caller has the turn and has just looked.
func (t *Tail) since(ctx context.Context, after string) ([]*trace.CallRow, error) {
	if after == "" {
		return nil, nil
	}
	t.mu.Lock()
	from, known := t.seen[after]
	begin := t.until.Add(-window)
	if known { // some that were seen after it may have an earlier stamp
		begin = t.until.Add(time.Second)
		for _, p := range t.seen {
			if p.number > from.number && p.at.Before(begin) {
				begin = p.at
			}
		}
	}
	t.mu.Unlock()
	if oldest := t.until.Add(-2 * window); begin.Before(oldest) {
		begin = oldest
	}
	type seen struct {
		number int64
		call   *trace.CallRow
	}
	var missed []seen
	err := t.read(ctx, begin, t.until.Add(time.Second), func(arrivals []trace.Arrival) {
		t.mu.Lock()
		defer t.mu.Unlock()
		for i := range arrivals {
			a := &arrivals[i]
			if p, ok := t.seen[a.ID]; ok && a.ID != after && (!known || p.number > from.number) { // what is not seen yet comes with the next look
				missed = append(missed, seen{p.number, &a.CallRow})
			}
		}
	})
	slices.SortFunc(missed, func(a, b seen) int { return cmp.Compare(a.number, b.number) })
	calls := make([]*trace.CallRow, len(missed))
	for i := range missed {
		calls[i] = missed[i].call
	}
	return calls, err
}

// forget bounds what is remembered. The caller has the turn.
func (t *Tail) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.seen) <= lately {
		return
	}
	drop := func(before time.Time) {
		for id, p := range t.seen {
			if p.at.Before(before) && id != t.last {
				delete(t.seen, id)
			}
		}
	}
	drop(t.until.Add(-window))
	for back := window / 2; len(t.seen) > mostSeen && back > every/4; back /= 2 {
		t.floor = t.until.Add(-back).Truncate(time.Second)
		drop(t.floor)
	}
}
