package budget_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/ingest/budget/budgettest"
	"github.com/weir-dev/weir/price"
)

func TestMemory(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 5
	}
	budgettest.Test(t, func(testing.TB) budget.Ledger { return &budget.Memory{} }, rounds)
}

func BenchmarkHoldAndSettle(b *testing.B) {
	account := func(id string, w price.Window, limit budget.Amount) *budget.Account {
		return &budget.Account{ID: id, Window: w, Zone: time.UTC, Limit: limit, Hard: true}
	}
	m := &budget.Memory{}
	accounts := []*budget.Account{account("a", price.Day, budget.Amount{USD: price.MaxUSD}), account("b", price.Month, budget.Amount{USD: price.MaxUSD}), account("c", "rolling:24h", budget.Amount{USD: price.MaxUSD})}
	ids := make([]string, 1024)
	for i := range ids {
		ids[i] = fmt.Sprint("0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d.", i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now := time.Now()
		h := &budget.Hold{ID: ids[i%len(ids)], Expires: now.Add(time.Hour)}
		for _, a := range accounts {
			h.Claims = append(h.Claims, budget.Claim{Account: a, Amount: budget.Amount{USD: 10, Calls: 1}})
		}
		if refused, err := m.Hold(b.Context(), h, now); refused != nil || err != nil {
			b.Fatal(refused, err)
		}
		if err := m.Dispatched(b.Context(), h.ID); err != nil {
			b.Fatal(err)
		}
		if err := m.Settle(b.Context(), h.ID, budget.Amount{USD: 1, Calls: 1}, now); err != nil {
			b.Fatal(err)
		}
	}
}
