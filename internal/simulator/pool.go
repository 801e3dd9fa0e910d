package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"github.com/weir-dev/weir/llm/tokens"
)

// A segment is a stretch of text whose token count adds up with its neighbours': the encodings cut there anyway.
type segment struct {
	json string // escaped for a JSON string, without quotes
	n    int    // tokens under o200k_base
}

func newSegment(text string) segment {
	return segment{escape(text), tokens.CountString(tokens.O200k, text)}
}

// escape gives the text as it stands inside a JSON string.
func escape(text string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string always encodes
	s := strings.TrimSuffix(b.String(), "\n")
	return s[1 : len(s)-1]
}

// pool holds the texts of one app, ready to be put together.
type pool struct {
	app       *app
	system    []segment // one for each version of the prompt
	lead      segment
	labels    []segment // "[1]", "[2]", … in front of passages
	passages  []segment
	questions []question
	objects   []segment
}

// question is what a user asks, with what fits it.
type question struct {
	segment
	cl100k    int       // tokens in the embedding models' encoding
	facts     []segment // passages that answer it
	opening   []segment // first sentences of an answer
	following []segment // later ones, the fittest first, with the space before them
	introduce []segment // what stands before code, with its blank line
	blocks    []segment // code, with the blank line after it
}

const (
	questionsPerApp = 200
	passagesPerApp  = 120
	mostPassages    = 30
)

func newPool(a *app, r *rand.Rand) *pool {
	p := &pool{app: a, lead: newSegment(a.lead)}
	for _, v := range a.versions {
		p.system = append(p.system, newSegment(a.system+v.note))
	}
	if len(a.versions) == 0 {
		p.system = []segment{newSegment(a.system)}
	}
	var subjects []topic
	for _, t := range topics() {
		if slices.Contains(a.topics, t.name) {
			subjects = append(subjects, t)
		}
	}
	for i := range mostPassages {
		p.labels = append(p.labels, newSegment(fmt.Sprintf("[%d]", i+1)))
	}
	seen := map[string]bool{}
	for range questionsPerApp {
		if text, about := fillSlots(pick(r, a.questions), a, r); !seen[text] {
			seen[text] = true
			p.questions = append(p.questions, a.question(text, about, subjects, r))
		}
	}
	if a.context > 0 {
		for range passagesPerApp {
			p.passages = append(p.passages, a.passage(subjects[r.IntN(len(subjects))], r))
		}
	}
	for _, o := range a.json {
		p.objects = append(p.objects, newSegment(o))
	}
	return p
}

// question prepares what can be said to a question. about is the thing it names, or "".
func (a *app) question(text, about string, subjects []topic, r *rand.Rand) question {
	q := question{segment: newSegment(text), cl100k: tokens.CountString(tokens.CL100k, text)}
	if about == "" {
		about = phrases(text)[0]
	}
	if a.article != "" {
		about = a.article + about
	}
	for i, f := range a.facts { // the answers are the passages' own sentences
		fact := fillTopic(f, about, a, r)
		q.facts = append(q.facts, newSegment(" "+fact+"\n\n"))
		cited := strings.TrimSuffix(fact, ".") + fmt.Sprintf(" [%d].", i+1)
		q.opening = append(q.opening, newSegment(cited))
		q.following = append(q.following, newSegment(" "+cited))
	}
	if len(a.facts) > 0 || len(subjects) == 0 {
		return q
	}
	t, most := subjects[0], -1
	for _, s := range subjects {
		if n := overlap(stemsOf(text), s.keys); n > most {
			t, most = s, n
		}
	}
	for _, text := range t.open {
		text = fillTopic(text, about, a, r)
		q.opening = append(q.opening, newSegment(text))
		q.introduce = append(q.introduce, newSegment(text+"\n\n"))
	}
	for _, text := range ranked(t.say, stemsOf(text), r)[:min(14, len(t.say))] {
		q.following = append(q.following, newSegment(" "+fillTopic(text, about, a, r)))
	}
	for _, b := range blocksFor(t, about) {
		q.blocks = append(q.blocks, newSegment(fillTopic(b, about, a, r)+"\n\n"))
	}
	return q
}

// blocksFor returns the code of a topic in the language of a file, bare of the words around it.
func blocksFor(t topic, file string) []string {
	language := map[string]string{".py": "```python", ".go": "```go", ".ts": "```ts"}[path.Ext(file)]
	var out []string
	for _, b := range t.blocks {
		if at := strings.Index(b, "```"); language != "" && strings.HasPrefix(b[at:], language+"\n") {
			out = append(out, b[at:])
		}
	}
	return out
}

// passage is a piece of a document, or of code, that has nothing to do with the question.
func (a *app) passage(t topic, r *rand.Rand) segment {
	about := pick(r, a.slots[a.subject])
	if blocks := blocksFor(t, about); len(blocks) > 0 {
		return newSegment(fillTopic(pick(r, blocks), about, a, r) + "\n\n")
	}
	var parts []string
	for _, i := range r.Perm(len(t.say))[:3+r.IntN(4)] {
		parts = append(parts, fillTopic(t.say[i].text, about, a, r))
	}
	return newSegment(" " + strings.Join(parts, " ") + "\n\n")
}

// fillSlots puts a drawn value into each place of a question. It also returns the value of the app's own kind, or "".
func fillSlots(text string, a *app, r *rand.Rand) (filled, about string) {
	for {
		before, rest, ok := strings.Cut(text, "{")
		if !ok {
			return text, about
		}
		name, after, _ := strings.Cut(rest, "}")
		value := fmt.Sprintf("WR-%05d", r.IntN(100_000))
		if name != "order" {
			value = pick(r, a.slots[name])
		}
		if name == a.subject {
			about = value
		}
		text = before + value + after
	}
}

// fillTopic puts the thing a text is about, and others of the app, into the places of a sentence of the corpus.
func fillTopic(text, about string, a *app, r *rand.Rand) string {
	name := identifier(strings.TrimSuffix(about, path.Ext(about)), false)
	return strings.NewReplacer(
		"{a}", about, "{b}", about, "{A}", name, "{B}", identifier(name, true), "{n}", fmt.Sprint(2+r.IntN(29)),
		"{id}", fmt.Sprintf("WR-%05d", r.IntN(100_000)), "{day}", pick(r, a.slots["day"]),
	).Replace(text)
}

// heavy draws an index below n of which the small ones come far more often.
func heavy(r *rand.Rand, n int) int {
	u := r.Float64()
	return int(float64(n) * u * u * u)
}

// spoken is one turn of a conversation: a question with its context, and the answer it got.
type spoken struct {
	question int
	context  []segment
	answer   []segment
}

// ask draws a question and its context: what answers it first, then what does not.
func (p *pool) ask(r *rand.Rand) spoken {
	s := spoken{question: heavy(r, len(p.questions))}
	if p.app.context == 0 {
		return s
	}
	n := int(clamp(logNormalFloat(r, p.app.context, .5), 1, mostPassages))
	facts := p.questions[s.question].facts
	for i := range max(n, len(facts)) {
		if len(facts) > 0 {
			s.context = append(s.context, p.labels[i])
		}
		if i < len(facts) {
			s.context = append(s.context, facts[i])
		} else {
			s.context = append(s.context, p.passages[r.IntN(len(p.passages))])
		}
	}
	return s
}

// reply draws an answer to a question.
func (p *pool) reply(r *rand.Rand, to int, verbosity float64) []segment {
	if len(p.objects) > 0 {
		return []segment{p.objects[r.IntN(len(p.objects))]}
	}
	q := p.questions[to]
	low, high := p.app.sentences[0], p.app.sentences[1]
	n := max(0, int(float64(low+heavy(r, high-low+1))*verbosity+.5)-1)
	out := make([]segment, 0, n+3)
	if len(q.blocks) > 0 && r.IntN(3) > 0 {
		out = append(out, q.introduce[r.IntN(len(q.introduce))], q.blocks[r.IntN(len(q.blocks))])
	}
	// The sentences are said in order, so that none comes twice.
	first, at := r.IntN(2), r.IntN(len(q.opening))
	if len(q.facts) > 0 {
		first, n = at+1, min(n, len(q.following)-1)
	}
	out = append(out, q.opening[at])
	for i := range min(n, len(q.following)) {
		out = append(out, q.following[(first+i)%len(q.following)])
	}
	return out
}

func tokensOf(segments []segment) int {
	n := 0
	for _, s := range segments {
		n += s.n
	}
	return n
}
