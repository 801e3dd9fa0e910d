package spool

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/trace"
)

func TestRecordsReachTheStore(t *testing.T) {
	s := newStore()
	cfg := s.config(t.TempDir())
	cfg.MaxDisk = 0 // the default
	d := open(t, cfg)
	var want []*trace.Record
	for i := range 50 {
		r := call(fmt.Sprint("c", i), i*3000) // from none to beyond what is copied
		want = append(want, r)
		record(t, d, r)
	}
	eventually(t, "all written", drained(d))
	for _, r := range want {
		if diff := cmp.Diff([]trace.Record{*r}, s.rows[r.Call.ID], asBytes); diff != "" {
			t.Errorf("%s in the store (-recorded +stored):\n%s", r.Call.ID, diff)
		}
	}
	if got, want := d.Counters(), (trace.Counters{Accepted: 50, Written: 50}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	if err := d.Health(); err != nil {
		t.Errorf("health: %v", err)
	}
}

func TestRecordsAreSentInOrderUnderTheirNumbers(t *testing.T) {
	s := newStore()
	s.before = away
	cfg := s.config(t.TempDir())
	cfg.MaxRows = 7
	d := open(t, cfg)
	for i := range 20 {
		record(t, d, call(fmt.Sprint("c", i), 10))
	}
	s.set(nil, nil)
	eventually(t, "all written", drained(d))
	var got []string
	for token := range s.tokens {
		got = append(got, token)
	}
	slices.Sort(got)
	for _, b := range s.batches {
		if b.Len() > 7 {
			t.Errorf("batch %s has %d records", b.Token, b.Len())
		}
		var first, last int
		if n, err := fmt.Sscanf(b.Token[len(d.id.String()):], "-%d-%d", &first, &last); n != 2 || err != nil {
			t.Fatalf("token %q: %v", b.Token, err)
		}
		for i, r := range b.Records.(trace.Slice) {
			if want := fmt.Sprint("c", first-1+i); r.Call.ID != want {
				t.Errorf("batch %s: record %d is %s, want %s", b.Token, i, r.Call.ID, want)
			}
		}
		if last-first+1 != b.Len() {
			t.Errorf("batch %s has %d records", b.Token, b.Len())
		}
	}
}

func TestBatchIsBoundedByBytes(t *testing.T) {
	s := newStore()
	s.before = away
	cfg := s.config(t.TempDir())
	cfg.MaxBytes = 10_000
	d := open(t, cfg)
	for i := range 30 {
		record(t, d, call(fmt.Sprint("c", i), 1000))
	}
	record(t, d, call("large", 20_000)) // more than a batch: alone
	s.set(nil, nil)
	eventually(t, "all written", drained(d))
	for _, b := range s.batches {
		if n := b.Len(); n > 4 {
			t.Errorf("batch %s has %d records of over 2 KB, want at most 4", b.Token, n)
		}
		if slices.ContainsFunc(b.Records.(trace.Slice), func(r trace.Record) bool { return r.Call.ID == "large" }) && b.Len() > 1 {
			t.Errorf("the large record is one of %d", b.Len())
		}
	}
	if s.len() != 31 {
		t.Errorf("%d records in the store, want 31", s.len())
	}
}

func TestWaitingRecordsAreFound(t *testing.T) {
	s := newStore()
	s.before = away
	d := open(t, s.config(t.TempDir()))
	r := call("c1", 100)
	record(t, d, call("c0", 10))
	record(t, d, r)
	got, ok := d.Waiting("c1")
	if !ok {
		t.Fatal("c1 is not waiting")
	}
	if diff := cmp.Diff(*r, got, asBytes); diff != "" {
		t.Errorf("waiting (-recorded +found):\n%s", diff)
	}
	if _, ok := d.Waiting("c2"); ok {
		t.Error("c2 is waiting, and was never recorded")
	}
	s.set(nil, nil)
	eventually(t, "all written", drained(d))
	if _, ok := d.Waiting("c1"); ok {
		t.Error("c1 is waiting after it was written")
	}
}

func TestNothingIsRetained(t *testing.T) {
	s := newStore()
	s.before = away
	d := open(t, s.config(t.TempDir()))
	for _, n := range []int{100, 200_000} {
		r := call(fmt.Sprint("c", n), n)
		record(t, d, r)
		want := call(fmt.Sprint("c", n), n)
		clear(r.Body.Request)
		clear(r.Body.Response)
		r.Call = trace.Span{}
		got, ok := d.Waiting(want.Call.ID)
		if diff := cmp.Diff(*want, got, asBytes); !ok || diff != "" {
			t.Errorf("%d bytes: the caller's change is seen in the spool:\n%s", n, diff)
		}
	}
}

func TestManyRecordAtOnce(t *testing.T) {
	for _, slow := range []OnSlowDisk{SlowWait, SlowAnswer} {
		t.Run(string(slow), func(t *testing.T) {
			s := newStore()
			cfg := s.config(t.TempDir())
			cfg.OnSlowDisk, cfg.SegmentBytes, cfg.MaxWait, cfg.MaxDisk = slow, 200_000, 1<<40, 1<<30
			d := open(t, cfg)
			var wg sync.WaitGroup
			const callers, each = 16, 100
			for c := range callers {
				wg.Go(func() {
					for i := range each {
						id := fmt.Sprintf("c%d-%d", c, i)
						if err := d.Admit(Admission{ID: id}); err != nil {
							t.Error(err)
						}
						n := 500
						if i%20 == 0 {
							n = 100_000
						}
						if err := d.Record(call(id, n)); err != nil {
							t.Error(err)
						}
						balanced(t, d.Counters())
						if err := d.Health(); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			eventually(t, "all written", drained(d))
			if s.len() != callers*each {
				t.Errorf("%d calls in the store, want %d", s.len(), callers*each)
			}
			for id, rows := range s.rows {
				if len(rows) != 1 {
					t.Errorf("%s is in the store %d times", id, len(rows))
				}
			}
			if st := d.Stats(); st.Admitted != 0 || st.AtRisk != 0 {
				t.Errorf("stats %+v: want none admitted, none at risk", st)
			}
		})
	}
}

func TestCloseSendsWhatWaitsAndLeavesNothing(t *testing.T) {
	s := newStore()
	cfg := s.config(t.TempDir())
	cfg.MaxAge = 1 << 40
	d := open(t, cfg)
	for i := range 10 {
		record(t, d, call(fmt.Sprint("c", i), 10))
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if s.len() != 10 {
		t.Errorf("%d records in the store, want 10", s.len())
	}
	if files, err := segmentFiles(cfg.Dir); err != nil || len(files) > 0 {
		t.Errorf("%d segments left, %v", len(files), err)
	}
	if err := d.Record(call("late", 1)); err != ErrClosed { //nolint:errorlint // it is promised as it is
		t.Errorf("record after Close: %v, want ErrClosed", err)
	}
	d = open(t, cfg)
	record(t, d, call("next", 10))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if c := d.Counters(); c.Accepted != 11 || c.Written != 11 {
		t.Errorf("counters over both starts: %+v, want 11 written", c)
	}
}
