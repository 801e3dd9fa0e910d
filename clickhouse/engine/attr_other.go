//go:build !unix

package engine

import "syscall"

func childAttr() *syscall.SysProcAttr { return nil }
