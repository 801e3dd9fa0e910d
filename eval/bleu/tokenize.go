package bleu

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weir-dev/weir/eval/text"
)

// Tokenizer names how a segment becomes tokens, in sacreBLEU's words.
type Tokenizer string

// The tokenizers: mteval-v13a's, mteval-v14's international one, one for Chinese, one that takes each character, and none,
// which splits at white space only.
const (
	V13a Tokenizer = "13a"
	Intl Tokenizer = "intl"
	Zh   Tokenizer = "zh"
	Char Tokenizer = "char"
	None Tokenizer = "none"
)

// Tokenizers are all there are. Those of sacreBLEU that need a model or a dictionary (flores, spm, ja-mecab, ko-mecab) are not
// among them.
var Tokenizers = []Tokenizer{V13a, Intl, Zh, Char, None}

// Tokens gives the tokens of a segment.
func (t Tokenizer) Tokens(s string) []string {
	var p preparer
	return text.Fields(string(p.prepare(t, s)))
}

// preparer keeps room for preparing segments. The zero value is ready.
type preparer struct{ buf, other []byte }

// prepare gives the segment's text with white space between its tokens; it is valid until the next call.
func (p *preparer) prepare(t Tokenizer, s string) []byte {
	s = text.TrimRight(s)
	switch t {
	case V13a:
		p.buf = p.western(v13a(p.buf[:0], s))
	case Zh:
		p.buf = p.western(zh(p.buf[:0], s))
	case Intl:
		p.buf = append(p.buf[:0], intl(s)...)
	case Char:
		p.buf = p.buf[:0]
		for _, r := range s {
			p.buf = append(utf8.AppendRune(p.buf, r), ' ')
		}
	default:
		p.buf = append(p.buf[:0], s...)
	}
	return p.buf
}

// v13a is the part of mteval-v13a.pl's normalisation of western languages that comes before punctuation.
func v13a(dst []byte, s string) []byte {
	if strings.Contains(s, "<skipped>") {
		s = strings.ReplaceAll(s, "<skipped>", "")
	}
	if strings.IndexByte(s, '\n') >= 0 {
		s = strings.ReplaceAll(s, "-\n", "")
		s = strings.ReplaceAll(s, "\n", " ")
	}
	if strings.IndexByte(s, '&') >= 0 { // one after the other: &amp;lt; becomes <
		for _, entity := range [...][2]string{{"&quot;", `"`}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}} {
			s = strings.ReplaceAll(s, entity[0], entity[1])
		}
	}
	return append(append(append(dst, ' '), s...), ' ')
}

// apart are the characters that are always tokens of their own: all ASCII punctuation but ' , - .
var apart = func() (set [128]bool) {
	for _, c := range "{|}~[\\]^_` !\"#$%&()*+:;<=>?@/" {
		set[c] = true
	}
	return set
}()

// western puts blanks around punctuation: a full stop or comma stays with digits on both sides, a hyphen goes from a digit
// before it. The rules are regular expressions of one or two characters in the reference implementation, which go from left to right
// and without overlap; they are about ASCII, so bytes do.
func (p *preparer) western(s []byte) []byte {
	out := p.other[:0]
	for _, c := range s {
		if c < 128 && apart[c] {
			out = append(out, ' ', c, ' ')
		} else {
			out = append(out, c)
		}
	}
	s, out = out, s[:0]
	from := 0
	for k := next(s, 0, ".,"); k >= 0; k = next(s, k+1, ".,") { // ([^0-9])([.,])
		if k > from && !digit(s[k-1]) {
			out = append(append(out, s[from:k]...), ' ', s[k], ' ')
			from = k + 1
		}
	}
	s, out = append(out, s[from:]...), s[:0]
	from = 0
	for k := next(s, 0, ".,"); k >= 0; k = next(s, k+1, ".,") { // ([.,])([^0-9])
		if k+1 == len(s) || digit(s[k+1]) {
			continue
		}
		end := k + 1 + width(s[k+1:])
		out = append(append(append(out, s[from:k]...), ' ', s[k], ' '), s[k+1:end]...)
		from, k = end, end-1
	}
	s, out = append(out, s[from:]...), s[:0]
	from = 0
	for k := next(s, 0, "-"); k >= 0; k = next(s, k+1, "-") { // ([0-9])(-)
		if k > from && digit(s[k-1]) {
			out = append(append(out, s[from:k]...), ' ', '-', ' ')
			from = k + 1
		}
	}
	out = append(out, s[from:]...)
	p.other = s
	return out
}

// next is where one of some ASCII characters stands in s from an index on, or -1.
func next(s []byte, from int, chars string) int {
	for k := from; k < len(s); k++ {
		if c := s[k]; c == chars[0] || c == chars[len(chars)-1] {
			return k
		}
	}
	return -1
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// width is how many bytes the first character of s has.
func width(s []byte) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRune(s)
	return n
}

// intl is mteval-v14.pl's international tokenization: punctuation is parted from what is no number, symbols from all.
func intl(s string) string {
	runes := []rune(s)
	runes = betweenRunes(runes, func(a, c rune) bool { return !unicode.IsNumber(a) && unicode.IsPunct(c) }, false, true)
	runes = betweenRunes(runes, func(a, c rune) bool { return unicode.IsPunct(a) && !unicode.IsNumber(c) }, true, false)
	var b strings.Builder
	for _, r := range runes {
		if unicode.IsSymbol(r) {
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func betweenRunes(s []rune, match func(a, c rune) bool, before, behind bool) []rune {
	out := make([]rune, 0, len(s)+len(s)/4)
	for i := 0; i < len(s); i++ {
		if i+1 < len(s) && match(s[i], s[i+1]) {
			if before {
				out = append(out, ' ')
			}
			out = append(out, s[i], ' ', s[i+1])
			if behind {
				out = append(out, ' ')
			}
			i++
			continue
		}
		out = append(out, s[i])
	}
	return out
}

// chinese are the code points that sacreBLEU 2.6.0 really parts: its table of ranges has a slip by which punctuation, currency
// signs and arrows count, and ideographs beyond U+FFFF do not.
var chinese = &unicode.RangeTable{R16: []unicode.Range16{
	{0x2001, 0x2A6D, 1},
	{0x2E80, 0x2FDF, 1},
	{0x2FF0, 0x303F, 1},
	{0x3100, 0x312F, 1},
	{0x31A0, 0x31EF, 1},
	{0x3200, 0x4DB5, 1},
	{0x4E00, 0x9FBB, 1},
	{0xF900, 0xFA2D, 1},
	{0xFA30, 0xFA6A, 1},
	{0xFA70, 0xFAD9, 1},
	{0xFE10, 0xFE1F, 1},
	{0xFE30, 0xFE4F, 1},
	{0xFF00, 0xFFEF, 1},
}}

func zh(dst []byte, s string) []byte {
	for _, r := range text.Trim(s) {
		if unicode.Is(chinese, r) {
			dst = append(utf8.AppendRune(append(dst, ' '), r), ' ')
		} else {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}
