//go:build unix

package eval

import (
	"os/exec"
	"strconv"
	"syscall"
)

// ownGroup puts a program to be started into a group of its own, which is killed whole when its context ends.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// killGroup kills what a program that has ended has left behind.
func killGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // there may be nothing left
	}
}

// limited is a command that cannot take more memory for its data than that. The shell sets the bound before the program begins.
func limited(argv []string, memoryMB int) []string {
	script := "ulimit -d " + strconv.Itoa(memoryMB<<10) + ` 2>/dev/null || ulimit -v ` + strconv.Itoa(memoryMB<<10) + `; exec "$@"`
	return append([]string{"/bin/sh", "-c", script, "sh"}, argv...)
}
