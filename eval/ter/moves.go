package ter

import (
	"math"
	"slices"
)

// Bounds of the search, Tercom's and sacreBLEU's own.
const (
	longestMove    = 10
	farthestMove   = 50
	beam           = 25
	mostCandidates = 1000
)

// mover finds moves. It keeps its room.
type mover struct {
	base, trial table
	hyp, moved  []int32
	best        []int32
	align       []int32 // by place in the reference: of the text
	hypWrong    []int32 // how many words of the text before this place have to be edited
	refWrong    []int32
	trace       []byte
}

// edits are the fewest edits found.
func (m *mover) edits(hyp, ref []int32) int {
	if len(ref) == 0 {
		return len(hyp)
	}
	m.hyp = append(m.hyp[:0], hyp...)
	moves, looked := 0, 0
	for {
		gain := m.move(ref, &looked)
		if looked >= mostCandidates || gain <= 0 {
			break
		}
		moves++
		m.hyp, m.best = m.best, m.hyp
	}
	return moves + m.base.fill(m.hyp, ref, 0, nil)
}

// move looks for the move that lowers the edit distance the most, and leaves what it makes in best.
func (m *mover) move(ref []int32, looked *int) (gain int) {
	before := m.base.fill(m.hyp, ref, 0, nil)
	m.read()
	var (
		found  bool
		choice candidate
	)
	try := func(start, at, length int) {
		last := -1
		for offset := -1; offset < length; offset++ {
			to := 0
			if at+offset >= 0 {
				to = int(m.align[at+offset]) + 1
			}
			if to == last {
				continue
			}
			last = to
			m.shift(start, length, to)
			c := candidate{before - m.trial.fill(m.moved, ref, min(start, to), &m.base), length, -start, -to}
			*looked++
			if !found || c.better(choice) {
				found, choice = true, c
				m.best = append(m.best[:0], m.moved...)
			}
		}
	}
	for start := range m.hyp {
		for at := max(0, start-farthestMove); at <= min(len(ref)-1, start+farthestMove); at++ {
			for length := 1; length <= longestMove && start+length <= len(m.hyp) && at+length <= len(ref) && m.hyp[start+length-1] == ref[at+length-1]; length++ {
				if m.hypWrong[start+length] == m.hypWrong[start] || m.refWrong[at+length] == m.refWrong[at] {
					continue // it is right where it is, or its place is taken by what is right
				}
				if to := int(m.align[at]); to >= start && to < start+length {
					continue // within itself
				}
				if try(start, at, length); *looked >= mostCandidates {
					return choice.gain
				}
			}
		}
	}
	return choice.gain
}

// candidate is a move as moves are ranked: the largest gain, then the longest, the earliest, the nearest to the beginning.
type candidate struct{ gain, length, start, to int }

func (c candidate) better(o candidate) bool {
	switch {
	case c.gain != o.gain:
		return c.gain > o.gain
	case c.length != o.length:
		return c.length > o.length
	case c.start != o.start:
		return c.start > o.start
	}
	return c.to > o.to
}

// shift moves a run of words before another place, in moved.
func (m *mover) shift(start, length, to int) {
	w, out := m.hyp, m.moved[:0]
	switch {
	case to < start:
		out = append(append(append(append(out, w[:to]...), w[start:start+length]...), w[to:start]...), w[start+length:]...)
	case to > start+length:
		out = append(append(append(append(out, w[:start]...), w[start+length:to]...), w[start:start+length]...), w[to:]...)
	default: // within itself: past as many words
		end := min(length+to, len(w))
		out = append(append(append(append(out, w[:start]...), w[start+length:max(start+length, end)]...), w[start:start+length]...), w[max(start+length, end):]...)
	}
	m.moved = out
}

// read takes from the table which word of the text stands where in the reference, and which words have to be edited.
func (m *mover) read() {
	m.trace = m.base.path(m.trace[:0])
	m.align, m.hypWrong, m.refWrong = m.align[:0], append(m.hypWrong[:0], 0), append(m.refWrong[:0], 0)
	add := func(list []int32, n int32) []int32 { return append(list, list[len(list)-1]+n) }
	at := int32(-1)
	for _, op := range slices.Backward(m.trace) {
		switch op {
		case same, other:
			at++
			m.align = append(m.align, at)
			n := int32(0)
			if op == other {
				n = 1
			}
			m.hypWrong, m.refWrong = add(m.hypWrong, n), add(m.refWrong, n)
		case extra:
			at++
			m.hypWrong = add(m.hypWrong, 1)
		case missing:
			m.align = append(m.align, at)
			m.refWrong = add(m.refWrong, 1)
		}
	}
}

// What is done at a cell of a table.
const (
	unset   = iota
	same    // the words are equal
	other   // one word for another
	extra   // a word that the reference has not
	missing // a word that the text has not
)

const infinite = math.MaxInt32 / 2

// table holds edit distances between the beginnings of a text and of a reference, near the diagonal only.
type table struct {
	cost []int32
	op   []byte
	hyp  int
	ref  int
}

// fill computes the table of a text and gives the distance. The first rows are those of another table, when it is given, of a text
// of the same length that begins alike.
func (t *table) fill(hyp, ref []int32, alike int, from *table) int {
	wide := len(ref) + 1
	size := (len(hyp) + 1) * wide
	if cap(t.cost) < size {
		t.cost, t.op = make([]int32, size), make([]byte, size)
	}
	t.cost, t.op, t.hyp, t.ref = t.cost[:size], t.op[:size], len(hyp), len(ref)
	first := 1
	if from != nil {
		first = alike + 1
		copy(t.cost, from.cost[:first*wide])
		copy(t.op, from.op[:first*wide])
	} else {
		for j := range wide {
			t.cost[j], t.op[j] = int32(j), missing
		}
	}
	ratio, width := 1.0, beam
	if len(hyp) > 0 {
		ratio = float64(len(ref)) / float64(len(hyp))
	}
	if beam < ratio/2 {
		width = int(math.Ceil(ratio/2 + beam))
	}
	for i := first; i <= len(hyp); i++ {
		row, above := t.cost[i*wide:(i+1)*wide], t.cost[(i-1)*wide:i*wide]
		ops := t.op[i*wide : (i+1)*wide]
		for j := range row {
			row[j] = infinite
		}
		clear(ops)
		diagonal := int(math.Floor(float64(i) * ratio))
		lo, hi := max(0, diagonal-width), min(wide, diagonal+width)
		if i == len(hyp) {
			hi = wide
		}
		for j := lo; j < hi; j++ {
			if j == 0 {
				row[0], ops[0] = above[0]+1, extra
				continue
			}
			cost, op := above[j-1], byte(same)
			if hyp[i-1] != ref[j-1] {
				cost, op = cost+1, other
			}
			if cost < row[j] {
				row[j], ops[j] = cost, op
			}
			if above[j]+1 < row[j] {
				row[j], ops[j] = above[j]+1, extra
			}
			if row[j-1]+1 < row[j] {
				row[j], ops[j] = row[j-1]+1, missing
			}
		}
	}
	return int(t.cost[size-1])
}

// path appends what is done from the end to the beginning.
func (t *table) path(dst []byte) []byte {
	wide := t.ref + 1
	for i, j := t.hyp, t.ref; i > 0 || j > 0; {
		op := t.op[i*wide+j]
		switch op {
		case same, other:
			i--
			j--
		case missing:
			j--
		case extra:
			i--
		default: // beyond the beam: what is left is deleted and added
			if i > 0 {
				op = extra
				i--
			} else {
				op = missing
				j--
			}
		}
		dst = append(dst, op)
	}
	return dst
}
