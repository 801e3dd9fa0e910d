package load

import (
	"context"
	"sync"
	"time"
)

// giveUp is after how many failures a connection of the closed loop stops: what is broken need not be hammered.
const giveUp = 200

// Closed lets every connection send its next request as soon as the last is answered, until the window or ctx ends. The
// connections begin spread over the warm-up, or paced streams would all run in step.
func Closed(ctx context.Context, conns []*Conn, w Window, timeout time.Duration) *Tally {
	spread := w.From.Sub(w.Begin) / time.Duration(max(len(conns), 1))
	tallies := make([]Tally, len(conns))
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			t := &tallies[i]
			time.Sleep(time.Until(w.Begin.Add(time.Duration(i) * spread)))
			for now := time.Now(); now.Before(w.To) && t.Bad < giveUp && ctx.Err() == nil; now = time.Now() {
				x, err := c.Do(ctx, timeout)
				t.add(now, &x, err, w)
			}
		})
	}
	wg.Wait()
	sum := &tallies[0]
	for i := range tallies[1:] {
		sum.Merge(&tallies[1+i])
	}
	return sum
}
