package procfs

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

func TestCPUCountsWork(t *testing.T) {
	pid := os.Getpid()
	before := CPU(pid)
	sum := 0
	for start := time.Now(); CPU(pid)-before < 20*time.Millisecond; sum++ {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("10 s of work cost %v of CPU", CPU(pid)-before)
		}
	}
	if got := CPU(1 << 23); got != 0 {
		t.Errorf("a process that is not there used %v", got)
	}
	if PeakMemory(pid) < 1<<20 {
		t.Errorf("peak memory is %d bytes", PeakMemory(pid))
	}
	if m := ReadMachine(); m.Busy <= 0 || m.Total <= m.Busy {
		t.Errorf("the machine was busy %v of %v", m.Busy, m.Total)
	}
}

func TestChildren(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "cat; true") // cat is a grandchild
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := slices.Contains(Children(os.Getpid()), cmd.Process.Pid)
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Error("the child was not found")
	}
	if slices.Contains(Children(os.Getpid()), cmd.Process.Pid) {
		t.Error("the child was found after its end")
	}
}
