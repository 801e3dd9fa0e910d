package simulator

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"sort"
	"strings"
)

// answer is one choice, complete.
type answer struct {
	text      string
	calls     []call
	finish    string // stop, length, tool_calls
	tokens    int    // of the text or of the calls' names and arguments
	reasoning int
}

// call is one function call of an answer.
type call struct{ id, name, arguments string }

// compose writes the answer to p.
func compose(p prompt, m model, b Behaviour, r *rand.Rand, count counter) answer {
	a := answer{finish: "stop", reasoning: reasoningTokens(p, m, b, r)}
	switch {
	case b.Text != "":
		a.text = b.Text
	default:
		if a.calls = p.call(r); len(a.calls) == 0 {
			a.text = p.write(m, b, r)
		} else {
			a.finish = "tool_calls"
		}
	}
	for _, stop := range p.stop {
		if before, _, ok := strings.Cut(a.text, stop); ok && stop != "" {
			a.text = before
		}
	}
	if p.limit > 0 {
		a.clip(p.limit, count)
	}
	a.tokens = a.size(count)
	return a
}

// reasoningTokens draws how long the model thinks: in steps of 64, longer for more effort.
func reasoningTokens(p prompt, m model, b Behaviour, r *rand.Rand) int {
	median, drawn := 320.0, math.Exp(.6*r.NormFloat64())
	switch p.effort {
	case "none", "minimal":
		median = 0
	case "low":
		median = 128
	case "high", "xhigh", "max":
		median = 1200
	}
	switch {
	case b.Reasoning > 0:
		return b.Reasoning
	case !m.reasons:
		return 0
	}
	return int(median*drawn/64) * 64
}

func (a answer) size(count counter) int {
	n := 0
	if a.text != "" {
		n = count.text([]byte(a.text))
	}
	for _, c := range a.calls {
		n += count.text([]byte(c.name)) + count.text([]byte(c.arguments))
	}
	return n
}

// clip cuts the answer to limit tokens, reasoning included, the reasoning first.
func (a *answer) clip(limit int, count counter) {
	if a.reasoning+a.size(count) <= limit {
		return
	}
	a.finish = "length"
	if a.reasoning >= limit {
		a.reasoning, a.text, a.calls = limit, "", nil
		return
	}
	left := limit - a.reasoning
	for i := range a.calls {
		c := &a.calls[i]
		left -= count.text([]byte(c.name))
		if left <= 0 {
			a.calls = a.calls[:i]
			return
		}
		c.arguments = prefix(c.arguments, left, count)
		left -= count.text([]byte(c.arguments))
	}
	if len(a.calls) == 0 {
		a.text = prefix(a.text, left, count)
	}
}

// prefix returns the longest opening of text found that has at most n tokens, cut between characters.
func prefix(text string, n int, count counter) string {
	var ends []int // where a character ends; no token has more than a few dozen bytes, so most of a long text is never looked at
	for i := range text {
		if i > 128*n {
			break
		}
		ends = append(ends, i)
	}
	if len(text) <= 128*n {
		ends = append(ends, len(text))
	}
	at := sort.Search(len(ends), func(i int) bool { return count.text([]byte(text[:ends[i]])) > n }) - 1
	for at > 0 && count.text([]byte(text[:ends[at]])) > n { // a longer text may have fewer tokens: the search can stop beside the mark
		at--
	}
	return text[:ends[max(at, 0)]]
}

var (
	oneOf      = regexp.MustCompile(`(?is)(?:one of(?: the following)?|choose (?:from|between)|categories|labels|classes|options)(?: [a-z ]{0,30})?\s*:?\s*\[?\s*((?:["'` + "`" + `]?[\w/ -]{1,40}["'` + "`" + `]?\s*(?:,|\||;|\n-|\bor\b)\s*)+["'` + "`" + `]?[\w/ -]{1,40})`)
	splitLabel = regexp.MustCompile(`\s*(?:,|\||;|\n-|\bor\b)\s*`)
	summaryAsk = regexp.MustCompile(`(?i)\b(summari[sz]e|summary|tl;?dr|key points|shorten)\b`)
	jsonAsk    = regexp.MustCompile(`(?i)\b(as|in|valid|return|only|a|an|with|reply|respond|output)\b[^.\n]{0,24}\bjson\b`)
	briefAsk   = regexp.MustCompile(`(?i)\b(brief(ly)?|short(ly)?|concise(ly)?|one sentence|single sentence|in a sentence|few words)\b`)
)

// write composes the text of an answer: an object, a label, an answer from passages, a summary, or prose on the topic.
func (p prompt) write(m model, b Behaviour, r *rand.Rand) string {
	newest := p.last()
	results, isTool := p.afterTool()
	if text, ok := p.quoted(r); ok {
		return text
	}
	if text, ok := p.graded(); ok {
		return text
	}
	switch {
	case p.format.kind == "json_schema":
		return p.object(p.format.schema, r)
	case p.format.kind == "json_object" || jsonAsk.MatchString(newest) || jsonAsk.MatchString(p.system):
		return p.freeObject(r)
	case isTool:
		return fromResults(newest, results, r)
	}
	if label, ok := pickLabel(p.system, newest, r); ok && b.Words == 0 && b.Chunks == 0 {
		return label
	}
	if text, ok := p.fromPassages(r); ok && b.Words == 0 && b.Chunks == 0 {
		return text
	}
	if summaryAsk.MatchString(newest+p.system) && b.Words == 0 && b.Chunks == 0 {
		if text, ok := summary(newest, r); ok {
			return text
		}
	}
	return p.prose(m, b, r)
}

// pickLabel answers a question that lists its possible answers: the label nearest to the text, or a drawn one.
func pickLabel(system, newest string, r *rand.Rand) (string, bool) {
	for _, text := range []string{system, newest} {
		found := oneOf.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		var labels []string
		for _, l := range splitLabel.Split(found[1], -1) {
			if l = strings.Trim(l, " \t\n\"'`.-"); l != "" && len(strings.Fields(l)) <= 4 {
				labels = append(labels, l)
			}
		}
		if len(labels) < 2 {
			continue
		}
		return nearestLabel(labels, strings.Replace(newest, found[0], "", 1), r), true
	}
	return "", false
}

// nearestLabel picks the label that shares most with the text, by the corpus' idea of what belongs together.
func nearestLabel(labels []string, text string, r *rand.Rand) string {
	have := stemsOf(text)
	best, top := labels[r.IntN(len(labels))], 0
	for _, l := range labels {
		ls := stemsOf(strings.NewReplacer("_", " ", "-", " ", "/", " ").Replace(l))
		n := 3 * overlap(ls, have)
		for _, t := range topics() {
			if overlap(ls, t.keys) > 0 {
				n += min(overlap(have, t.keys), 2)
			}
		}
		if n > top {
			best, top = l, n
		}
	}
	return best
}

// summary keeps the telling sentences of the text in their order.
func summary(text string, r *rand.Rand) (string, bool) {
	all := sentencesOf(text)
	if len(all) > 0 && summaryAsk.MatchString(all[0]) {
		all = all[1:]
	}
	if len(all) < 3 {
		return "", false
	}
	freq := map[string]int{}
	for s := range stemsOf(text) {
		freq[s] = strings.Count(strings.ToLower(text), s)
	}
	keep := 2 + r.IntN(2)
	type scored struct {
		at    int
		score float64
	}
	scores := make([]scored, len(all))
	for i, s := range all {
		n := 0
		stems := stemsOf(s)
		for st := range stems {
			n += freq[st]
		}
		scores[i] = scored{i, float64(n) / float64(len(stems)+4)}
	}
	scores[0].score *= 1.5
	chosen := map[int]bool{}
	for range min(keep, len(all)) {
		best := -1
		for i, s := range scores {
			if !chosen[i] && (best < 0 || s.score > scores[best].score) {
				best = i
			}
		}
		chosen[best] = true
	}
	var out []string
	for i, s := range all {
		if chosen[i] {
			out = append(out, s)
		}
	}
	return strings.Join(out, " "), true
}

// fromResults answers after a tool has been called, with what it said.
func fromResults(question string, results []string, r *rand.Rand) string {
	about := phrases(question)[0]
	opens := []string{"Here is what I found on %s: ", "I checked %s. ", "For %s the result is: "}
	var parts []string
	for _, res := range results {
		parts = append(parts, plainWords(res))
	}
	return fmt.Sprintf(opens[r.IntN(len(opens))], about) + strings.Join(parts, " ")
}

// prose writes about the topic of the prompt, in its words where the corpus leaves room.
func (p prompt) prose(m model, b Behaviour, r *rand.Rand) string {
	newest := p.last()
	t := topicOf(newest, p.system)
	ph := phrases(newest)
	fill := strings.NewReplacer(
		"{a}", ph[0], "{b}", ph[1],
		"{A}", identifier(ph[0], false), "{B}", identifier(ph[0], true),
		"{n}", fmt.Sprint(2+r.IntN(29)),
		"{id}", fmt.Sprintf("WR-%05d", r.IntN(100_000)),
		"{day}", []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"}[r.IntN(5)],
	)
	target := int(cmp.Or(m.verbosity, 1) * 75 * math.Exp(.35*r.NormFloat64()))
	if briefAsk.MatchString(newest) || briefAsk.MatchString(p.system) {
		target = 12
	}
	target = max(target, b.Words, b.Chunks)

	var paragraphs, line []string
	n := 0
	say := func(s string) {
		s = fill.Replace(s)
		line = append(line, s)
		n += len(strings.Fields(s))
	}
	flush := func() {
		if len(line) > 0 {
			paragraphs = append(paragraphs, strings.Join(line, " "))
			line = nil
		}
	}
	say(pick(r, t.open))
	if len(t.blocks) > 0 && target > 12 {
		flush()
		say(block(t.blocks, newest, r))
		flush()
	}
	for n < target {
		for _, s := range ranked(t.say, stemsOf(newest), r) {
			if n >= target {
				break
			}
			say(s)
			if len(line) >= 4 {
				flush()
			}
		}
	}
	if target > 12 && r.IntN(3) > 0 {
		flush()
		say(pick(r, t.close))
	}
	flush()
	return strings.Join(paragraphs, "\n\n")
}

// block picks code in a language the prompt names, else any.
func block(all []string, prompt string, r *rand.Rand) string {
	names := map[string]string{"python": "```python", "go": "```go", "golang": "```go", "typescript": "```ts", "javascript": "```ts"}
	for _, w := range words(prompt) {
		var fitting []string
		for _, b := range all {
			if mark := names[w]; mark != "" && strings.Contains(b, mark) {
				fitting = append(fitting, b)
			}
		}
		if len(fitting) > 0 {
			return pick(r, fitting)
		}
	}
	return pick(r, all)
}

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// ranked returns the sentences, those that share words with the prompt first, otherwise shuffled.
func ranked(all []sentence, stems map[string]bool, r *rand.Rand) []string {
	var near, far []string
	for _, i := range r.Perm(len(all)) {
		if overlap(all[i].stems, stems) > 0 {
			near = append(near, all[i].text)
		} else {
			far = append(far, all[i].text)
		}
	}
	return append(near, far...)
}
