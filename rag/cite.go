package rag

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Citation is a passage that an answer rests on. It is verified when the quoted words occur in the passage of the source
// that was cited; then Document.Text[Start:End] is Quote.
type Citation struct {
	ID       string `json:"id"`       // of the chunk; empty when the answer cites a source that there is not
	Document string `json:"document"` // Document.ID
	Title    string `json:"title,omitempty"`
	Source   int    `json:"source"` // the number in brackets in the answer
	// Quote is as the document has it when verified, else as the model wrote it; empty when it quoted nothing and no words
	// of what it says occur in the passage either.
	Quote    string `json:"quote"`
	Start    int    `json:"start"` // byte offsets in the document; both 0 when not verified
	End      int    `json:"end"`
	Verified bool   `json:"verified"`
}

const (
	maxCitations = 64        // that are read out of one answer
	maxSources   = 8         // that one mark may name
	maxRead      = 256 << 10 // bytes of an answer
	maxQuote     = 2e3       // bytes of a quote that is looked for
	fewestWords  = 4         // that a sentence must share with a passage to rest on it without a quote
)

var (
	marks     = regexp.MustCompile(`\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]`)
	number    = regexp.MustCompile(`\d+`)
	quoteMark = regexp.MustCompile(`(?:\A|[\n"”»“’'])[ \t>*-]*(\[(\d{1,3})\]\s*:?\s*)`)
)

// quoted is what an answer says of a source.
type quoted struct {
	source int
	text   string
}

// Cite finds what an answer rests on. The block is the answer's part of quotes, which readers are not shown.
func Cite(answer, block string, sources []*Source) []Citation {
	c := citer{sources: sources, folds: make([]*folded, len(sources)), seen: map[Citation]bool{}, quoted: map[int]bool{}}
	for _, q := range blockQuotes(block) {
		c.quote(q)
	}
	type said struct {
		source int
		words  string
	}
	var bare []said
	answer = clip(answer, maxRead)
	for _, m := range marks.FindAllStringSubmatchIndex(answer, maxCitations) {
		for _, text := range number.FindAllString(answer[m[2]:m[3]], maxSources) {
			n, _ := strconv.Atoi(text) // digits, by the pattern
			if words := quoteBefore(answer[:m[0]]); words != "" {
				c.quote(quoted{n, words})
			} else {
				bare = append(bare, said{n, sentenceBefore(answer, m[0])})
			}
		}
	}
	for _, s := range bare { // after all quotes are known, since they go before
		c.mark(s.source, s.words)
	}
	return c.out
}

// quoteBefore is what stands in quotes at the end of a text, or "".
func quoteBefore(s string) string {
	s = strings.TrimRight(s, " \t\n.,;:!?)")
	for closing, opening := range map[string]string{`"`: `"`, "”": "“", "“": "„", "»": "«"} {
		inner, ok := strings.CutSuffix(s, closing)
		if !ok {
			continue
		}
		if i := strings.LastIndex(inner, opening); i >= 0 && len(inner)-i <= maxQuote {
			return strings.TrimSpace(inner[i+len(opening):])
		}
	}
	return ""
}

// blockQuotes reads numbers in brackets, each at the beginning of a line or behind a quote, and the words that follow.
func blockQuotes(block string) []quoted {
	at := quoteMark.FindAllStringSubmatchIndex(block, maxCitations)
	var out []quoted
	for i, m := range at {
		end := len(block)
		if i+1 < len(at) {
			end = at[i+1][2]
		}
		n, _ := strconv.Atoi(block[m[4]:m[5]]) // digits, by the pattern
		if text := unquoted(strings.TrimRight(block[m[3]:end], " \t\n>*-")); text != "" {
			out = append(out, quoted{n, text})
		}
	}
	return out
}

// unquoted takes the marks around a quote away.
func unquoted(s string) string {
	s = strings.TrimSpace(s)
	for _, pair := range [...][2]string{{`"`, `"`}, {"“", "”"}, {"„", "“"}, {"«", "»"}, {"'", "'"}, {"‘", "’"}} {
		if inner, ok := strings.CutPrefix(s, pair[0]); ok {
			if inner, ok = strings.CutSuffix(strings.TrimRight(inner, " .,;"), pair[1]); ok {
				return strings.TrimSpace(inner)
			}
		}
	}
	return s
}

// citer gathers the citations of one answer.
type citer struct {
	sources []*Source
	folds   []*folded // of the sources' texts, made when needed
	seen    map[Citation]bool
	quoted  map[int]bool // sources that were quoted
	out     []Citation
}

func (c *citer) add(one Citation) {
	key := one
	key.Title = ""
	if !c.seen[key] && len(c.out) < maxCitations {
		c.seen[key] = true
		c.out = append(c.out, one)
	}
}

// of begins a citation of a source, and gives its folded text; nil when there is no such source.
func (c *citer) of(n int) (Citation, *folded) {
	if n < 1 || n > len(c.sources) {
		return Citation{Source: n}, nil
	}
	s := c.sources[n-1]
	if c.folds[n-1] == nil {
		f := fold(s.Text)
		c.folds[n-1] = &f
	}
	return Citation{ID: s.Candidate.ID, Document: s.Candidate.Document, Title: s.Candidate.Title, Source: n}, c.folds[n-1]
}

// quote adds a citation for each stretch of a quote that an ellipsis does not break.
func (c *citer) quote(q quoted) {
	c.quoted[q.source] = true
	one, text := c.of(q.source)
	if text == nil || len(q.text) > maxQuote {
		one.Quote = clip(q.text, maxQuote)
		c.add(one)
		return
	}
	want := fold(q.text).text
	if start, end, ok := text.look(want); ok {
		c.add(c.verified(one, start, end))
		return
	}
	parts := stretches(want)
	var found []Citation
	for _, p := range parts {
		start, end, ok := text.look(p)
		if !ok {
			one.Quote = q.text
			c.add(one)
			return
		}
		found = append(found, c.verified(one, start, end))
	}
	for _, f := range found {
		c.add(f)
	}
	if len(found) == 0 {
		one.Quote = q.text
		c.add(one)
	}
}

func (c *citer) verified(one Citation, start, end int) Citation {
	s := c.sources[one.Source-1]
	one.Quote, one.Start, one.End, one.Verified = s.Text[start:end], s.Start+start, s.Start+end, true
	return one
}

// look finds a folded quote, also without the marks at its ends, which a sentence around it may have changed.
func (f *folded) look(want string) (start, end int, ok bool) {
	if start, end, ok = f.find(want); ok {
		return start, end, true
	}
	return f.find(strings.TrimFunc(want, func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSpace(r) }))
}

// stretches cuts a folded quote at its ellipses; nil when it has none.
func stretches(s string) []string {
	if !strings.Contains(s, "...") {
		return nil
	}
	var out []string
	for part := range strings.SplitSeq(s, "...") {
		if part = strings.Trim(part, " []()"); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// mark adds the citation of a source that was named without a quote: of the words that what is said shares with it.
func (c *citer) mark(n int, said string) {
	if c.quoted[n] {
		return
	}
	one, text := c.of(n)
	if text == nil {
		c.add(one)
		return
	}
	start, end, ok := text.shared(fold(said).text)
	if !ok {
		c.add(one)
		return
	}
	c.add(c.verified(one, start, end))
}

// sentenceBefore is what is said up to an offset, from the sentence's beginning or the mark before.
func sentenceBefore(s string, at int) string {
	s = s[:at]
	from := 0
	if i := strings.LastIndexAny(strings.TrimRight(s, " .!?"), ".!?\n]"); i >= 0 {
		from = i + 1
	}
	return clip(s[from:], maxQuote)
}

// shared finds the longest run of words that the text has in common with what is said.
func (f *folded) shared(said string) (start, end int, ok bool) {
	words := strings.Fields(strings.Map(wordsOnly, said))
	have := wordsOf(f.text)
	best, at := 0, 0
	row := make([]int, len(have)+1)
	for _, w := range words {
		for j := len(have); j > 0; j-- {
			if f.text[have[j-1][0]:have[j-1][1]] == w {
				row[j] = row[j-1] + 1
			} else {
				row[j] = 0
			}
			if row[j] > best {
				best, at = row[j], j
			}
		}
	}
	if best < fewestWords {
		return 0, 0, false
	}
	return f.from[have[at-best][0]], f.to[have[at-1][1]-1], true
}

// wordsOnly keeps what words are made of.
func wordsOnly(r rune) rune {
	if unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) {
		return r
	}
	return ' '
}

// wordsOf gives the places of a text's words.
func wordsOf(s string) (out [][2]int) {
	from := -1
	for i, r := range s {
		in := wordsOnly(r) != ' '
		if in && from < 0 {
			from = i
		}
		if !in && from >= 0 {
			out, from = append(out, [2]int{from, i}), -1
		}
	}
	if from >= 0 {
		out = append(out, [2]int{from, len(s)})
	}
	return out
}

// clip bounds a text, in bytes, without cutting a character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}
