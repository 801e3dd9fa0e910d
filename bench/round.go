package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/weir-dev/weir/bench/load"
	"github.com/weir-dev/weir/bench/procfs"
)

// round is one target's turn.
type round struct {
	Target  string  `json:"target"`
	Cycle   int     `json:"cycle"`
	Rate    float64 `json:"rate,omitempty"` // asked for, requests a second
	RPS     float64 `json:"rps"`            // good answers a second
	All     int64   `json:"all"`            // requests, the warm-up's too
	Sent    int64   `json:"sent"`           // in the measured time
	Failed  int64   `json:"failed"`
	Why     string  `json:"why,omitempty"`
	Latency *times  `json:"latency"`
	First   *times  `json:"first_byte"`
	Lag     *times  `json:"send_lag,omitempty"`
	// CPU time a request, in microseconds: from the beginning of the round until what it put off is done.
	CPU     float64 `json:"cpu_us"`
	Engine  float64 `json:"engine_cpu_us"` // of that, the engine
	MockCPU float64 `json:"mock_cpu_us"`
	LoadCPU float64 `json:"load_cpu_us"`
	// Shares of all cores in the measured time.
	Busy    float64 `json:"busy_share"`
	Foreign float64 `json:"foreign_share"` // by programs that are none of ours, and by the host
	Clean   bool    `json:"clean"`
}

// lane is a target with the connections to it.
type lane struct {
	*target
	req   *load.Request
	conns []*load.Conn
	open  *load.Open
}

// openLanes learns what the answers must be from the upstream itself, and tries each way once.
func openLanes(ctx context.Context, b *bed, s scenario, timeout time.Duration) (lanes []*lane, want *load.Answer, err error) {
	for _, t := range b.targets {
		l := &lane{target: t}
		if l.req, err = load.NewRequest(t.base, s.Path, t.header, s.body()); err != nil {
			return lanes, nil, err
		}
		lanes = append(lanes, l)
		c := load.NewConn(l.req)
		if want != nil {
			l.req.Expect(want)
		}
		x, err := c.Do(ctx, timeout)
		if err != nil {
			c.Close()
			return lanes, nil, fmt.Errorf("first request to %s: %w", t.name, errors.Join(err, b.alive()))
		}
		if want == nil {
			if want, err = load.NewAnswer(x.Body, x.Nonce); err != nil {
				c.Close()
				return lanes, nil, fmt.Errorf("first request to %s: %w", t.name, err)
			}
			l.req.Expect(want)
		}
		c.Close()
		if t.weir != nil {
			b.sent.add(want, 1, 0)
		}
		if s.Mode == closedLoop {
			for range s.Conns {
				l.conns = append(l.conns, load.NewConn(l.req))
			}
		} else {
			l.open = load.NewOpen(l.req, s.Conns)
		}
	}
	return lanes, want, ctx.Err()
}

func (l *lane) close() {
	for _, c := range l.conns {
		c.Close()
	}
	if l.open != nil {
		l.open.Close()
	}
}

// add counts calls sent through weir.
func (a *account) add(answer *load.Answer, good, bad int64) {
	in, out := answer.Usage()
	a.Good += good
	a.Bad += bad
	a.Input += good * in
	a.Output += good * out
}

// reading is what the clocks say at one moment.
type reading struct {
	at      time.Time
	cpu     cpuTimes
	machine procfs.Machine
}

func (b *bed) read() reading { return reading{time.Now(), b.cpu(), procfs.ReadMachine()} }

// round loads one lane for a while.
func (b *bed) round(ctx context.Context, l *lane, want *load.Answer, s scenario, rate float64, o options) (*round, error) {
	b.weir.findChildren()
	runtime.GC() // now, and not in the measured time
	before := b.read()
	least := s.AtLeast
	if o.Short {
		least /= 2
	}
	w := load.NewWindow(o.Warm, max(o.Duration, least))
	profiled := func() error { return nil }
	if l.weir != nil && o.Profiles != "" {
		name := s.Name
		if l.name == unguarded {
			name += "-unguarded"
		}
		profiled = l.weir.profile(ctx, o.Profiles, name, time.Until(w.To))
	}
	ended := make(chan *load.Tally, 1)
	go func() {
		if s.Mode == closedLoop {
			ended <- load.Closed(ctx, l.conns, w, o.Timeout)
		} else {
			ended <- l.open.Run(ctx, rate, w, o.Timeout)
		}
	}()
	time.Sleep(time.Until(w.From))
	from := b.read()
	time.Sleep(time.Until(w.To))
	to := b.read()
	t := <-ended
	if err := profiled(); err != nil {
		return nil, err
	}
	if err := b.settle(ctx, l.target); err != nil {
		return nil, err
	}
	after := b.read()
	if l.weir != nil {
		b.sent.add(want, t.Good, t.Bad)
	}
	r := &round{
		Target: l.name, Rate: rate, RPS: float64(t.Done) / w.To.Sub(w.From).Seconds(), Sent: t.Sent, Failed: t.Failed, Why: t.Why,
		Latency: timesOf(&t.Latency), First: timesOf(&t.First), Lag: timesOf(&t.Lag),
	}
	r.All = t.Good + t.Bad
	all := max(1, r.All)
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(all) }
	used := after.cpu.sub(before.cpu)
	own, engine := used.of(l.name)
	r.CPU, r.Engine, r.MockCPU, r.LoadCPU = each(own), each(engine), each(used.mock), each(used.load)
	r.noise(from, to, o.MaxForeign)
	return r, errors.Join(ctx.Err(), b.alive())
}

// noise says how much of the machine others took in the measured time.
func (r *round) noise(from, to reading, most float64) {
	r.Clean = true
	m := to.machine.Sub(from.machine)
	if m.Total <= 0 {
		return // unknown here
	}
	share := func(d time.Duration) float64 { return float64(d) / float64(m.Total) }
	ours := to.cpu.sub(from.cpu).sum()
	r.Busy, r.Foreign = share(m.Busy), share(max(0, m.Busy+m.Stolen-ours))
	r.Clean = r.Foreign <= most
}

// settle waits until the target has done what it put off, so that it pays for it itself and not the next one.
func (b *bed) settle(ctx context.Context, t *target) error {
	if t.weir != nil {
		if _, err := t.weir.drained(ctx, time.Minute); err != nil {
			return errors.Join(err, b.alive())
		}
	}
	const look, quiet, looks = 100 * time.Millisecond, 10 * time.Millisecond, 20
	last, _ := b.cpu().of(t.name)
	for range looks {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
		now, _ := b.cpu().of(t.name)
		if now-last <= quiet {
			return nil
		}
		last = now
	}
	return nil // it is never quiet: that is its own cost, and counted as such
}

// peaks are the most memory in bytes that a target's process, and its engine, had in this scenario.
func (b *bed) peaks(t *target) (gateway, engine int64) {
	switch {
	case t.weir != nil:
		return t.weir.peaks()
	case t.pid != 0:
		return procfs.PeakMemory(t.pid), 0
	}
	return procfs.PeakMemory(os.Getpid()), 0
}

func (b *bed) resetPeaks() {
	procfs.ResetPeak(b.floor.pid())
	b.weir.resetPeaks()
}
