package tokens

import (
	"sync"
	"unicode"
)

// A class is the set of character groups of the splitting patterns that a character is in.
type class uint8

const (
	upper  class = 1 << iota // Lu, Lt, Lm, Lo, M
	lower                    // Ll, Lm, Lo, M
	letter                   // L
	number                   // N
	space                    // white space
	line                     // CR, LF
)

// classes covers the basic and the supplementary multilingual plane; the rest (rare Han, tags, private use) is
// looked up in package unicode's tables.
var classes [0x20000]class

var groups = []struct {
	table *unicode.RangeTable
	class class
}{
	{unicode.Lu, upper | letter},
	{unicode.Lt, upper | letter},
	{unicode.Lm, upper | lower | letter},
	{unicode.Lo, upper | lower | letter},
	{unicode.M, upper | lower},
	{unicode.Ll, lower | letter},
	{unicode.N, number},
	{unicode.White_Space, space},
}

// classify fills classes once.
var classify = sync.OnceFunc(func() {
	for _, g := range groups {
		for _, r := range g.table.R16 {
			for c := uint32(r.Lo); c <= uint32(r.Hi); c += uint32(r.Stride) {
				classes[c] |= g.class
			}
		}
		for _, r := range g.table.R32 {
			for c := r.Lo; c <= r.Hi && c < uint32(len(classes)); c += r.Stride {
				classes[c] |= g.class
			}
		}
	}
	classes['\r'] |= line
	classes['\n'] |= line
})

// classAt returns the class and the width in bytes of the character at i. The text is valid UTF-8.
func classAt(text []byte, i int) (class, int) {
	if c := text[i]; c < 0x80 {
		return classes[c], 1
	}
	return wideClassAt(text, i)
}

func wideClassAt(text []byte, i int) (class, int) {
	c := text[i]
	switch {
	case c < 0xE0:
		return classes[uint32(c&0x1F)<<6|uint32(text[i+1]&0x3F)], 2
	case c < 0xF0:
		return classes[uint32(c&0x0F)<<12|uint32(text[i+1]&0x3F)<<6|uint32(text[i+2]&0x3F)], 3
	}
	r := uint32(c&0x07)<<18 | uint32(text[i+1]&0x3F)<<12 | uint32(text[i+2]&0x3F)<<6 | uint32(text[i+3]&0x3F)
	if r < uint32(len(classes)) {
		return classes[r], 4
	}
	return farClass(rune(r)), 4
}

func farClass(r rune) class {
	var c class
	for _, g := range groups {
		if unicode.Is(g.table, r) {
			c |= g.class
		}
	}
	return c
}
