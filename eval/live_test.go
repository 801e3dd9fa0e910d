package eval

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// kept is a sink that remembers what came when.
type kept struct {
	mu    sync.Mutex // guards what follows
	rows  map[Key]Row
	sizes []int // of batches
	runs  []Run
	down  bool
}

func (k *kept) StoreRows(_ context.Context, _ string, rows []Row) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.down {
		return errors.New("away")
	}
	if k.rows == nil {
		k.rows = map[Key]Row{}
	}
	for _, r := range rows {
		k.rows[r.Key] = r
	}
	k.sizes = append(k.sizes, len(rows))
	return nil
}

func (k *kept) StoreRun(_ context.Context, run *Run) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.down {
		return errors.New("away")
	}
	k.runs = append(k.runs, *run)
	return nil
}

// turn makes the sink fail, or not, and gives how many rows it has.
func (k *kept) turn(down bool) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.down = down
	return len(k.rows)
}

func total(sizes []int) (n int) {
	for _, s := range sizes {
		n += s
	}
	return n
}

// Results are stored while the run goes on, each once; when the store was away they come later; a run that is resumed stores what it cannot know
// to be stored again, in place of it.
func TestLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, sink := t.TempDir(), &kept{}
		slow := TargetFunc(func(_ context.Context, a Ask) (Answer, error) {
			<-time.After(time.Second)
			return Answer{Text: Text(a.Item.Input)}, nil
		})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		do := func(r *Runner, at time.Duration, then func()) (Run, *Live) {
			live := NewLive(sink, r.Run, r.Items, r.Past.Results, 2*time.Second)
			r.Observe = live.Observe
			watching, end := context.WithCancel(t.Context())
			watched := make(chan struct{})
			go func() { live.Watch(watching); close(watched) }()
			time.AfterFunc(at, then)
			results, run, err := r.Do(ctx)
			if err != nil {
				t.Fatal(err)
			}
			end()
			<-watched
			if err := live.End(t.Context(), &run, results); err != nil {
				t.Fatal(err)
			}
			return run, live
		}
		r := newRunner(t, dir, manyItems(t, 40), slow, func(d *Definition) { d.Concurrency = 2 })
		seen := 0
		run, _ := do(r, 5500*time.Millisecond, func() {
			seen = sink.turn(true)
			time.AfterFunc(4*time.Second, func() { sink.turn(false); stop() })
		})
		if seen == 0 || seen > 12 {
			t.Errorf("%d rows were stored after 5.5 s of 2 asks a second", seen)
		}
		first := sink.runs[0]
		if first.State != Running || first.Progress == nil || first.Progress.Total != 40 || first.Progress.Done == 0 || len(first.Summary.Targets) != 1 || first.Summary.Targets[0].Asked != first.Progress.Done {
			t.Errorf("while it went on it was stored as %+v with %+v", first.State, first.Progress)
		}
		if run.State != Stopped || len(sink.rows) != run.Summary.Targets[0].Asked || total(sink.sizes) != len(sink.rows) {
			t.Errorf("%s: %d rows stored in batches of %v, %d asked", run.State, len(sink.rows), sink.sizes, run.Summary.Targets[0].Asked)
		}
		_ = r.Journal.Close()

		ctx, stop = context.WithCancel(t.Context())
		defer stop()
		run, live := do(resumed(t, dir, slow), time.Second, func() {})
		if run.State != Done || run.Progress.Done != 40 || len(sink.rows) != 40 || sink.runs[len(sink.runs)-1].State != Done {
			t.Errorf("resumed: %s with %d rows and %+v", run.State, len(sink.rows), run.Progress)
		}
		before := len(sink.sizes)
		if err := live.step(t.Context()); err != nil || len(sink.sizes) != before {
			t.Errorf("what is stored is stored again: %v, %v", sink.sizes[before:], err)
		}
	})
}
