package sqldb

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/price"
)

func TestBudgets(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		db, ctx := open(t), t.Context()
		at := time.Date(2026, 11, 24, 8, 0, 0, 123456000, time.UTC)
		team := price.Budget{
			ID: "b1", Name: "team a", Scope: map[string]string{"project": "p", "tag.team": "a \"q\""}, Window: price.Day, Timezone: "Europe/Berlin",
			LimitUSD: 1_500_000_001, LimitTokens: 7, LimitCalls: 9, Policy: price.Strict, AtLimit: price.Downgrade, Soft: []int{50, 80}, CreatedAt: at, UpdatedAt: at,
		}
		all := price.Budget{ID: "b2", Name: "Everything", Window: price.Lifetime, LimitCalls: 1, Policy: price.Expected, AtLimit: price.AlertOnly, CreatedAt: at, UpdatedAt: at}
		put := func(b price.Budget) {
			t.Helper()
			if err := db.PutBudget(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
		want := func(budgets ...price.Budget) {
			t.Helper()
			got, err := db.ListBudgets(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(budgets, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		if got, err := db.ListBudgets(ctx); err != nil || len(got) != 0 {
			t.Fatalf("an empty store has %v, %v", got, err)
		}
		put(team)
		put(all)
		want(all, team) // capitals first: the order is that of bytes

		team.LimitUSD, team.Name, team.UpdatedAt = 3, "team b", at.Add(time.Hour)
		put(team)
		want(all, team)

		other := all
		other.ID = "b3"
		if err := db.PutBudget(ctx, other); !errors.Is(err, price.ErrBudgetTaken) {
			t.Errorf("a second budget of one name: %v, want ErrBudgetTaken", err)
		}
		renamed := team
		renamed.Name = all.Name
		if err := db.PutBudget(ctx, renamed); !errors.Is(err, price.ErrBudgetTaken) {
			t.Errorf("renamed to a taken name: %v, want ErrBudgetTaken", err)
		}
		want(all, team)

		if err := db.DeleteBudget(ctx, "b1"); err != nil {
			t.Fatal(err)
		}
		if err := db.DeleteBudget(ctx, "b1"); !errors.Is(err, price.ErrNoBudget) {
			t.Errorf("deleted twice: %v, want ErrNoBudget", err)
		}
		want(all)
	})
}
