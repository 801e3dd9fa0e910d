package evaltest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/trace"
)

// TestAnnotations checks that a store of queues that is empty keeps its contract.
func TestAnnotations(t *testing.T, store eval.Annotations) {
	ctx := t.Context()
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	lease := now.Add(15 * time.Minute)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	low, high := 1.0, 5.0
	queue := eval.Queue{Name: "tone", Project: "p", Questions: []eval.Question{{Name: "kind", Kind: trace.NumberScore, Min: &low, Max: &high}}, Instructions: "be fair", Reviewers: 2, Author: "ann", CreatedAt: now}
	must(store.PutQueue(ctx, queue))
	if err := store.PutQueue(ctx, queue); !errors.Is(err, eval.ErrQueueThere) {
		t.Errorf("a second queue of the name: %v", err)
	}
	must(store.PutQueue(ctx, eval.Queue{Name: "other", Questions: queue.Questions, Reviewers: 1, CreatedAt: now}))
	got, err := store.GetQueue(ctx, "tone")
	must(err)
	if diff := cmp.Diff(queue, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	all, err := store.ListQueues(ctx)
	must(err)
	if len(all) != 2 || all[0].Name != "other" || all[1].Name != "tone" {
		t.Errorf("%+v", all)
	}

	key := eval.Key{Target: "t", Item: "i", Repeat: 1}
	added, err := store.AddQueueItems(ctx, "tone", []eval.QueueItem{{CallID: "c1", Run: "run", Key: key, AddedBy: "ann", AddedAt: now}, {CallID: "c2", AddedAt: now}, {CallID: "c1", AddedAt: now}})
	must(err)
	again, err := store.AddQueueItems(ctx, "tone", []eval.QueueItem{{CallID: "c2", AddedAt: now}, {CallID: "c3", AddedAt: now}})
	must(err)
	if added != 2 || again != 1 {
		t.Errorf("%d and %d are added, want 2 and 1", added, again)
	}

	next := func(who string, at time.Time) string {
		t.Helper()
		it, found, err := store.NextItem(ctx, "tone", who, at, at.Add(15*time.Minute))
		must(err)
		if !found {
			return ""
		}
		return it.CallID
	}
	for i, want := range []string{"c1", "c1"} {
		if got := next("ann", now.Add(time.Duration(i)*time.Minute)); got != want {
			t.Errorf("ann's item is %q, want %q", got, want)
		}
	}
	if got := next("bob", now); got != "c1" {
		t.Errorf("bob's item is %q", got)
	}
	if got := next("cy", now); got != "c2" { // two have c1
		t.Errorf("cy's item is %q", got)
	}
	if err := store.TakeItem(ctx, "tone", "c1", "cy", now, lease); !errors.Is(err, eval.ErrItemTaken) {
		t.Errorf("a third takes it: %v", err)
	}
	must(store.TakeItem(ctx, "tone", "c1", "ann", now, lease))
	must(store.EndReview(ctx, "tone", "c1", eval.Review{Who: "ann", State: eval.Finished, At: now}))
	must(store.TakeItem(ctx, "tone", "c1", "ann", now, lease)) // to correct it
	if got := next("ann", now); got != "c2" {
		t.Errorf("ann's second item is %q", got)
	}
	must(store.EndReview(ctx, "tone", "c2", eval.Review{Who: "ann", State: eval.Skipped, At: now.Add(time.Minute), Reason: "no idea"}))
	if got := next("ann", now); got != "c3" {
		t.Errorf("ann's third item is %q", got)
	}

	items, err := store.QueueItems(ctx, "tone", "", "", 10, now)
	must(err)
	want := []eval.QueueItem{
		{CallID: "c1", Run: "run", Key: key, AddedBy: "ann", AddedAt: now, State: eval.Taken, Reviews: []eval.Review{{Who: "ann", State: eval.Finished, At: now}, {Who: "bob", State: eval.Taken, At: now, Until: lease}}},
		{CallID: "c2", AddedAt: now, State: eval.Taken, Reviews: []eval.Review{{Who: "ann", State: eval.Skipped, At: now.Add(time.Minute), Reason: "no idea"}, {Who: "cy", State: eval.Taken, At: now, Until: lease}}},
		{CallID: "c3", AddedAt: now, State: eval.Taken, Reviews: []eval.Review{{Who: "ann", State: eval.Taken, At: now, Until: lease}}},
	}
	if diff := cmp.Diff(want, items); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	later := lease.Add(time.Second) // all leases have run out
	items, err = store.QueueItems(ctx, "tone", eval.Waiting, "c1", 1, later)
	must(err)
	if len(items) != 1 || items[0].CallID != "c2" {
		t.Errorf("%+v", items)
	}
	if got := next("dee", later); got != "c1" {
		t.Errorf("what bob left is not given to another, but %q", got)
	}
	must(store.EndReview(ctx, "tone", "c1", eval.Review{Who: "dee", State: eval.Finished, At: later}))
	if err := store.TakeItem(ctx, "tone", "c1", "bob", later, later.Add(time.Minute)); !errors.Is(err, eval.ErrItemTaken) {
		t.Errorf("bob comes too late: %v", err)
	}
	must(store.TakeItem(ctx, "tone", "c2", "bob", later, later.Add(time.Minute)))
	must(store.EndReview(ctx, "tone", "c2", eval.Review{Who: "bob", State: eval.Skipped, At: later}))
	if err := store.EndReview(ctx, "tone", "c3", eval.Review{Who: "bob", State: eval.Finished, At: later}); !errors.Is(err, eval.ErrNoQueueItem) {
		t.Errorf("scored without being taken: %v", err)
	}

	p, err := store.QueueProgress(ctx, "tone", later)
	must(err)
	if diff := cmp.Diff(eval.QueueProgress{Waiting: 1, Done: 1, Skipped: 1, People: []eval.PersonProgress{
		{Who: "ann", Done: 1, Skipped: 1, Last: now.Add(time.Minute)}, {Who: "bob", Skipped: 1, Last: later}, {Who: "dee", Done: 1, Last: later},
	}}, p); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	must(store.DeleteQueue(ctx, "tone"))
	_, getErr := store.GetQueue(ctx, "tone")
	_, addErr := store.AddQueueItems(ctx, "tone", nil)
	_, listErr := store.QueueItems(ctx, "tone", "", "", 1, now)
	_, countErr := store.QueueProgress(ctx, "tone", now)
	_, _, nextErr := store.NextItem(ctx, "tone", "ann", now, lease)
	for what, err := range map[string]error{
		"get": getErr, "add": addErr, "list": listErr, "count": countErr, "next": nextErr, "delete": store.DeleteQueue(ctx, "tone"),
		"take": store.TakeItem(ctx, "tone", "c1", "ann", now, lease), "end": store.EndReview(ctx, "tone", "c1", eval.Review{Who: "ann"}),
	} {
		if !errors.Is(err, eval.ErrNoQueue) {
			t.Errorf("%s of a queue that is gone: %v", what, err)
		}
	}
	manyTake(t, store, now)
}

// manyTake checks that people who ask at the same moment get items of their own.
func manyTake(t *testing.T, store eval.Annotations, now time.Time) {
	t.Helper()
	const people = 8
	items := make([]eval.QueueItem, people)
	for i := range items {
		items[i] = eval.QueueItem{CallID: fmt.Sprint("m", i), AddedAt: now}
	}
	if _, err := store.AddQueueItems(t.Context(), "other", items); err != nil {
		t.Fatal(err)
	}
	got := make([]string, people)
	var wg sync.WaitGroup
	for i := range people {
		wg.Go(func() {
			it, found, err := store.NextItem(t.Context(), "other", fmt.Sprint("p", i), now, now.Add(time.Minute))
			if err != nil || !found {
				t.Errorf("person %d: %v, %v", i, found, err)
			}
			got[i] = it.CallID
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, id := range got {
		if seen[id] {
			t.Errorf("%s is given to two", id)
		}
		seen[id] = true
	}
	if _, found, err := store.NextItem(t.Context(), "other", "late", now, now.Add(time.Minute)); found || err != nil {
		t.Errorf("there is one more: %v, %v", found, err)
	}
}
