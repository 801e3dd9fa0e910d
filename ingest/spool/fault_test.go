package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/trace"
)

// faulty is a disk whose files fail when they are told to.
type faulty struct {
	mu    sync.Mutex
	room  int64 // bytes that can still be written; < 0 = no end
	write error
	sync  error
	hold  chan struct{} // writes wait until it is closed
}

func (f *faulty) create(path string) (appendFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.write != nil {
		return nil, f.write
	}
	file, err := createFile(path)
	return &faultyFile{appendFile: file, disk: f}, err
}

type faultyFile struct {
	appendFile
	disk *faulty
	size int64
}

func (f *faultyFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	if f.disk.room >= 0 {
		f.disk.room += f.size - size
	}
	f.size = size
	f.disk.mu.Unlock()
	return f.appendFile.Truncate(size)
}

func (f *faultyFile) Write(b []byte) (int, error) {
	f.disk.mu.Lock()
	err, room, hold := f.disk.write, f.disk.room, f.disk.hold
	fits := int64(len(b))
	if room >= 0 {
		fits = min(fits, room)
		f.disk.room -= fits
	}
	f.size += fits
	f.disk.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if err != nil {
		return 0, err
	}
	if fits < int64(len(b)) {
		n, _ := f.appendFile.Write(b[:fits])
		return n, syscall.ENOSPC
	}
	return f.appendFile.Write(b)
}

func (f *faultyFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if f.disk.sync != nil {
		return f.disk.sync
	}
	return f.appendFile.Sync()
}

func (f *faulty) set(change func(*faulty)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// logs counts lines by level.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logs) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

func TestFullDisk(t *testing.T) {
	for _, onFull := range []OnFull{FullDrop, FullRefuse} {
		t.Run(string(onFull), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, disk, out := newStore(), &faulty{room: 9500}, &logs{}
				s.before = away
				cfg := s.config(t.TempDir())
				cfg.MaxDisk = 1 << 20 // too small for a reserve
				cfg.OnFull, cfg.create, cfg.Log = onFull, disk.create, slog.New(slog.NewTextHandler(out, nil))
				d := open(t, cfg)
				refused := 0
				for i := range 40 {
					if err := d.Record(call(fmt.Sprint("c", i), 1000)); errors.Is(err, ErrFull) {
						refused++
					} else if err != nil {
						t.Fatal(err)
					}
				}
				c := d.Counters()
				balanced(t, c)
				if c.Accepted != 40 || c.BodiesDropped == 0 || c.Dropped == 0 || c.Waiting < 5 {
					t.Errorf("counters %+v: want 40 accepted, some without bodies, some dropped", c)
				}
				if want := map[OnFull]int64{FullDrop: 0, FullRefuse: c.Dropped}[onFull]; int64(refused) != want {
					t.Errorf("%d refused of %d dropped, want %d", refused, c.Dropped, want)
				}
				if err := d.Health(); err == nil || !strings.Contains(err.Error(), "no room") {
					t.Errorf("health: %v", err)
				}
				if n := out.count("spool is full"); n != 1 {
					t.Errorf("it was said %d times that the spool is full, want once", n)
				}

				disk.set(func(f *faulty) { f.room = -1 })
				s.set(nil, nil)
				eventually(t, "all written", drained(d))
				eventually(t, "healthy", func() bool { return d.Health() == nil })
				bodies := 0
				for id, rows := range s.rows {
					if len(rows) != 1 {
						t.Errorf("%s is there %d times", id, len(rows))
					}
					marked := len(rows[0].Call.Flags) == 1 && rows[0].Call.Flags[0] == bodyDropped
					if marked == (len(rows[0].Body.Request) > 0) {
						t.Errorf("%s: %d bytes of request, flags %v", id, len(rows[0].Body.Request), rows[0].Call.Flags)
					}
					if !marked {
						bodies++
					}
				}
				if int64(s.len()) != c.Waiting || int64(bodies) != c.Waiting-c.BodiesDropped {
					t.Errorf("%d in the store, %d with bodies; counters said %+v", s.len(), bodies, c)
				}
				record(t, d, call("after", 1000))
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				d = open(t, cfg)
				if got := d.Counters(); got.Dropped != c.Dropped || got.BodiesDropped != c.BodiesDropped || got.Accepted != 41 {
					t.Errorf("after a restart %+v; before %+v", got, c)
				}
				d.Close()
			})
		})
	}
}

// TestBoundOfDisk: bodies go at nine tenths of the bound, records at the bound, and room comes back.
func TestBoundOfDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.before = away
		cfg := s.config(t.TempDir())
		cfg.MaxDisk = 100_000
		d := open(t, cfg)
		for i := range 200 {
			record(t, d, call(fmt.Sprint("c", i), 1000))
		}
		c := d.Counters()
		balanced(t, c)
		if st := d.Stats(); st.Bytes > cfg.MaxDisk || st.Bytes < 95_000 || c.BodiesDropped == 0 || c.Dropped == 0 || c.Accepted != 200 {
			t.Errorf("stats %+v", st)
		}
		s.set(nil, nil)
		eventually(t, "all written", drained(d))
		eventually(t, "healthy", func() bool { return d.Health() == nil })
		record(t, d, call("after", 1000))
		eventually(t, "all written", drained(d))
		if len(s.rows["after"]) != 1 || len(s.rows["after"][0].Body.Request) != 1000 {
			t.Error("there is room again, and the body of a record is not kept")
		}
		d.Close()
	})
}

// TestRealFullDisk fills a small file system.
func TestRealFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("mounting a file system needs Linux and root")
	}
	dir := t.TempDir()
	if err := mountTmpfs(dir, "size=2m"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() { unmount(dir) })
	s := newStore()
	s.before = away
	cfg := s.config(filepath.Join(dir, "spool"))
	cfg.MaxDisk = 16 << 20 // a reserve of 256 KiB
	d := open(t, cfg)
	const n = 2000
	for i := range n {
		record(t, d, call(fmt.Sprint("c", i), 1000))
	}
	c := d.Counters()
	balanced(t, c)
	if c.Accepted != n || c.BodiesDropped < 250 || c.Dropped == 0 || d.Health() == nil {
		t.Errorf("counters %+v, health %v", c, d.Health())
	}
	s.set(nil, nil)
	eventually(t, "all written on a full disk", drained(d))
	if int64(s.len()) != c.Waiting {
		t.Errorf("%d in the store, want %d", s.len(), c.Waiting)
	}
	eventually(t, "healthy", func() bool { return d.Health() == nil })
	record(t, d, call("after", 1000))
	eventually(t, "written", drained(d))
	if rows := s.rows["after"]; len(rows) != 1 || len(rows[0].Body.Request) == 0 {
		t.Error("there is room again, and the body of a record is not kept")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mountTmpfs(dir, "remount,ro"); err != nil {
		t.Fatal(err)
	}
	if d, err := Open(s.config(filepath.Join(dir, "spool"))); err == nil || !strings.Contains(err.Error(), "choose another with --data") {
		t.Errorf("on a read-only disk: %v, %v", d, err)
	}
}

// TestFailedFsync: what was not synced is copied to the next segment; nobody reads it twice.
func TestFailedFsync(t *testing.T) {
	for _, fsync := range []Fsync{FsyncAlways, FsyncInterval} {
		t.Run(string(fsync), func(t *testing.T) {
			s, disk := newStore(), &faulty{room: -1}
			s.before = away
			cfg := s.config(t.TempDir())
			cfg.create, cfg.Fsync, cfg.FsyncEvery = disk.create, fsync, time.Millisecond
			d := open(t, cfg)
			record(t, d, call("c0", 10))
			if err := d.Admit(Admission{ID: "under-way"}); err != nil {
				t.Fatal(err)
			}
			eventually(t, "first fsync", func() bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				return d.segments[0].synced == d.bytes
			})
			disk.set(func(f *faulty) { f.sync = syscall.EIO })
			record(t, d, call("c1", 10))
			record(t, d, call("c2", 10))
			eventually(t, "unhealthy", func() bool { return d.Health() != nil && strings.Contains(d.Health().Error(), "power cut") })
			disk.set(func(f *faulty) { f.sync = nil })
			record(t, d, call("c3", 10))
			eventually(t, "healthy but for the store", func() bool {
				err := d.Health()
				return err != nil && !strings.Contains(err.Error(), "power cut")
			})
			if n := d.Stats().Segments; n < 2 {
				t.Errorf("%d segments: the failed one was not left", n)
			}

			// A power cut takes what the failed fsync did not bring to the disk.
			dir := crash(t, s, d)
			files, _ := segmentFiles(dir)
			if err := os.Truncate(files[0].path, d.segments[0].synced); err != nil {
				t.Fatal(err)
			}
			s.set(nil, nil)
			cfg.Dir, cfg.create = dir, nil
			d = open(t, cfg)
			eventually(t, "all written", drained(d))
			s.onceEach(t, "c0", "c1", "c2", "c3", "under-way")
			if c := d.Counters(); c.Quarantined != 0 || c.Accepted != 5 {
				t.Errorf("counters %+v", c)
			}
		})
	}
}

func TestFailedFsyncWithoutPowerCut(t *testing.T) {
	s, disk := newStore(), &faulty{room: -1}
	cfg := s.config(t.TempDir())
	cfg.create, cfg.FsyncEvery = disk.create, time.Millisecond
	d := open(t, cfg)
	for i := range 300 {
		disk.set(func(f *faulty) {
			f.sync = nil
			if i%40 == 1 {
				f.sync = syscall.EIO
			}
		})
		record(t, d, call(fmt.Sprint("c", i), 10))
	}
	disk.set(func(f *faulty) { f.sync = nil })
	eventually(t, "all written", drained(d))
	for i := range 300 {
		s.onceEach(t, fmt.Sprint("c", i))
	}
	if c := d.Counters(); c.Written != 300 || c.Quarantined != 0 {
		t.Errorf("counters %+v", c)
	}
}

// TestFailedWrite: a segment that cannot be written is left; a disk that cannot be written drops, counts and says so.
func TestFailedWrite(t *testing.T) {
	s, disk := newStore(), &faulty{room: -1}
	cfg := s.config(t.TempDir())
	cfg.create = disk.create
	d := open(t, cfg)
	record(t, d, call("c0", 10))
	disk.set(func(f *faulty) { f.write = syscall.EIO })
	record(t, d, call("c1", 10))
	c := d.Counters()
	balanced(t, c)
	if c.Accepted != 2 || c.Dropped != 1 || d.Health() == nil {
		t.Errorf("counters %+v, health %v", c, d.Health())
	}
	disk.set(func(f *faulty) { f.write = nil })
	record(t, d, call("c2", 10))
	eventually(t, "all written", drained(d))
	s.onceEach(t, "c0", "c2")
}

func TestSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := newStore(), &faulty{room: -1}
		cfg := s.config(t.TempDir())
		cfg.create, cfg.MaxWait = disk.create, 250*time.Millisecond
		d := open(t, cfg)
		record(t, d, call("c0", 10))
		hold := make(chan struct{})
		disk.set(func(f *faulty) { f.hold = hold })
		done := make(chan error)
		go func() { done <- d.Record(call("c1", 10)) }()
		time.Sleep(200 * time.Millisecond)
		if err := d.Health(); err != nil {
			t.Errorf("after 200 ms: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
		if err := d.Health(); err == nil || !strings.Contains(err.Error(), "slow") {
			t.Errorf("after 300 ms: %v, want that the disk is slow", err)
		}
		select {
		case err := <-done:
			t.Errorf("Record returned before it was written: %v", err)
		default:
		}
		disk.set(func(f *faulty) { f.hold = nil })
		close(hold)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := d.Health(); err != nil {
			t.Error(err)
		}
		if st := d.Stats(); st.AtRisk != 0 {
			t.Errorf("%d at risk, want none: the caller waited", st.AtRisk)
		}
		d.Close()
		s.onceEach(t, "c0", "c1")
	})
}

func TestSlowDiskAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := newStore(), &faulty{room: -1}
		cfg := s.config(t.TempDir())
		cfg.create, cfg.MaxWait, cfg.OnSlowDisk = disk.create, 250*time.Millisecond, SlowAnswer
		d := open(t, cfg)
		record(t, d, call("c0", 10))
		hold := make(chan struct{})
		disk.set(func(f *faulty) { f.hold = hold })
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() { record(t, d, call(fmt.Sprint("late", i), 10)) })
		}
		wg.Wait()
		if took := time.Since(start); took != 250*time.Millisecond {
			t.Errorf("callers waited %s, want 250 ms", took)
		}
		if st := d.Stats(); st.AtRisk != 10 {
			t.Errorf("%d at risk, want 10", st.AtRisk)
		}
		disk.set(func(f *faulty) { f.hold = nil })
		close(hold)
		time.Sleep(time.Second)
		if c := d.Counters(); c.Written != 11 {
			t.Errorf("counters %+v, want 11 written", c)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = open(t, cfg)
		if st := d.Stats(); st.AtRisk != 10 {
			t.Errorf("%d at risk after a restart, want 10", st.AtRisk)
		}
		d.Close()
	})
}

// TestSlowDiskFillsMemory: callers that do not wait leave no more behind than the bound.
func TestSlowDiskFillsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := newStore(), &faulty{room: -1}
		cfg := s.config(t.TempDir())
		cfg.create, cfg.MaxWait, cfg.OnSlowDisk, cfg.MaxDisk = disk.create, time.Millisecond, SlowAnswer, 1<<30
		d := open(t, cfg)
		record(t, d, call("c0", 10))
		hold := make(chan struct{})
		disk.set(func(f *faulty) { f.hold = hold })
		for i := range 40 {
			record(t, d, call(fmt.Sprint("large", i), 1<<20))
		}
		if len(d.pending) > hastyBytes {
			t.Errorf("%d bytes pending, want at most %d", len(d.pending), hastyBytes)
		}
		disk.set(func(f *faulty) { f.hold = nil })
		close(hold)
		time.Sleep(time.Second)
		c := d.Counters()
		balanced(t, c)
		if c.BodiesDropped == 0 || c.Written != 41 {
			t.Errorf("counters %+v", c)
		}
		d.Close()
	})
}

func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.poison["c3"], s.poison["c7"] = true, true
		cfg := s.config(t.TempDir())
		cfg.MaxAge = time.Second
		d := open(t, cfg)
		for i := range 10 {
			record(t, d, call(fmt.Sprint("c", i), 10))
		}
		time.Sleep(time.Minute)
		c := d.Counters()
		if c.Written != 8 || c.Quarantined != 2 || c.Waiting != 0 || d.Health() != nil {
			t.Errorf("counters %+v, health %v", c, d.Health())
		}
		q, err := Quarantined(cfg.Dir)
		if err != nil || len(q) != 2 || q[0].Record.Call.ID != "c3" || q[1].Record.Call.ID != "c7" || q[0].Number != 4 || !strings.Contains(q[0].Reason, "cannot parse") || q[0].At.IsZero() {
			t.Errorf("quarantine %+v, %v", q, err)
		}
		d.Close()
	})
}

// TestPoisonThatIsIn: an error that says the data is at fault, of a batch that is in the store, divides nothing.
func TestPoisonThatIsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.after = func(trace.Batch) error { return errPoison }
		d := open(t, s.config(t.TempDir()))
		for i := range 4 {
			record(t, d, call(fmt.Sprint("c", i), 10))
		}
		time.Sleep(time.Minute)
		if c := d.Counters(); c.Waiting == 0 || c.Quarantined != 0 || d.Health() == nil {
			t.Errorf("while a view fails: %+v, %v", c, d.Health())
		}
		s.set(nil, nil)
		time.Sleep(time.Minute)
		if c := d.Counters(); c.Written != 4 || c.Quarantined != 0 {
			t.Errorf("after it was mended: %+v", c)
		}
		s.onceEach(t, "c0", "c1", "c2", "c3")
		d.Close()
	})
}

func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, out := newStore(), &logs{}
		s.before = away
		cfg := s.config(t.TempDir())
		cfg.MaxAge, cfg.Log = time.Second, slog.New(slog.NewTextHandler(out, nil))
		d := open(t, cfg)
		record(t, d, call("c0", 10))
		time.Sleep(10 * time.Minute)
		c := d.Counters()
		if c.OldestWaitingSeconds != 600 || c.Waiting != 1 || !errors.Is(d.Health(), errAway) {
			t.Errorf("after ten minutes %+v, %v", c, d.Health())
		}
		if n := out.count("WARN"); n != 1 {
			t.Errorf("%d warnings, want one", n)
		}
		if tries := len(s.batches); tries < 100 || tries > 140 {
			t.Errorf("%d tries in ten minutes", tries)
		}
		s.set(nil, nil)
		time.Sleep(6 * time.Second)
		if c := d.Counters(); c.Written != 1 || c.OldestWaitingSeconds != 0 || d.Health() != nil {
			t.Errorf("when it was back %+v, %v", c, d.Health())
		}
		d.Close()
	})
}

// TestHangingStore: Close does not wait for a store longer than it says.
func TestHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		cfg := s.config(t.TempDir())
		cfg.Writer = writerFunc(func(ctx context.Context, _ trace.Batch) error { <-ctx.Done(); return ctx.Err() })
		d := open(t, cfg)
		record(t, d, call("c0", 10))
		time.Sleep(time.Second)
		start := time.Now()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("Close took %s, want 5 s", took)
		}
		cfg.Writer = s
		d = open(t, cfg)
		time.Sleep(time.Second)
		s.onceEach(t, "c0")
		d.Close()
	})
}

type writerFunc func(context.Context, trace.Batch) error

func (f writerFunc) Write(ctx context.Context, b trace.Batch) error { return f(ctx, b) }

// TestBatchAge: a record waits for company as long as it may, and no longer.
func TestBatchAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		cfg := s.config(t.TempDir())
		cfg.MaxAge = time.Second
		d := open(t, cfg)
		time.Sleep(time.Hour)
		for i := range 3 {
			record(t, d, call(fmt.Sprint("c", i), 10))
			time.Sleep(300 * time.Millisecond)
		}
		if s.len() != 0 {
			t.Errorf("%d records sent after 900 ms", s.len())
		}
		if got := d.Counters().OldestWaitingSeconds; got != 0.9 {
			t.Errorf("oldest has waited %v s, want 0.9", got)
		}
		time.Sleep(101 * time.Millisecond)
		synctest.Wait()
		if len(s.batches) != 1 || s.len() != 3 {
			t.Errorf("%d batches with %d records after 1 s, want one with 3", len(s.batches), s.len())
		}
		d.Close()
	})
}

// TestClockSetBetweenStarts: records of a process whose clock was an hour ahead or behind are sent at once or within
// their age, and have never waited less than no time.
func TestClockSetBetweenStarts(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStore()
				s.before = away
				cfg := s.config(t.TempDir())
				cfg.MaxAge = time.Second
				d := open(t, cfg)
				synctest.Wait()                    // what the spool does at its start looks at the clock
				d.base = d.base.Round(0).Add(jump) // a wall clock reading, an hour off
				record(t, d, call("c0", 10))
				dir := crash(t, s, d)
				cfg.Dir = dir
				d = open(t, cfg)
				if got := d.Counters().OldestWaitingSeconds; got < 0 || got > 3601 {
					t.Errorf("oldest has waited %v s", got)
				}
				s.set(nil, nil)
				time.Sleep(1500 * time.Millisecond)
				if c := d.Counters(); c.Written != 1 {
					t.Errorf("after 1.5 s: %+v", c)
				}
				d.Close()
			})
		})
	}
}

// TestLongCallOutlivesItsSegment: an admission is carried on when its segment goes.
func TestLongCallOutlivesItsSegment(t *testing.T) {
	s := newStore()
	cfg := s.config(t.TempDir())
	cfg.SegmentBytes = 2000
	d := open(t, cfg)
	for _, id := range []string{"long", "longer"} {
		if err := d.Admit(Admission{ID: id, Held: 5}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 30 {
		record(t, d, call(fmt.Sprint("c", i), 500))
		eventually(t, "written", drained(d))
	}
	record(t, d, call("long", 10))
	eventually(t, "old segments gone", func() bool { return d.Counters().Waiting == 0 && d.Stats().Segments <= 2 })
	if st := d.Stats(); st.Admitted != 1 {
		t.Errorf("%d admitted, want 1", st.Admitted)
	}
	cfg.Dir = crash(t, s, d)
	d = open(t, cfg)
	if st := d.Stats(); st.Lost != 1 || st.Admitted != 0 {
		t.Errorf("after the crash %+v, want one lost", st)
	}
	eventually(t, "written", drained(d))
	s.onceEach(t, "long", "longer")
	if s.rows["longer"][0].Call.ErrorCode != "weir_lost" || s.rows["long"][0].Call.ErrorCode != "" {
		t.Errorf("error codes %q and %q", s.rows["longer"][0].Call.ErrorCode, s.rows["long"][0].Call.ErrorCode)
	}
}

// TestRecordDamagedBetweenTwoReads damages a record after its batch was cut: it is kept aside, and the others are sent.
func TestRecordDamagedBetweenTwoReads(t *testing.T) {
	s := newStore()
	cfg := s.config(t.TempDir())
	cfg.MaxAge, cfg.MaxDisk = time.Hour, 1<<30
	d := open(t, cfg)
	for i := range 5 {
		record(t, d, call(fmt.Sprint("c", i), 300<<10)) // more than is read at a time
	}
	damaged := false // guarded by the store
	s.set(func(trace.Batch) error {
		if damaged {
			return nil
		}
		damaged = true
		files, err := segmentFiles(cfg.Dir)
		if err != nil {
			return err
		}
		for _, seg := range files {
			b, err := os.ReadFile(seg.path)
			if err != nil {
				return err
			}
			if at := bytes.Index(b, []byte("\x02c2")); at > 0 { // its length and its id
				copy(b[at+30:], "damage")
				if err := os.WriteFile(seg.path, b, 0o600); err != nil {
					return err
				}
			}
		}
		return errAway
	}, nil)
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := d.Counters()
	if c.Written != 4 || c.Quarantined != 1 || s.len() != 4 || s.count("c2") != 0 {
		t.Errorf("%+v, %d in the store", c, s.len())
	}
	balanced(t, c)
}
