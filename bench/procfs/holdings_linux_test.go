package procfs

import (
	"os"
	"testing"
)

func TestHoldings(t *testing.T) {
	before := ReadHoldings(os.Getpid())
	if before.Resident < 1<<20 || before.Threads < 1 || before.Files < 3 {
		t.Errorf("got %+v", before)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if now := ReadHoldings(os.Getpid()); now.Files < before.Files+2 {
		t.Errorf("with a pipe %d files, without %d", now.Files, before.Files)
	}
	if got := ReadHoldings(1 << 23); got != (Holdings{}) {
		t.Errorf("a process that is not there holds %+v", got)
	}
}
