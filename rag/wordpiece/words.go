package wordpiece

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// word is a part of a text that tokens do not cross: letters and signs up to a space, one sign of punctuation, one Chinese
// character, or a mark. One without characters, which is no mark, is the end of a line, or a stretch of the text that leaves nothing.
type word struct {
	text  []byte // as the vocabulary writes it; of the caller only until it returns
	chars int
	mark  bool
	empty bool   // a stretch that leaves nothing
	id    uint32 // of a mark
	end   int    // in the text
}

// words gives the words of a text until it is told to stop, and says whether it was not. Of stretches that leave nothing it tells
// where that is asked for, and cuts words by them, which the model does not.
func (t *Tokenizer) words(text string, stretches bool, each func(word) bool) bool {
	c := cutter{Tokenizer: t, each: each, going: true}
	blank := 0 // characters in a row that left nothing
	line := 0  // where a run of space is past its last line end
	for i := 0; i < len(text) && c.going; {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == '\n' {
			c.flush()
			line = i + n
		} else if line > 0 && !unicode.IsSpace(r) {
			c.give(word{end: line})
			line = 0
		}
		if m := t.markIn(text[i:]); m != nil {
			c.flush()
			i += len(m.text)
			c.give(word{mark: true, id: m.id, end: i})
			continue
		}
		i += n
		had := c.had
		if c.rune(r, i); c.had > had {
			blank = 0
		} else if blank++; stretches && blank%emptyChars == 0 {
			c.flush()
			c.give(word{empty: true, end: i})
		}
	}
	c.flush()
	return c.going
}

// markIn gives the mark that a text begins with, or nil.
func (t *Tokenizer) markIn(text string) *mark {
	if !t.markAt[text[0]] {
		return nil
	}
	for i := range t.marks {
		if strings.HasPrefix(text, t.marks[i].text) {
			return &t.marks[i]
		}
	}
	return nil
}

// cutter makes words of characters.
type cutter struct {
	*Tokenizer
	each  func(word) bool
	going bool
	now   word
	had   int // characters of all words
	some  [utf8.UTFMax]byte
}

func (c *cutter) give(w word) {
	if c.going {
		c.going = c.each(w)
	}
}

// flush ends a word.
func (c *cutter) flush() {
	if c.now.chars > 0 {
		c.give(c.now)
		c.now.text, c.now.chars = c.now.text[:0], 0
	}
}

// rune takes a character of the text that ends at end, as it is written.
func (c *cutter) rune(r rune, end int) {
	if r < utf8.RuneSelf {
		if c.clean && (r < ' ' || r == 0x7f) && r != '\t' && r != '\n' && r != '\r' {
			return
		}
		if c.lower && 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		c.put(r, end)
		return
	}
	if c.clean && (r == utf8.RuneError || isOther(r)) {
		return
	}
	if c.han && isHan(r) {
		c.flush()
		defer c.flush()
	}
	if !c.noAccents {
		c.lowered(r, end)
		return
	}
	n := utf8.EncodeRune(c.some[:], r)
	for _, part := range string(norm.NFD.Bytes(c.some[:n])) {
		if !unicode.Is(unicode.Mn, part) {
			c.lowered(part, end)
		}
	}
}

// lowered puts a character in lower case, where that is asked for.
func (c *cutter) lowered(r rune, end int) {
	switch {
	case !c.lower:
		c.put(r, end)
	case r == 'İ': // the only one that is two in lower case
		c.put('i', end)
		c.put('\u0307', end)
	default:
		c.put(unicode.ToLower(r), end)
	}
}

// put adds a character to the word, or makes one of its own of it, or none of space.
func (c *cutter) put(r rune, end int) {
	switch {
	case unicode.IsSpace(r):
		c.flush()
		return
	case isPunctuation(r):
		c.flush()
		defer c.flush()
	}
	c.now.text = utf8.AppendRune(c.now.text, r)
	c.now.chars++
	c.now.end = end
	c.had++
}

// isPunctuation says of all signs of ASCII that they are.
func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return '!' <= r && r <= '/' || ':' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
	}
	return unicode.IsPunct(r)
}

// isOther says of characters that control, format, or are private that they are.
func isOther(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) }

// isHan says of Chinese characters that they are, in the blocks that BERT's makers listed.
func isHan(r rune) bool {
	switch {
	case 0x4E00 <= r && r <= 0x9FFF, 0x3400 <= r && r <= 0x4DBF, 0x20000 <= r && r <= 0x2A6DF, 0x2A700 <= r && r <= 0x2B73F,
		0x2B740 <= r && r <= 0x2B81F, 0x2B920 <= r && r <= 0x2CEAF, 0xF900 <= r && r <= 0xFAFF, 0x2F800 <= r && r <= 0x2FA1F:
		return true
	}
	return false
}
