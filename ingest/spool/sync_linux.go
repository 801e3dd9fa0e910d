package spool

import (
	"os"
	"syscall"
)

// syncData brings a file's bytes to the disk, without what only says when they were written.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return err
		}
	}
}
