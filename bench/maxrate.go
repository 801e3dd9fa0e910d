package main

import (
	"context"
	"slices"
	"time"

	"github.com/weir-dev/weir/bench/load"
)

// The search for the highest rate.
const (
	firstStep  = 1.5  // until the rate is bracketed, the first time
	laterStep  = 1.15 // and around what was found, after that
	resolution = 1.06 // the bracket's ends are this near at the end
	longest    = 24   // rounds of one search
	fewFailed  = 1000 // at most one request in so many may fail
	kept       = 0.97 // of the rate asked for must be done
)

// sustained says whether a round kept up with its rate.
func (r *round) sustained(slo time.Duration) bool {
	return r.Latency != nil && r.Failed*fewFailed <= r.Sent && r.RPS >= kept*r.Rate && r.Latency.P99 <= ms(slo)
}

// searches looks for every target's highest rate in turn, several times.
func (b *bed) searches(ctx context.Context, lanes []*lane, want *load.Answer, o options, res *result, progress func(string, ...any)) error {
	found := map[string][]float64{}
	sums := map[string]*figures{}
	for _, l := range lanes {
		sums[l.name] = &figures{Target: l.name}
		res.Targets = append(res.Targets, sums[l.name])
	}
	start := map[string]float64{direct: 6000, floorName: 1500, weirName: 1000, unguarded: 1000}
	for n := range o.Searches {
		for _, i := range order(len(lanes), n) {
			l := lanes[i]
			if n > 0 && l.name == direct {
				continue // it is the limit of the load generator, and once is enough
			}
			step := firstStep
			if n > 0 {
				step = laterStep
			}
			best, err := search(start[l.name], step, func(rate float64) (bool, error) {
				for try := 0; ; try++ {
					r, err := b.round(ctx, l, want, res.scenario, rate, o)
					if err != nil {
						return false, err
					}
					r.Cycle = n
					res.Rounds = append(res.Rounds, r)
					good := r.sustained(o.SLO)
					if f := sums[l.name]; good {
						f.Sent, f.Failed = f.Sent+r.Sent, f.Failed+r.Failed
					}
					p99 := 0.0
					if r.Latency != nil {
						p99 = r.Latency.P99
					}
					progress("  %-6s %6.0f/s: kept up %-5v %6.0f/s, p99 %.1f ms, %d failed, others %.0f %% %s", l.name, rate, good, r.RPS, p99, r.Failed, 100*r.Foreign, r.Why)
					// One bad round may be a disturbance; two are a limit.
					if good || try == 1 && r.Clean || try == 2 {
						return good, nil
					}
					res.Dirty++
				}
			})
			if err != nil {
				return err
			}
			if best > 0 {
				found[l.name] = append(found[l.name], best)
				start[l.name] = best
			}
		}
	}
	for name, f := range sums {
		f.MaxRate = spreadOf(found[name])
		if len(found[name]) > 0 {
			f.Best = slices.Max(found[name])
		}
	}
	if best := sums[floorName].Best; best > 0 {
		sums[weirName].BestRatio = sums[weirName].Best / best
	}
	return nil
}

// search finds the highest rate that keepsUp, by steps from start and then by halving; 0 when none does.
func search(start, step float64, keepsUp func(rate float64) (bool, error)) (float64, error) {
	var low, high float64 // the highest that was kept, the lowest that was not
	rate := start
	for range longest {
		ok, err := keepsUp(rate)
		if err != nil {
			return 0, err
		}
		if ok {
			low = rate
		} else {
			high = rate
		}
		switch {
		case high == 0:
			rate = low * step
		case low == 0:
			rate = high / step
			if rate < 1 {
				return 0, nil
			}
		case high/low <= resolution:
			return low, nil
		default:
			rate = (low + high) / 2
		}
	}
	return low, nil
}
