package prompts

import (
	"slices"
)

// Op says what became of a piece.
type Op string

// What may become of a piece.
const (
	OpSame    Op = "same"
	OpAdded   Op = "added"
	OpRemoved Op = "removed"
	OpChanged Op = "changed"
	OpMoved   Op = "moved"
)

// maxEdits is how many differences are told apart; beyond it all between the first and the last one counts as replaced.
const maxEdits = 1000

// An edit is a step from a list to another one: the pieces a[from] and b[to], of which one counts when it is added or removed.
type edit struct {
	op       Op
	from, to int
}

// edits gives the fewest steps from a to b, by the algorithm of Myers (1986).
func edits(a, b []string) []edit {
	var out []edit
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		out = append(out, edit{OpSame, start, start})
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	for _, e := range middle(a[start:endA], b[start:endB]) {
		out = append(out, edit{e.op, e.from + start, e.to + start})
	}
	for endA < len(a) {
		out = append(out, edit{OpSame, endA, endB})
		endA, endB = endA+1, endB+1
	}
	return out
}

func middle(a, b []string) []edit {
	n, m := len(a), len(b)
	most := min(n+m, maxEdits)
	v := make([]int, 2*most+3) // the furthest place in a on each diagonal
	var trace [][]int
	for d := 0; d <= most; d++ {
		trace = append(trace, slices.Clone(v[most+1-d:most+2+d]))
		for k := -d; k <= d; k += 2 {
			i := most + 1 + k
			x := v[i-1] + 1
			if k == -d || k != d && v[i-1] < v[i+1] {
				x = v[i+1]
			}
			for x < n && x-k < m && a[x] == b[x-k] {
				x++
			}
			v[i] = x
			if x >= n && x-k >= m {
				return walkBack(trace, n, m)
			}
		}
	}
	out := make([]edit, 0, n+m)
	for i := range n {
		out = append(out, edit{OpRemoved, i, 0})
	}
	for j := range m {
		out = append(out, edit{OpAdded, n, j})
	}
	return out
}

// walkBack follows the trace from the end; trace[d] holds the diagonals -d to d as they were before step d.
func walkBack(trace [][]int, x, y int) []edit {
	var out []edit
	for d := len(trace) - 1; d > 0; d-- {
		at := func(k int) int { return trace[d][k+d] }
		k := x - y
		before := k - 1
		if k == -d || k != d && at(k-1) < at(k+1) {
			before = k + 1
		}
		fromX := at(before)
		fromY := fromX - before
		for x > fromX && y > fromY { // the diagonal behind the step
			x, y = x-1, y-1
			out = append(out, edit{OpSame, x, y})
		}
		if x > fromX {
			x--
			out = append(out, edit{OpRemoved, x, y})
		} else {
			y--
			out = append(out, edit{OpAdded, x, y})
		}
	}
	for x > 0 && y > 0 {
		x, y = x-1, y-1
		out = append(out, edit{OpSame, x, y})
	}
	slices.Reverse(out)
	return out
}
