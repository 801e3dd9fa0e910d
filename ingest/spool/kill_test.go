package spool

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
)

const killDir = "WEIR_TEST_SPOOL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		recordUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// recordUntilKilled is the process that is killed: it says the id of each record that it was promised.
func recordUntilKilled(dir string) {
	d, err := Open(Config{Dir: dir, Writer: hung{}, MaxDisk: 1 << 30, SegmentBytes: 100_000})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), c, i)
				if d.Admit(Admission{ID: id}) != nil || d.Record(call(id, rand.IntN(3000))) != nil {
					os.Exit(1)
				}
				fmt.Println(id)
			}
		})
	}
	wg.Wait()
}

// TestKill kills a process in the middle of its records, again and again on one spool: what it was promised is there once.
func TestKill(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var promised []string
	for range 5 {
		child := exec.CommandContext(t.Context(), exe)
		child.Env = append(os.Environ(), killDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 200 + rand.IntN(300); n > 0 && lines.Scan(); n-- {
			promised = append(promised, lines.Text())
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it said before it was gone; a pipe takes a short line whole or not at all
			promised = append(promised, lines.Text())
		}
		_ = child.Wait() // it was killed
	}
	if len(promised) < 900 {
		t.Fatalf("%d records promised", len(promised))
	}
	s := newStore()
	cfg := s.config(dir)
	cfg.MaxDisk = 1 << 30
	d := open(t, cfg)
	eventually(t, "all written", drained(d))
	s.onceEach(t, promised...)
	c := d.Counters()
	if balanced(t, c); c.Written != int64(s.len()) || c.Quarantined != 0 || c.Dropped != 0 {
		t.Errorf("counters %+v, %d in the store", c, s.len())
	}
}
