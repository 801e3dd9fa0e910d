package redact

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// Traits of a byte, for the one reading that decides which detectors run.
const (
	traitRun   = 1 << iota // part of a key or of base64
	traitCount             // counted: digits and the marks that searches start from
)

var traits = func() (t [256]uint8) {
	for c := range t {
		if b := byte(c); isAlnum(b) || bytes.IndexByte([]byte("+/=_-"), b) >= 0 {
			t[c] |= traitRun
		}
		if b := byte(c); isDigit(b) || bytes.IndexByte([]byte("@%:"), b) >= 0 {
			t[c] |= traitCount
		}
	}
	return t
}()

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isAlpha(c byte) bool { return isUpper(c) || isLower(c) }
func isAlnum(c byte) bool { return isAlpha(c) || isDigit(c) }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isWord(c byte) bool  { return isAlnum(c) || c == '_' || c == '-' }

// at is the byte at offset i, 0 outside of s.
func at(s []byte, i int) byte {
	if i < 0 || i >= len(s) {
		return 0
	}
	return s[i]
}

// letterBefore measures the letter outside of ASCII that ends at i: 0 without one. Scripts written without spaces do
// not count, they would run into the word.
func letterBefore(s []byte, i int) int {
	r, n := utf8.DecodeLastRune(s[:i])
	if n == 2 && unicode.IsLetter(r) {
		return n
	}
	return 0
}

// letterAt is letterBefore for the letter that starts at i.
func letterAt(s []byte, i int) int {
	r, n := utf8.DecodeRune(s[i:])
	if n == 2 && unicode.IsLetter(r) {
		return n
	}
	return 0
}
