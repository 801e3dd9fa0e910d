package simulator

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

var (
	fencedSource  = regexp.MustCompile(`(?s)\n\[(\d{1,3})\]\n(.*?)\n=== end `)
	fencedPassage = regexp.MustCompile(`(?s)=== passage (\d{1,3}) [^\n]*===\n(.*?)\n=== end `)
	ownSentence   = regexp.MustCompile(`exactly this sentence[^:\n]*:\s*(.+)`)
)

// A quote is made up, or one word of it, once in so many answers: models do that.
const misquotesOneIn = 20

// quoted answers a prompt whose rules ask for the words that the answer rests on, between tags behind it. It reports false when the
// prompt is none.
func (p prompt) quoted(r *rand.Rand) (string, bool) {
	newest := p.last()
	sources := fencedSource.FindAllStringSubmatch(newest, -1)
	if !strings.Contains(p.system, "<quotes>") || len(sources) == 0 {
		return "", false
	}
	want := stemsOf(asked(newest))
	type sentence struct {
		text, source string
		shared       int
	}
	var all []sentence
	for _, s := range sources {
		about := overlap(stemsOf(s[2]), want)
		for _, text := range proseOf(s[2]) {
			if n := overlap(stemsOf(text), want); n > 0 {
				all = append(all, sentence{text, s[1], 3*n + about})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b sentence) int { return cmp.Compare(b.shared, a.shared) })
	if len(all) == 0 || 2*all[0].shared < 3*len(want)+2 { // much of what is asked for is said nowhere
		if m := ownSentence.FindStringSubmatch(p.system); m != nil {
			return strings.TrimSpace(m[1]), true
		}
		return "I do not know.", true
	}
	var said, quotes strings.Builder
	for i, s := range all[:min(len(all), 1+r.IntN(2))] {
		if i > 0 && (3*s.shared < 2*all[0].shared || s.text == all[0].text) {
			break
		}
		if i > 0 {
			said.WriteString(" ")
		}
		fmt.Fprintf(&said, "%s [%s].", strings.TrimRight(s.text, ".!?"), s.source)
		quote := s.text
		if r.IntN(misquotesOneIn) == 0 {
			words := strings.Fields(quote)
			words[r.IntN(len(words))] = "approximately"
			quote = strings.Join(words, " ")
		}
		fmt.Fprintf(&quotes, "[%s] \"%s\"\n", s.source, quote)
	}
	return said.String() + "\n\n<quotes>\n" + quotes.String() + "</quotes>", true
}

// proseOf gives the sentences of Markdown, without headings.
func proseOf(text string) []string {
	var out []string
	for block := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(block, "#") {
			out = append(out, sentencesOf(block)...)
		}
	}
	return out
}

// asked is the question of a prompt that has more than it.
func asked(text string) string {
	if m := questionAt.FindAllStringSubmatch(text, -1); m != nil {
		return m[len(m)-1][1]
	}
	return text
}

// graded scores numbered passages by what they share with the question, as a model that orders passages does. It reports false when
// the prompt asks for nothing of the kind.
func (p prompt) graded() (string, bool) {
	newest := p.last()
	passages := fencedPassage.FindAllStringSubmatch(newest, -1)
	if p.format.kind != "json_schema" || !strings.Contains(string(p.format.schema), `"passage"`) || len(passages) == 0 {
		return "", false
	}
	question, _, _ := strings.Cut(newest, "\n")
	want := stemsOf(strings.TrimPrefix(question, "Question: "))
	var out []string
	for _, s := range passages {
		score := min(10*overlap(stemsOf(s[2]), want)/max(len(want), 1), 10)
		out = append(out, fmt.Sprintf(`{"passage":%s,"score":%d}`, s[1], score))
	}
	return `{"scores":[` + strings.Join(out, ",") + `]}`, true
}
