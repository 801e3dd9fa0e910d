// Package limittest is the contract of a store of limits' counters, as a test.
package limittest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/limit"
)

// Bench is where a store is tried: an empty one, and what lets time pass for it.
type Bench struct {
	limit.Store
	Pass func(time.Duration)
}

// Test tells whether what run gives to a test, each time empty, is a Store.
func Test(t *testing.T, run func(t *testing.T, test func(*testing.T, Bench))) {
	for name, test := range map[string]func(*testing.T, Bench){
		"taking is all or nothing":                     allOrNothing,
		"a rate fills evenly":                          evenly,
		"what was used beyond is owed":                 owed,
		"slots come back":                              slots,
		"many at once take exactly what there is":      manyAtOnce,
		"a counter that nobody heard of is full":       full,
		"what never fits says so and takes nothing":    never,
		"names of any bytes are counters of their own": names,
	} {
		t.Run(name, func(t *testing.T) { run(t, test) })
	}
}

func (b Bench) take(t *testing.T, asks ...limit.Ask) ([]limit.State, bool) {
	t.Helper()
	states, taken, err := b.Take(t.Context(), asks)
	if err != nil || len(states) != len(asks) {
		t.Fatalf("Take: %v, %v", states, err)
	}
	return states, taken
}

func (b Bench) settle(t *testing.T, asks ...limit.Ask) {
	t.Helper()
	if err := b.Settle(t.Context(), asks); err != nil {
		t.Fatal(err)
	}
}

func requests(counter string, perMinute, n int64) limit.Ask {
	return limit.Ask{Kind: limit.Requests, Counter: counter, Limit: perMinute, Burst: perMinute, N: n}
}

func slot(counter string, limited, n int64) limit.Ask {
	return limit.Ask{Kind: limit.Concurrent, Counter: counter, Limit: limited, N: n}
}

func allOrNothing(t *testing.T, b Bench) {
	wide, two := requests("wide", 100, 1), slot("slots", 2, 1)
	for i := range 5 {
		states, taken := b.take(t, wide, two)
		if taken != (i < 2) || !states[0].Fits || states[1].Fits != (i < 2) {
			t.Fatalf("%d: %v %+v", i, taken, states)
		}
	}
	b.settle(t, slot("slots", 2, -1))
	states, taken := b.take(t, wide, two)
	if !taken || states[0].Remaining != 97 || states[1].Remaining != 0 {
		t.Errorf("after one was given back: %v %+v", taken, states)
	}
}

func evenly(t *testing.T, b Bench) {
	one := limit.Ask{Kind: limit.Requests, Counter: "c", Limit: 60, Burst: 3, N: 1}
	for i := range 3 {
		if states, taken := b.take(t, one); !taken || states[0].Remaining != int64(2-i) || states[0].Reset != time.Duration(i+1)*time.Second {
			t.Fatalf("%d: %v %+v", i, taken, states)
		}
	}
	if states, taken := b.take(t, one); taken || states[0].Wait != time.Second {
		t.Fatalf("a fourth of three: %v %+v", taken, states)
	}
	b.Pass(time.Second - time.Millisecond)
	if states, taken := b.take(t, one); taken || states[0].Wait != time.Millisecond {
		t.Fatalf("before its time: %v %+v", taken, states)
	}
	b.Pass(time.Millisecond)
	if _, taken := b.take(t, one); !taken {
		t.Fatal("at its time")
	}
	b.Pass(time.Hour)
	if states, taken := b.take(t, one); !taken || states[0].Remaining != 2 {
		t.Fatalf("never more than the burst: %v %+v", taken, states)
	}
}

func owed(t *testing.T, b Bench) {
	with := func(n int64) limit.Ask {
		return limit.Ask{Kind: limit.Tokens, Counter: "c", Limit: 600, Burst: 600, N: n}
	}
	if _, taken := b.take(t, with(100)); !taken {
		t.Fatal("a full bucket refused")
	}
	b.settle(t, with(1700)) // 1800 in all: 1200 owed beyond the 600
	states, taken := b.take(t, with(1))
	if taken || states[0].Remaining != 0 || states[0].Reset != 3*time.Minute || states[0].Wait != 2*time.Minute+100*time.Millisecond {
		t.Errorf("%v %+v", taken, states[0])
	}
	b.settle(t, with(-1300)) // 500 after all
	if states, taken = b.take(t, with(1)); !taken || states[0].Remaining != 99 {
		t.Errorf("after giving back: %v %+v", taken, states[0])
	}
	b.settle(t, with(-5000)) // never more than full
	if states, taken = b.take(t, with(600)); !taken || states[0].Remaining != 0 {
		t.Errorf("after giving back too much: %v %+v", taken, states[0])
	}
	b.settle(t, with(1<<50)) // nonsense
	if states, _ = b.take(t, with(1)); states[0].Wait > time.Hour || states[0].Wait < 59*time.Minute {
		t.Errorf("owes for %v", states[0].Wait)
	}
}

func slots(t *testing.T, b Bench) {
	for range 3 {
		if _, taken := b.take(t, slot("c", 3, 1)); !taken {
			t.Fatal("one of three was refused")
		}
	}
	if states, taken := b.take(t, slot("c", 3, 1)); taken || states[0].Remaining != 0 {
		t.Fatalf("a fourth of three: %+v", states)
	}
	b.Pass(24 * time.Hour)
	if _, taken := b.take(t, slot("c", 3, 1)); taken {
		t.Fatal("a slot was given to another while its owner has it")
	}
	b.settle(t, slot("c", 3, -1))
	b.settle(t, slot("c", 3, -1), slot("c", 3, -1), slot("c", 3, -1)) // one too many
	for i := range 4 {
		if _, taken := b.take(t, slot("c", 3, 1)); taken != (i < 3) {
			t.Errorf("%d: %v", i, taken)
		}
	}
}

func manyAtOnce(t *testing.T, b Bench) {
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			_, taken, err := b.Take(t.Context(), []limit.Ask{requests("wide", 1000, 1), requests("narrow", 60, 1), slot("c", 37, 1)})
			if err != nil {
				t.Error(err)
			}
			if taken {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 37 {
		t.Errorf("%d of 200 passed, want 37", passed.Load())
	}
	if states, _ := b.take(t, requests("wide", 1000, 1)); states[0].Remaining < 962 || states[0].Remaining > 1000 {
		t.Errorf("what was refused was taken: %+v", states)
	}
}

func full(t *testing.T, b Bench) {
	for i := range 3 {
		if states, taken := b.take(t, requests(fmt.Sprint(i), 10, 10)); !taken || states[0].Remaining != 0 {
			t.Errorf("%v %+v", taken, states)
		}
	}
	b.Pass(time.Minute)
	if states, taken := b.take(t, requests("1", 10, 10)); !taken {
		t.Errorf("a minute later: %+v", states)
	}
}

func never(t *testing.T, b Bench) {
	states, taken := b.take(t, requests("c", 10, 11))
	if taken || states[0].Fits || states[0].Wait != 0 || states[0].Remaining != 10 {
		t.Errorf("11 of 10: %v %+v", taken, states)
	}
	const most = 1_000_000_000
	if states, taken := b.take(t, requests("most", most, most)); !taken || states[0].Remaining != 0 || states[0].Reset != time.Minute {
		t.Errorf("the largest limit: %v %+v", taken, states)
	}
	if states, taken := b.take(t, requests("most", most, 1)); taken || states[0].Wait <= 0 || states[0].Wait > time.Microsecond {
		t.Errorf("one more than the largest limit: %v %+v", taken, states)
	}
}

func names(t *testing.T, b Bench) {
	for _, name := range []string{"", "a", "a\x00", "{x}:*?[", string(make([]byte, 100_000))} {
		if _, taken := b.take(t, requests(name, 1, 1)); !taken {
			t.Errorf("%.20q shares a counter", name)
		}
	}
}
