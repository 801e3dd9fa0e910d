package spool

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/trace"
)

// jumpClock makes the files of a spool those of a process whose clock was otherwise: ahead when by is more than zero.
// Within one process nothing jumps: it reckons with readings of the monotonic clock.
func jumpClock(t *testing.T, dir string, by time.Duration) {
	t.Helper()
	id, st, _, err := readCheckpoint(dir)
	if err != nil {
		t.Fatal(err)
	}
	if st.Intent != nil {
		st.Intent.Since = st.Intent.Since.Add(by)
	}
	if err := makeCheckpoint(dir, id, st); err != nil {
		t.Fatal(err)
	}
	files, err := segmentFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		text, err := os.ReadFile(files[i].path)
		if err != nil {
			t.Fatal(err)
		}
		h, err := readSegmentHeader(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		out := putSegmentHeader(h.id, h.seq, h.first, h.created.Add(by))
		sc := newScanner(bytes.NewReader(text), newSeal(id), h.length, files[i].size)
		for {
			f, _, ok := sc.next()
			if !ok {
				break
			}
			f.at += by.Microseconds()
			from := len(out)
			out = newSeal(id).putFrame(out, &f)
			newSeal(id).stamp(out[from:from+headSize], f.number)
		}
		if len(out) != len(text) {
			t.Fatalf("%s: %d bytes, %d with other times", files[i].path, len(text), len(out))
		}
		if err := os.WriteFile(files[i].path, out, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRunningClockIsMonotonic: what a running spool reckons with is the clock that nobody sets.
func TestRunningClockIsMonotonic(t *testing.T) {
	d := open(t, newStore().config(t.TempDir()))
	if !strings.Contains(d.base.String(), " m=") || !strings.Contains(d.now().String(), " m=") {
		t.Errorf("base is %s, now %s: want readings of the monotonic clock", d.base, d.now())
	}
}

// TestClockJumpsBetweenStarts: what waits, and has waited for ten seconds, was accepted by a clock that was otherwise. It
// has never waited less than no time, nor longer than that by more than the jump, and is sent within its age.
func TestClockJumpsBetweenStarts(t *testing.T) {
	for _, tt := range []struct{ ahead, waited time.Duration }{
		{-time.Hour, time.Hour + 10*time.Second}, {0, 10 * time.Second}, {5 * time.Second, 5 * time.Second}, {time.Hour, 0},
	} {
		t.Run(tt.ahead.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				s.before = away
				cfg := s.config(t.TempDir())
				cfg.MaxAge = time.Second
				cfg.MaxRows = 2 // so that not all of it is in the batch under way
				d := open(t, cfg)
				for i := range 3 {
					record(t, d, call(fmt.Sprint("c", i), 10))
				}
				time.Sleep(10 * time.Second)
				cfg.Dir = crash(t, s, d)
				jumpClock(t, cfg.Dir, tt.ahead)
				d = open(t, cfg)
				if got := d.Counters(); got.Waiting != 3 || got.OldestWaitingSeconds != tt.waited.Seconds() {
					t.Errorf("%+v; want 3 waiting, the oldest for %v", got, tt.waited)
				}
				s.set(nil, nil)
				time.Sleep(1200 * time.Millisecond)
				synctest.Wait()
				if c := d.Counters(); c.Written != 3 || c.Waiting != 0 || c.OldestWaitingSeconds != 0 {
					t.Errorf("after 1.2 s: %+v", c)
				}
				s.onceEach(t, "c0", "c1", "c2")
				d.Close()
			})
		})
	}
}

// TestClockJumpsFromStartToStart: each process finds a batch under way that one sent whose clock was an hour ahead, or
// behind. It is sent again under its token without asking, and all that wait are sent within their age.
func TestClockJumpsFromStartToStart(t *testing.T) {
	for _, jumps := range [][]time.Duration{
		{time.Hour, -time.Hour, time.Hour, -time.Hour},
		{-time.Hour, -2 * time.Hour, -3 * time.Hour},
		{time.Hour, 2 * time.Hour, 3 * time.Hour},
		{0, time.Hour, 0, -time.Hour, 0},
	} {
		t.Run(fmt.Sprint(jumps), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				asked := 0
				cfg := s.config(t.TempDir())
				cfg.MaxAge = time.Second
				cfg.Holds = func(ctx context.Context, ids []string) (bool, error) {
					asked++
					return s.holds(ctx, ids)
				}
				for i, jump := range jumps {
					s.set(away, nil)
					d := open(t, cfg)
					if c := d.Counters(); c.OldestWaitingSeconds < 0 || c.OldestWaitingSeconds > 4*3600+10 {
						t.Errorf("start %d: oldest has waited %v s", i, c.OldestWaitingSeconds)
					}
					s.set(nil, func(trace.Batch) error { return errAway }) // the batch is in, and the spool does not know
					record(t, d, call(fmt.Sprint("c", i), 10))
					time.Sleep(10 * time.Second) // the longest pause between two tries, and its age
					synctest.Wait()
					cfg.Dir = crash(t, s, d)
					jumpClock(t, cfg.Dir, jump)
				}
				s.set(nil, nil)
				d := open(t, cfg)
				time.Sleep(2500 * time.Millisecond) // the age of what came after the batch under way
				synctest.Wait()
				if c := d.Counters(); c.Waiting != 0 || c.Written != int64(len(jumps)) || c.Quarantined != 0 {
					t.Errorf("after all: %+v, want %d written", c, len(jumps))
				}
				for i := range jumps {
					s.onceEach(t, fmt.Sprint("c", i))
				}
				if asked != 0 {
					t.Errorf("the store was asked %d times what it has: an hour is no reason to", asked)
				}
				d.Close()
			})
		})
	}
}

// TestClockJumpsAroundTheDedupWindow: a batch whose token the store has forgotten is asked for, although the clock was
// set by an hour meanwhile.
func TestClockJumpsAroundTheDedupWindow(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, 0, time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				s.after = func(trace.Batch) error { return errAway }
				cfg := s.config(t.TempDir())
				d := open(t, cfg)
				record(t, d, call("c0", 10))
				time.Sleep(time.Second)
				synctest.Wait()
				s.onceEach(t, "c0")
				cfg.Dir = crash(t, s, d)
				jumpClock(t, cfg.Dir, jump)
				time.Sleep(170 * time.Hour) // the window is 168 h
				s.set(nil, nil)
				clear(s.tokens)
				d = open(t, cfg)
				time.Sleep(time.Second)
				synctest.Wait()
				s.onceEach(t, "c0")
				if c := d.Counters(); c.Written != 1 || c.Waiting != 0 {
					t.Errorf("counters %+v", c)
				}
				d.Close()
			})
		})
	}
}

// TestClockJumpsOfLostCalls: a call that a process with another clock admitted is recorded as lost, with its own start.
func TestClockJumpsOfLostCalls(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				cfg := s.config(t.TempDir())
				d := open(t, cfg)
				began := time.Now().Add(jump).UTC().Truncate(time.Microsecond)
				if err := d.Admit(Admission{ID: "lost", Start: began}); err != nil {
					t.Fatal(err)
				}
				cfg.Dir = crash(t, s, d)
				jumpClock(t, cfg.Dir, jump)
				d = open(t, cfg)
				time.Sleep(time.Second)
				synctest.Wait()
				s.onceEach(t, "lost")
				if got := s.rows["lost"][0].Call; got.ErrorCode != "weir_lost" || !got.Start.Equal(began) {
					t.Errorf("recorded as %q, begun %s; want weir_lost, begun %s", got.ErrorCode, got.Start, began)
				}
				d.Close()
			})
		})
	}
}

// slowStore takes a while for each record; hung, it takes nothing at all.
type slowStore struct {
	each time.Duration
	hung bool
	sum  int
}

func (s *slowStore) Write(ctx context.Context, b trace.Batch) error {
	for i := range b.Len() {
		wait := s.each
		if s.hung {
			wait = time.Hour
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		if _, err := b.Records.At(i); err != nil {
			return err
		}
		s.sum++
	}
	return nil
}

// TestALargeBatchMayTakeLong: only a store that takes nothing for a minute is given up, not one that takes long for much.
func TestALargeBatchMayTakeLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{each: 20 * time.Second}
		d := open(t, Config{Dir: t.TempDir(), Writer: s, MaxAge: time.Second})
		for i := range 10 {
			record(t, d, call(fmt.Sprint("c", i), 10))
		}
		if err := d.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.sum != 10 {
			t.Errorf("the store was given %d records, want each of 10 once", s.sum)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{hung: true}
		d := open(t, Config{Dir: t.TempDir(), Writer: s, MaxAge: time.Second})
		record(t, d, call("c", 10))
		time.Sleep(writeIdle + 5*time.Second)
		synctest.Wait()
		if h := d.Health(); h == nil || !strings.Contains(h.Error(), "took nothing for 1m0s") {
			t.Errorf("after more than a minute the spool says %v", h)
		}
	})
}
