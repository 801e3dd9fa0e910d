package spool

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// model is what the property test knows of a spool's life.
type model struct {
	t        *testing.T
	s        *store
	d        *Disk
	cfg      Config
	rnd      *rand.Rand
	accepted map[string]bool        // Record returned nil
	admitted map[string]bool        // Admit returned nil, no Record yet
	lost     map[string]bool        // admitted when the process died
	maybe    map[string]bool        // a power cut took it, or may have
	cured    map[string]bool        // was poison, and is taken now
	thrown   map[string]bool        // discarded out of quarantine
	hook     atomic.Pointer[func()] // runs within the next fsync
	n        int
}

// hooked is a file whose fsync runs the model's hook.
type hooked struct {
	appendFile
	m *model
}

func (h hooked) Sync() error {
	if h.m.hook.Load() != nil && h.m.resending() {
		(*h.m.hook.Swap(nil))()
	}
	return h.appendFile.Sync()
}

// resending says that this is the fsync of a resend, which alone has both the turn and the book: nothing else of the
// spool moves meanwhile.
func (m *model) resending() bool {
	if m.d.turn.TryLock() {
		m.d.turn.Unlock()
		return false
	}
	if m.d.book.TryLock() {
		m.d.book.Unlock()
		return false
	}
	return true
}

// aside picks a record in quarantine.
func (m *model) aside() (Quarantine, bool) {
	list, err := m.d.Quarantined()
	if err != nil {
		m.t.Fatal(err)
	}
	if len(list) == 0 {
		return Quarantine{}, false
	}
	return list[m.rnd.IntN(len(list))], true
}

// cure lets the store take a record that it refused.
func (m *model) cure(id string) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	delete(m.s.poison, id)
	m.cured[id] = true
}

func (m *model) id() string {
	m.n++
	return fmt.Sprintf("call-%04d", m.n)
}

func (m *model) step(op int) {
	switch op {
	case 0, 1, 2:
		id := m.id()
		if m.rnd.IntN(6) == 0 {
			m.s.mu.Lock()
			m.s.poison[id] = true
			m.s.mu.Unlock()
		}
		size := m.rnd.IntN(300)
		if m.rnd.IntN(20) == 0 {
			size = 70_000
		}
		record(m.t, m.d, call(id, size))
		m.accepted[id] = true
	case 3:
		id := m.id()
		if err := m.d.Admit(Admission{ID: id, Project: "default", Model: "fast", Held: 77}); err != nil {
			m.t.Fatal(err)
		}
		m.admitted[id] = true
	case 4:
		for id := range m.admitted {
			record(m.t, m.d, call(id, 50))
			m.accepted[id] = true
			delete(m.admitted, id)
			break
		}
	case 5:
		time.Sleep(time.Duration(m.rnd.IntN(30)) * time.Millisecond)
	case 6:
		m.s.set(away, nil)
	case 7:
		m.s.set(nil, away)
	case 8:
		m.s.set(nil, nil)
	case 9:
		n := 0 // guarded by the store
		m.s.set(func(trace.Batch) error {
			if n++; n%2 == 1 {
				return errAway
			}
			return nil
		}, nil)
	case 10:
		m.restart(crash(m.t, m.s, m.d))
	case 11:
		m.torn(crash(m.t, m.s, m.d))
	case 12:
		m.powerCut(crash(m.t, m.s, m.d))
	case 13:
		if err := m.d.Close(); err != nil {
			m.t.Fatal(err)
		}
		m.restart(m.cfg.Dir)
	case 14, 15:
		q, ok := m.aside()
		if !ok {
			return
		}
		if m.rnd.IntN(2) == 0 {
			m.cure(q.Record.Call.ID)
		}
		before := m.d.Counters()
		if err := m.d.Resend(q.Number); err != nil {
			m.t.Fatal(err)
		}
		if after := m.d.Counters(); after.Accepted != before.Accepted {
			m.t.Errorf("a resend counts as accepted: %+v, then %+v", before, after)
		}
	case 16:
		q, ok := m.aside()
		if !ok {
			return
		}
		var dir string
		m.cure(q.Record.Call.ID)
		kill := func() { // when it is written and not noted
			m.s.mu.Lock()
			defer m.s.mu.Unlock()
			dir = copyDir(m.t, m.cfg.Dir)
			m.d.cancel()
		}
		m.hook.Store(&kill)
		if err := m.d.Resend(q.Number); err != nil {
			m.t.Fatal(err)
		}
		if dir == "" {
			m.t.Fatal("a resend was not brought to the disk")
		}
		if err := m.d.Close(); err != nil {
			m.t.Fatal(err)
		}
		m.restart(dir)
	case 17:
		q, ok := m.aside()
		if !ok {
			return
		}
		if err := m.d.Discard(q.Number); err != nil {
			m.t.Fatal(err)
		}
		m.thrown[q.Record.Call.ID] = true
	}
}

// restart opens the spool again. Calls that were under way are lost.
func (m *model) restart(dir string) {
	for id := range m.admitted {
		m.lost[id] = true
	}
	clear(m.admitted)
	m.cfg.Dir = dir
	d, err := Open(m.cfg)
	if err != nil {
		m.t.Fatal(err)
	}
	m.d = d
	balanced(m.t, d.Counters())
}

// torn is a kill in the middle of a write: a part of a frame is behind those that were promised.
func (m *model) torn(dir string) {
	if files, _ := segmentFiles(dir); len(files) > 0 {
		b := m.d.seal.putFrame(nil, &frame{kind: kindRecord, meta: putRecord(nil, call("unfinished", 0)), request: []byte("some")})
		m.d.seal.stamp(b, m.d.last+1)
		f, err := os.OpenFile(newestSegment(m.t, dir), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			m.t.Fatal(err)
		}
		if _, err := f.Write(b[:m.rnd.IntN(len(b))]); err != nil {
			m.t.Fatal(err)
		}
		f.Close()
	}
	m.restart(dir)
}

// powerCut leaves any prefix of the newest segment. What is behind it may be lost, and must not be there twice.
func (m *model) powerCut(dir string) {
	if files, _ := segmentFiles(dir); len(files) > 0 {
		path := newestSegment(m.t, dir)
		size := files[len(files)-1].size
		cut := segmentHead + m.rnd.Int64N(size-segmentHead+1)
		f, err := os.Open(path)
		if err != nil {
			m.t.Fatal(err)
		}
		sc := newScanner(f, m.d.seal, segmentHead, size)
		for {
			fr, at, ok := sc.next()
			if !ok {
				break
			}
			if id := string(findID(fr.meta)); at+int64(fr.size()) > cut {
				m.maybe[id] = true
			}
		}
		f.Close()
		if err := os.Truncate(path, cut); err != nil {
			m.t.Fatal(err)
		}
	}
	m.restart(dir)
}

// check lets the store take everything and compares.
func (m *model) check() {
	m.s.set(nil, nil)
	time.Sleep(time.Minute)
	c := m.d.Counters()
	balanced(m.t, c)
	if c.Waiting != 0 || c.Dropped != int64(len(m.thrown)) {
		m.t.Errorf("at the end %+v", c)
	}
	quarantined, err := Quarantined(m.cfg.Dir)
	if err != nil {
		m.t.Fatal(err)
	}
	aside := map[string]int{}
	for _, q := range quarantined {
		aside[q.Record.Call.ID]++
		if !strings.Contains(q.Reason, errPoison.Error()) {
			m.t.Errorf("quarantine of %s: %q", q.Record.Call.ID, q.Reason)
		}
	}
	for id := range m.accepted {
		n := m.s.count(id) + aside[id]
		if m.thrown[id] {
			n++
		}
		if n > 1 || n == 0 && !m.maybe[id] {
			m.t.Errorf("%s was accepted and is there %d times", id, n)
		}
		if m.s.poison[id] == (aside[id] == 0) && n == 1 && !m.cured[id] && !m.thrown[id] {
			m.t.Errorf("%s: poison %v, in quarantine %d times", id, m.s.poison[id], aside[id])
		}
	}
	for id := range m.lost {
		if n := m.s.count(id); n > 1 || n == 0 && !m.maybe[id] {
			m.t.Errorf("%s was under way at a crash and is there %d times", id, n)
		}
		for _, r := range m.s.rows[id] {
			_, known := r.Call.KnownCost()
			if r.Call.ErrorCode != string(llm.Lost) || r.Call.Status != trace.StatusError || r.Call.Held != 77 || known || r.Call.PriceStatus != price.Unpriced {
				m.t.Errorf("%s is lost and recorded as %+v", id, r.Call)
			}
		}
	}
	for id := range m.s.rows {
		if !m.accepted[id] && !m.lost[id] {
			m.t.Errorf("%s is in the store and was not accepted", id)
		}
	}
	if len(m.maybe) == 0 {
		if want := int64(len(m.accepted) + len(m.lost)); c.Accepted != want || c.Written != int64(m.s.len()) || c.Quarantined != int64(len(quarantined)) {
			m.t.Errorf("counters %+v; want %d accepted, %d written, %d quarantined", c, want, m.s.len(), len(quarantined))
		}
	}
	if err := m.d.Close(); err != nil {
		m.t.Error(err)
	}
}

// TestWhateverHappensEachRecordIsThereOnce runs random lives of a spool with kills, power cuts, and a store that fails
// before and after it has stored.
func TestWhateverHappensEachRecordIsThereOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ops := rapid.SliceOfN(rapid.IntRange(0, 17), 1, 60).Draw(rt, "ops")
		seed := rapid.Uint64().Draw(rt, "seed")
		fsync := rapid.SampledFrom([]Fsync{FsyncInterval, FsyncNever}).Draw(rt, "fsync")
		segmentBytes := rapid.SampledFrom([]int64{1000, 5000, 64 << 20}).Draw(rt, "segment bytes")
		rows := rapid.SampledFrom([]int{1, 3, 100}).Draw(rt, "rows")
		ok := t.Run("life", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &model{
					t: t, s: newStore(), rnd: rand.New(rand.NewPCG(seed, 0)),
					accepted: map[string]bool{}, admitted: map[string]bool{}, lost: map[string]bool{}, maybe: map[string]bool{},
					cured: map[string]bool{}, thrown: map[string]bool{},
				}
				m.cfg = m.s.config(t.TempDir())
				m.cfg.create = func(path string) (appendFile, error) {
					f, err := createFile(path)
					return hooked{f, m}, err
				}
				m.cfg.Fsync, m.cfg.SegmentBytes, m.cfg.MaxRows = fsync, segmentBytes, rows
				m.restart(m.cfg.Dir)
				for _, op := range ops {
					m.step(op)
				}
				if m.rnd.IntN(2) == 0 {
					m.restart(crash(t, m.s, m.d))
				}
				// What is still under way is not lost: it stays so.
				m.check()
			})
		})
		if !ok {
			rt.Fatal("this life went wrong")
		}
	})
}

// TestTornTail cuts the newest segment at every byte of its last record: the others are all there, and the one that is
// written next.
func TestTornTail(t *testing.T) {
	s := newStore()
	s.before = away
	d := open(t, s.config(t.TempDir()))
	for i := range 3 {
		record(t, d, call(fmt.Sprint("c", i), 40))
	}
	before := d.active.size
	record(t, d, call("torn", 40))
	whole := d.active.size
	dir := crash(t, s, d)
	s.before = nil
	for cut := before; cut < whole; cut++ {
		s2 := newStore()
		copied := copyDir(t, dir)
		path := newestSegment(t, copied)
		if err := os.Truncate(path, cut); err != nil {
			t.Fatal(err)
		}
		cfg := s2.config(copied)
		cfg.Fsync = FsyncNever // quicker
		d, err := Open(cfg)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if info, err := os.Stat(path); err == nil && info.Size() != before && info.Size() != segmentHead {
			t.Errorf("cut at %d: the segment has %d bytes, want %d", cut, info.Size(), before)
		}
		record(t, d, call("next", 0))
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]int{"c0": 1, "c1": 1, "c2": 1, "torn": 0, "next": 1} {
			if got := s2.count(id); got != want {
				t.Errorf("cut at %d: %s is there %d times, want %d", cut, id, got, want)
			}
		}
		if c := d.Counters(); c.Accepted != 4 || c.Written != 4 {
			t.Errorf("cut at %d: %+v, want 4 written", cut, c)
		}
	}
}

// TestDamagedByte changes each byte of a segment in turn: all records but the one that has it are written, that one is
// counted, and its bytes are kept.
func TestDamagedByte(t *testing.T) {
	s := newStore()
	s.before = away
	d := open(t, s.config(t.TempDir()))
	ids := []string{"c0", "c1", "c2", "c3"}
	var ends []int64
	for _, id := range ids {
		record(t, d, call(id, 20))
		ends = append(ends, d.active.size)
	}
	dir := crash(t, s, d)
	whole, err := os.ReadFile(newestSegment(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for at := 0; at < len(whole); at += step {
		hit := -1
		for i, end := range ends {
			if int64(at) >= segmentHead && int64(at) < end && hit < 0 {
				hit = i
			}
		}
		s2 := newStore()
		copied := copyDir(t, dir)
		b := append([]byte{}, whole...)
		b[at] ^= 0x41
		if err := os.WriteFile(newestSegment(t, copied), b, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg := s2.config(copied)
		cfg.Fsync = FsyncNever // quicker
		d, err := Open(cfg)
		if err != nil {
			t.Fatalf("byte %d: %v", at, err)
		}
		record(t, d, call("next", 0))
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		want := trace.Counters{Accepted: 5, Written: 5}
		if hit >= 0 {
			want.Written, want.Quarantined = 4, 1
		}
		if got := d.Counters(); got != want {
			t.Errorf("byte %d: counters %+v, want %+v", at, got, want)
		}
		for i, id := range ids {
			if got := s2.count(id); (got == 1) != (i != hit) || got > 1 {
				t.Errorf("byte %d of record %d: %s is there %d times", at, hit, id, got)
			}
		}
		kept, _ := filepath.Glob(filepath.Join(copied, damagedDir, "*"))
		if (len(kept) > 0) != (hit >= 0) {
			t.Errorf("byte %d of record %d: %d files kept aside", at, hit, len(kept))
		}
	}
}

func TestDamagedCheckpoint(t *testing.T) {
	s := newStore()
	cfg := s.config(t.TempDir())
	d := open(t, cfg)
	record(t, d, call("c0", 10))
	eventually(t, "c0 written", drained(d))
	s.set(nil, away) // c1 gets in, and the spool is not told
	record(t, d, call("c1", 10))
	eventually(t, "c1 in the store", func() bool { return s.count("c1") == 1 })
	record(t, d, call("c2", 10))
	dir := crash(t, s, d)
	s.set(nil, nil)

	t.Run("newest slot", func(t *testing.T) {
		s := s.clone()
		copied := copyDir(t, dir)
		_, st, _, err := readCheckpoint(copied)
		if err != nil {
			t.Fatal(err)
		}
		flip(t, filepath.Join(copied, checkpointName), (1+st.Seq%checkpointSlots)*checkpointPage+20)
		d := open(t, s.config(copied))
		eventually(t, "all settled", drained(d))
		s.onceEach(t, "c0", "c1", "c2")
	})
	t.Run("gone", func(t *testing.T) {
		s := s.clone()
		copied := copyDir(t, dir)
		if err := os.Remove(filepath.Join(copied, checkpointName)); err != nil {
			t.Fatal(err)
		}
		cfg := s.config(copied)
		cfg.Holds = nil
		if d, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "checkpoint is missing") {
			t.Fatalf("without a way to ask the store: %v, %v", d, err)
		}
		d := open(t, s.config(copied))
		eventually(t, "all settled", drained(d))
		s.onceEach(t, "c0", "c1", "c2")
		if d.id.String() != strings.Split(s.batches[0].Token, "-")[0] {
			t.Error("the spool has another id")
		}
	})
}

func (s *store) clone() *store {
	c := newStore()
	maps.Copy(c.tokens, s.tokens)
	maps.Copy(c.rows, s.rows)
	c.batches = s.batches
	return c
}

func (s *store) onceEach(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if n := s.count(id); n != 1 {
			t.Errorf("%s is in the store %d times", id, n)
		}
	}
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0xff
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

// TestOpenIntentGoesFirst: what was being sent when the process died is sent again as it was, before anything else.
func TestOpenIntentGoesFirst(t *testing.T) {
	s := newStore()
	s.after = away
	cfg := s.config(t.TempDir())
	cfg.MaxRows = 5
	d := open(t, cfg)
	for i := range 3 {
		record(t, d, call(fmt.Sprint("c", i), 10))
	}
	eventually(t, "three in the store", func() bool { return s.len() > 0 })
	sent := s.batches[0]
	for i := range 9 {
		record(t, d, call(fmt.Sprint("d", i), 10))
	}
	dir := crash(t, s, d)
	s.set(nil, nil)
	before := len(s.batches)
	cfg.Dir, cfg.MaxRows = dir, 2
	d = open(t, cfg)
	eventually(t, "all written", drained(d))
	again := s.batches[before]
	if again.Token != sent.Token || again.Len() != sent.Len() {
		t.Errorf("first batch after the crash is %s of %d, want %s of %d", again.Token, again.Len(), sent.Token, sent.Len())
	}
	if s.len() != 12 {
		t.Errorf("%d records in the store, want 12", s.len())
	}
	for id, rows := range s.rows {
		if len(rows) != 1 {
			t.Errorf("%s is there %d times", id, len(rows))
		}
	}
}

// TestOldIntentIsAskedFor: a batch that the store may have forgotten is not sent blindly.
func TestOldIntentIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		s.after = away
		d := open(t, s.config(t.TempDir()))
		for i := range 4 {
			record(t, d, call(fmt.Sprint("c", i), 10))
		}
		time.Sleep(time.Second)
		s.mu.Lock()
		s.after, s.before = nil, away
		in := len(s.rows)
		s.mu.Unlock()
		time.Sleep(8 * 24 * time.Hour)
		s.mu.Lock()
		s.before = nil
		clear(s.tokens) // the window is over
		s.mu.Unlock()
		time.Sleep(time.Minute)
		if c := d.Counters(); in == 0 || c.Waiting != 0 || c.Written != 4 {
			t.Errorf("%d in the store at first; %+v", in, c)
		}
		s.onceEach(t, "c0", "c1", "c2", "c3")
		d.Close()
	})
}

func TestRefusedAtStart(t *testing.T) {
	s := newStore()
	used := func(t *testing.T) string {
		s := newStore()
		s.before = away
		d := open(t, s.config(t.TempDir()))
		record(t, d, call("c", 10))
		return crash(t, s, d)
	}
	tests := []struct {
		name   string
		dir    func(t *testing.T) string
		change func(*Config)
		want   string
	}{
		{name: "locked", dir: func(t *testing.T) string { return open(t, newStore().config(t.TempDir())).cfg.Dir }, want: "belongs to another weir that is running (process "},
		{name: "segment of a newer weir", dir: func(t *testing.T) string {
			dir := used(t)
			path := newestSegment(t, dir)
			b, _ := os.ReadFile(path)
			h := putSegmentHeader(spoolID(b[16:32]), 1, 1, time.Now())
			h[8] = formatMajor + 1
			putSum(h)
			copy(b, h)
			writeFile(t, path, b)
			return dir
		}, want: "written by a newer weir: spool format 2, this weir reads 1: start that weir again"},
		{name: "checkpoint of a newer weir", dir: func(t *testing.T) string {
			dir := used(t)
			path := filepath.Join(dir, checkpointName)
			b, _ := os.ReadFile(path)
			b[8] = formatMajor + 1
			putSum(b[:64])
			writeFile(t, path, b)
			return dir
		}, want: "written by a newer weir: checkpoint format 2"},
		{name: "segment of another spool", dir: func(t *testing.T) string {
			dir := used(t)
			b, _ := os.ReadFile(newestSegment(t, used(t)))
			writeFile(t, filepath.Join(dir, segmentName(99)), b)
			return dir
		}, want: "belongs to another spool"},
		{name: "a file in its place", dir: func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "file")
			writeFile(t, path, nil)
			return path
		}, want: "choose another with --data"},
		{name: "settings", dir: func(t *testing.T) string { return t.TempDir() }, change: func(c *Config) { c.Fsync, c.MaxRows = "sometimes", -1 }, want: `Fsync is "sometimes", which is none of ["always" "interval" "never"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := s.config(tt.dir(t))
			if tt.change != nil {
				tt.change(&cfg)
			}
			d, err := Open(cfg)
			if err == nil {
				d.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want %q in it", err, tt.want)
			}
			if strings.Contains(tt.name, "newer") && !errors.Is(err, ErrNewer) {
				t.Errorf("error %q is no ErrNewer", err)
			}
		})
	}
}

// TestRecordThatDoesNotDecode goes to quarantine; the others pass.
func TestRecordThatDoesNotDecode(t *testing.T) {
	s := newStore()
	s.before = away
	cfg := s.config(t.TempDir())
	d := open(t, cfg)
	record(t, d, call("c0", 10))
	b := d.seal.putFrame(nil, &frame{kind: kindRecord, meta: []byte("\x07\xff\xff\xff\xffnonsense")})
	if err := d.add(b, nil, nil); err != nil {
		t.Fatal(err)
	}
	record(t, d, call("c2", 10))
	s.set(nil, nil)
	eventually(t, "all settled", drained(d))
	s.onceEach(t, "c0", "c2")
	q, err := Quarantined(cfg.Dir)
	if c := d.Counters(); c.Quarantined != 1 || err != nil || len(q) != 1 || q[0].Number != 2 || !strings.Contains(q[0].Reason, "does not decode") {
		t.Errorf("counters %+v, quarantine %+v, %v", c, q, err)
	}
}

// TestDamageHasACopy: a record that is damaged in a segment whose fsync failed is read from the next one.
func TestDamageHasACopy(t *testing.T) {
	s, disk := newStore(), &faulty{room: -1}
	s.before = away
	cfg := s.config(t.TempDir())
	cfg.create, cfg.Fsync = disk.create, FsyncNever
	d := open(t, cfg)
	var ends []int64
	for i := range 4 {
		record(t, d, call(fmt.Sprint("c", i), 10))
		ends = append(ends, d.active.size)
	}
	d.turn.Lock()
	if err := d.reseat(errSyncedBadly); err != nil {
		t.Fatal(err)
	}
	d.turn.Unlock()
	record(t, d, call("c4", 10))
	dir := crash(t, s, d)
	files, err := segmentFiles(dir)
	if err != nil || len(files) != 2 {
		t.Fatalf("%d segments, %v", len(files), err)
	}
	flip(t, files[0].path, ends[1]+20)
	s.set(nil, nil)
	cfg.Dir, cfg.create = dir, nil
	d = open(t, cfg)
	eventually(t, "all settled", drained(d))
	s.onceEach(t, "c0", "c1", "c2", "c3", "c4")
	if c := d.Counters(); c.Written != 5 || c.Quarantined != 0 {
		t.Errorf("counters %+v", c)
	}
}

// TestPowerCutTakesARecordThatTheStoreHas loses the end of a segment whose record was sent already: its call is not lost.
func TestPowerCutTakesARecordThatTheStoreHas(t *testing.T) {
	s := newStore()
	cfg := s.config(t.TempDir())
	cfg.Fsync = FsyncNever
	d := open(t, cfg)
	if err := d.Admit(Admission{ID: "c1", Model: "fast", Held: 77}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(newestSegment(t, cfg.Dir))
	if err != nil {
		t.Fatal(err)
	}
	record(t, d, call("c1", 50))
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := crash(t, s, d)
	if err := os.Truncate(newestSegment(t, dir), info.Size()); err != nil {
		t.Fatal(err)
	}
	cfg.Dir = dir
	d = open(t, cfg)
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := s.rows["c1"]; len(rows) != 1 || rows[0].Call.ErrorCode != "" {
		t.Errorf("the store has %d rows of the call: %+v", len(rows), rows)
	}
}
