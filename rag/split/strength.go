package split

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// strength is how good a place is to cut at.
type strength uint8

// From a cut that breaks a word to one that a text asks for.
const (
	broken strength = iota
	word
	clause
	sentence
	line
	innerBlock // a blank line within something
	paragraph
	block
)

// gap is what surrounds a cut.
type gap struct {
	before, after int // the space between is text[before:after]
	newlines      int
}

const farthest = 256 // bytes of space that are looked at on either side

func gapAt(text string, at int, s span) gap {
	g := gap{before: at, after: at}
	for g.before > s.start && at-g.before < farthest && spaceByte(text[g.before-1]) {
		g.before--
		if text[g.before] == '\n' {
			g.newlines++
		}
	}
	for g.after < s.end && g.after-at < farthest && spaceByte(text[g.after]) {
		if text[g.after] == '\n' {
			g.newlines++
		}
		g.after++
	}
	return g
}

func spaceByte(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// prose rates a cut in a text of sentences.
func prose(text string, at int, s span) strength {
	if at == s.end {
		return block
	}
	if before, after := text[at-1], text[at]; !spaceByte(before) && !spaceByte(after) {
		return unspaced(text, at)
	}
	switch g := gapAt(text, at, s); {
	case g.newlines > 1:
		return paragraph
	case endsSentence(text[s.start:g.before], text[g.after:s.end]):
		if g.newlines == 1 {
			return line
		}
		return sentence
	case g.newlines == 1:
		return wrapped(text, g, s)
	default:
		return comma(text[s.start:g.before])
	}
}

// wrapped rates the end of a line that ends no sentence: lines of a full width are broken anywhere.
func wrapped(text string, g gap, s span) strength {
	const full = 50
	begin := strings.LastIndexByte(text[max(s.start, g.before-full):g.before], '\n')
	if begin >= 0 || g.before-full <= s.start {
		return line
	}
	return comma(text[s.start:g.before])
}

func comma(before string) strength {
	if before == "" {
		return word
	}
	switch before[len(before)-1] {
	case ',', ';', ':', ')', '|':
		return clause
	}
	return word
}

// unspaced rates a cut without space about it: scripts that have none between words end sentences all the same.
func unspaced(text string, at int) strength {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	switch before {
	case '。', '！', '？', '｡':
		return sentence
	case '、', '，', '；', '：':
		return clause
	}
	after, _ := utf8.DecodeRuneInString(text[at:])
	if letter(before) && letter(after) {
		if unicode.In(before, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai) {
			return word
		}
		return broken
	}
	return word - 1 // after a dash or a slash; still better than none, but not than a space
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }

// endsSentence says whether a sentence ends where text is followed by space and then by after.
func endsSentence(text, after string) bool {
	text = strings.TrimRight(text[max(0, len(text)-64):], "\"')]}*_”’»")
	if text == "" {
		return false
	}
	switch text[len(text)-1] {
	case '!', '?':
		return true
	case '.':
	default:
		r, _ := utf8.DecodeLastRuneInString(text)
		return r == '…' || r == '。' || r == '！' || r == '？' || r == '।' || r == '؟'
	}
	if next, _ := utf8.DecodeRuneInString(strings.TrimLeft(after, "\"'([*_“‘«")); unicode.IsLower(next) {
		return false
	}
	last := text[strings.LastIndexAny(text, " \t\n(\"'")+1 : len(text)-1]
	return !abbreviations[strings.ToLower(last)] && (len(last) != 1 || last[0] < 'A' || last[0] > 'Z' || last == "I")
}

var abbreviations = map[string]bool{
	"mr": true, "mrs": true, "ms": true, "dr": true, "prof": true, "st": true, "jr": true, "sr": true, "rev": true, "hon": true, "gen": true,
	"col": true, "capt": true, "lt": true, "sgt": true, "vs": true, "e.g": true, "i.e": true, "cf": true, "fig": true, "no": true, "vol": true,
	"pp": true, "ed": true, "al": true, "approx": true, "esp": true, "viz": true,
}
