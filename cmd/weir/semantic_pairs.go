package main

import (
	"math"
	"strings"
	"unicode"

	"github.com/weir-dev/weir/eval/stats"
)

// pair is a question with the nearest one before it.
type pair struct {
	question, answer *askedOnce // asked now; answered before
	score            float64
	right            bool
}

// threshold is what one would have done.
type threshold struct {
	Threshold float64  `json:"threshold"`
	Hits      int      `json:"hits"`
	Right     int      `json:"right"`
	Precision *float64 `json:"precision"`     // null without hits
	AtLeast   *float64 `json:"precision_low"` // with 95 % confidence
}

// pairUp gives each question but the first of its group the nearest one before it.
func pairUp(groups [][]*askedOnce) []*pair {
	var out []*pair
	for _, g := range groups {
		for i := 1; i < len(g); i++ {
			best := &pair{question: g[i], score: math.Inf(-1)}
			for _, earlier := range g[:i] {
				if score := cosine(g[i].vector, earlier.vector); score > best.score {
					best.answer, best.score = earlier, score
				}
			}
			if best.answer != nil {
				out = append(out, best)
			}
		}
	}
	return out
}

// cosine is the similarity of two vectors; of vectors that point nowhere or differ in length, less than any.
func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range min(len(a), len(b)) {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if len(a) != len(b) || aa == 0 || bb == 0 {
		return math.Inf(-1)
	}
	return ab / math.Sqrt(aa*bb)
}

// sameAnswer says that two answers have the same letters and digits, whatever their case, marks and spaces.
func sameAnswer(a, b string) bool {
	words := func(s string) string {
		return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), " ")
	}
	return words(a) == words(b) && words(a) != ""
}

// thresholds counts for each threshold, the highest first.
func thresholds(pairs []*pair) []threshold {
	var rows []threshold
	steps := int(math.Round((1 - lowestThreshold) / thresholdStep))
	for i := range steps {
		row := threshold{Threshold: math.Round((1-float64(i+1)*thresholdStep)*100) / 100}
		for _, x := range pairs {
			if x.score >= row.Threshold {
				row.Hits++
				if x.right {
					row.Right++
				}
			}
		}
		if row.Hits > 0 {
			precision := float64(row.Right) / float64(row.Hits)
			bounds, _ := stats.Wilson(row.Right, row.Hits, 0.90) // 95 % on its lower side
			row.Precision, row.AtLeast = &precision, &bounds.Low
		}
		rows = append(rows, row)
	}
	return rows
}

// suggest gives the lowest threshold from which on all that have hits are precise enough.
func suggest(rows []threshold, precision float64) *float64 {
	var best *float64
	for i := range rows {
		if rows[i].Precision == nil {
			continue
		}
		if *rows[i].Precision < precision {
			break
		}
		best = &rows[i].Threshold
	}
	return best
}
