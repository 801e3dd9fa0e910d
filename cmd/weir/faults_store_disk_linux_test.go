package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-dev/weir/internal/faultproxy"
	"github.com/weir-dev/weir/trace"
)

// needMounts skips a test whose process may not mount.
func needMounts(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a file system needs root")
	}
}

// mountMemory mounts a file system of so many bytes in memory at a directory, which is made.
func mountMemory(t *testing.T, dir string, size int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, memoryOptions(size)); err != nil {
		t.Skipf("mount a file system in memory: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

func memoryOptions(size int) string { return fmt.Sprintf("size=%d,mode=0700", size) }

func init() {
	maps.Copy(storeFaults, map[string]func(*testing.T, *storeServer){
		"disk full": diskFull, "disk full refuse": diskFullRefuse, "disk read-only": diskTurnsReadOnly,
	})
}

// diskFull: bodies go first, then records, each counted and said; calls are answered; room that comes back is used.
func diskFull(t *testing.T, server *storeServer) {
	s := fillDisk(t, server, "drop")
	s.mustAnswer(t, 50)
	c, err := s.spool()
	if err != nil {
		t.Fatal(err)
	}
	for series, least := range map[string]int64{
		`weir_spool_records_total{state="dropped"}`: c.Dropped, `weir_spool_bodies_dropped_total`: c.BodiesDropped, `weir_spool_waiting_records`: 1,
	} {
		if got := s.metric(t, series); got < least {
			t.Errorf("/metrics: %s is %d, want at least %d", series, got, least)
		}
	}

	// More room, while ClickHouse is still away.
	if err := unix.Mount("tmpfs", filepath.Join(s.dir, "data"), "tmpfs", unix.MS_REMOUNT, memoryOptions(64<<20)); err != nil {
		t.Fatal(err)
	}
	s.mustHaveRoom(t)
	before, err := s.spool()
	if err != nil {
		t.Fatal(err)
	}
	s.mustAnswer(t, 50)
	after, err := s.spool()
	if err != nil || after.Dropped != before.Dropped || after.BodiesDropped != before.BodiesDropped {
		t.Errorf("with room again: %+v, then %+v, %v", before, after, err)
	}
	s.set(t, faultproxy.Fault{})
	s.mustTurnGreen(t)
	answered := s.load.end()
	if sent := s.load.sent.Load(); int(sent) != len(answered) {
		t.Errorf("%d calls were sent, %d answered whole", sent, len(answered))
	}
	s.mustReach(t, "that none waits", noneWaits)
	s.compareButDropped(t, maps.Clone(answered))
	s.reportDropped(t, "disk full, on_full: drop", len(answered))
	s.p.stop(t)
}

// diskFullRefuse: calls that could not be recorded are refused, so that none is answered without a record.
func diskFullRefuse(t *testing.T, server *storeServer) {
	s := fillDisk(t, server, "refuse")
	eventually(t, soon, func() error { return s.callIsRefused() })
	s.set(t, faultproxy.Fault{}) // room comes back when records leave
	s.mustTurnGreen(t)
	s.mustAnswer(t, 50)
	answered := s.load.end()
	s.mustReach(t, "that none waits", noneWaits)
	s.watch.check(t)
	s.compare(t, answered)
	s.reportDropped(t, "disk full, on_full: refuse", len(answered))
	s.p.stop(t)
}

// fillDisk starts weir on a small disk and takes ClickHouse away until records are dropped or refused.
func fillDisk(t *testing.T, server *storeServer, onFull string) *storeStage {
	t.Helper()
	needMounts(t)
	s := newStoreStage(t, server, "", ", max_disk: 33554432, on_full: "+onFull)
	s.bodiesFirst = true
	s.every = 15 * time.Millisecond // no faster than ClickHouse takes records from so small a disk
	mountMemory(t, filepath.Join(s.dir, "data"), 3<<20)
	s.begin(t)
	s.mustReach(t, "some written", written(20))
	s.mustTurnGreen(t)
	s.set(t, faultproxy.Fault{Kind: faultproxy.Away})
	s.mustReach(t, "bodies to go", func(c trace.Counters) bool { return c.BodiesDropped > 0 })
	s.mustReach(t, "records to go", func(c trace.Counters) bool { return c.Dropped > 0 })
	s.mustTurnRed(t, "spool", "has no room")
	return s
}

// mustHaveRoom waits until /readyz does not complain of the disk any more.
func (s *storeStage) mustHaveRoom(t *testing.T) {
	t.Helper()
	eventually(t, soon, func() error {
		return s.read("/readyz", http.StatusServiceUnavailable, func(b []byte) error {
			if strings.Contains(string(b), "has no room") {
				return fmt.Errorf("/readyz still says %s", b)
			}
			return nil
		})
	})
}

// metric reads a whole number off /metrics.
func (s *storeStage) metric(t *testing.T, series string) (n int64) {
	t.Helper()
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`)
	err := s.read("/metrics", http.StatusOK, func(b []byte) error {
		m := line.FindSubmatch(b)
		if m == nil {
			return fmt.Errorf("/metrics has no %s", series)
		}
		f, err := strconv.ParseFloat(string(m[1]), 64)
		n = int64(f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// callIsRefused sends a call and expects a refusal that says why.
func (s *storeStage) callIsRefused() error {
	body := `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"is there room?"}]}`
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, *s.gateway.Load()+"/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b := make([]byte, 1000)
	n, _ := resp.Body.Read(b)
	if text := string(b[:n]); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text, "weir_record_unavailable") {
		return fmt.Errorf("a call on a full disk: %d %s, want 503", resp.StatusCode, text)
	}
	return nil
}

// compareButDropped compares the books of calls of which as many are missing as the spool says it dropped.
func (s *storeStage) compareButDropped(t *testing.T, answered map[string]string) {
	t.Helper()
	s.watch.check(t)
	recorded := s.recorded(t)
	missing := int64(0)
	for id := range answered {
		if !recorded[id] {
			missing++
			delete(answered, id)
		}
	}
	if c, err := s.spool(); err != nil || c.Dropped != missing {
		t.Errorf("%d answered calls are missing; %+v, %v: want as many dropped", missing, c, err)
	}
	s.compare(t, answered)
}

func (s *storeStage) reportDropped(t *testing.T, what string, answered int) {
	t.Helper()
	c, err := s.spool()
	if err != nil {
		t.Fatal(err)
	}
	s.report(t, what, s.load.sent.Load(), answered)
	t.Logf("| %s | %d without bodies | %d dropped or refused |", what, c.BodiesDropped, c.Dropped)
}

// A directory that cannot be written to is refused with a sentence.
func TestReadOnlyDiskIsRefusedAtTheStart(t *testing.T) {
	needMounts(t)
	for _, place := range []string{"data", filepath.Join("data", "spool")} {
		t.Run(filepath.Base(place), func(t *testing.T) {
			dir := t.TempDir()
			mountMemory(t, filepath.Join(dir, place), 1<<20)
			if err := unix.Mount("tmpfs", filepath.Join(dir, place), "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			cmd := exec.CommandContext(ctx, exe)
			cmd.Args = []string{"weir", "serve", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0"}
			cmd.Env = append(os.Environ(), "WEIR_CLICKHOUSE_URL=http://127.0.0.1:1/")
			out, err := cmd.CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != exitFailed {
				t.Fatalf("weir ended with %v:\n%s", err, out)
			}
			for _, want := range []string{filepath.Join(dir, place), "read-only file system", "choose another with --data"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("weir said %q, want %q in it", out, want)
				}
			}
		})
	}
}

// diskTurnsReadOnly: while the disk cannot be written calls are answered and their records counted as dropped; what was on
// it before is in the store once when it is mended and weir started again.
func diskTurnsReadOnly(t *testing.T, server *storeServer) {
	needMounts(t)
	s := newStoreStage(t, server, "", "")
	s.every = 15 * time.Millisecond // its disk is small
	disk := newBreakableDisk(t, filepath.Join(s.dir, "data", "spool"))
	s.begin(t)
	s.mustReach(t, "some written", written(20))
	s.mustTurnGreen(t)
	answered := s.load.end()
	s.mustReach(t, "that none waits", noneWaits)

	disk.fail(t)
	s.startLoad()
	s.mustAnswer(t, 100)
	s.mustTurnRed(t, "spool", "read-only file system")
	during := s.load.end()
	if sent := s.load.sent.Load(); int(sent) != len(during) {
		t.Errorf("on a read-only disk %d calls were sent, %d answered whole", sent, len(during))
	}
	c, err := s.spool()
	if err != nil || c.Dropped != int64(len(during)) || c.Written != int64(len(answered)) || c.Waiting != 0 {
		t.Errorf("%d calls were answered on a read-only disk, %d before; the spool says %+v, %v", len(during), len(answered), c, err)
	}
	s.p.kill()
	disk.mend(t)

	s.start(t)
	s.mustTurnGreen(t)
	s.startLoad()
	s.mustAnswer(t, 50)
	maps.Copy(answered, s.load.end())
	s.mustReach(t, "that none waits", noneWaits)
	s.watch.check(t)
	s.compare(t, answered)
	t.Logf("| the spool's disk turns read-only | %d answered before and after | %d answered meanwhile, as many counted as dropped |", len(answered), len(during))
	s.p.stop(t)
}

// breakableDisk is a file system in a file, which the kernel takes for damaged when it is told to.
type breakableDisk struct{ image, dir string }

func newBreakableDisk(t *testing.T, dir string) *breakableDisk {
	t.Helper()
	d := &breakableDisk{image: filepath.Join(t.TempDir(), "disk"), dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, 32<<20)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", "-F", d.image).CombinedOutput(); err != nil {
		t.Skipf("make a file system: %v %s", err, out)
	}
	if out, err := d.mount(t); err != nil {
		t.Skipf("mount a file system that is in a file: %v %s", err, out)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return d
}

func (d *breakableDisk) mount(t *testing.T) ([]byte, error) {
	t.Helper()
	return exec.CommandContext(t.Context(), "mount", "-o", "loop,errors=remount-ro", d.image, d.dir).CombinedOutput()
}

// fail has the kernel find an error, upon which it lets nobody write any more.
func (d *breakableDisk) fail(t *testing.T) {
	t.Helper()
	device, err := exec.CommandContext(t.Context(), "findmnt", "-no", "SOURCE", d.dir).Output()
	if err != nil {
		t.Fatalf("find the device of %s: %v", d.dir, err)
	}
	trigger := "/sys/fs/ext4/" + filepath.Base(strings.TrimSpace(string(device))) + "/trigger_fs_error"
	if err := os.WriteFile(trigger, []byte("1"), 0); err != nil {
		t.Skipf("break the file system: %v", err)
	}
}

// mend takes the disk out, has it checked and puts it back.
func (d *breakableDisk) mend(t *testing.T) {
	t.Helper()
	if err := unix.Unmount(d.dir, 0); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "e2fsck", "-p", d.image).CombinedOutput(); err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() > 1 { // 1: errors were corrected
			t.Fatalf("check the file system: %v %s", err, out)
		}
	}
	if out, err := d.mount(t); err != nil {
		t.Fatalf("mount it again: %v %s", err, out)
	}
}
