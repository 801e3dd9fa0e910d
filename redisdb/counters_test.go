package redisdb

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/limit"
	"github.com/weir-dev/weir/ingest/limit/limittest"
	"github.com/weir-dev/weir/internal/testutil/redistest"
)

func TestCounters(t *testing.T) {
	server := redistest.Start(t)
	db := open(t, server.SocketURL())
	limittest.Test(t, func(t *testing.T, test func(*testing.T, limittest.Bench)) {
		server.Flush()
		var now atomic.Int64
		now.Store(time.Now().UnixMicro())
		c := db.Counters()
		c.clock = now.Load
		test(t, limittest.Bench{Store: c, Pass: func(d time.Duration) { now.Add(d.Microseconds()) }})
	})
}

// The test's own hand on the server.
func (db *DB) do(t *testing.T, args ...any) any {
	t.Helper()
	got, err := db.client.Do(t.Context(), args...).Result()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func oneSlot() []limit.Ask {
	return []limit.Ask{{Kind: limit.Concurrent, Counter: "c", Limit: 2, N: 1}}
}

func takes(t *testing.T, c *Counters) bool {
	t.Helper()
	_, taken, err := c.Take(t.Context(), oneSlot())
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

func TestSlotsOfAProcessThatDiedComeBack(t *testing.T) {
	db := open(t, redistest.Start(t).SocketURL())
	dead, lives := db.Counters(), db.Counters()
	if !takes(t, dead) || !takes(t, lives) || takes(t, lives) {
		t.Fatal("two of two")
	}
	db.do(t, "DEL", counterKeys+"o:"+dead.owner) // its time is over
	if !takes(t, lives) || takes(t, lives) {
		t.Error("the slot of the dead one did not come back, or twice")
	}
	back := oneSlot()
	back[0].N = -1
	if err := dead.Settle(t.Context(), back); err != nil { // it lived after all
		t.Fatal(err)
	}
	if takes(t, lives) {
		t.Error("a slot that was given away came back")
	}
}

func TestSlotsAreToldWhenRedisForgotThem(t *testing.T) {
	server := redistest.Start(t)
	db := open(t, server.SocketURL())
	one, other := db.Counters(), db.Counters()
	if !takes(t, one) {
		t.Fatal("refused")
	}
	db.gone(context.DeadlineExceeded)
	if !takes(t, one) || takes(t, one) { // two of its own
		t.Error("away, its own slots bound it")
	}
	if one.Alone() != 2 {
		t.Errorf("alone %d times", one.Alone())
	}
	server.Flush()
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	one.tell(t.Context())
	if takes(t, other) {
		t.Error("the slots that were taken while Redis was away are not known")
	}
	back := oneSlot()
	back[0].N = -1
	if err := one.Settle(t.Context(), back); err != nil {
		t.Fatal(err)
	}
	if !takes(t, other) || takes(t, other) {
		t.Error("one slot came back, and one was taken")
	}
}
