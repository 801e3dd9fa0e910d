package experiment

import (
	"math"
	"slices"
)

// whole is the length of the line that units are laid out on: their numbers are the top 53 bits of a hash.
const whole = uint64(1) << 53

// none is the arm of what no arm holds: it is served the control, outside the analysis.
const none = -1

// segment is a part of the line, from where the one before it ends.
type segment struct {
	to       uint64
	arm      int
	analysed bool
	touched  bool // an arm has held it: a unit there may have seen another arm before
}

// layout is who holds which part of the line in one epoch.
//
// In the first epoch an arm holds the beginning of its slot, which is as long as its weight: with half of the traffic, half of
// the slot. An arm that grows takes the line right behind it first, then what nobody has held yet, then what others gave up; one
// that shrinks gives up what it took last. So whoever holds an arm keeps it unless that arm's share shrinks. What an arm takes is
// analysed only if nobody held it before, and only in proportion to the arms' analysed shares, so that in each epoch the units
// of all arms have the same past.
type layout struct {
	segments []segment
	analysed []uint64   // by arm
	taken    [][]uint64 // by arm: the starts of what it holds, in the order it took them
}

// layOut replays the epochs, oldest first.
func layOut(epochs []Epoch, arms int) *layout {
	l := &layout{segments: []segment{{to: whole, arm: none}}, analysed: make([]uint64, arms), taken: make([][]uint64, arms)}
	for i, e := range epochs {
		l.turn(i == 0, e)
	}
	return l
}

func (l *layout) turn(first bool, e Epoch) {
	want := make([]uint64, len(l.taken))
	for i, w := range e.Weights {
		want[i] = uint64(math.Round(w * e.Traffic * float64(whole)))
	}
	// Rounding may leave a few units too many in all: the last arm does without them.
	var sum uint64
	for i := range want {
		want[i] = min(want[i], whole-sum)
		sum += want[i]
	}
	for i := range want {
		for held := l.held(i); held > want[i]; held = l.held(i) {
			l.shrink(i, held-want[i])
		}
	}
	if first {
		var slot float64
		var end uint64
		rest := sum
		for i, w := range e.Weights {
			// Rounding moves a slot by a hair at most, so that it begins behind the one before and leaves room for the rest.
			start := max(end, min(uint64(math.Round(slot*float64(whole))), whole-rest))
			l.take(i, start, want[i], true)
			slot += w
			end, rest = start+want[i], rest-want[i]
		}
		return
	}
	fresh := make([][]span, len(want))
	for i := range want {
		fresh[i] = append(fresh[i], l.extend(i, want[i])...)
	}
	for i := range want {
		fresh[i] = append(fresh[i], l.fill(i, want[i], false)...)
	}
	l.analyse(fresh, want)
	for i := range want {
		l.fill(i, want[i], true)
	}
}

type span struct{ from, to uint64 }

// extend lets an arm grow over untouched line right behind what it took last.
func (l *layout) extend(arm int, want uint64) []span {
	var out []span
	for held := l.held(arm); held < want && len(l.taken[arm]) > 0; held = l.held(arm) {
		starts := l.taken[arm]
		at := l.at(starts[len(starts)-1]) + 1
		if at == len(l.segments) || l.segments[at].arm != none || l.segments[at].touched {
			break
		}
		out = append(out, l.grab(arm, at, want-held))
	}
	return out
}

// fill lets an arm take what is free, untouched or touched, from the beginning of the line.
func (l *layout) fill(arm int, want uint64, touched bool) []span {
	var out []span
	for at := 0; at < len(l.segments); at++ {
		held := l.held(arm)
		if held >= want {
			break
		}
		if s := l.segments[at]; s.arm == none && s.touched == touched {
			out = append(out, l.grab(arm, at, want-held))
		}
	}
	return out
}

// grab gives an arm the beginning of a free segment, at most this much.
func (l *layout) grab(arm, at int, most uint64) span {
	from, to := l.from(at), l.segments[at].to
	to = min(to, from+most)
	l.take(arm, from, to-from, false)
	return span{from, to}
}

// analyse lets what was freshly taken into the analysis, as far as all arms grew in proportion.
func (l *layout) analyse(fresh [][]span, want []uint64) {
	growth := math.Inf(1)
	for i, spans := range fresh {
		if want[i] == 0 {
			continue
		}
		if l.analysed[i] == 0 {
			return
		}
		var took uint64
		for _, s := range spans {
			took += s.to - s.from
		}
		growth = min(growth, float64(took)/float64(l.analysed[i]))
	}
	if math.IsInf(growth, 1) {
		return
	}
	for i, spans := range fresh {
		quota := uint64(math.Round(growth * float64(l.analysed[i])))
		for _, s := range spans {
			length := min(quota, s.to-s.from)
			if length == 0 {
				break
			}
			l.cut(s.from, s.from+length, func(g *segment) { g.analysed = true })
			l.analysed[i] += length
			quota -= length
		}
	}
}

// take gives an arm a free part of the line.
func (l *layout) take(arm int, from, length uint64, analysed bool) {
	if length == 0 {
		return
	}
	l.cut(from, from+length, func(s *segment) { s.arm, s.analysed, s.touched = arm, analysed, true })
	l.taken[arm] = append(l.taken[arm], from)
	if analysed {
		l.analysed[arm] += length
	}
}

// shrink gives up the end of what an arm took last, at most this much.
func (l *layout) shrink(arm int, most uint64) {
	starts := l.taken[arm]
	from := starts[len(starts)-1]
	at := l.at(from)
	// What it took at once may have been cut by analyse: its end is as far as the arm goes on.
	for at+1 < len(l.segments) && l.segments[at+1].arm == arm && !slices.Contains(starts, l.segments[at].to) {
		at++
	}
	begin, end := l.from(at), l.segments[at].to
	if length := end - begin; most >= length {
		most = length
		if begin == from {
			l.taken[arm] = starts[:len(starts)-1]
		}
	}
	if l.segments[at].analysed {
		l.analysed[arm] -= most
	}
	l.cut(end-most, end, func(s *segment) { s.arm, s.analysed = none, false })
}

// cut changes the line from one point to another.
func (l *layout) cut(from, to uint64, change func(*segment)) {
	l.split(from)
	l.split(to)
	start := uint64(0)
	for i := range l.segments {
		if start >= from && l.segments[i].to <= to {
			change(&l.segments[i])
		}
		start = l.segments[i].to
	}
}

func (l *layout) split(point uint64) {
	if point == 0 || point >= whole {
		return
	}
	at := l.at(point)
	if l.from(at) == point {
		return
	}
	before := l.segments[at]
	before.to = point
	l.segments = slices.Insert(l.segments, at, before)
}

// at is the index of the segment that a point is in.
func (l *layout) at(point uint64) int {
	i, _ := slices.BinarySearchFunc(l.segments, point, func(s segment, p uint64) int {
		if s.to <= p {
			return -1
		}
		return 1
	})
	return i
}

func (l *layout) from(at int) uint64 {
	if at == 0 {
		return 0
	}
	return l.segments[at-1].to
}

func (l *layout) held(arm int) uint64 {
	var sum, from uint64
	for _, s := range l.segments {
		if s.arm == arm {
			sum += s.to - from
		}
		from = s.to
	}
	return sum
}

// shares are the arms' parts of all units that are in the analysis, as seen by a unit that comes in this epoch.
func (l *layout) shares() []float64 {
	out := make([]float64, len(l.analysed))
	for i, a := range l.analysed {
		out[i] = float64(a) / float64(whole)
	}
	return out
}
