package main

import (
	"context"

	"github.com/weir-dev/weir/bench/load"
)

// result is what a scenario came to.
type result struct {
	scenario
	Targets []*figures `json:"targets"`
	Rounds  []*round   `json:"rounds"`
	Dirty   int        `json:"dirty_rounds_repeated"` // disturbed by others, and measured again
	Records int64      `json:"records"`               // of calls through weir in this scenario
	Bodies  int64      `json:"bodies_dropped"`        // of these, kept without their bodies
	Noisy   bool       `json:"noisy"`                 // most that count were disturbed all the same
}

// figures are a target's, over all rounds that count.
type figures struct {
	Target string `json:"target"`
	Sent   int64  `json:"sent"`
	Failed int64  `json:"failed"`
	Why    string `json:"why,omitempty"`

	RPS     *spread `json:"rps,omitempty"`
	P50     *spread `json:"p50_ms,omitempty"`
	P99     *spread `json:"p99_ms,omitempty"`
	MaxRate *spread `json:"max_rate,omitempty"`
	Best    float64 `json:"max_rate_best,omitempty"`
	CPU     *spread `json:"cpu_us,omitempty"`
	Engine  *spread `json:"engine_cpu_us,omitempty"`
	// CPUWhole is the CPU time of the whole scenario by all requests, in microseconds: what was done between the rounds,
	// and idling, included.
	CPUWhole float64 `json:"cpu_us_whole,omitempty"`
	Foreign  *spread `json:"foreign_share,omitempty"`

	// Beside the direct way, within the same cycle, in milliseconds.
	AddedP50      *spread `json:"added_p50_ms,omitempty"`
	AddedP99      *spread `json:"added_p99_ms,omitempty"`
	AddedFirstP50 *spread `json:"added_first_p50_ms,omitempty"`
	AddedFirstP99 *spread `json:"added_first_p99_ms,omitempty"`

	// Beside the floor, within the same cycle.
	CPURatio      *spread `json:"cpu_by_floor,omitempty"`
	GatewayRatio  *spread `json:"cpu_without_engine_by_floor,omitempty"`
	RPSRatio      *spread `json:"rps_by_floor,omitempty"`
	AddedP50Ratio *spread `json:"added_p50_by_floor,omitempty"`
	AddedP99Ratio *spread `json:"added_p99_by_floor,omitempty"`
	BestRatio     float64 `json:"max_rate_best_by_floor,omitempty"`

	// Guards is what budgets, limits and the cache's lookup and filling add to a request, in microseconds of the gateway's CPU
	// time, beside weir without them within the same cycle.
	Guards *spread `json:"guards_cpu_us,omitempty"`

	Peak       int64 `json:"peak_bytes,omitempty"`        // resident memory
	EnginePeak int64 `json:"engine_peak_bytes,omitempty"` // of the engine
}

func (s *result) of(target string) *figures {
	for _, f := range s.Targets {
		if f.Target == target {
			return f
		}
	}
	return nil
}

// measure runs one scenario.
func measure(ctx context.Context, b *bed, s scenario, o options, progress func(string, ...any)) (*result, error) {
	if err := b.setMock(ctx, s.Mock); err != nil {
		return nil, err
	}
	lanes, want, err := openLanes(ctx, b, s, o.Timeout)
	defer func() {
		for _, l := range lanes {
			l.close()
		}
	}()
	if err != nil {
		return nil, err
	}
	b.resetPeaks()
	before := b.cpu()
	recorded, err := b.weir.spool(ctx)
	if err != nil {
		return nil, err
	}
	res := &result{scenario: s}
	if s.Mode == maxRate {
		err = b.searches(ctx, lanes, want, o, res, progress)
	} else {
		err = b.cycles(ctx, lanes, want, o, res, progress)
	}
	if err != nil {
		return nil, err
	}
	used := b.cpu().sub(before)
	now, err := b.weir.spool(ctx)
	if err != nil {
		return nil, err
	}
	res.Records, res.Bodies = now.Accepted-recorded.Accepted, now.BodiesDropped-recorded.BodiesDropped
	for _, l := range lanes {
		f := res.of(l.name)
		if f == nil || l.pid == 0 {
			continue
		}
		f.Peak, f.EnginePeak = b.peaks(l.target)
		var all int64
		for _, r := range res.Rounds {
			if r.Target == l.name {
				all += r.All
			}
		}
		own, _ := used.of(l.name)
		f.CPUWhole = float64(own.Nanoseconds()) / 1000 / float64(max(1, all))
	}
	return res, nil
}

// cycles visits every target once a cycle. Where it begins and which way it goes changes, so that drift of the machine
// falls on all alike. A cycle that others disturbed is measured again, as often as there are rounds at most, and not in
// a short run; the quietest count.
func (b *bed) cycles(ctx context.Context, lanes []*lane, want *load.Answer, o options, res *result, progress func(string, ...any)) error {
	kept := make([]cycle, 0, o.Rounds)
	for n, tries := 0, 0; n < o.Rounds; tries++ {
		c := cycle{}
		for _, i := range order(len(lanes), tries) {
			r, err := b.round(ctx, lanes[i], want, res.scenario, res.Rate, o)
			if err != nil {
				return err
			}
			r.Cycle = tries
			res.Rounds = append(res.Rounds, r)
			c[r.Target] = r
		}
		if !c.clean() && res.Dirty < o.Rounds && !o.Short {
			res.Dirty++
			progress("  cycle %d disturbed: others took %.0f %% of the cores; again", n+1, 100*c.foreign())
			kept = append(kept, c) // should all be disturbed, it may count after all
			continue
		}
		kept = append(kept, c)
		n++
		progress("  cycle %d: %s", n, c)
	}
	counted := quietest(kept, o.Rounds)
	dirty := 0
	for _, c := range counted {
		if !c.clean() {
			dirty++
		}
	}
	res.Noisy = 2*dirty > len(counted)
	for _, l := range lanes {
		res.Targets = append(res.Targets, summarize(l.name, counted))
	}
	return nil
}

// order is in which order n targets are visited in a cycle.
func order(n, cycle int) []int {
	out := make([]int, n)
	for k := range out {
		out[k] = (k + cycle/2) % n
		if cycle%2 == 1 {
			out[k] = (n - 1 - k + cycle/2) % n
		}
	}
	return out
}
