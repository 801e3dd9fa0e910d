package drift

import (
	"github.com/weir-dev/weir/trace"
)

// mostClasses is how many names of a mix are shown one by one.
const mostClasses = 12

// classes are the distributions of a day and of its reference: of lengths by octave, from the first that has calls to the last.
func classes(k kind, names []string, reference, today []int64) []Class {
	all, before := float64(max(1, total(today))), float64(max(1, total(reference)))
	out := []Class{}
	if k == length {
		first, last := -1, -1
		for bin := range max(len(reference), len(today)) {
			if octave := (bin - 1) / trace.LengthBins; bin > 0 && at(reference, bin)+at(today, bin) > 0 {
				if first < 0 {
					first = octave
				}
				last = octave
			}
		}
		for octave := first; octave >= 0 && octave <= last; octave++ {
			c := Class{From: trace.LengthEdge(float64(octave*trace.LengthBins + 1)), To: trace.LengthEdge(float64((octave+1)*trace.LengthBins + 1))}
			for bin := octave*trace.LengthBins + 1; bin <= (octave+1)*trace.LengthBins; bin++ {
				c.Share += float64(at(today, bin)) / all
				c.Reference += float64(at(reference, bin)) / before
			}
			out = append(out, c)
		}
		return out
	}
	for i, name := range names {
		c := Class{Name: name, Share: float64(at(today, i)) / all, Reference: float64(at(reference, i)) / before}
		switch {
		case c.Share+c.Reference == 0:
		case len(out) < mostClasses:
			out = append(out, c)
		default:
			last := &out[len(out)-1]
			*last = Class{Name: others, Share: last.Share + c.Share, Reference: last.Reference + c.Reference}
		}
	}
	return out
}

// daily compares each day with the same weekday of the other weeks, oldest first. Whoever knows when the day ends says it.
func daily(k kind, of *sampled) []Day {
	out := make([]Day, days)
	for d := range days {
		day := &out[days-1-d]
		day.N = total(of.days[d])
		reference, _ := of.reference(d)
		if day.N < leastOfDay || total(reference) < leastOfDay {
			continue
		}
		if v, ok := shiftOf(k, reference, of.days[d]); ok {
			day.PSI = &v.PSI
		}
	}
	return out
}
