package split

import (
	"slices"
	"strings"
)

// inCode rates a cut in code: declarations begin at the left edge, mostly after a blank line.
func inCode(text string, at int, s span) strength {
	if at == s.end {
		return block
	}
	if before, after := text[at-1], text[at]; !spaceByte(before) && !spaceByte(after) {
		return unspaced(text, at)
	}
	g := gapAt(text, at, s)
	if g.newlines == 0 {
		return comma(text[s.start:g.before])
	}
	next := text[g.after:min(s.end, g.after+16)]
	indented := g.after > s.start && text[g.after-1] != '\n'
	switch {
	case closes(next):
		return clause
	case g.newlines > 1 && !indented:
		return block
	case !indented && closed(text[s.start:g.before]):
		return paragraph
	case g.newlines > 1:
		return innerBlock
	case !indented:
		return line
	}
	return sentence
}

// closes says whether a line ends what stands before it, or goes on with it.
func closes(next string) bool {
	if next == "" {
		return true
	}
	switch next[0] {
	case '}', ')', ']':
		return true
	}
	w := next
	if i := strings.IndexFunc(next, func(r rune) bool { return r < 'a' || r > 'z' }); i >= 0 {
		w = next[:i]
	}
	switch w {
	case "end", "else", "elif", "elsif", "except", "finally", "catch", "rescue", "fi", "done", "esac", "then", "do":
		return true
	}
	return false
}

// closed says whether a declaration or a statement is over where text is.
func closed(text string) bool {
	if strings.HasSuffix(text, ";") {
		return true
	}
	last := text[strings.LastIndexByte(text, '\n')+1:]
	return last != "" && !spaceByte(last[0]) && closes(last)
}

// declarations are the places of lines at the left edge that begin something.
func declarations(text string) []int {
	var places []int
	at := 0
	for l := range strings.Lines(text) {
		if !spaceByte(l[0]) && !remark(l) && !closes(l) {
			places = append(places, at)
		}
		at += len(l)
	}
	return places
}

// declaration is the first line of what a passage of code begins with, or else is in.
func (d *document) declaration(s span) []string {
	i, _ := slices.BinarySearch(d.declarations, s.start)
	begins := (s.start == 0 || d.text[s.start-1] == '\n') && !spaceByte(d.text[s.start]) && !closes(d.text[s.start:s.end])
	if !begins || i == len(d.declarations) || d.declarations[i] >= s.end {
		i--
	}
	if i < 0 {
		return nil
	}
	l, _, _ := strings.Cut(d.text[d.declarations[i]:min(d.declarations[i]+longestLine, len(d.text))], "\n")
	return []string{strings.TrimSpace(strings.ToValidUTF8(l, ""))}
}

const longestLine = 160 // bytes that are shown

// remark says whether a line is a comment or a mark put on what follows.
func remark(l string) bool {
	for _, mark := range []string{"//", "/*", "*", "#", "--", ";", "@", `"""`, "'''", "<!--"} {
		if strings.HasPrefix(l, mark) {
			return true
		}
	}
	return false
}
