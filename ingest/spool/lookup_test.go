package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/trace"
)

func TestToolsReadASpoolInUse(t *testing.T) {
	s := newStore()
	cfg := s.config(t.TempDir())
	cfg.SegmentBytes = 3000
	d := open(t, cfg)
	record(t, d, call("written", 10))
	eventually(t, "written", drained(d))
	s.set(away, nil)
	var want []trace.Record
	for i := range 6 {
		r := call(fmt.Sprint("c", i), 500)
		want = append(want, *r)
		record(t, d, r)
	}
	if err := d.Admit(Admission{ID: "under-way"}); err != nil {
		t.Fatal(err)
	}
	var got []trace.Record
	for r, err := range Read(cfg.Dir) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if diff := cmp.Diff(want, got, asBytes); diff != "" {
		t.Errorf("waiting (-recorded +read):\n%s", diff)
	}
	for _, err := range Read(cfg.Dir) {
		if err != nil {
			t.Error(err)
		}
		break
	}

	list, err := List(cfg.Dir)
	if err != nil || len(list) < 2 {
		t.Fatalf("%d segments, %v", len(list), err)
	}
	var records, waiting, admissions, size int64
	for _, seg := range list {
		records, waiting, admissions, size = records+seg.Records, waiting+seg.Waiting, admissions+seg.Admissions, size+seg.Bytes
		if seg.Last-seg.First+1 != seg.Records || seg.Damaged != 0 || seg.Created.IsZero() {
			t.Errorf("segment %+v", seg)
		}
	}
	if st := d.Stats(); waiting != 6 || records < 6 || admissions != 1 || size != st.Bytes || int64(len(list)) != st.Segments {
		t.Errorf("list has %d records, %d waiting, %d admissions, %d bytes; stats %+v", records, waiting, admissions, size, st)
	}
	flip(t, list[0].Path, list[0].Bytes-5)
	if list, err = List(cfg.Dir); err != nil || list[0].Damaged == 0 {
		t.Errorf("a damaged byte is not seen: %+v, %v", list[0], err)
	}
}

func TestToolsSayWhatIsNoSpool(t *testing.T) {
	empty := t.TempDir()
	for _, dir := range []string{empty, filepath.Join(empty, "none")} {
		if _, err := List(dir); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("list %s: %v", dir, err)
		}
		for _, err := range Read(dir) {
			if err == nil {
				t.Errorf("read %s: a record", dir)
			}
		}
	}
	if q, err := Quarantined(empty); err != nil || len(q) != 0 {
		t.Errorf("quarantine: %v, %v", q, err)
	}
	newer := putSegmentHeader(testID, 1, 1, time.Unix(0, 0))
	newer[8] = formatMajor + 1
	putSum(newer)
	if err := os.WriteFile(filepath.Join(empty, segmentName(1)), newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeCheckpoint(empty, testID, state{}); err != nil {
		t.Fatal(err)
	}
	if _, err := List(empty); err == nil || !strings.Contains(err.Error(), "newer weir") {
		t.Errorf("list of a newer weir's segment: %v", err)
	}
}

// TestCloseLeavesNoGoroutine: with every loop there is.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newStore()
	cfg := s.config(t.TempDir())
	cfg.OnSlowDisk = SlowAnswer
	for range 3 {
		d, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		record(t, d, call(fmt.Sprint("c", d.last), 10))
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "goroutines gone", func() bool { return runtime.NumGoroutine() <= before })
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("files are counted in /proc")
	}
	for _, fd := range fds {
		if path, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && strings.HasPrefix(path, cfg.Dir) {
			t.Errorf("%s is still open", path)
		}
	}
}
