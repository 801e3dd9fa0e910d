package redisdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/internal/faultproxy"
	"github.com/weir-dev/weir/internal/testutil/redistest"
	"github.com/weir-dev/weir/price"
)

// behind is a server behind a network that fails, with a replica on it.
type behind struct {
	*testing.T
	*budget.Replica
	server *redistest.Server
	proxy  *faultproxy.Proxy
	db     *DB
	now    time.Time
}

const impatient = 300 * time.Millisecond

func startBehind(t *testing.T, onAway budget.OnAway) *behind {
	t.Helper()
	b := &behind{T: t, server: redistest.Start(t), now: time.Now().Truncate(time.Microsecond)}
	var err error
	b.proxy, err = faultproxy.Start(faultproxy.Config{Dial: func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", b.server.Addr())
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.proxy.Close() })
	if b.db, err = Open(Config{URL: "redis://" + b.proxy.Addr(), Timeout: impatient}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.db.Close() })
	b.Replica = budget.NewReplica(b.db.Ledger(), onAway)
	return b
}

func (b *behind) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *behind) set(k faultproxy.Kind) {
	b.Helper()
	b.must(b.proxy.Set(faultproxy.Fault{Kind: k}))
}

// again waits until the server answers.
func (b *behind) again() {
	b.Helper()
	b.set(faultproxy.None)
	deadline := time.Now().Add(20 * time.Second)
	for b.db.Ping(b.Context()) != nil {
		if time.Now().After(deadline) {
			b.Fatal("the server does not come back")
		}
	}
}

func (b *behind) join(accounts ...*budget.Account) {
	b.Helper()
	_, err := b.Join(b.Context(), accounts, b.now)
	b.must(err)
}

// admits says whether a hold is made.
func (b *behind) admits(id string, amount budget.Amount, of ...*budget.Account) (bool, error) {
	h := &budget.Hold{ID: id, Call: id, Expires: b.now.Add(2 * time.Minute)}
	for _, a := range of {
		h.Claims = append(h.Claims, budget.Claim{Account: a, Amount: amount})
	}
	refused, err := b.Hold(b.Context(), h, b.now)
	return refused == nil && err == nil, err
}

func (b *behind) shows(a *budget.Account, spent, held int64) {
	b.Helper()
	u, err := b.db.Ledger().Usage(b.Context(), a, b.now)
	if err != nil || u.Spent.Calls != spent || u.Held.Calls != held {
		b.Errorf("account %s: %d spent, %d held, %v; want %d and %d", a.ID, u.Spent.Calls, u.Held.Calls, err, spent, held)
	}
}

func bounded(id string, calls int64, strict bool) *budget.Account {
	return &budget.Account{ID: id, Window: price.Day, Zone: time.UTC, Limit: budget.Amount{Calls: calls}, Hard: true, Strict: strict}
}

var one = budget.Amount{Calls: 1}

// Redis goes and comes: what strict budgets bound is refused, the others go on with what was left, and in the end each call
// counts once.
func TestRedisIsAwayAndComesBack(t *testing.T) {
	for _, fault := range []faultproxy.Kind{faultproxy.Away, faultproxy.BlackHole} {
		t.Run(fault.String(), func(t *testing.T) {
			b := startBehind(t, budget.AwayStrict)
			strict, loose := bounded("strict", 10, true), bounded("loose", 5, false)
			b.join(strict, loose)
			for i := range 2 {
				id := fmt.Sprint("before", i)
				if ok, err := b.admits(id, one, strict, loose); !ok {
					t.Fatal(err)
				}
				b.must(b.Dispatched(t.Context(), id))
			}
			b.must(b.Settle(t.Context(), "before0", one, b.now))
			_, err := b.Usage(t.Context(), loose, b.now) // each second
			b.must(err)

			b.set(fault)
			began := time.Now()
			if ok, err := b.admits("closed", one, loose, strict); ok || !errors.Is(err, budget.ErrAway) {
				t.Errorf("a strict budget while Redis is away: %v, %v", ok, err)
			}
			if took := time.Since(began); took > 10*impatient {
				t.Errorf("it took %v", took)
			}
			began = time.Now()
			for i := range 100 {
				if ok, err := b.admits(fmt.Sprint("closed again", i), one, strict); ok || !errors.Is(err, budget.ErrAway) {
					t.Fatalf("%v, %v", ok, err)
				}
			}
			if took := time.Since(began); took > impatient {
				t.Errorf("100 calls waited %v for a server that is known to be away", took)
			}
			n := 0
			for i := range 10 {
				id := fmt.Sprint("away", i)
				ok, err := b.admits(id, one, loose)
				b.must(err)
				if ok {
					n++
					b.must(b.Dispatched(t.Context(), id))
					b.must(b.Settle(t.Context(), id, one, b.now))
				}
			}
			if n != 3 {
				t.Errorf("%d were admitted, want the 3 that were left of 5", n)
			}
			b.must(b.Settle(t.Context(), "before1", one, b.now)) // owed
			if s := b.Stats(); s.Owed == 0 || s.Local != 3 || s.Closed != 101 {
				t.Errorf("%+v", s)
			}

			b.again()
			b.must(b.Recover(t.Context()))
			b.must(b.Recover(t.Context()))
			b.must(b.Expire(t.Context(), b.now.Add(time.Hour))) // holds that came late, of whoever was refused
			b.shows(strict, 2, 0)
			b.shows(loose, 5, 0)
			if s := b.Stats(); s.Owed != 0 {
				t.Errorf("%+v", s)
			}
			if ok, err := b.admits("after", one, strict); !ok {
				t.Errorf("after it came back: %v", err)
			}
			if ok, err := b.admits("too many", one, loose); ok || err != nil {
				t.Errorf("a sixth of five: %v, %v", ok, err)
			}
		})
	}
}

func TestOnAway(t *testing.T) {
	for onAway, want := range map[budget.OnAway][3]bool{
		budget.AwayStrict: {false, true, true}, budget.AwayRefuse: {false, false, true}, budget.AwayLocal: {true, true, true}, "": {false, true, true},
	} {
		t.Run(string(onAway), func(t *testing.T) {
			b := startBehind(t, onAway)
			alert := bounded("alert", 1, true)
			alert.Hard = false
			accounts := []*budget.Account{bounded("strict", 9, true), bounded("loose", 9, false), alert}
			b.join(accounts...)
			b.set(faultproxy.Away)
			for i, a := range accounts {
				if ok, _ := b.admits(a.ID, one, a); ok != want[i] {
					t.Errorf("%s is admitted: %v, want %v", a.ID, ok, want[i])
				}
			}
		})
	}
}

// Redis comes back with nothing: what was counted of the time before is in the store's past, and is not told again.
func TestRedisComesBackEmpty(t *testing.T) {
	b := startBehind(t, budget.AwayStrict)
	loose := bounded("loose", 5, false)
	b.join(loose)
	if ok, err := b.admits("before", one, loose); !ok {
		t.Fatal(err)
	}
	b.server.Stop()
	if ok, err := b.admits("away", one, loose); !ok {
		t.Fatal(err)
	}
	b.must(b.Settle(t.Context(), "away", one, b.now))
	b.must(b.Settle(t.Context(), "before", one, b.now))
	b.server.Again()
	b.again()
	if _, err := b.admits("lost", one, loose); !errors.Is(err, budget.ErrLost) {
		t.Errorf("a hold in an account that is lost: %v", err)
	}
	b.now = b.now.Add(time.Second)
	standing, err := b.Join(t.Context(), []*budget.Account{loose}, b.now)
	b.must(err)
	if s := standing[0]; !s.Since.Equal(b.now) || s.Filled || !s.Fill {
		t.Errorf("%+v", s)
	}
	b.must(b.Recover(t.Context()))
	b.shows(loose, 0, 0)
	b.must(b.Fill(t.Context(), loose, []budget.Past{{At: b.now.Add(-time.Second), Amount: budget.Amount{Calls: 2}}}, nil, b.now))
	b.shows(loose, 2, 0)
	if s := b.Stats(); s.Owed != 0 {
		t.Errorf("%+v", s)
	}
}

// One replica at a time is asked to fill; one that dies is followed by another, and a filled account is filled again.
func TestOneReplicaFills(t *testing.T) {
	db := open(t, redistest.Start(t).SocketURL())
	one, other := db.Ledger(), db.Ledger()
	a := bounded("a", 5, false)
	now := time.Now()
	stands := func(l *Ledger, after time.Duration) budget.Standing {
		t.Helper()
		s, err := l.Join(t.Context(), []*budget.Account{a}, now.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return s[0]
	}
	if s := stands(one, 0); !s.Fill || s.Filled {
		t.Errorf("the first: %+v", s)
	}
	if s := stands(other, time.Second); s.Fill || s.Filled || !s.Since.Equal(now.Truncate(time.Microsecond)) {
		t.Errorf("the second: %+v", s)
	}
	if s := stands(other, fillTime); !s.Fill {
		t.Errorf("the first died: %+v", s)
	}
	if err := other.Fill(t.Context(), a, nil, nil, now.Add(fillTime)); err != nil {
		t.Fatal(err)
	}
	if s := stands(one, fillTime+time.Second); s.Fill || !s.Filled {
		t.Errorf("after it was filled: %+v", s)
	}
	if s := stands(one, budget.FillAgain[1]); !s.Fill || !s.Filled {
		t.Errorf("when it is time again: %+v", s)
	}
	if err := one.Fill(t.Context(), a, nil, nil, now.Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if s := stands(other, 3*time.Hour); s.Fill {
		t.Errorf("at last: %+v", s)
	}
}

// What a carried hold is settled with is held for a while and not charged: the store tells of it.
func TestACarriedHold(t *testing.T) {
	b := startBehind(t, budget.AwayStrict)
	a := bounded("a", 3, true)
	b.join(a)
	carry := func(id string) {
		t.Helper()
		h := &budget.Hold{ID: id, Call: id, Expires: b.now.Add(time.Minute), Claims: []budget.Claim{{Account: a, Amount: budget.Amount{Calls: 2}}}}
		b.must(b.Carry(t.Context(), h, b.now))
	}
	carry("ends")
	carry("dies") // room or not
	b.shows(a, 0, 4)
	b.must(b.Settle(t.Context(), "ends", one, b.now))
	if err := b.Settle(t.Context(), "ends", one, b.now); !errors.Is(err, budget.ErrNoHold) {
		t.Errorf("settled twice: %v", err)
	}
	b.shows(a, 0, 3)
	b.must(b.Expire(t.Context(), b.now.Add(budget.Carried)))
	b.shows(a, 0, 0)
}

// A charge of an id counts once, in the window it began in, and not at all where an account counts from later on.
func TestAChargeCountsOnce(t *testing.T) {
	b := startBehind(t, budget.AwayStrict)
	day, minute := bounded("day", 9, true), bounded("minute", 9, true)
	minute.Window = price.Minute
	opened := b.now.Truncate(24 * time.Hour).Add(12 * time.Hour)
	b.now = opened
	b.join(day, minute)
	began := opened.Add(30 * time.Second)
	b.now = opened.Add(90 * time.Second)
	for range 2 {
		b.must(b.ChargeOnce(t.Context(), "once", []*budget.Account{day, minute}, one, began, b.now))
	}
	b.must(b.ChargeOnce(t.Context(), "before", []*budget.Account{day}, one, opened.Add(-time.Second), b.now))
	b.shows(day, 1, 0)
	b.shows(minute, 0, 0) // that minute is over
	b.now = opened.Add(50 * time.Second)
	b.must(b.ChargeOnce(t.Context(), "another", []*budget.Account{day}, one, began, b.now))
	b.shows(day, 2, 0)
}
