package rag

import (
	"strings"
	"unicode"
)

// The tags around an answer's quotes, which readers are not shown.
const (
	openQuotes  = "<quotes>"
	closeQuotes = "</quotes>"
)

// quoteFilter parts the block of quotes from an answer that comes bit by bit. The zero value is ready.
type quoteFilter struct {
	held   string // may be the beginning of a tag, with the space in front of it
	inside bool
	begun  bool // something was shown
	shown  strings.Builder
	block  strings.Builder
}

// Write takes the next bit and gives what can be shown of it.
func (f *quoteFilter) Write(text string) string {
	f.held += text
	var out strings.Builder
	for {
		tag := openQuotes
		if f.inside {
			tag = closeQuotes
		}
		i := indexFold(f.held, tag)
		if i < 0 {
			break
		}
		f.give(&out, f.held[:i], true)
		f.held = f.held[i+len(tag):]
		f.inside = !f.inside
	}
	keep := f.undecided()
	f.give(&out, f.held[:len(f.held)-keep], false)
	f.held = f.held[len(f.held)-keep:]
	return out.String()
}

// End gives what is left to be shown, and all quotes.
func (f *quoteFilter) End() (rest, quotes string) {
	var out strings.Builder
	f.give(&out, f.held, true)
	f.held = ""
	return out.String(), f.block.String()
}

// Shown is all that was shown.
func (f *quoteFilter) Shown() string { return f.shown.String() }

// give puts a decided bit where it belongs; at an end the space before it is not needed.
func (f *quoteFilter) give(out *strings.Builder, text string, end bool) {
	if f.inside {
		f.block.WriteString(text)
		return
	}
	if end {
		text = strings.TrimRightFunc(text, unicode.IsSpace)
	}
	if !f.begun {
		text = strings.TrimLeftFunc(text, unicode.IsSpace)
	}
	f.begun = f.begun || text != ""
	out.WriteString(text)
	f.shown.WriteString(text)
}

// undecided is how many of the last bytes may be the beginning of a tag, or space in front of one.
func (f *quoteFilter) undecided() int {
	tag := openQuotes
	if f.inside {
		tag = closeQuotes
	}
	n := 0
	for k := min(len(tag)-1, len(f.held)); k > 0; k-- {
		if strings.EqualFold(f.held[len(f.held)-k:], tag[:k]) {
			n = k
			break
		}
	}
	if f.inside {
		return n
	}
	before := f.held[:len(f.held)-n]
	return n + len(before) - len(strings.TrimRightFunc(before, unicode.IsSpace))
}

// indexFold finds an ASCII tag in any case.
func indexFold(s, tag string) int {
	for i := 0; i+len(tag) <= len(s); i++ {
		if s[i] == '<' && strings.EqualFold(s[i:i+len(tag)], tag) {
			return i
		}
	}
	return -1
}
