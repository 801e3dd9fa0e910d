package spool

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/trace"
)

// poisoned opens a spool over a store that refuses c1 of c0, c1 and c2, and waits until that is settled.
func poisoned(t *testing.T, s *store, change func(*Config)) *Disk {
	t.Helper()
	s.poison["c1"] = true
	cfg := s.config(t.TempDir())
	if change != nil {
		change(&cfg)
	}
	d := open(t, cfg)
	for i := range 3 {
		record(t, d, call(fmt.Sprint("c", i), 100))
	}
	eventually(t, "all settled", drained(d))
	want := trace.Counters{Accepted: 3, Written: 2, Quarantined: 1}
	if diff := cmp.Diff(want, d.Counters()); diff != "" {
		t.Fatalf("counters (-want +got):\n%s", diff)
	}
	return d
}

func (s *store) cure() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.poison)
}

func TestResend(t *testing.T) {
	s := newStore()
	d := poisoned(t, s, nil)
	for _, number := range []int64{1, 3, 99} {
		if err := d.Resend(number); !errors.Is(err, ErrNotQuarantined) {
			t.Errorf("resend %d, which is not in quarantine: %v", number, err)
		}
		if err := d.Discard(number); !errors.Is(err, ErrNotQuarantined) {
			t.Errorf("discard %d, which is not in quarantine: %v", number, err)
		}
	}
	// It is refused again, and is in quarantine under another number.
	if err := d.Resend(2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "settled again", drained(d))
	list, err := d.Quarantined()
	if err != nil || len(list) != 1 || list[0].Number != 4 || list[0].Record.Call.ID != "c1" || list[0].Record.Body.Request != nil || list[0].Bytes < 200 {
		t.Fatalf("quarantine %+v, %v", list, err)
	}
	if diff := cmp.Diff(trace.Counters{Accepted: 3, Written: 2, Quarantined: 1}, d.Counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	for _, id := range []string{"4", "c1"} {
		q, err := d.FindQuarantined(id)
		if err != nil || cmp.Diff(*call("c1", 100), q.Record, asBytes) != "" || !strings.Contains(q.Reason, "cannot parse") {
			t.Errorf("find %s: %+v, %v", id, q, err)
		}
	}
	if _, err := d.FindQuarantined("2"); !errors.Is(err, ErrNotQuarantined) {
		t.Errorf("its old number still finds it: %v", err)
	}
	// It is taken.
	s.cure()
	if err := d.Resend(4); err != nil {
		t.Fatal(err)
	}
	if err := d.Resend(4); !errors.Is(err, ErrNotQuarantined) {
		t.Errorf("twice: %v", err)
	}
	eventually(t, "written", drained(d))
	s.onceEach(t, "c0", "c1", "c2")
	if diff := cmp.Diff(*call("c1", 100), s.rows["c1"][0], asBytes); diff != "" {
		t.Errorf("what was resent (-recorded +stored):\n%s", diff)
	}
	want := trace.Counters{Accepted: 3, Written: 3}
	if diff := cmp.Diff(want, d.Counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	d.Close()
	if got := open(t, d.cfg).Counters(); got != want {
		t.Errorf("at the next start %+v, want %+v", got, want)
	}
}

// TestResendOfWhatIsThere: the store is asked by the call's id, and nothing is there twice.
func TestResendOfWhatIsThere(t *testing.T) {
	s := newStore()
	d := poisoned(t, s, nil)
	s.cure()
	s.mu.Lock()
	s.rows["c1"] = []trace.Record{*call("c1", 100)} // somebody else has put it there
	s.mu.Unlock()
	record(t, d, call("c3", 10))
	if err := d.Resend(2); err != nil {
		t.Fatal(err)
	}
	record(t, d, call("c4", 10))
	eventually(t, "settled", drained(d))
	s.onceEach(t, "c0", "c1", "c2", "c3", "c4")
	if diff := cmp.Diff(trace.Counters{Accepted: 5, Written: 5}, d.Counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// TestKilledWhileItLeavesQuarantine: between any two steps.
func TestKilledWhileItLeavesQuarantine(t *testing.T) {
	resendIt := func(d *Disk) error { return d.Resend(2) }
	discardIt := func(d *Disk) error { return d.Discard(2) }
	written, dropped := trace.Counters{Accepted: 3, Written: 3}, trace.Counters{Accepted: 3, Written: 2, Dropped: 1}
	for _, tt := range []struct {
		name  string
		do    func(*Disk) error
		spoil func(t *testing.T, before, after string) // makes what a kill in the middle leaves of what is there after
		want  trace.Counters
	}{
		{"resent, all done", resendIt, nil, written},
		{"resent, the file is still there", resendIt, keepFile, written},
		{"resent, not noted", resendIt, func(t *testing.T, before, after string) {
			keepFile(t, before, after)
			keep(t, before, after, checkpointName)
		}, written},
		{"discarded, all done", discardIt, nil, dropped},
		{"discarded, the file is still there", discardIt, keepFile, dropped},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore()
			d := poisoned(t, s, nil)
			before := copyDir(t, d.cfg.Dir)
			s.cure()
			s.set(away, nil)
			if err := tt.do(d); err != nil {
				t.Fatal(err)
			}
			balanced(t, d.Counters())
			after := crash(t, s, d)
			if tt.spoil != nil {
				tt.spoil(t, before, after)
			}
			d = open(t, s.config(after))
			c := d.Counters()
			balanced(t, c)
			if c.Accepted != 3 || c.Quarantined != 0 || c.Dropped != tt.want.Dropped {
				t.Errorf("at the start %+v", c)
			}
			if list, err := d.Quarantined(); err != nil || len(list) != 0 {
				t.Errorf("quarantine %+v, %v", list, err)
			}
			if files, _ := segmentFiles(filepath.Join(after, quarantineDir)); len(files) != 0 {
				t.Errorf("files in quarantine: %v", files)
			}
			s.set(nil, nil)
			eventually(t, "settled", drained(d))
			if diff := cmp.Diff(tt.want, d.Counters()); diff != "" {
				t.Errorf("counters (-want +got):\n%s", diff)
			}
			if got, want := s.count("c1"), int(1-tt.want.Dropped); got != want {
				t.Errorf("c1 is in the store %d times, want %d", got, want)
			}
			s.onceEach(t, "c0", "c2")
		})
	}
}

func keepFile(t *testing.T, before, after string) {
	t.Helper()
	keep(t, before, after, filepath.Join(quarantineDir, segmentName(2)))
}

func keep(t *testing.T, before, after, name string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(before, name))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(after, name), b)
}

// TestKilledBeforeQuarantineIsNoted: the record waits, and its file does not count.
func TestKilledBeforeQuarantineIsNoted(t *testing.T) {
	s := newStore()
	var before string
	d := poisoned(t, s, func(c *Config) { before = c.Dir })
	s2 := newStore()
	s2.set(away, nil)
	waiting := open(t, s2.config(t.TempDir()))
	for i := range 3 {
		record(t, waiting, call(fmt.Sprint("c", i), 100))
	}
	dir := crash(t, s2, waiting)
	if err := os.Mkdir(filepath.Join(dir, quarantineDir), 0o700); err != nil {
		t.Fatal(err)
	}
	keepFile(t, before, dir)
	d.Close()
	s2.set(nil, nil)
	d = open(t, s2.config(dir))
	eventually(t, "settled", drained(d))
	if diff := cmp.Diff(trace.Counters{Accepted: 3, Written: 3}, d.Counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	if list, err := d.Quarantined(); err != nil || len(list) != 0 {
		t.Errorf("quarantine %+v, %v", list, err)
	}
	s2.onceEach(t, "c0", "c1", "c2")
}

// TestQuarantineOutlivesTheCheckpoint: without it, and without segments, its files are counted.
func TestQuarantineOutlivesTheCheckpoint(t *testing.T) {
	s := newStore()
	d := poisoned(t, s, nil)
	d.Close()
	if err := os.Remove(filepath.Join(d.cfg.Dir, checkpointName)); err != nil {
		t.Fatal(err)
	}
	s.cure()
	d = open(t, d.cfg)
	if diff := cmp.Diff(trace.Counters{Accepted: 2, Written: 1, Quarantined: 1}, d.Counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	if err := d.Resend(2); err != nil {
		t.Fatal(err)
	}
	eventually(t, "settled", drained(d))
	if diff := cmp.Diff(trace.Counters{Accepted: 2, Written: 2}, d.Counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	s.onceEach(t, "c0", "c1", "c2")
}

// TestResendThatFails leaves all as it was.
func TestResendThatFails(t *testing.T) {
	s, disk := newStore(), &faulty{room: -1}
	d := poisoned(t, s, func(c *Config) { c.create, c.SegmentBytes = disk.create, segmentHead+1 })
	before := d.Counters()
	disk.set(func(f *faulty) { f.write = errors.New("input/output error") })
	if err := d.Resend(2); err == nil || !strings.Contains(err.Error(), "input/output") {
		t.Errorf("on a broken disk: %v", err)
	}
	disk.set(func(f *faulty) { f.write = nil })
	limit := d.cfg.MaxDisk
	d.turn.Lock()
	d.cfg.MaxDisk = 1
	d.turn.Unlock()
	if err := d.Resend(2); !errors.Is(err, ErrFull) {
		t.Errorf("on a full disk: %v", err)
	}
	d.turn.Lock()
	d.cfg.MaxDisk = limit
	d.turn.Unlock()
	if got := d.Counters(); got != before {
		t.Errorf("counters %+v, before %+v", got, before)
	}
	// An fsync that fails comes too late to take it back.
	disk.set(func(f *faulty) { f.sync = errors.New("lost page") })
	s.cure()
	if err := d.Resend(2); err != nil {
		t.Fatal(err)
	}
	if list, err := d.Quarantined(); err != nil || len(list) != 0 {
		t.Errorf("quarantine %+v, %v", list, err)
	}
	disk.set(func(f *faulty) { f.sync = nil })
	eventually(t, "settled", drained(d))
	d.Close()
	if err := d.Resend(2); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := d.Discard(2); err == nil {
		t.Error("discarded after Close")
	}
	d = open(t, d.cfg)
	if diff := cmp.Diff(trace.Counters{Accepted: 3, Written: 3}, d.Counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	if files, _ := segmentFiles(filepath.Join(d.cfg.Dir, quarantineDir)); len(files) != 0 {
		t.Errorf("files in quarantine: %v", files)
	}
	s.onceEach(t, "c0", "c1", "c2")
}

// TestDamagedAreDiscarded: those without a file, and those whose file does not decode.
func TestDamagedAreDiscarded(t *testing.T) {
	s := newStore()
	s.set(away, nil)
	d := open(t, s.config(t.TempDir()))
	record(t, d, call("c0", 10))
	record(t, d, call("broken", 100))
	b := d.seal.putFrame(nil, &frame{kind: kindRecord, meta: []byte("\x07\xff\xff\xff\xffnonsense")})
	if err := d.add(b, nil, nil); err != nil {
		t.Fatal(err)
	}
	record(t, d, call("c3", 10))
	dir := crash(t, s, d)
	path := newestSegment(t, dir)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, path, int64(bytes.Index(text, []byte("abroken"))))
	s.set(nil, nil)
	d = open(t, s.config(dir))
	eventually(t, "settled", drained(d))
	if st := d.Stats(); st.Quarantined != 2 || st.Damaged != 2 || st.Written != 2 || len(st.Problems) != 1 || !strings.Contains(st.Problems[0].Action, "drop damaged") {
		t.Fatalf("stats %+v", st)
	}
	if err := d.Resend(3); !errors.Is(err, ErrUndecodable) {
		t.Errorf("resend of what does not decode: %v", err)
	}
	if n, err := d.DiscardDamaged(); n != 1 || err != nil {
		t.Errorf("discarded %d, %v", n, err)
	}
	if err := d.Discard(3); err != nil {
		t.Fatal(err)
	}
	d.Close()
	d = open(t, d.cfg)
	want := Stats{Counters: trace.Counters{Accepted: 4, Written: 2, Dropped: 2}, Discarded: 2, MaxBytes: d.cfg.MaxDisk}
	if diff := cmp.Diff(want, d.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(dir, damagedDir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was damaged is still kept: %v", err)
	}
}

// TestResendBesideTraffic: the counters balance at every moment, and a resend is never counted as accepted.
func TestResendBesideTraffic(t *testing.T) {
	s := newStore()
	for i := range 50 {
		s.poison[fmt.Sprint("p", i)] = true
	}
	d := open(t, s.config(t.TempDir()))
	for i := range 50 {
		record(t, d, call(fmt.Sprint("p", i), 10))
	}
	eventually(t, "settled", drained(d))
	s.cure()
	done := make(chan error, 1)
	go func() {
		list, err := d.Quarantined()
		for _, q := range list {
			err = errors.Join(err, d.Resend(q.Number))
		}
		done <- err
	}()
	for looking := true; looking; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			looking = false
		default:
		}
		c := d.Counters()
		balanced(t, c)
		if c.Accepted != 50 {
			t.Fatalf("counters %+v: want 50 accepted", c)
		}
	}
	eventually(t, "settled", drained(d))
	if c := d.Counters(); c.Written != 50 || c.Quarantined != 0 {
		t.Errorf("counters %+v", c)
	}
}

// TestLook reads from the files what the process says.
func TestLook(t *testing.T) {
	s := newStore()
	d := poisoned(t, s, nil)
	s.set(away, nil)
	for i := range 4 {
		record(t, d, call(fmt.Sprint("w", i), 10))
	}
	got, err := Look(d.cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	want := d.Stats()
	if got.OldestWaitingSeconds <= 0 || got.OldestWaitingSeconds > time.Minute.Seconds() {
		t.Errorf("the oldest waits for %v s", got.OldestWaitingSeconds)
	}
	got.OldestWaitingSeconds, want.OldestWaitingSeconds, want.MaxBytes = 0, 0, 0
	got.Problems, want.Problems = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats (-process +files):\n%s", diff)
	}
	if got, want := Holder(d.cfg.Dir), fmt.Sprint(os.Getpid()); got != want {
		t.Errorf("holder %q, want %q", got, want)
	}
	if got := Holder(t.TempDir()); got != "" {
		t.Errorf("holder of no spool: %q", got)
	}
}

// TestProblems: what was before this start is told from what is now.
func TestProblems(t *testing.T) {
	s, disk := newStore(), &faulty{room: 6000}
	s.set(away, nil)
	cfg := s.config(t.TempDir())
	cfg.MaxDisk, cfg.create = 1<<20, disk.create
	d := open(t, cfg)
	for i := range 40 {
		record(t, d, call(fmt.Sprint("c", i), 1000))
	}
	kinds := func(d *Disk) map[string]bool {
		out := map[string]bool{}
		for _, p := range d.Stats().Problems {
			if out[p.Kind] = p.Past; p.Message == "" || p.Action == "" {
				t.Errorf("problem %+v", p)
			}
		}
		return out
	}
	eventually(t, "the store's failure is known", func() bool { return d.Health() != nil && len(kinds(d)) == 4 })
	if diff := cmp.Diff(map[string]bool{ProblemStore: false, ProblemFull: false, ProblemDropped: false, ProblemBodiesDropped: false}, kinds(d)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	disk.set(func(f *faulty) { f.room = -1 })
	s.set(nil, nil)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{ProblemDropped: true, ProblemBodiesDropped: true}, kinds(open(t, cfg))); diff != "" {
		t.Errorf("problems after the next start (-want +got):\n%s", diff)
	}
}
