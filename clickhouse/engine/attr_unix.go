//go:build unix && !linux

package engine

import "syscall"

// childAttr puts the child into a group of its own, out of reach of a terminal's signals.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
