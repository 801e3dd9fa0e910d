package simulator

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"
)

var wordPattern = regexp.MustCompile(`[\p{L}\p{N}][\p{L}\p{N}_'-]*`)

// words returns the lower-cased words of a text, in order.
func words(text string) []string {
	found := wordPattern.FindAllString(strings.ToLower(text), -1)
	return slices.DeleteFunc(found, func(w string) bool { return w == "" })
}

// stopWords carry no subject of their own.
var stopWords = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`a about above after again all also always am an and any are aren't as ask asked at
		back be because been before being below best better between both but by can can't cannot could did didn't do does doesn't
		doing don't down during each either else even ever every few find first following for found from full further gave
		get gets getting give given gives go goes going got had has have having he help her here hers him his how however i
		i'd i'll i'm i've if in into is isn't it it's its itself just keep kind know last later least less let let's like
		long look made make makes making many may maybe me means might mine more most much must my need needs never new next
		no nor not now of off often ok old on once one only onto or other our out over own part per please point possible
		put quite rather really right said same say see seem set several she should show since so some something soon still
		such sure take tell than thank thanks that that's the their them then there these they thing things think this those
		three through to today together told too try tried two under until up upon us use used user uses using very via want
		wanted was wasn't way we well were what what's when where whether which while who whole whom whose why will with within
		without won't would write written yes yet you your yours explain describe list answer question following based briefly short
		sentence sentences words word text respond reply return provide step example assistant helpful hello hi dear
		raise raises rise rises rose fix fixes help happen happens happened work works
		show shows belong belongs cover covered contact ask needs`) {
		m[w] = true
	}
	return m
})

// stem cuts the commonest English endings, enough to match "refunded" with "refund".
func stem(w string) string {
	for _, end := range []string{"'s", "ings", "ing", "edly", "ies", "ed", "es", "s", "ly"} {
		if rest, ok := strings.CutSuffix(w, end); ok && len(rest) >= 3 {
			if end == "ies" {
				return rest + "y"
			}
			if n := len(rest); n > 3 && rest[n-1] == rest[n-2] && end != "s" && end != "es" {
				return rest[:n-1] // resetting, shipped
			}
			return rest
		}
	}
	return w
}

// stemsOf returns the stems of the words of a text that carry a subject.
func stemsOf(text string) map[string]bool {
	m := map[string]bool{}
	for _, w := range words(text) {
		if !stopWords()[w] && len(w) > 2 {
			m[stem(w)] = true
		}
	}
	return m
}

// overlap counts the stems both sets have.
func overlap(a, b map[string]bool) int {
	n := 0
	for s := range a {
		if b[s] {
			n++
		}
	}
	return n
}

var phraseBreak = regexp.MustCompile(`[.,;:!?()\[\]{}"“”\n\r\t<>=|/\\]+`)

// phrases returns what a text is about: runs of up to three words between stop words, the most telling first. It always
// returns at least two.
func phrases(text string) []string {
	type scored struct {
		text  string
		score int
		at    int
	}
	freq := map[string]int{}
	if len(text) > 4000 {
		text = text[len(text)-4000:]
	}
	for _, w := range words(text) {
		freq[stem(w)]++
	}
	var all []scored
	seen := map[string]bool{}
	add := func(run []string) {
		if len(run) > 3 {
			run = run[:3]
		}
		phrase := strings.Join(run, " ")
		if key := strings.ToLower(phrase); phrase == "" || seen[key] || len(phrase) < 3 || len(phrase) > 48 {
			return
		}
		seen[strings.ToLower(phrase)] = true
		score := 0
		for _, w := range run {
			score += min(len(w), 9) + 3*freq[stem(strings.ToLower(w))]
		}
		all = append(all, scored{phrase, score, len(all)})
	}
	for _, part := range phraseBreak.Split(text, -1) {
		var run []string
		for _, w := range wordPattern.FindAllString(part, -1) {
			if stopWords()[strings.ToLower(w)] {
				add(run)
				run = nil
				continue
			}
			run = append(run, w)
		}
		add(run)
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.at, b.at)) })
	var out []string
	for _, p := range all {
		out = append(out, p.text)
	}
	for _, filler := range []string{"this", "the rest of it"} {
		if len(out) < 2 {
			out = append(out, filler)
		}
	}
	return out
}

// identifier makes a name for code of a phrase: snake_case or PascalCase.
func identifier(phrase string, pascal bool) string {
	var b strings.Builder
	for _, w := range words(phrase) {
		w = strings.Map(func(r rune) rune {
			if r == '_' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, w)
		switch {
		case w == "":
		case pascal:
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		case b.Len() > 0:
			b.WriteString("_" + w)
		default:
			b.WriteString(w)
		}
	}
	name := b.String()
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return "item" + name
	}
	return name
}

var sentenceEnd = regexp.MustCompile(`([.!?])\s+|\n+`)

// sentencesOf splits a text into its sentences.
func sentencesOf(text string) []string {
	var out []string
	for s := range strings.SplitSeq(sentenceEnd.ReplaceAllString(text, "$1\x00"), "\x00") {
		if s = strings.TrimSpace(s); len(words(s)) >= 3 {
			out = append(out, s)
		}
	}
	return out
}
