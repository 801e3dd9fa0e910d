// Package procfs reads what processes and the machine have used, from Linux's accounts.
package procfs

import "time"

// Machine is what all cores together have done since the machine started.
type Machine struct {
	Busy   time.Duration // user, system and interrupts
	Stolen time.Duration // wanted by us, taken by the host
	Total  time.Duration // busy, stolen and idle
}

// Sub is what was done between the reading before and m.
func (m Machine) Sub(before Machine) Machine {
	return Machine{m.Busy - before.Busy, m.Stolen - before.Stolen, m.Total - before.Total}
}
