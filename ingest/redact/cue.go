package redact

import (
	"bytes"
	"slices"
)

// cue is a set of words that say what a number or a random string is.
type cue int

const (
	cuePhone cue = iota
	cueCard
	cueSecret
	cues
)

// lookback is how many bytes in front of a number or a key a word may stand that says what it is.
const lookback = 28

// cueWords are the words in lower case, all of one spelling.
var cueWords = [cues][]string{
	cuePhone: {
		"phone", "phones", "telephone", "phonenumber", "tel", "telefon", "mobile", "cell", "cellphone", "fax", "whatsapp", "sms",
		"call",
	},
	cueCard: {"card", "cards", "creditcard", "visa", "mastercard", "unionpay", "pan"},
	cueSecret: {
		"key", "keys", "apikey", "token", "secret", "password", "passwd", "pwd", "credential", "credentials", "authorization",
	},
}

// near says that a word of the set is in the name of the text's JSON member or stands shortly before offset i.
func (f *finder) near(i int, c cue) bool {
	if !f.cued[c] {
		f.cued[c] = true
		f.named[c] = len(f.key) <= 256 && len(cueEnds(f.key, cueWords[c])) > 0
		if !f.named[c] {
			f.ends[c] = cueEnds(f.s, cueWords[c])
		}
	}
	if f.named[c] {
		return true
	}
	n, found := slices.BinarySearch(f.ends[c], i)
	return found || n > 0 && f.ends[c][n-1] >= i-lookback
}

// cueEnds gives where the words end in s, in order. A word counts on its own and as a part of a compound such as
// api_key or phoneNumber, but not as a mark.
func cueEnds(s []byte, words []string) []int {
	var ends []int
	low := bytes.Clone(s)
	for i, c := range low {
		if isUpper(c) {
			low[i] = c | 0x20
		}
	}
	for _, w := range words {
		word := []byte(w)
		for end := 0; ; {
			n := bytes.Index(low[end:], word)
			if n < 0 {
				break
			}
			from := end + n
			end = from + len(w)
			starts := !isAlpha(at(s, from-1)) || isUpper(s[from]) && isLower(at(s, from-1))
			mark := at(s, end) == ']' && (at(s, from-1) == '[' || bytes.HasSuffix(s[:from], []byte("[private ")))
			if starts && !isLower(at(s, end)) && !mark {
				ends = append(ends, end)
			}
		}
	}
	slices.Sort(ends)
	return ends
}
