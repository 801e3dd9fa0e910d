package prompts

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// near says which names are like one that is not there, or that none is.
func near(what, name string, names iter.Seq[string]) string {
	const most, farthest = 3, 3
	type candidate struct {
		name string
		far  int
	}
	var like []candidate
	any := false
	for n := range names {
		any = true
		far := distance(name, n)
		if strings.HasPrefix(n, name) || strings.HasPrefix(name, n) {
			far = min(far, farthest)
		}
		if far <= farthest && far < max(len(name), len(n)) {
			like = append(like, candidate{n, far})
		}
	}
	if !any {
		return "there are no " + what + " yet; push one with weir prompts push FILE"
	}
	if len(like) == 0 {
		return "none has a name like it; weir prompts list shows all"
	}
	slices.SortFunc(like, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.name, b.name)) })
	out := make([]string, 0, most)
	for _, c := range like[:min(most, len(like))] {
		out = append(out, c.name)
	}
	return "like it are " + strings.Join(out, ", ")
}

// distance is how many letters must be put in, taken out or changed to make one word of another.
func distance(a, b string) int {
	const longest = 200
	a, b = a[:min(len(a), longest)], b[:min(len(b), longest)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
