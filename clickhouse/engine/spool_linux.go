package engine

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// newSpool returns a maker of files in memory; where the kernel has none, of files in dir.
func newSpool(dir string) func() (*spoolFile, error) {
	return func() (*spoolFile, error) {
		fd, err := unix.MemfdCreate("weir-insert", unix.MFD_CLOEXEC)
		if err != nil {
			return diskSpool(dir)
		}
		path := "/proc/self/fd/" + strconv.Itoa(fd)
		if _, err := os.Stat(path); err != nil {
			unix.Close(fd)
			return diskSpool(dir)
		}
		return &spoolFile{File: os.NewFile(uintptr(fd), "weir-insert"), path: path}, nil
	}
}
