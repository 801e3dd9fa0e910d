package rag

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// folded is a text without what a copyist may change: kinds of spaces, quotes and dashes, the case of letters, the way in which
// composed characters are written, and Markdown's emphasis.
type folded struct {
	text string
	from []int // for each byte of text: where its character begins in the original
	to   []int // and where it ends
}

// fold folds a text.
func fold(s string) folded {
	var b strings.Builder
	f := folded{from: make([]int, 0, len(s)), to: make([]int, 0, len(s))}
	space := true // none at the beginning
	for i, r := range s {
		end := i + utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, n := utf8.DecodeRuneInString(s[i:])
			end = i + n
		}
		if unicode.IsSpace(r) {
			if !space {
				b.WriteByte(' ')
				f.from, f.to = append(f.from, i), append(f.to, end)
			}
			space = true
			continue
		}
		n := b.Len()
		if r < utf8.RuneSelf {
			foldRune(&b, r)
		} else {
			for _, part := range norm.NFKD.String(string(r)) {
				foldRune(&b, part)
			}
		}
		for range b.Len() - n {
			f.from, f.to = append(f.from, i), append(f.to, end)
		}
		space = space && b.Len() == n
	}
	f.text = b.String()
	if trimmed := strings.TrimRight(f.text, " "); len(trimmed) < len(f.text) {
		f.text, f.from, f.to = trimmed, f.from[:len(trimmed)], f.to[:len(trimmed)]
	}
	return f
}

func foldRune(b *strings.Builder, r rune) {
	switch r {
	case '*', '`', '\u00ad', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff':
	case '\u2018', '\u2019', '\u201a', '\u201b', '\u2032', '\u2039', '\u203a':
		b.WriteByte('\'')
	case '\u201c', '\u201d', '\u201e', '\u201f', '\u2033', '\u00ab', '\u00bb':
		b.WriteByte('"')
	case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2015', '\u2212':
		b.WriteByte('-')
	default:
		b.WriteRune(unicode.ToLower(r))
	}
}

// find looks for a folded text that begins and ends where words do, and gives its place in the original.
func (f *folded) find(what string) (start, end int, ok bool) {
	if what == "" {
		return 0, 0, false
	}
	for at := 0; ; {
		i := strings.Index(f.text[at:], what)
		if i < 0 {
			return 0, 0, false
		}
		i += at
		if j := i + len(what); !joined(f.text, i) && !joined(f.text, j) {
			return f.from[i], f.to[j-1], true
		}
		_, n := utf8.DecodeRuneInString(f.text[i:])
		at = i + n
	}
}

// joined says that a word goes on across an offset.
func joined(s string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:at])
	after, _ := utf8.DecodeRuneInString(s[at:])
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }
	return word(before) && word(after)
}
