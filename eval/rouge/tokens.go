package rouge

import (
	"strings"
	"unicode"

	"github.com/weir-dev/weir/eval/text"
)

// Tokenizer names how a text becomes tokens.
type Tokenizer string

// Reference is rouge_score's: lower case, and what is not a-z or 0-9 stands between tokens, so that other scripts have none.
// Unicode takes letters, marks and digits of all scripts, and is not comparable with anyone's ROUGE.
const (
	Standard Tokenizer = "rouge_score"
	Unicode  Tokenizer = "unicode"
)

// Tokens gives the tokens of a text, stemmed by Porter's rules if stem is set: those of more than three letters.
func (t Tokenizer) Tokens(s string, stem bool) []string { return t.appendTokens(nil, s, stem) }

func (t Tokenizer) appendTokens(dst []string, s string, stem bool) []string {
	inside := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }
	if t == Unicode {
		inside = func(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) }
	}
	s = text.Lower(s)
	for s != "" {
		start := strings.IndexFunc(s, inside)
		if start < 0 {
			break
		}
		s = s[start:]
		end := strings.IndexFunc(s, func(r rune) bool { return !inside(r) })
		if end < 0 {
			end = len(s)
		}
		token := s[:end]
		if stem && len(token) > 3 && ascii(token) {
			token = Stem(token)
		}
		dst = append(dst, token)
		s = s[end:]
	}
	return dst
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
