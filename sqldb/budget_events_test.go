package sqldb

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/price"
)

func TestBudgetEvents(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		db, ctx := open(t), t.Context()
		at := time.Date(2026, 11, 24, 8, 0, 0, 123456000, time.UTC)
		half := price.BudgetEvent{
			Budget: "b1", Name: "team", Kind: price.EventThreshold, From: at.Add(-time.Hour), Until: at.Add(time.Hour), Percent: 50, Count: 1, At: at, LastAt: at,
			Spent: price.BudgetFigures{USD: 5, Tokens: 6, Calls: 7}, Limit: price.BudgetFigures{USD: 10}, Delivery: price.Delivery{State: price.DeliveryWaiting, Next: at},
		}
		refused := half
		refused.Kind, refused.Percent, refused.Count, refused.At, refused.LastAt = price.EventRefused, 0, 3, at.Add(time.Minute), at.Add(2*time.Minute)
		refused.Delivery = price.Delivery{State: price.DeliveryNone}
		add := func(e price.BudgetEvent, first bool) {
			t.Helper()
			got, err := db.AddBudgetEvent(ctx, e)
			if err != nil || got != first {
				t.Fatalf("%s: first %t, %v; want %t", e.Kind, got, err, first)
			}
		}
		want := func(q price.BudgetEventQuery, events ...price.BudgetEvent) string {
			t.Helper()
			got, next, err := db.ListBudgetEvents(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(events, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			return next
		}
		add(half, true)
		again := half
		again.At, again.Spent.USD = at.Add(time.Second), 6
		add(again, false) // a threshold is told once
		add(refused, true)
		more := refused
		more.Count, more.LastAt, more.Over = 2, at.Add(3*time.Minute), price.BudgetFigures{USD: 4}
		add(more, false)
		more.LastAt = at // an earlier one does not move the last time back
		add(more, false)
		refused.Count, refused.LastAt, refused.Over = 7, at.Add(3*time.Minute), price.BudgetFigures{USD: 8}

		next := want(price.BudgetEventQuery{Limit: 1}, refused)
		want(price.BudgetEventQuery{Limit: 1, Cursor: next}, half)
		want(price.BudgetEventQuery{Limit: 9, Since: at.Add(time.Minute)}, refused)
		want(price.BudgetEventQuery{Limit: 9, Budget: "b2"}, []price.BudgetEvent{}...)
		if _, _, err := db.ListBudgetEvents(ctx, price.BudgetEventQuery{Limit: 1, Cursor: "1' OR 1=1"}); !errors.Is(err, price.ErrEventCursor) {
			t.Errorf("a bad cursor: %v", err)
		}

		raised := half
		raised.Limit.USD = 20
		add(raised, true) // under another limit it is crossed anew
		later := half
		later.From = at
		add(later, true) // and in another window

		claim := func(now time.Time, n int) []price.BudgetEvent {
			t.Helper()
			got, err := db.ClaimBudgetEvents(ctx, now, now.Add(time.Minute), 2)
			if err != nil || len(got) != n {
				t.Fatalf("claimed %d, %v; want %d", len(got), err, n)
			}
			return got
		}
		if got := claim(at.Add(-time.Second), 0); got == nil {
			t.Log("nothing is due")
		}
		first := claim(at, 2)
		claim(at, 1)
		claim(at, 0) // all are taken
		if err := db.SetDelivery(ctx, first[0].ID(), price.Delivery{State: price.DeliveryDone, Tries: 1, At: at}); err != nil {
			t.Fatal(err)
		}
		retry := price.Delivery{State: price.DeliveryWaiting, Tries: 1, At: at, Next: at.Add(5 * time.Minute), Error: "answered 500"}
		if err := db.SetDelivery(ctx, first[1].ID(), retry); err != nil {
			t.Fatal(err)
		}
		claim(at.Add(time.Minute), 1) // whose claimer was not heard of
		if got := claim(at.Add(5*time.Minute), 2); got[1].Delivery.Error != "answered 500" || got[1].Delivery.Tries != 1 {
			t.Errorf("%+v", got)
		}

		forever := half
		forever.Budget, forever.Until = "b9", time.Time{}
		add(forever, true)
		if err := db.PruneBudgetEvents(ctx, at.Add(time.Hour+time.Second)); err != nil {
			t.Fatal(err)
		}
		want(price.BudgetEventQuery{Limit: 9}, forever)
	})
}
