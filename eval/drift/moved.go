package drift

import (
	"math"
	"slices"

	"github.com/weir-dev/weir/trace"
)

// moment is what a segment adds to a mean: how many calls, and the sum of their values.
type moment struct {
	n   int64
	sum float64
}

func (m moment) mean() float64 {
	if m.n == 0 {
		return 0
	}
	return m.sum / float64(m.n)
}

// moments gives a segment's in the day and in what it is compared with: of lengths the logarithm in bins, of shares whether a call is one.
func (s *Series) moments(n *counts) (reference, today moment) {
	of := n.of(s.Metric)
	class := 1
	if s.Metric.kind() == mix {
		class = slices.Index(of.names, s.Effect.Class)
	}
	take := func(n []int64) (m moment) {
		for i, v := range n {
			m.n += v
			switch {
			case s.Metric.kind() == length:
				m.sum += float64(v) * (float64(i) + 0.5)
			case i == class:
				m.sum += float64(v)
			}
		}
		return m
	}
	before, _ := of.reference(0)
	return take(before), take(of.days[0])
}

// segment finds the prompt or the model that accounts for most of a change. The change of a mean is taken apart exactly: a segment with
// shares w and means m of all calls before and after adds w₁(m₁−m₀), which it does within, and (w₁−w₀)(m₀−M₀), which having more or
// fewer of the calls does.
func (s *Series) segment(t *table, by string, of map[string][]part) (Segment, bool) {
	if len(of) < 2 {
		return Segment{}, false
	}
	type both struct{ before, after moment }
	all := both{}
	each := map[string]both{}
	for name, parts := range of {
		var b both
		b.before, b.after = s.moments(t.sum(parts))
		each[name] = b
		all.before.n, all.before.sum = all.before.n+b.before.n, all.before.sum+b.before.sum
		all.after.n, all.after.sum = all.after.n+b.after.n, all.after.sum+b.after.sum
	}
	change := all.after.mean() - all.before.mean()
	if all.before.n == 0 || all.after.n == 0 || change == 0 {
		return Segment{}, false
	}
	out, found := Segment{}, false
	for name, b := range each {
		w0, w1 := float64(b.before.n)/float64(all.before.n), float64(b.after.n)/float64(all.after.n)
		m0, m1 := b.before.mean(), b.after.mean()
		switch { // one that is new or gone has no values to change: it is all in its share
		case b.before.n == 0:
			m0 = m1
		case b.after.n == 0:
			m1 = m0
		}
		within, shares := w1*(m1-m0)/change, (w1-w0)*(m0-all.before.mean())/change
		if part := within + shares; !found || part > out.Part || part == out.Part && name < out.Name {
			found = true
			out = Segment{By: by, Name: name, Part: part, Within: within, N: b.after.n, ReferenceN: b.before.n, Value: s.shown(m1), ReferenceValue: s.shown(m0)}
		}
	}
	return out, found
}

// shown is a mean as it is told: of logarithms the typical length.
func (s *Series) shown(mean float64) float64 {
	if s.Metric.kind() == length {
		return trace.LengthEdge(mean)
	}
	return mean
}

// move finds the segment of a series, among prompts and among models.
func (s *Series) move(t *table, of []part) {
	if s.Effect == nil {
		return
	}
	prompts, models := map[string][]part{}, map[string][]part{}
	for _, p := range of {
		prompts[p.prompt] = append(prompts[p.prompt], p)
		models[p.model] = append(models[p.model], p)
	}
	best, ok := Segment{}, false
	for by, groups := range map[string]map[string][]part{"prompt": prompts, "model": models} {
		if by == "model" && s.Metric == Models {
			continue
		}
		one, found := s.segment(t, by, groups)
		// A segment that does it alone says more than one that others work against.
		if found && (!ok || math.Abs(one.Part-1) < math.Abs(best.Part-1) || one.Part == best.Part && by == "prompt") {
			best, ok = one, true
		}
	}
	if ok && best.Part > 0 {
		s.Moved = &best
	}
}
