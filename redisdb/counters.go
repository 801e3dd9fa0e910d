package redisdb

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-dev/weir/ingest/limit"
	"github.com/weir-dev/weir/llm"
)

var (
	takeScript   = program("take")
	assertScript = program("assert")
	renewScript  = program("renew")
)

const (
	counterKeys = "weir:{limits}:"
	// ownerLife is how long the slots of a process count that was not heard of.
	ownerLife  = 15 * time.Second
	ownerRenew = 3 * time.Second
)

// Counters keeps the counters of limits in Redis, on the clock of its server, to the microsecond. While Redis is away, they are kept in
// this process's memory: each process then lets pass what the limits allow, and what was taken meanwhile is not told
// afterwards, but for the slots, which are. Make one for a process, and Run it. Safe for concurrent use.
type Counters struct {
	db    *DB
	local *limit.Memory // rates while Redis is away; slots of this process always
	log   *slog.Logger
	owner string
	clock func() int64 // microseconds; nil: the server's

	mu    sync.RWMutex // for reading while a counter is changed here and there, for writing while all slots are told
	dirty atomic.Bool  // Redis may count other slots for this process than it has
	alone atomic.Int64 // times that Redis was away and this process counted for itself
}

var _ limit.Store = (*Counters)(nil)

// Counters gives the counters of the server, with an owner of slots of their own.
func (db *DB) Counters() *Counters {
	return &Counters{db: db, local: &limit.Memory{}, log: db.log, owner: llm.NewID(time.Now())}
}

// Alone is how often calls were counted in this process's memory because Redis was away.
func (c *Counters) Alone() int64 { return c.alone.Load() }

// counterKey is a counter's name in Redis: it may hold what users wrote, of any length.
func counterKey(kind limit.Kind, counter string) (letter, key string) {
	sum := sha256.Sum256([]byte(counter))
	if kind == limit.Concurrent {
		return "c", "c:" + string(sum[:])
	}
	return "r", "r:" + string(sum[:])
}

func (c *Counters) args(asks []limit.Ask, settle int) []any {
	at := int64(0)
	if c.clock != nil {
		at = c.clock()
	}
	args := make([]any, 0, 5+5*len(asks))
	args = append(args, at, c.owner, ownerLife.Milliseconds(), settle, len(asks))
	for i := range asks {
		a := &asks[i]
		letter, key := counterKey(a.Kind, a.Counter)
		args = append(args, letter, key, a.Limit, a.Burst, a.N)
	}
	return args
}

// slots are the asks for slots.
func slots(asks []limit.Ask) []limit.Ask {
	var out []limit.Ask
	for _, a := range asks {
		if a.Kind == limit.Concurrent {
			out = append(out, a)
		}
	}
	return out
}

// Take implements limit.Store. It never fails.
func (c *Counters) Take(ctx context.Context, asks []limit.Ask) ([]limit.State, bool, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	mine := slots(asks)
	got, err := c.db.run(ctx, takeScript, counterKeys, c.args(asks, 0)...)
	if err != nil {
		c.alone.Add(1)
		if len(mine) > 0 {
			c.dirty.Store(true)
		}
		return c.local.Take(ctx, asks)
	}
	taken := integer(got[0]) == 1
	states := make([]limit.State, len(asks))
	for i := range states {
		v := got[1+4*i:]
		states[i] = limit.State{
			Fits: integer(v[0]) == 1, Remaining: integer(v[1]),
			Reset: time.Duration(integer(v[2])) * time.Microsecond, Wait: time.Duration(integer(v[3])) * time.Microsecond,
		}
	}
	if taken && len(mine) > 0 {
		_ = c.local.Settle(ctx, mine) // takes them; it never fails
	}
	return states, taken, nil
}

// Settle implements limit.Store. It never fails.
func (c *Counters) Settle(ctx context.Context, asks []limit.Ask) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	mine := slots(asks)
	if _, err := c.db.run(ctx, takeScript, counterKeys, c.args(asks, 1)...); err != nil {
		if len(mine) > 0 {
			c.dirty.Store(true)
		}
		return c.local.Settle(ctx, asks)
	}
	return c.local.Settle(ctx, mine)
}

// Run keeps this process's slots while it lives, and tells Redis of them when it was away.
func (c *Counters) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n%int(ownerRenew/time.Second) == 0 && !c.dirty.Load() {
			if got, err := c.db.run(ctx, renewScript, counterKeys, c.owner, ownerLife.Milliseconds()); err == nil && integer(got[0]) == 0 {
				c.dirty.Store(len(c.local.Slots()) > 0)
			}
		}
		if c.dirty.Load() {
			c.tell(ctx)
		}
	}
}

// tell says how many slots this process has of each counter, under a new name: what Redis has under the old one, or what
// is on its way there, does not count any more.
func (c *Counters) tell(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	have, old := c.local.Slots(), c.owner
	c.owner = llm.NewID(time.Now())
	args := []any{c.owner, ownerLife.Milliseconds(), len(have)}
	for counter, n := range have {
		_, key := counterKey(limit.Concurrent, counter)
		args = append(args, key, n)
	}
	if _, err := c.db.run(ctx, assertScript, counterKeys, args...); err != nil {
		return
	}
	c.dirty.Store(false)
	if _, err := c.db.run(ctx, endScript, counterKeys, old); err != nil {
		c.log.Debug("slots of an old name stay for a moment", "error", err)
	}
}

var endScript = program("end")
