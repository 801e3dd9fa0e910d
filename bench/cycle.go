package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// cycle is one round of each target, close together in time: only these are compared.
type cycle map[string]*round

func (c cycle) clean() bool {
	for _, r := range c {
		if !r.Clean {
			return false
		}
	}
	return true
}

// foreign is the largest share of the cores that others took in a round of the cycle.
func (c cycle) foreign() float64 {
	var most float64
	for _, r := range c {
		most = max(most, r.Foreign)
	}
	return most
}

// quietest are the n cycles in which others took the least, in the order they were measured.
func quietest(cycles []cycle, n int) []cycle {
	byNoise := slices.Clone(cycles)
	slices.SortStableFunc(byNoise, func(a, b cycle) int { return cmp.Compare(a.foreign(), b.foreign()) })
	if len(byNoise) <= n {
		return cycles
	}
	loudest := byNoise[n-1].foreign()
	return slices.DeleteFunc(slices.Clone(cycles), func(c cycle) bool { return c.foreign() > loudest })
}

// String says in short what came of it.
func (c cycle) String() string {
	var parts []string
	for _, name := range []string{direct, floorName, weirName, unguarded} {
		r := c[name]
		if r == nil {
			continue
		}
		text := fmt.Sprintf("%s %.0f/s", name, r.RPS)
		if r.Latency != nil {
			text += fmt.Sprintf(" p50 %.2f p99 %.2f ms", r.Latency.P50, r.Latency.P99)
		}
		if r.CPU > 0 {
			text += fmt.Sprintf(" %.0f µs", r.CPU)
		}
		if r.Failed > 0 {
			text += fmt.Sprintf(" %d FAILED (%s)", r.Failed, r.Why)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " · ")
}

// series collects one figure over cycles, leaving out those where it has no meaning.
func series(cycles []cycle, figure func(cycle) (float64, bool)) *spread {
	var v []float64
	for _, c := range cycles {
		if x, ok := figure(c); ok {
			v = append(v, x)
		}
	}
	return spreadOf(v)
}

// summarize makes a target's figures.
func summarize(target string, cycles []cycle) *figures {
	f := &figures{Target: target}
	for _, c := range cycles {
		if r := c[target]; r != nil {
			f.Sent += r.Sent
			f.Failed += r.Failed
			if f.Why == "" {
				f.Why = r.Why
			}
		}
	}
	of := func(name string, figure func(*round) float64) func(cycle) (float64, bool) {
		return func(c cycle) (float64, bool) {
			r := c[name]
			if r == nil || r.Latency == nil || r.First == nil {
				return 0, false
			}
			return figure(r), true
		}
	}
	plain := func(figure func(*round) float64) *spread { return series(cycles, of(target, figure)) }
	// beside is a figure beside another target's in the same cycle.
	beside := func(other string, figure func(*round) float64, join func(a, b float64) (float64, bool)) func(cycle) (float64, bool) {
		mine, theirs := of(target, figure), of(other, figure)
		return func(c cycle) (float64, bool) {
			a, ok := mine(c)
			b, ok2 := theirs(c)
			if !ok || !ok2 {
				return 0, false
			}
			return join(a, b)
		}
	}
	less := func(a, b float64) (float64, bool) { return a - b, true }
	by := func(a, b float64) (float64, bool) { return a / b, b > 0 }

	p50 := func(r *round) float64 { return r.Latency.P50 }
	p99 := func(r *round) float64 { return r.Latency.P99 }
	first50 := func(r *round) float64 { return r.First.P50 }
	first99 := func(r *round) float64 { return r.First.P99 }
	rps := func(r *round) float64 { return r.RPS }
	cpu := func(r *round) float64 { return r.CPU }

	f.RPS, f.P50, f.P99 = plain(rps), plain(p50), plain(p99)
	f.Foreign = plain(func(r *round) float64 { return r.Foreign })
	if target == direct {
		return f
	}
	f.CPU, f.Engine = plain(cpu), plain(func(r *round) float64 { return r.Engine })
	f.AddedP50, f.AddedP99 = series(cycles, beside(direct, p50, less)), series(cycles, beside(direct, p99, less))
	f.AddedFirstP50, f.AddedFirstP99 = series(cycles, beside(direct, first50, less)), series(cycles, beside(direct, first99, less))
	if target == floorName {
		return f
	}
	f.CPURatio, f.RPSRatio = series(cycles, beside(floorName, cpu, by)), series(cycles, beside(floorName, rps, by))
	f.GatewayRatio = series(cycles, func(c cycle) (float64, bool) {
		mine, floor := c[target], c[floorName]
		if mine == nil || floor == nil || floor.CPU == 0 {
			return 0, false
		}
		return (mine.CPU - mine.Engine) / floor.CPU, true
	})
	if target == weirName {
		f.Guards = series(cycles, func(c cycle) (float64, bool) {
			with, without := c[weirName], c[unguarded]
			if with == nil || without == nil || with.CPU == 0 {
				return 0, false
			}
			return (with.CPU - with.Engine) - (without.CPU - without.Engine), true
		})
	}
	added := func(figure func(*round) float64) func(cycle) (float64, bool) {
		return func(c cycle) (float64, bool) {
			d, ok := of(direct, figure)(c)
			a, ok2 := of(target, figure)(c)
			b, ok3 := of(floorName, figure)(c)
			return (a - d) / (b - d), ok && ok2 && ok3 && b > d
		}
	}
	f.AddedP50Ratio, f.AddedP99Ratio = series(cycles, added(p50)), series(cycles, added(p99))
	return f
}
