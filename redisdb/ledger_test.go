package redisdb

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/ingest/budget/budgettest"
	"github.com/weir-dev/weir/internal/testutil/redistest"
	"github.com/weir-dev/weir/price"
)

var rounds = flag.Int("rounds", 1, "times a hundred orders of events that are tried against Redis")

// open gives a DB over a server.
func open(tb testing.TB, url string) *DB {
	tb.Helper()
	db, err := Open(Config{URL: url, Timeout: 10 * time.Second}) // this machine may be busy
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

func TestLedger(t *testing.T) {
	server := redistest.Start(t)
	db := open(t, server.SocketURL())
	budgettest.Test(t, func(testing.TB) budget.Ledger {
		server.Flush()
		return db.Ledger()
	}, *rounds)
}

func BenchmarkHoldAndSettle(b *testing.B) {
	server := redistest.Start(b)
	for name, url := range map[string]string{"socket": server.SocketURL(), "tcp": server.URL()} {
		b.Run(name, func(b *testing.B) {
			l := open(b, url).Ledger()
			var accounts []*budget.Account
			for i, w := range []price.Window{price.Day, price.Month, "rolling:24h"} {
				accounts = append(accounts, &budget.Account{ID: fmt.Sprint("a", i), Window: w, Zone: time.UTC, Limit: budget.Amount{USD: price.MaxUSD}, Hard: true})
			}
			if _, err := l.Join(b.Context(), accounts, time.Now()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				now := time.Now()
				h := &budget.Hold{ID: fmt.Sprint("0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d.", i), Expires: now.Add(time.Minute)}
				for _, a := range accounts {
					h.Claims = append(h.Claims, budget.Claim{Account: a, Amount: budget.Amount{USD: 10, Calls: 1}})
				}
				if refused, err := l.Hold(b.Context(), h, now); refused != nil || err != nil {
					b.Fatal(refused, err)
				}
				if err := l.Dispatched(b.Context(), h.ID); err != nil {
					b.Fatal(err)
				}
				if err := l.Settle(b.Context(), h.ID, budget.Amount{USD: 1, Calls: 1}, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
