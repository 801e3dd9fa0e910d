package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// lockName is the file in the data directory whose lock says that a weir uses it.
const lockName = "weir-engine.lock"

// lockDir takes the directory's lock, waiting for its holder for at most wait: a weir that has just been killed leaves
// a child that is still closing. The file holds the process id of the holder; the lock ends when the file and every
// copy of its descriptor are closed.
func lockDir(ctx context.Context, dir string, wait time.Duration) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the directory's lock: %w", err)
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		ok, err := tryLock(file)
		if err != nil {
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if ok {
			break
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("wait for the lock of %s: %w", dir, ctx.Err())
		case <-deadline.C:
			defer file.Close()
			return nil, &InUseError{Dir: dir, Pid: holder(file)}
		case <-time.After(50 * time.Millisecond):
		}
	}
	err = file.Truncate(0)
	if err == nil {
		_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("write the process id into %s: %w", path, err)
	}
	return file, nil
}

// InUseError says that another weir uses the data directory.
type InUseError struct {
	Dir string
	Pid int // of the holder, 0 when it is not known
}

func (e *InUseError) Error() string {
	who := "another weir"
	if e.Pid != 0 {
		who = fmt.Sprintf("another weir (process %d)", e.Pid)
	}
	return fmt.Sprintf("%s is in use by %s: stop it, or give this one a directory of its own with WEIR_DATA", e.Dir, who)
}

func holder(file *os.File) int {
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}
