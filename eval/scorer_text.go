package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/eval/text"
)

func textMetrics() []metric {
	return []metric{
		{name: "exact", about: "the answer is what is expected, or one of a list of it", pass: &whole, make: exact},
		{name: "contains", about: "the answer has all texts of values, or of what is expected; with any, one of them", pass: &whole, make: within(strings.Contains)},
		{name: "starts_with", about: "the answer begins with a text of values, or of what is expected", pass: &whole, make: within(strings.HasPrefix)},
		{name: "ends_with", about: "the answer ends with a text of values, or of what is expected", pass: &whole, make: within(strings.HasSuffix)},
		{name: "regex", about: "the answer matches pattern, or the pattern that is expected", pass: &whole, make: matches},
		{name: "levenshtein", about: "1 less the edits of characters for each character of the longer text", make: func(c ScorerConfig) (Scorer, error) { return byReference(c, similarity), nil }},
		{name: "gleu", about: "the lesser of precision and recall of runs of up to four words", make: func(c ScorerConfig) (Scorer, error) { return byReference(c, gleu), nil }},
		{name: "numeric", about: "the last number of the answer is what is expected, within tolerance", pass: &whole, make: numeric},
	}
}

// prepared is a text as the options want it.
func prepared(c *ScorerConfig, t string) string {
	if c.Trim {
		t = strings.TrimSpace(t)
	}
	if c.Case {
		t = strings.ToLower(t)
	}
	return t
}

func exact(c ScorerConfig) (Scorer, error) {
	return ScorerFunc(func(s Sample) Score {
		want, err := expectedTexts(s)
		if err != nil {
			return unscorable(err.Error())
		}
		got := prepared(&c, s.Answer.Text)
		for _, w := range want {
			if got == prepared(&c, w) {
				return scored(1)
			}
		}
		if s.Item.Expected[0] == '{' || s.Item.Expected[0] == '[' { // what is expected is a value: how it is written makes no difference
			if v, err := normal(json.RawMessage(strings.TrimSpace(s.Answer.Text))); err == nil && string(v) == string(s.Item.Expected) {
				return scored(1)
			}
		}
		return scored(0)
	}), nil
}

func within(has func(text, part string) bool) func(ScorerConfig) (Scorer, error) {
	return func(c ScorerConfig) (Scorer, error) {
		return ScorerFunc(func(s Sample) Score {
			want := c.Values
			if len(want) == 0 {
				var err error
				if want, err = expectedTexts(s); err != nil {
					return unscorable(err.Error())
				}
			}
			got, hits, missing := prepared(&c, s.Answer.Text), 0, ""
			for _, w := range want {
				if has(got, prepared(&c, w)) {
					hits++
				} else if missing == "" {
					missing = w
				}
			}
			all := c.Metric == "contains" && !c.Any // an answer can begin in one way only
			out := yes(hits == len(want) || !all && hits > 0)
			if out.Value == 0 {
				out.Reason = fmt.Sprintf("without %.60q", missing)
			}
			return out
		}), nil
	}
}

func matches(c ScorerConfig) (Scorer, error) {
	compile := func(p string) (*regexp.Regexp, error) {
		if c.Case {
			p = "(?i)" + p
		}
		return regexp.Compile(p)
	}
	var fixed *regexp.Regexp
	if c.Pattern != "" {
		var err error
		if fixed, err = compile(c.Pattern); err != nil {
			return nil, err
		}
	}
	return ScorerFunc(func(s Sample) Score {
		if fixed != nil {
			return yes(fixed.MatchString(s.Answer.Text))
		}
		want, err := expectedTexts(s)
		if err != nil {
			return unscorable(err.Error())
		}
		for _, w := range want {
			p, err := compile(w)
			if err != nil {
				return unscorable("what is expected is no pattern: " + err.Error())
			}
			if p.MatchString(s.Answer.Text) {
				return scored(1)
			}
		}
		return scored(0)
	}), nil
}

// byReference takes the best of all texts that are expected.
func byReference(c ScorerConfig, like func(got, want string) float64) Scorer {
	return ScorerFunc(func(s Sample) Score {
		want, err := expectedTexts(s)
		if err != nil {
			return unscorable(err.Error())
		}
		best := math.Inf(-1)
		for _, w := range want {
			best = max(best, like(prepared(&c, s.Answer.Text), prepared(&c, w)))
		}
		return scored(best)
	})
}

// maxEdits bounds the texts that are compared character by character: the work grows with their product.
const maxEdits = 20_000

// similarity is 1 less the edit distance for each character of the longer text.
func similarity(a, b string) float64 {
	x, y := []rune(a), []rune(b)
	if len(x) < len(y) {
		x, y = y, x
	}
	if len(x) == 0 {
		return 1
	}
	x, y = x[:min(len(x), maxEdits)], y[:min(len(y), maxEdits)]
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, cx := range x {
		corner := row[0]
		row[0] = i + 1
		for j, cy := range y {
			above := row[j+1]
			cost := corner
			if cx != cy {
				cost = 1 + min(corner, above, row[j])
			}
			row[j+1], corner = cost, above
		}
	}
	return 1 - float64(row[len(y)])/float64(len(x))
}

// gleu is of Wu et al. (2016), sentence by sentence, as NLTK has it, over words parted by white space.
func gleu(got, want string) float64 {
	a, b := text.Fields(got), text.Fields(want)
	same, most := 0, 0
	total := func(n int) (sum int) {
		for order := 1; order <= 4; order++ {
			sum += max(0, n-order+1)
		}
		return sum
	}
	if most = max(total(len(a)), total(len(b))); most == 0 {
		return 0
	}
	for order := 1; order <= 4; order++ {
		counts := map[string]int{}
		for i := 0; i+order <= len(b); i++ {
			counts[strings.Join(b[i:i+order], "\x00")]++
		}
		for i := 0; i+order <= len(a); i++ {
			if g := strings.Join(a[i:i+order], "\x00"); counts[g] > 0 {
				counts[g]--
				same++
			}
		}
	}
	return float64(same) / float64(most)
}

var numberIn = regexp.MustCompile(`[-+]?(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?`)

// lastNumber is the last number of a text; commas between digits are taken for marks of thousands.
func lastNumber(t string) (float64, error) {
	all := numberIn.FindAllString(t, -1)
	if len(all) == 0 {
		return 0, errors.New("no number")
	}
	return strconv.ParseFloat(strings.ReplaceAll(all[len(all)-1], ",", ""), 64)
}

func numeric(c ScorerConfig) (Scorer, error) {
	if c.Within < 0 {
		return nil, errors.New("the tolerance is below 0")
	}
	return ScorerFunc(func(s Sample) Score {
		if s.Item.Expected == nil {
			return unscorable(errNoExpected.Error())
		}
		want, err := lastNumber(Text(s.Item.Expected))
		if err != nil {
			return unscorable("what is expected has no number")
		}
		got, err := lastNumber(s.Answer.Text)
		if err != nil {
			return Score{State: Scored, Reason: "the answer has no number"}
		}
		tolerance := c.Within
		if c.Relative {
			tolerance *= math.Abs(want)
		}
		out := yes(math.Abs(got-want) <= tolerance)
		if out.Value == 0 {
			out.Reason = fmt.Sprintf("%v in place of %v", got, want)
		}
		return out
	}), nil
}

// clip makes a text fit for a reason.
func clip(t string) string {
	const most = 200
	t = strings.ToValidUTF8(strings.Join(strings.Fields(t), " "), "\uFFFD")
	if utf8.RuneCountInString(t) > most {
		return string([]rune(t)[:most]) + "…"
	}
	return t
}
