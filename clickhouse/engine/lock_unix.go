//go:build unix

package engine

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the exclusive lock of an open file. It is held until every descriptor of that opening is closed,
// also those inherited by a child. ok is false when another opening holds it.
func tryLock(file *os.File) (ok bool, err error) {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}
