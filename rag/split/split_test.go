package split

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/wordpiece"
)

var (
	kinds         = []Kind{Auto, Recursive, Markdown, Code, Sentence, Fixed, Parent}
	documentKinds = []rag.Kind{rag.Text, rag.Markdown, rag.Code, rag.Table}
)

func newSplitter(t interface {
	Helper()
	Fatal(...any)
}, cfg Config,
) *Splitter {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkPieces checks what must hold of every text cut by every splitter.
func checkPieces(t interface {
	Helper()
	Fatalf(string, ...any)
}, s *Splitter, doc *rag.Document,
) {
	t.Helper()
	pieces := s.Split(doc)
	covered := 0
	for i, p := range pieces {
		if p.Start < 0 || p.Start >= p.End || p.End > len(doc.Text) || p.ParentStart > p.Start || p.ParentEnd < p.End || p.ParentStart < 0 || p.ParentEnd > len(doc.Text) {
			t.Fatalf("%s: piece %d is %+v of %d bytes", s.Version(), i, p, len(doc.Text))
		}
		text := doc.Text[p.Start:p.End]
		if utf8.ValidString(doc.Text) {
			if !utf8.ValidString(text) || !utf8.ValidString(doc.Text[p.ParentStart:p.ParentEnd]) {
				t.Fatalf("%s: piece %d cuts a character: %q", s.Version(), i, text)
			}
			if want := s.counter.Count(text); p.Tokens != want {
				t.Fatalf("%s: piece %d says it has %d tokens, it has %d", s.Version(), i, p.Tokens, want)
			}
		}
		if p.Tokens > s.tokens {
			t.Fatalf("%s: piece %d has %d tokens: %q", s.Version(), i, p.Tokens, text)
		}
		if strings.Trim(text, spaces) == "" {
			t.Fatalf("%s: piece %d is nothing but space", s.Version(), i)
		}
		if i > 0 && p.Start < pieces[i-1].Start {
			t.Fatalf("%s: piece %d begins before the one before it", s.Version(), i)
		}
		if p.Start > covered {
			if lost := doc.Text[covered:p.Start]; strings.Trim(lost, spaces) != "" {
				t.Fatalf("%s: %q is in no piece", s.Version(), lost)
			}
		}
		covered = max(covered, p.End)
	}
	if lost := doc.Text[covered:]; strings.Trim(lost, spaces) != "" {
		t.Fatalf("%s: the end is in no piece: %q", s.Version(), lost)
	}
	if again := s.Split(doc); !cmp.Equal(pieces, again) {
		t.Fatalf("%s cuts the same text in two ways", s.Version())
	}
}

// texts draws what real texts and hostile ones are made of.
func texts() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.SampledFrom([]string{
			"# Title\n", "\n## A `b` *c*\n\n", "\n\n", "\n", " ", "\t", "---\n", "```go\n", "```\n", "func f() {\n", "}\n\n", "    indented\n", "- item\n", "> quote\n", "|a|b|\n",
			"A sentence ends here. ", "Mr. J. Smith said no! ", "word ", strings.Repeat("long ", 90), strings.Repeat("x", 400), strings.Repeat("🧜🏽‍♀️", 30), "日本語の文です。", "é",
			strings.Repeat(" ", 300), "\r\n", "<!--\n# no\n-->\n", ".\n/path\n", strings.Repeat("#", 40), "\u2028", "\x00",
		}),
		rapid.String(),
	)
	return rapid.Map(rapid.SliceOfN(part, 0, 40), func(parts []string) string { return strings.Join(parts, "") })
}

// TestSplitOfUnreadable: one word of more tokens than a passage may have, as symbols are that are a token a byte.
func TestSplitOfUnreadable(t *testing.T) {
	none := 0
	for _, text := range []string{"?~?~?;?\U0001e95f÷\u1abe", strings.Repeat("\U0001e95f", 11), strings.Repeat("÷\u1abe", 20)} {
		for _, kind := range kinds {
			s := newSplitter(t, Config{Kind: kind, Tokens: minTokens, Overlap: &none, Model: "text-embedding-3-small"})
			checkPieces(t, s, &rag.Document{ID: "d", Text: text})
		}
	}
}

func TestSplitProperties(t *testing.T) {
	tokenizer := wordPieces(t)
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(minTokens, 80).Draw(t, "tokens")
		overlap := rapid.IntRange(0, most/3).Draw(t, "overlap")
		cfg := Config{
			Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Tokens: most, Overlap: &overlap,
			Model: rapid.SampledFrom([]string{"text-embedding-3-small", "gpt-4o"}).Draw(t, "model"),
		}
		if rapid.Bool().Draw(t, "the model's own tokenizer") {
			cfg.Counter = tokenizer
		}
		checkPieces(t, newSplitter(t, cfg), &rag.Document{ID: "d", Kind: rapid.SampledFrom(documentKinds).Draw(t, "document"), Text: texts().Draw(t, "text")})
	})
}

// wordPieces is a small vocabulary of an embedding model's.
func wordPieces(t *testing.T) *wordpiece.Tokenizer {
	t.Helper()
	text, err := os.ReadFile("../wordpiece/testdata/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	tokenizer, err := wordpiece.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return tokenizer
}

// TestCutByTheModelsTokenizer: what its vocabulary does not know makes no passage long.
func TestCutByTheModelsTokenizer(t *testing.T) {
	s := newSplitter(t, Config{Counter: wordPieces(t), Longest: 126})
	if name, exact := s.Encoding(); !exact || s.Version() != "auto-2/126/15/"+name {
		t.Errorf("%s, exact %v", s.Version(), exact)
	}
	for _, part := range []string{"z", " ", "\u200b", "\u0301", "the fox jumps. ", "日本", "z ", "\x01z"} {
		text := "the fox" + strings.Repeat(part, (64<<10)/len(part)) + "fox"
		doc := &rag.Document{ID: "d", Text: text}
		checkPieces(t, s, doc)
		for _, p := range s.Split(doc) {
			if n := p.End - p.Start; n > 126*64*4 {
				t.Errorf("%q: a passage has %d bytes", part, n)
			}
		}
	}
	if _, err := New(Config{Counter: wordPieces(t), Longest: 126, Tokens: 127}); err == nil || !strings.Contains(err.Error(), "splitter.tokens: 127 is not from 16 to 126") {
		t.Errorf("more tokens than the model reads: %v", err)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("# A\n\ntext\n\n## B\n", uint8(0), uint8(1))
	f.Add("func f() {\n\treturn\n}\n\n// g\nfunc g() {}\n", uint8(3), uint8(2))
	f.Add("a: b\n\nc: d\xff\n", uint8(6), uint8(3))
	f.Fuzz(func(t *testing.T, text string, kind, document uint8) {
		s := newSplitter(t, Config{Kind: kinds[int(kind)%len(kinds)], Tokens: 20})
		checkPieces(t, s, &rag.Document{ID: "d", Kind: documentKinds[int(document)%len(documentKinds)], Text: text})
	})
}

// TestSplitIsLinear: nothing that somebody can write takes long.
func TestSplitIsLinear(t *testing.T) {
	const size = 64 << 10
	for _, part := range []string{
		"x", "\n", " ", ">", "> ", "- ", "# ", "```\n", "<!-- ", "[", "*", "`", "(\n", "日", "a.\n/", "\x00", "1. \n", "&", "|", "\t\t-\n", "=\n", "a\n=\n", "}\n", "<a\n",
	} {
		text := strings.Repeat(part, size/len(part))
		for _, kind := range []Kind{Auto, Sentence, Parent} {
			s := newSplitter(t, Config{Kind: kind})
			for _, dk := range []rag.Kind{rag.Markdown, rag.Code} {
				from := time.Now()
				s.Split(&rag.Document{Kind: dk, Text: text})
				if took := time.Since(from); took > 5*time.Second {
					t.Errorf("%s takes %v for 64 kB of %q as %s", kind, took, part, dk)
				}
			}
		}
	}
}

// shown writes pieces with their headings, for comparison.
func shown(text string, pieces []rag.Piece) (out []string) {
	for _, p := range pieces {
		s := text[p.Start:p.End]
		if p.Headings != nil {
			s = strings.Join(p.Headings, " > ") + " | " + s
		}
		out = append(out, s)
	}
	return out
}

func TestMarkdown(t *testing.T) {
	text := `---
title: Front
---

# Guide to *weirs*

## First

A paragraph.

` + "```sh\n# not a heading\nmake run\n```" + `

### Deep [link](x)

- item one
- item two

Setext
------

<!--
# hidden
-->
End.
`
	s := newSplitter(t, Config{Kind: Markdown})
	got := shown(text, s.Split(&rag.Document{Kind: rag.Markdown, Text: text}))
	want := []string{
		"---\ntitle: Front\n---",
		"Guide to weirs > First | # Guide to *weirs*\n\n## First\n\nA paragraph.\n\n```sh\n# not a heading\nmake run\n```",
		"Guide to weirs > First > Deep link | ### Deep [link](x)\n\n- item one\n- item two",
		"Guide to weirs > Setext | Setext\n------\n\n<!--\n# hidden\n-->\nEnd.",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

func TestMarkdownKeepsBlocks(t *testing.T) {
	para := "One two three four five six seven eight nine ten eleven twelve."
	fence := "```\nx := 1\n\ny := 2\n```"
	text := para + "\n\n" + fence + "\n\n" + para + "\n\n" + para
	none := 0
	s := newSplitter(t, Config{Kind: Markdown, Tokens: 36, Overlap: &none})
	for _, p := range s.Split(&rag.Document{Kind: rag.Markdown, Text: text}) {
		if got := text[p.Start:p.End]; strings.Count(got, "```")%2 != 0 {
			t.Errorf("a fence is cut: %q", got)
		}
	}
}

func TestCode(t *testing.T) {
	text := `// Package a is small.
package a

// F does one thing,
// and does it well.
func F() int {
	x := 1

	y := 2
	return x + y
}

func (t T) G() {
	return
}
`
	none := 0
	s := newSplitter(t, Config{Kind: Code, Tokens: 40, Overlap: &none})
	got := shown(text, s.Split(&rag.Document{Kind: rag.Code, Text: text}))
	want := []string{
		"package a | // Package a is small.\npackage a",
		"func F() int { | // F does one thing,\n// and does it well.\nfunc F() int {\n\tx := 1\n\n\ty := 2\n\treturn x + y\n}",
		"func (t T) G() { | func (t T) G() {\n\treturn\n}",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	// What is cut within a declaration is known by it, and keeps its indentation.
	s = newSplitter(t, Config{Kind: Code, Tokens: 16, Overlap: &none})
	python := "def outer(a, b):\n    first = compute(a)\n    second = compute(b)\n\n    if first > second:\n        return first\n    else:\n        return second\n"
	pieces := s.Split(&rag.Document{Kind: rag.Code, Text: python})
	for i, p := range pieces {
		if diff := cmp.Diff(p.Headings, []string{"def outer(a, b):"}); diff != "" {
			t.Errorf("piece %d %q (-got +want):\n%s", i, python[p.Start:p.End], diff)
		}
		if i > 0 && !strings.HasPrefix(python[p.Start:p.End], " ") {
			t.Errorf("piece %d has lost its indentation: %q", i, python[p.Start:p.End])
		}
	}
	if len(pieces) < 2 {
		t.Errorf("%d pieces, want 2 or more", len(pieces))
	}
}

func TestSentence(t *testing.T) {
	text := "Mr. Smith went to the market on a sunny day in May. He bought 3.5 pounds of apples from Dr. Jones, who was kind. \"Is that all that you want today?\" she asked him. " +
		"He said yes. Then he went back home again, and he ate all of them on the way."
	s := newSplitter(t, Config{Kind: Sentence, Tokens: 48})
	pieces := s.Split(&rag.Document{Kind: rag.Text, Text: text})
	want := []string{
		"Mr. Smith went to the market on a sunny day in May.",
		"He bought 3.5 pounds of apples from Dr. Jones, who was kind.",
		"\"Is that all that you want today?\" she asked him.",
		"He said yes. Then he went back home again, and he ate all of them on the way.",
	}
	if diff := cmp.Diff(shown(text, pieces), want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	for i, p := range pieces {
		parent := text[p.ParentStart:p.ParentEnd]
		if n := s.counter.Count(parent); n > s.tokens || len(parent) <= p.End-p.Start {
			t.Errorf("the parent of %d has %d tokens: %q", i, n, parent)
		}
	}
}

func TestFixed(t *testing.T) {
	text := strings.TrimSpace(strings.Repeat("one two three four ", 30)) // 120 tokens
	overlap := 5
	pieces := newSplitter(t, Config{Kind: Fixed, Tokens: 20, Overlap: &overlap}).Split(&rag.Document{Text: text})
	if len(pieces) != 8 { // 20, then 15 more each
		t.Fatalf("%d pieces, want 8", len(pieces))
	}
	for i, p := range pieces[:7] {
		if p.Tokens != 20 {
			t.Errorf("piece %d has %d tokens, want 20", i, p.Tokens)
		}
	}
	if got, want := text[pieces[1].Start:pieces[0].End], "four one two three four"; got != want {
		t.Errorf("the overlap is %q, want %q", got, want)
	}
}

func TestParent(t *testing.T) {
	text := book(t)
	s := newSplitter(t, Config{Kind: Parent, Tokens: 64})
	pieces := s.Split(&rag.Document{Kind: rag.Text, Text: text})
	families, children := 0, 0
	for i, p := range pieces {
		if i == 0 || p.ParentStart != pieces[i-1].ParentStart {
			families++
		}
		children++
		if n := s.counter.Count(text[p.ParentStart:p.ParentEnd]); n > 256 {
			t.Fatalf("a parent has %d tokens", n)
		}
	}
	if per := float64(children) / float64(families); per < 3 || per > 8 {
		t.Errorf("%d passages have %d parents", children, families)
	}
}

// book is a long text.
func book(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.FromSlash("../testdata/corpus/tom-sawyer.txt"))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// TestEdited: an edit changes the passages about it, and those after it stay.
func TestEdited(t *testing.T) {
	text := book(t)[:200_000]
	for _, kind := range []Kind{Recursive, Parent, Sentence} {
		s := newSplitter(t, Config{Kind: kind})
		cut := func(text string) map[string]bool {
			set := make(map[string]bool)
			for _, p := range s.Split(&rag.Document{Kind: rag.Text, Text: text}) {
				set[text[p.Start:p.End]] = true
			}
			return set
		}
		before := cut(text)
		most := 0
		for at := 5000; at < len(text); at += 20_000 {
			at := at + strings.Index(text[at:], "\n\n")
			changed := 0
			for piece := range cut(text[:at] + " A sentence that was not there before.\n\nA paragraph too." + text[at:]) {
				if !before[piece] {
					changed++
				}
			}
			most = max(most, changed)
		}
		if most > 12 {
			t.Errorf("%s: one edit changes %d passages of %d", kind, most, len(before))
		}
		t.Logf("%s: at most %d of %d", kind, most, len(before))
	}
}

func TestCutsAtSentences(t *testing.T) {
	text := book(t)
	none := 0
	s := newSplitter(t, Config{Kind: Recursive, Overlap: &none})
	pieces := s.Split(&rag.Document{Kind: rag.Text, Text: text})
	bad, sum := 0, 0
	for _, p := range pieces {
		sum += p.Tokens
		if !strings.ContainsAny(text[p.End-1:p.End], ".!?\"'-:;])*") {
			bad++
		}
	}
	if bad > len(pieces)/20 {
		t.Errorf("%d of %d passages end within a sentence", bad, len(pieces))
	}
	if mean := sum / len(pieces); mean < 150 {
		t.Errorf("passages have %d tokens on average, of 256", mean)
	}
}

func TestConfig(t *testing.T) {
	hundred := 100
	for want, cfg := range map[string]Config{
		`splitter.kind: "words" is none of auto, recursive`:                        {Kind: "words"},
		"splitter.tokens: 5 is not from 16 to 8191":                                {Tokens: 5},
		"splitter.overlap: 100 is not from 0 to a third of splitter.tokens, which": {Tokens: 256, Overlap: &hundred},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for model, want := range map[string]string{
		"text-embedding-3-small": "auto-2/256/32/cl100k_base", "openai/gpt-4o": "auto-2/256/32/o200k_base", "nomic-embed-text": "auto-2/256/32/cl100k_base",
	} {
		s := newSplitter(t, Config{Model: model})
		if _, exact := s.Encoding(); s.Version() != want || exact != (model != "nomic-embed-text") {
			t.Errorf("%s: %s, exact %v; want %s", model, s.Version(), exact, want)
		}
	}
}

// TestCutsAreThoseOfTheRevision fails when a text is cut another way than before: then revision goes up, and with it these sums.
func TestCutsAreThoseOfTheRevision(t *testing.T) {
	long := strings.Repeat("÷\u1abe", 20) + " " + strings.Repeat("0123456789abcdef", 40) + " " + strings.Repeat("長い文章。", 30)
	texts := []rag.Document{
		{Kind: rag.Text, Text: book(t)},
		{Kind: rag.Markdown, Text: "# One\n\nA paragraph of *some* words.\n\n## Two\n\n- an item\n- another\n\n```go\nfunc f() {}\n```\n\n" + long + "\n"},
		{Kind: rag.Code, Text: "package p\n\nimport \"fmt\"\n\n// F says hello.\nfunc F() {\n\tfmt.Println(\"hello\")\n}\n\ntype T struct{ a, b int }\n"},
		{Kind: rag.Text, Text: long},
	}
	want := map[Kind]uint32{
		Auto: 0x26156b96, Recursive: 0xc894ab48, Markdown: 0xaebf362c, Code: 0xd1b26e19, Sentence: 0x24d206e7, Fixed: 0x6f10ad28, Parent: 0xa839195e,
	}
	for _, kind := range kinds {
		sum := crc32.NewIEEE()
		for _, size := range []int{minTokens, defaultTokens} {
			s := newSplitter(t, Config{Kind: kind, Tokens: size, Model: "text-embedding-3-small"})
			for i := range texts {
				for _, p := range s.Split(&texts[i]) {
					fmt.Fprintln(sum, i, p.Start, p.End, p.ParentStart, p.ParentEnd, p.Tokens)
				}
			}
		}
		if got := sum.Sum32(); got != want[kind] {
			t.Errorf("revision %d, %s: got the sum %#x, want %#x", revision, kind, got, want[kind])
		}
	}
}

func BenchmarkSplit(b *testing.B) {
	text := book(b)
	for _, kind := range []Kind{Recursive, Sentence, Parent} {
		b.Run(string(kind), func(b *testing.B) {
			s := newSplitter(b, Config{Kind: kind})
			b.SetBytes(int64(len(text)))
			n := 0
			for b.Loop() {
				n += len(s.Split(&rag.Document{Kind: rag.Text, Text: text}))
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "chunks/s")
		})
	}
}
