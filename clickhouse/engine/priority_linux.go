package engine

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// giveWay lowers the priority of every thread of this process, and so of those they will start: the store's inserts and
// merges get what calls leave over, and all of it when there are none. On two busy cores it takes the p99 that recording
// adds to a call to a third.
func giveWay(nice int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("lower the engine's priority: %w", err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			continue
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, nice); err != nil && err != syscall.ESRCH {
			return fmt.Errorf("lower the engine's priority: %w", err)
		}
	}
	return nil
}
