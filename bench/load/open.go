package load

import (
	"context"
	"sync"
	"time"

	"github.com/weir-dev/weir/bench/pause"
)

// Open sends at a constant rate whatever the answers do, and counts latency from the moment a request should have left:
// a stall shows in all requests that it held up, not in one. Its connections last from run to run.
type Open struct {
	req   *Request
	limit int // most connections there may be
	idle  []*Conn
}

// NewOpen makes an open loop of at most limit connections.
func NewOpen(req *Request, limit int) *Open { return &Open{req: req, limit: max(limit, 1)} }

// Close hangs up all connections.
func (o *Open) Close() {
	for _, c := range o.idle {
		c.Close()
	}
	o.idle = nil
}

// schedule is when requests are due: count of them, one every step from begin on.
type schedule struct {
	begin time.Time
	rate  float64 // a second
	count int
}

func newSchedule(w Window, rate float64) schedule {
	return schedule{w.Begin, rate, int(w.To.Sub(w.Begin).Seconds() * rate)}
}

// at is the moment of request i. It is computed from the beginning, so that no rounding adds up.
func (s schedule) at(i int) time.Time {
	return s.begin.Add(time.Duration(float64(i) / s.rate * float64(time.Second)))
}

// Run sends rate requests a second until the window or ctx ends, and waits for the answers. Requests that found every
// connection busy until the end are failures that were never sent.
func (o *Open) Run(ctx context.Context, rate float64, w Window, timeout time.Duration) *Tally {
	r := &openRun{open: o, window: w, timeout: timeout, tally: &Tally{}}
	var p pause.Pauser
	defer p.Close()
	s := newSchedule(w, rate)
	for i := range s.count {
		due := s.at(i)
		p.Until(due)
		if ctx.Err() != nil {
			break
		}
		r.dispatch(ctx, due)
	}
	return r.finish()
}

// openRun is one run's state.
type openRun struct {
	open    *Open
	window  Window
	timeout time.Duration
	wg      sync.WaitGroup

	mu      sync.Mutex // guards all below
	tally   *Tally
	queue   []time.Time // due, and no connection to send them on
	idle    []*sender   // the one used last is taken first
	senders int
	over    bool
}

// sender is a connection at work.
type sender struct {
	conn *Conn
	due  chan time.Time
}

func (r *openRun) dispatch(ctx context.Context, due time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.idle); n > 0 {
		s := r.idle[n-1]
		r.idle = r.idle[:n-1]
		s.due <- due
		return
	}
	if r.senders == r.open.limit {
		r.queue = append(r.queue, due)
		return
	}
	r.senders++
	s := &sender{due: make(chan time.Time, 1)}
	if n := len(r.open.idle); n > 0 {
		s.conn, r.open.idle = r.open.idle[n-1], r.open.idle[:n-1]
	} else {
		s.conn = NewConn(r.open.req)
	}
	s.due <- due
	r.wg.Go(func() { r.send(ctx, s) })
}

func (r *openRun) send(ctx context.Context, s *sender) {
	for due := range s.due {
		for again := true; again; {
			began := time.Now()
			x, err := s.conn.Do(ctx, r.timeout)
			due, again = r.account(s, due, began, &x, err)
		}
	}
}

// account counts an exchange and gives the next request to send at once, if one is queued; else the sender is idle.
func (r *openRun) account(s *sender, due, began time.Time, x *Exchange, err error) (next time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tally.add(due, x, err, r.window)
	if r.window.measures(due) {
		r.tally.Lag.Add(began.Sub(due))
	}
	if len(r.queue) > 0 {
		next, r.queue = r.queue[0], r.queue[1:]
		return next, true
	}
	r.idle = append(r.idle, s)
	if r.over {
		close(s.due)
	}
	return time.Time{}, false
}

// finish gives up what is queued and waits for what was sent.
func (r *openRun) finish() *Tally {
	r.mu.Lock()
	for _, due := range r.queue {
		if r.window.measures(due) {
			r.tally.Sent++
			r.tally.Failed++
		}
	}
	if len(r.queue) > 0 && r.tally.Why == "" {
		r.tally.Why = "every connection was busy until the end of the round"
	}
	r.queue, r.over = nil, true
	for _, s := range r.idle {
		close(s.due)
	}
	r.mu.Unlock()
	r.wg.Wait()
	for _, s := range r.idle {
		r.open.idle = append(r.open.idle, s.conn)
	}
	return r.tally
}
