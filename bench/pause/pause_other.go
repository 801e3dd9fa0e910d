//go:build !linux

package pause

import "time"

// Pauser sleeps; here it is no better than time.Sleep. The zero value is ready. Not safe for concurrent use.
type Pauser struct{}

// For waits for d.
func (*Pauser) For(d time.Duration) { time.Sleep(d) }

// Close gives the timer back; the Pauser may be used again.
func (*Pauser) Close() {}
