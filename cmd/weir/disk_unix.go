//go:build unix

package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// freeSpace is what this user may still write on the disk of a path, in bytes.
func freeSpace(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", path, err)
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil //nolint:unconvert // the fields' types differ between systems
}
