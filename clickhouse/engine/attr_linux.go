package engine

import "syscall"

// childAttr puts the child into a group of its own, out of reach of a terminal's signals, and has the kernel tell it
// when the thread that started it ends: that thread must live as long as the parent.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
