package split

import (
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// section is what follows one heading, or several without anything between them.
type section struct {
	start    int
	headings []string // from the outermost one to its own
	blocks   []int    // where paragraphs, lists, tables, fences begin
}

// Blocks are all that matters here. Quotes and lists stay paragraphs: no heading counts within them, and nesting them deeply
// takes no time.
var markdown = parser.NewParser(parser.WithBlockParsers(
	util.Prioritized(parser.NewSetextHeadingParser(), 100),
	util.Prioritized(parser.NewThematicBreakParser(), 200),
	util.Prioritized(parser.NewCodeBlockParser(), 500),
	util.Prioritized(parser.NewATXHeadingParser(), 600),
	util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
	util.Prioritized(parser.NewHTMLBlockParser(), 900),
	util.Prioritized(parser.NewParagraphParser(), 1000),
))

// sectionsOf finds the headings of a Markdown text.
func sectionsOf(markdownText string) []section {
	front := frontMatter(markdownText)
	source := []byte(markdownText[front:])
	sections := []section{{}}
	if front > 0 {
		sections[0].blocks = []int{0}
	}
	var path [7]string // by level
	for n := markdown.Parse(text.NewReader(source)).FirstChild(); n != nil; n = n.NextSibling() {
		at, ok := beginning(n, source)
		if !ok {
			continue
		}
		at += front
		last := &sections[len(sections)-1]
		heading, ok := n.(*ast.Heading)
		if !ok {
			last.blocks = append(last.blocks, at)
			continue
		}
		path[heading.Level] = plain(string(heading.Lines().Value(source)))
		clear(path[heading.Level+1:])
		if len(last.blocks) > 0 { // a heading right beneath another stays with it
			sections = append(sections, section{start: at})
			last = &sections[len(sections)-1]
		}
		last.headings = slices.DeleteFunc(slices.Clone(path[:]), func(s string) bool { return s == "" })
	}
	return sections
}

// beginning is the beginning of the first line of a block.
func beginning(n ast.Node, source []byte) (int, bool) {
	at := n.Pos()
	if at < 0 || at > len(source) {
		return 0, false
	}
	for at > 0 && source[at-1] != '\n' {
		at--
	}
	return at, true
}

// frontMatter is the length of what stands between lines of three dashes at the very beginning.
func frontMatter(s string) int {
	if !strings.HasPrefix(s, "---\n") && !strings.HasPrefix(s, "---\r\n") {
		return 0
	}
	at := 0
	for line := range strings.Lines(s[3:]) {
		at += len(line)
		if mark := strings.TrimRight(line, " \r\n"); at > len(line) && (mark == "---" || mark == "...") {
			return 3 + at
		}
	}
	return 0
}

const longestHeading = 200 // bytes

// plain takes the marks of emphasis and code off a heading, and the target off a link.
func plain(heading string) string {
	var b strings.Builder
	for i := 0; i < len(heading); i++ {
		switch c := heading[i]; c {
		case '*', '`', '[':
		case '\\':
		case ']':
			if i+1 < len(heading) && heading[i+1] == '(' {
				if end := strings.IndexByte(heading[i:], ')'); end > 0 {
					i += end
				}
			}
		default:
			b.WriteByte(c)
		}
	}
	s := strings.Join(strings.Fields(b.String()), " ")
	if len(s) > longestHeading {
		s = strings.ToValidUTF8(s[:longestHeading], "")
	}
	return s
}

// between are the sections' parts of a stretch.
func between(sections []section, s span) []span {
	var parts []span
	for i := max(sectionAt(sections, s.start), 0); i < len(sections) && sections[i].start < s.end; i++ {
		part := span{max(s.start, sections[i].start), s.end}
		if i+1 < len(sections) {
			part.end = min(part.end, sections[i+1].start)
		}
		parts = append(parts, part)
	}
	if parts == nil {
		return []span{s}
	}
	return parts
}

// sectionAt gives the section that a place is in, or -1 where there are none.
func sectionAt(sections []section, at int) int {
	i, found := slices.BinarySearchFunc(sections, at, func(s section, at int) int { return s.start - at })
	if found {
		return i
	}
	return i - 1
}

// blocksIn are the beginnings of blocks in a stretch.
func blocksIn(sections []section, s span) []int {
	var blocks []int
	for i := max(sectionAt(sections, s.start), 0); i < len(sections) && sections[i].start < s.end; i++ {
		blocks = append(blocks, sections[i].start)
		blocks = append(blocks, sections[i].blocks...)
	}
	return blocks
}

// inMarkdown rates a cut at the end of a line anew: at a block's beginning it is better than within one. Cuts come in order.
func inMarkdown(was strength, blocks *[]int, g gap) strength {
	for len(*blocks) > 0 && (*blocks)[0] < g.before {
		*blocks = (*blocks)[1:]
	}
	switch {
	case len(*blocks) > 0 && (*blocks)[0] <= g.after:
		return block
	case was == paragraph:
		return innerBlock
	}
	return was
}

// headings of a passage: those it is beneath.
func (d *document) headings(s span) []string {
	if d.kind == Code {
		return d.declaration(s)
	}
	if i := sectionAt(d.sections, s.start); i >= 0 {
		return d.sections[i].headings
	}
	return nil
}
