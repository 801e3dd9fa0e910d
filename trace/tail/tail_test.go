package tail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// world is a Tail over a store in memory.
type world struct {
	t     *testing.T
	store store
	tail  *Tail
	stop  context.CancelFunc
	n     int
}

// store counts how often it is read, and may be away to readers.
type store struct {
	tracetest.Arriving
	mu    sync.Mutex // guards both
	reads int
	err   error
}

func (s *store) StoreTime(ctx context.Context) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reads++; s.err != nil {
		return time.Time{}, s.err
	}
	return s.Arriving.StoreTime(ctx)
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func inWorld(t *testing.T, do func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		w := &world{t: t}
		w.tail = New(Config{Arrivals: &w.store, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		w.stop = stop
		var run sync.WaitGroup
		run.Go(func() { w.tail.Run(ctx) })
		do(t, w)
		stop()
		run.Wait()
	})
}

// write lets calls come whose stamp is late by so much.
func (w *world) write(late time.Duration, records ...trace.Record) {
	w.t.Helper()
	w.n++
	stamp := time.Now().UTC().Truncate(time.Second).Add(-late)
	if err := w.store.WriteAt(w.t.Context(), trace.Batch{Token: fmt.Sprint(w.n), Records: trace.Slice(records)}, stamp); err != nil {
		w.t.Fatal(err)
	}
}

// call lets one call of the project p come.
func (w *world) call(id string) {
	w.t.Helper()
	w.write(0, trace.Record{Call: trace.Span{ID: id, Kind: trace.KindCall, Project: "p", Start: time.Now()}})
}

func (w *world) follow(f trace.Filter, after string) *Listener {
	w.t.Helper()
	l, err := w.tail.Follow(w.t.Context(), f, after)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func taken(l *Listener) (ids []string) {
	calls, _ := l.Take()
	for _, c := range calls {
		ids = append(ids, c.ID)
	}
	return ids
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// listening is one who follows a filter, and connects again now and then.
type listening struct {
	filter trace.Filter
	l      *Listener
	last   string
	before map[string]bool // calls that were there at the beginning
	got    []string
}

func (c *listening) take() {
	for _, id := range taken(c.l) {
		c.got, c.last = append(c.got, id), id
	}
}

// Whoever listens, and connects again within a minute, is given each call that its filter picks, once.
func TestNothingMissedNothingTwice(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				random := rand.New(rand.NewPCG(seed, 7))
				var all []*listening
				for range 40 {
					for range random.IntN(3) {
						records := tracetest.Random(random, random.IntN(8), time.Now().Add(-time.Hour), time.Now())
						w.write(time.Duration(random.IntN(45))*time.Second, records...)
					}
					if random.IntN(4) == 0 && len(all) < 12 {
						all = append(all, w.begin(randomFilter(random)))
					}
					for _, c := range all {
						switch {
						case c.l == nil && random.IntN(2) == 0:
							c.l = w.follow(c.filter, c.last)
						case c.l != nil && random.IntN(5) == 0:
							c.take()
							if c.last == "" { // as a client that was told where it began
								c.last = cmp.Or(c.l.From(), "0")
							}
							c.l.Close()
							c.l = nil
						}
					}
					time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
				}
				for _, c := range all {
					if c.l == nil {
						c.l = w.follow(c.filter, c.last)
					}
				}
				time.Sleep(2 * sweep * every)
				for i, c := range all {
					c.take()
					page, err := w.store.Calls(t.Context(), c.filter, 1_000_000, "")
					if err != nil {
						t.Fatal(err)
					}
					var want []string
					for j := range page.Calls {
						if id := page.Calls[j].ID; !c.before[id] {
							want = append(want, id)
						}
					}
					slices.Sort(want)
					slices.Sort(c.got)
					if diff := gocmp.Diff(c.got, want); diff != "" {
						t.Errorf("listener %d of %+v (-got +want):\n%s", i, c.filter, diff)
					}
				}
			})
		})
	}
}

// begin is a new listener, with what was there before it.
func (w *world) begin(f trace.Filter) *listening {
	w.t.Helper()
	c := &listening{filter: f, before: map[string]bool{}}
	page, err := w.store.Calls(w.t.Context(), f, 1_000_000, "")
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range page.Calls {
		c.before[page.Calls[i].ID] = true
	}
	c.l = w.follow(f, "")
	return c
}

// randomFilter picks by what some random call has.
func randomFilter(r *rand.Rand) trace.Filter {
	s := tracetest.Random(r, 1, time.Now().Add(-time.Hour), time.Now())[0].Call
	choices := []func(*trace.Filter){
		func(f *trace.Filter) { f.Project = s.Project }, func(f *trace.Filter) { f.Key = s.Key }, func(f *trace.Filter) { f.Key = s.KeyID },
		func(f *trace.Filter) { f.Provider = s.Provider }, func(f *trace.Filter) { f.Model = s.Model }, func(f *trace.Filter) { f.Model = s.ModelRequested },
		func(f *trace.Filter) { f.User = s.User }, func(f *trace.Filter) { f.Session = s.Session }, func(f *trace.Filter) { f.Status = string(s.Status) },
		func(f *trace.Filter) { f.Endpoint = string(s.Endpoint) }, func(f *trace.Filter) { f.Cache = string(s.Cache) }, func(f *trace.Filter) { f.Prompt = s.Prompt },
		func(f *trace.Filter) { f.Prompt = fmt.Sprintf("%s@%d", s.Prompt, s.PromptVersion) }, func(f *trace.Filter) { f.Arm = s.Arm },
		func(f *trace.Filter) { f.ErrorCode = s.ErrorCode }, func(f *trace.Filter) { f.Tags = s.Tags }, func(f *trace.Filter) { f.Unpriced = true },
	}
	var f trace.Filter
	for range r.IntN(3) {
		choices[r.IntN(len(choices))](&f)
	}
	if r.IntN(2) == 0 {
		tracetest.RandomConditions(r, &f)
	}
	return f
}

func TestNobodyListens(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.call("old")
		time.Sleep(2 * window)
		if n := w.store.count(); n != 0 {
			t.Errorf("read %d times while nobody listens", n)
		}
		l := w.follow(trace.Filter{}, "")
		if l.From() != "" {
			t.Errorf("begins behind %q, of more than a minute ago", l.From())
		}
		w.call("new")
		<-l.Ready()
		equal(t, "what came", taken(l), []string{"new"})
		l.Close()
		l.Close()
		time.Sleep(every)
		n := w.store.count()
		w.call("later")
		time.Sleep(time.Hour)
		if more := w.store.count() - n; more != 0 {
			t.Errorf("read %d times after the last has left", more)
		}
		if got := taken(l); got != nil {
			t.Errorf("one that has left is given %v", got)
		}
	})
}

func TestGoOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.follow(trace.Filter{}, "")
		for _, id := range []string{"c", "a", "b"} {
			w.call(id)
			time.Sleep(1500 * time.Millisecond)
		}
		equal(t, "in the order they came", taken(l), []string{"c", "a", "b"})
		l.Close()
		w.call("d")
		equal(t, "after the first", taken(w.follow(trace.Filter{}, "c")), []string{"a", "b", "d"})
		equal(t, "after the last", taken(w.follow(trace.Filter{}, "d")), nil)
		equal(t, "of another project", taken(w.follow(trace.Filter{Project: "q"}, "c")), nil)
		equal(t, "after one that is not known", taken(w.follow(trace.Filter{}, "x")), []string{"c", "a", "b", "d"})
		last := w.follow(trace.Filter{}, "")
		if got := taken(last); got != nil || last.From() != "d" {
			t.Errorf("after nothing: %v, behind %q", got, last.From())
		}
		time.Sleep(10 * window)
		w.call("e")
		equal(t, "after one of long ago, which is remembered", taken(w.follow(trace.Filter{}, "a")), []string{"e"})
	})
}

func TestSlowListener(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		slow, quick := w.follow(trace.Filter{}, ""), w.follow(trace.Filter{}, "")
		records := make([]trace.Record, waiting+7)
		for i := range records {
			records[i].Call = trace.Span{ID: fmt.Sprintf("%05d", i), Kind: trace.KindCall, Start: time.Now()}
		}
		w.write(0, records[:waiting]...)
		time.Sleep(2 * every)
		if calls, skipped := quick.Take(); len(calls) != waiting || skipped != 0 {
			t.Errorf("who is quick got %d calls, %d skipped", len(calls), skipped)
		}
		w.write(0, records[waiting:]...)
		time.Sleep(2 * every)
		if calls, skipped := quick.Take(); len(calls) != 7 || skipped != 0 {
			t.Errorf("who is quick got %d calls more, %d skipped", len(calls), skipped)
		}
		calls, skipped := slow.Take()
		if len(calls) != waiting || calls[waiting-1].ID != records[waiting-1].Call.ID || skipped != 7 {
			t.Errorf("who is slow got %d calls, %d skipped", len(calls), skipped)
		}
		w.call("z")
		time.Sleep(2 * every)
		equal(t, "who has caught up", taken(slow), []string{"z"})
	})
}

func TestTooManyListen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var all []*Listener
		for range MostListeners {
			all = append(all, w.follow(trace.Filter{}, ""))
		}
		if _, err := w.tail.Follow(t.Context(), trace.Filter{}, ""); !errors.Is(err, ErrFull) {
			t.Errorf("one too many: %v", err)
		}
		all[0].Close()
		w.follow(trace.Filter{}, "")
	})
}

func TestStoreIsAway(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.store.fail(trace.ErrAway)
		for range MostListeners + 1 { // a place is given back
			if _, err := w.tail.Follow(t.Context(), trace.Filter{}, ""); !errors.Is(err, trace.ErrAway) {
				t.Fatalf("follow: %v", err)
			}
		}
		w.store.fail(nil)
		l := w.follow(trace.Filter{}, "")
		w.store.fail(trace.ErrAway)
		w.call("early")
		time.Sleep(10 * time.Minute)
		w.call("late")
		w.write(50*time.Second, trace.Record{Call: trace.Span{ID: "stamped early", Kind: trace.KindCall, Start: time.Now()}})
		if got := taken(l); got != nil {
			t.Fatalf("while the store is away: %v", got)
		}
		w.store.fail(nil)
		time.Sleep(2 * every)
		equal(t, "when it is back", taken(l), []string{"early", "stamped early", "late"})
	})
}

func TestStops(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.follow(trace.Filter{}, "")
		w.stop()
		<-w.tail.Stopped()
		if _, err := w.tail.Follow(t.Context(), trace.Filter{}, ""); !errors.Is(err, ErrStopping) {
			t.Errorf("follow: %v", err)
		}
	})
}

// A client that leaves while the store is slow gives its place back.
func TestLeavesBeforeItIsLetIn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.tail.turn <- struct{}{}
		ctx, leave := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := w.tail.Follow(ctx, trace.Filter{}, "")
			failed <- err
		}()
		synctest.Wait()
		leave()
		if err := <-failed; !errors.Is(err, context.Canceled) || len(w.tail.listeners) != 0 {
			t.Errorf("%v, %d listen", err, len(w.tail.listeners))
		}
		<-w.tail.turn
	})
}

// What is remembered is bounded, and nothing that is forgotten is given again.
func TestForgets(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		second       int // calls in each of the last 120 seconds
		least, most  int
		floorSeconds int // before now; 0: none
	}{
		{50, 50 * 120, lately, 0}, {100, 100 * 60, 100 * 61, 0}, {3000, 3000 * 30, mostSeen, 30}, {60_000, 120_000, 120_000, 1},
	} {
		tl := New(Config{})
		tl.until = now
		n := int64(0)
		for s := range 120 {
			for range tt.second {
				if s < 115 && tt.second > 10_000 {
					break
				}
				n++
				tl.last = fmt.Sprint(n)
				tl.seen[tl.last] = place{n, now.Add(time.Duration(s-119) * time.Second)}
			}
		}
		tl.forget()
		floor := time.Time{}
		if tt.floorSeconds > 0 {
			floor = now.Add(-time.Duration(tt.floorSeconds) * time.Second)
		}
		if got := len(tl.seen); got < tt.least || got > tt.most || !tl.floor.Equal(floor) {
			t.Errorf("%d a second: %d remembered, floor %v; want %d to %d, %v", tt.second, got, tl.floor, tt.least, tt.most, floor)
		}
		for _, p := range tl.seen {
			if p.at.Before(tl.floor) {
				t.Fatalf("%d a second: one of %v is remembered", tt.second, p.at)
			}
		}
	}
}
