package drift_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/eval/drift"
	"github.com/weir-dev/weir/trace"
)

// slowStore has 200 calls a day, and takes its time.
type slowStore struct {
	takes time.Duration
	asked atomic.Int64
	empty atomic.Bool // there are no calls yet
}

func (s *slowStore) Costs(context.Context, trace.CostQuery) (trace.Costs, error) {
	if s.empty.Load() {
		return trace.Costs{}, nil
	}
	row := trace.CostRow{Group: []string{"shop", "", "small"}, Sums: trace.Sums{Calls: 200 * 29}}
	return trace.Costs{Rows: []trace.CostRow{row}, Total: row.Sums}, nil
}

func (s *slowStore) Traffic(ctx context.Context, _ trace.TrafficQuery, each func(*trace.TrafficCell) error) error {
	s.asked.Add(1)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.takes):
	}
	if s.empty.Load() {
		return nil
	}
	for _, kind := range []trace.TrafficKind{trace.TrafficInput, trace.TrafficOutput, trace.TrafficEnds} {
		for day := range 29 {
			cell := trace.TrafficCell{Kind: kind, Day: day, Project: "shop", Model: "small", Calls: 200}
			if cell.Bin = 20 + day%3; kind == trace.TrafficEnds {
				cell.Bin, cell.Status = 0, "ok"
			}
			if err := each(&cell); err != nil {
				return err
			}
		}
	}
	return nil
}

// Who asks while reports are kept waits for none but the first, and what is given is never older than half an hour.
func TestKeptReports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{takes: 3 * time.Second}
		reports := drift.NewReports(drift.Source{Calls: store, Traffic: store})
		at := func() (waited time.Duration) {
			t.Helper()
			began := time.Now()
			r, err := reports.At(t.Context(), began)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Series) == 0 || r.Series[0].Q == nil {
				t.Fatalf("nothing was compared: %+v", r.Series)
			}
			if old := began.Sub(r.Until); old > 2*time.Hour {
				t.Errorf("the report ends %v before it was asked for", old)
			}
			return time.Since(began)
		}
		if got := at(); got != store.takes {
			t.Errorf("without Keep the first one was waited for %v, want %v", got, store.takes)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); reports.Keep(ctx, slog.New(slog.DiscardHandler)) }()
		synctest.Wait()
		for range 200 {
			if got := at(); got != 0 {
				t.Errorf("while reports are kept, one was waited for %v", got)
			}
			time.Sleep(time.Minute)
		}
		if got := store.asked.Load(); got < 20 || got > 30 {
			t.Errorf("%d reports were made in 200 minutes, want one every ten or so", got)
		}
		stop()
		<-done
		time.Sleep(time.Hour)
		if got := at(); got != store.takes {
			t.Errorf("after Keep ended, an old one was waited for %v, want %v", got, store.takes)
		}
	})
}

// What was made before there were calls is not given to who asks once they are there.
func TestReportsOfNothingAreNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{}
		store.empty.Store(true)
		reports := drift.NewReports(drift.Source{Calls: store, Traffic: store})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go reports.Keep(ctx, slog.New(slog.DiscardHandler))
		synctest.Wait()
		store.empty.Store(false)
		time.Sleep(time.Second)
		if r, err := reports.At(t.Context(), time.Now()); err != nil || len(r.Series) == 0 || r.Series[0].Q == nil {
			t.Errorf("a second after calls came, got %+v, %v", r, err)
		}
	})
}
