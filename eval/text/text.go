// Package text prepares texts as the reference implementations of metrics do, which are written in Python.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsSpace says what Python's str.split and str.strip take for white space: what Unicode says, and the four separators
// U+001C to U+001F.
func IsSpace(r rune) bool {
	return r >= 0x1C && r <= 0x1F || unicode.IsSpace(r)
}

// Fields splits at white space, as str.split without arguments.
func Fields(s string) []string { return strings.FieldsFunc(s, IsSpace) }

// NextField gives the first token of s, as Fields would, and what follows it; nil when there is none.
func NextField(s []byte) (token, rest []byte) {
	start := 0
	for start < len(s) {
		n, space := spaceAt(s[start:])
		if !space {
			break
		}
		start += n
	}
	if start == len(s) {
		return nil, nil
	}
	end := start
	for end < len(s) {
		n, space := spaceAt(s[end:])
		if space {
			break
		}
		end += n
	}
	return s[start:end], s[end:]
}

// spaceAt says how long the first character is, and whether it is white space.
func spaceAt(s []byte) (n int, space bool) {
	if c := s[0]; c < utf8.RuneSelf {
		return 1, c <= ' ' && (c == ' ' || c >= '\t' && c <= '\r' || c >= 0x1C)
	}
	r, n := utf8.DecodeRune(s)
	return n, IsSpace(r)
}

// TrimRight is str.rstrip without arguments.
func TrimRight(s string) string { return strings.TrimRightFunc(s, IsSpace) }

// Trim is str.strip without arguments.
func Trim(s string) string { return strings.TrimFunc(s, IsSpace) }

// Lower is str.lower: by code point, but for two rules that Unicode has for whole words. The capital I with a dot becomes
// an i and a combining dot, and a capital sigma at the end of a word becomes the final form.
func Lower(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch r {
		case 'İ':
			b.WriteString("i̇")
		case 'Σ':
			if finalSigma(s, i) {
				b.WriteRune('ς')
			} else {
				b.WriteRune('σ')
			}
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// finalSigma is Unicode's condition Final_Sigma (chapter 3.13): a cased letter before, none after, whatever is ignored
// between.
func finalSigma(s string, at int) bool {
	before := false
	for rest := s[:at]; rest != ""; {
		r, n := utf8.DecodeLastRuneInString(rest)
		if rest = rest[:len(rest)-n]; ignored(r) {
			continue
		}
		before = cased(r)
		break
	}
	if !before {
		return false
	}
	for _, r := range s[at+len("Σ"):] {
		if ignored(r) {
			continue
		}
		return !cased(r)
	}
	return true
}

func cased(r rune) bool {
	return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) || unicode.Is(unicode.Other_Lowercase, r) || unicode.Is(unicode.Other_Uppercase, r)
}

// ignored is Unicode's Case_Ignorable: marks, format characters, modifiers, and what stands within words.
func ignored(r rune) bool {
	switch r {
	case '\'', '.', ':', 0xB7, 0x387, 0x55F, 0x5F4, 0x2018, 0x2019, 0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A: // Word_Break MidLetter, MidNumLet, Single_Quote
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}
