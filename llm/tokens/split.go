package tokens

// The functions of this file do by hand what the encodings' splitting patterns say, alternative by alternative and in
// their order, on valid UTF-8. nextO200k does
//
//	[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//	[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?
//	\p{N}{1,3}
//	 ?[^\s\p{L}\p{N}]+[\r\n/]*
//	\s*[\r\n]+
//	\s+(?!\S)
//	\s+
//
// and nextCL100k does the same with
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)
//	[^\r\n\p{L}\p{N}]?\p{L}+
//
// in place of the first two, and without the slash. Each looks at a character a bounded number of times.

// nextO200k returns the end of the piece that starts at i < len(text).
func nextO200k(text []byte, i int) int {
	c, n := classAt(text, i)
	prefix := c&(letter|number|line) == 0
	if prefix {
		if end := lowerWord(text, i+n); end > 0 {
			return end + contraction(text, end)
		}
	}
	if c&(upper|lower) != 0 {
		if end := lowerWord(text, i); end > 0 {
			return end + contraction(text, end)
		}
	}
	if prefix {
		if end := upperWord(text, i+n); end > 0 {
			return end + contraction(text, end)
		}
	}
	if c&upper != 0 {
		end := upperWord(text, i)
		return end + contraction(text, end)
	}
	return nextOther(text, i, c, n, true)
}

// nextCL100k returns the end of the piece that starts at i < len(text).
func nextCL100k(text []byte, i int) int {
	if n := contraction(text, i); n > 0 {
		return i + n
	}
	c, n := classAt(text, i)
	if c&(number|line) == 0 {
		end := run(text, i+n, letter)
		if end > i+n || c&letter != 0 {
			return end
		}
	}
	return nextOther(text, i, c, n, false)
}

// nextOther does the alternatives both encodings share: numbers, punctuation, white space. The character at i has
// class c and width n.
func nextOther(text []byte, i int, c class, n int, slash bool) int {
	if c&number != 0 {
		end := i + n
		for range 2 {
			if end == len(text) {
				break
			}
			c, n := classAt(text, end)
			if c&number == 0 {
				break
			}
			end += n
		}
		return end
	}
	begin := i
	if text[i] == ' ' {
		begin++
	}
	if end := punctuation(text, begin); end > begin {
		for end < len(text) && (text[end] == '\r' || text[end] == '\n' || slash && text[end] == '/') {
			end++
		}
		return end
	}
	return whiteSpace(text, i)
}

// lowerWord returns the end of upper*lower+ at i, or 0. A character can be in both groups; when the run of upper is
// not followed by lower, the pattern gives back what follows the last character of the run that is in both.
func lowerWord(text []byte, i int) int {
	both := 0
	for i < len(text) {
		c, n := classAt(text, i)
		if c&upper == 0 {
			if c&lower != 0 {
				return run(text, i+n, lower)
			}
			break
		}
		i += n
		if c&lower != 0 {
			both = i
		}
	}
	return both
}

// upperWord returns the end of upper+lower* at i, or 0.
func upperWord(text []byte, i int) int {
	end := run(text, i, upper)
	if end == i {
		return 0
	}
	return run(text, end, lower)
}

// run returns the end of the longest run at i of characters in group.
func run(text []byte, i int, group class) int {
	for i < len(text) {
		c, n := classAt(text, i)
		if c&group == 0 {
			break
		}
		i += n
	}
	return i
}

func punctuation(text []byte, i int) int {
	for i < len(text) {
		c, n := classAt(text, i)
		if c&(space|letter|number) != 0 {
			break
		}
		i += n
	}
	return i
}

// whiteSpace returns the end of the piece of white space at i: through the last line break of the run if it has one,
// else the run without its last character, which goes with the word that follows.
func whiteSpace(text []byte, i int) int {
	end, last, broken := i, i, 0
	for end < len(text) {
		c, n := classAt(text, end)
		if c&space == 0 {
			break
		}
		last = end
		end += n
		if c&line != 0 {
			broken = end
		}
	}
	switch {
	case broken > 0:
		return broken
	case end == len(text) || last == i:
		return end
	}
	return last
}

// contraction returns the width of 's 't 'm 'd 're 've 'll at i in any case, or 0. U+017F is an s in another case.
func contraction(text []byte, i int) int {
	if len(text)-i < 2 || text[i] != '\'' {
		return 0
	}
	switch a := text[i+1]; a | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v', 'l':
		if len(text)-i < 3 {
			return 0
		}
		b := text[i+2] | 0x20
		if a|0x20 == 'l' && b == 'l' || a|0x20 != 'l' && b == 'e' {
			return 3
		}
	case 0xE5: // 0xC5 | 0x20
		if a == 0xC5 && len(text)-i > 2 && text[i+2] == 0xBF {
			return 3
		}
	}
	return 0
}
