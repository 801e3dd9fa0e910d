package route

import (
	"context"
	"math/rand/v2"
	"time"
)

// Retry says how often and how patiently one target is tried again. The zero value tries once.
type Retry struct {
	Attempts int           // tries of one target; 0 and 1 are one
	Wait     time.Duration // before the second try, doubled for each further one, with jitter; 0 is 250 ms
	MaxWait  time.Duration // longest wait; a provider that asks for more is not tried again. 0 is 8 s
}

func (r Retry) attempts() int { return max(r.Attempts, 1) }

// delay is the wait before the next try, after n tries; false when the provider asked for more than MaxWait.
func (r Retry) delay(n int, asked time.Duration) (time.Duration, bool) {
	base, most := r.Wait, r.MaxWait
	if base <= 0 {
		base = 250 * time.Millisecond
	}
	if most <= 0 {
		most = 8 * time.Second
	}
	if asked > 0 {
		return asked, asked <= most
	}
	d := min(base<<min(n-1, 16), most)
	return d/2 + rand.N(d/2+1), true // half fixed, half drawn: clients that failed together do not come back together
}

// sleep waits, or says false when the client left.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
