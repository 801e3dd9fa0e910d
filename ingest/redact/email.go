package redact

import "bytes"

// Bounds of an address (RFC 5321): bytes before and behind the @.
const (
	maxLocal  = 64
	maxDomain = 253
)

// emails finds addresses, also with the @ written %40 as in a URL. The git user of a repository's address is nobody.
func (f *finder) emails() {
	for i := 0; i < len(f.s); {
		n := bytes.IndexAny(f.s[i:], "@%")
		if n < 0 {
			return
		}
		i += n
		width := 1
		if f.s[i] == '%' {
			if at(f.s, i+1) != '4' || at(f.s, i+2) != '0' {
				i++
				continue
			}
			width = 3
		}
		from, to := f.local(i), f.domain(i+width)
		if from == i || to < 0 || string(f.s[from:i]) == "git" {
			i++
			continue
		}
		f.add(from, to, email)
		i = to
	}
}

// local gives where the part in front of the @ begins.
func (f *finder) local(end int) int {
	i := end
	for i > 0 && end-i < maxLocal {
		c := f.s[i-1]
		switch {
		case isAlnum(c) || bytes.IndexByte([]byte("._%+-!#$&'*/=?^`{|}~"), c) >= 0:
			i--
		case c >= 0x80 && letterBefore(f.s, i) > 0:
			i -= 2
		default:
			return f.trim(i, end)
		}
	}
	return f.trim(i, end)
}

// trim skips marks that a sentence or a URL puts in front of an address: everything up to = / ? &, and what is no
// letter or digit.
func (f *finder) trim(i, end int) int {
	if n := bytes.LastIndexAny(f.s[i:end], "=/?&"); n >= 0 {
		i += n + 1
	}
	for i < end && !isAlnum(f.s[i]) && f.s[i] < 0x80 && f.s[i] != '_' {
		i++
	}
	return i
}

// domain gives where the part behind the @ ends, -1 when it is no domain name with a dot.
func (f *finder) domain(start int) int {
	end := -1
	dot := false
	for i := start; i < len(f.s) && i-start < maxDomain; {
		c := f.s[i]
		n := 1
		switch {
		case c == '.':
			if dot || i == start {
				return end
			}
			if top := f.label(i + 1); top > 0 {
				end = i + 1 + top
			}
		case isAlnum(c) || c == '-':
		case c >= 0x80 && letterAt(f.s, i) > 0:
			n = 2
		default:
			return end
		}
		dot = c == '.'
		i += n
	}
	return end
}

// label measures a top-level domain at i: at least two letters, or punycode.
func (f *finder) label(i int) int {
	n, letters := 0, 0
	for i+n < len(f.s) && n < 63 {
		switch w := letterAt(f.s, i+n); {
		case isAlpha(f.s[i+n]):
			n++
			letters++
		case w > 0:
			n += w
			letters++
		case n >= 4 && bytes.EqualFold(f.s[i:i+4], []byte("xn--")) && isWord(f.s[i+n]) || n > 0 && n < 4 && f.s[i+n] == '-' && bytes.EqualFold(f.s[i:min(i+4, len(f.s))], []byte("xn--")):
			n++
		default:
			if letters < 2 {
				return 0
			}
			return n
		}
	}
	if letters < 2 {
		return 0
	}
	return n
}
