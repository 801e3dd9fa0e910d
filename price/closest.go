package price

import (
	"slices"
	"strings"
)

// Closest suggests, as provider/model, the priced model whose name is nearest to one without a price: of the same
// provider when the catalogue has it, else of any. It is empty when none is near, and a suggestion for people only.
func (b *Book) Closest(provider, model string) string {
	if model == "" || len(model) > maxModel {
		return ""
	}
	own := slices.ContainsFunc(b.list.all, func(s *slot) bool { return s.provider == provider })
	want := plain(model)
	best, distance := "", len(want)/2+1
	for _, p := range listed {
		if own && p != provider {
			continue
		}
		for _, s := range b.list.all {
			if s.provider != p || isPattern(s.model) {
				continue
			}
			if d := edits(want, plain(s.model), distance); d < distance {
				best, distance = s.provider+"/"+s.model, d
			}
		}
	}
	return best
}

// plain is a model's name without what spellings differ in: case, the owner in front, punctuation and the order of words.
func plain(model string) string {
	model = strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	words := strings.FieldsFunc(model, func(r rune) bool { return strings.ContainsRune(".-_:@ ", r) })
	slices.Sort(words)
	return strings.Join(words, "")
}

// edits is how many bytes must be added, removed or changed to make b of a, as long as that is below limit.
func edits(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		lowest := row[0]
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
			lowest = min(lowest, row[j+1])
		}
		if lowest >= limit {
			return limit
		}
	}
	return row[len(b)]
}
