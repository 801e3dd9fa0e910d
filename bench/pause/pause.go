// Package pause sleeps to within some tens of microseconds, where Go's own timers may be a millisecond late.
package pause

import "time"

// Until waits for the moment at, and returns at once when it has passed.
func (p *Pauser) Until(at time.Time) {
	if d := time.Until(at); d > 0 {
		p.For(d)
	}
}
