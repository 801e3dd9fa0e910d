package spool

import "golang.org/x/sys/unix"

// mountTmpfs mounts a file system in memory.
func mountTmpfs(dir, options string) error {
	if options == "remount,ro" {
		return unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, "")
	}
	return unix.Mount("tmpfs", dir, "tmpfs", 0, options)
}

func unmount(dir string) { _ = unix.Unmount(dir, unix.MNT_DETACH) }
