package bm25

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
)

// longest is how many bytes of a word are stemmed at most: what is longer is a key, a hash or noise, and the stemmer copies a
// word at every step.
const longest = 48

// Words gives the words of a text that count, in order: runs of letters and digits in lower case, without the English stop
// words, stemmed.
func Words(text string) []string {
	words := make([]string, 0, len(text)/6)
	for raw := range split(text) {
		if word := term(raw); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// split gives the runs of letters and digits.
func split(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := 0; i < len(text); {
			n, word := runeAt(text, i)
			if !word {
				i += n
				continue
			}
			end := i + n
			for end < len(text) {
				n, word := runeAt(text, end)
				if !word {
					break
				}
				end += n
			}
			if !yield(text[i:end]) {
				return
			}
			i = end
		}
	}
}

// runeAt says how long the character at a place is, and whether it belongs to a word.
func runeAt(text string, i int) (n int, word bool) {
	if c := text[i]; c < utf8.RuneSelf {
		return 1, 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	}
	r, n := utf8.DecodeRuneInString(text[i:])
	return n, unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Other_Alphabetic, r)
}

// term makes a word of a text what is counted, or empty when it does not count.
func term(raw string) string {
	word := strings.ToLower(raw)
	if stop[word] {
		return ""
	}
	if len(word) > longest {
		return word
	}
	env := snowballstem.NewEnv(word)
	english.Stem(env)
	return env.Current()
}

// stop are the English stop words of NLTK, as the words they are cut into here: "don't" is don and t.
var stop = func() map[string]bool {
	const list = `i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself
it its itself they them their theirs themselves what which who whom this that these those am is are was were be been being have has
had having do does did doing a an the and but if or because as until while of at by for with about against between into through
during before after above below to from up down in out on off over under again further then once here there when where why how all
any both each few more most other some such no nor not only own same so than too very s t can will just don should now d ll m o re
ve y ain aren couldn didn doesn hadn hasn haven isn ma mightn mustn needn shan shouldn wasn weren won wouldn`
	words := make(map[string]bool)
	for word := range strings.FieldsSeq(list) {
		words[word] = true
	}
	return words
}()
