package redact

import (
	"bytes"
	"slices"
)

// minHit is how many bytes the shortest thing to hide has: an address such as a@b.co.
const minHit = 6

// maxRounds bounds how often a text is gone over. A mark is shorter than what it stands for and may bring a word such
// as "phone" close to a number, so a text is read again until nothing new turns up: redacting twice changes nothing.
const maxRounds = 6

// kind is what was found. Of kinds that overlap the first one names the mark.
type kind uint8

const (
	image kind = iota
	privateKey
	jwt
	key
	email
	iban
	card
	ip
	phone
	secret
)

var marks = [...]string{"", "[private key]", "[jwt]", "[key]", "[email]", "[iban]", "[card]", "[ip]", "[phone]", "[secret]"}

// hit is something to hide: s[from:to].
type hit struct {
	from, to int
	kind     kind
	mark     []byte // of an image
}

// finder looks for what has to be hidden in one text.
type finder struct {
	s    []byte
	key  []byte // the name of the JSON member that the text is the value of; nil without
	hits []hit

	cued, named [cues]bool  // looked for words that say what a number is; the member's name is one
	ends        [cues][]int // where such words end in s
}

func (f *finder) add(from, to int, k kind) { f.hits = append(f.hits, hit{from: from, to: to, kind: k}) }

// text redacts plain text; key is the name of the JSON member it comes from, or nil. Without anything found it returns
// s itself.
func text(s, key []byte) ([]byte, bool) {
	changed := false
	for range maxRounds {
		out, found := pass(s, key)
		if !found {
			if plain, hidden := unescape(s); hidden {
				if out, found = pass(plain, key); found {
					s, changed = out, true
					continue
				}
			}
			break
		}
		s, changed = out, true
	}
	return s, changed
}

// pass replaces what one reading finds.
func pass(s, key []byte) ([]byte, bool) {
	if len(s) < minHit {
		return s, false
	}
	f := finder{s: s, key: key}
	f.find()
	if len(f.hits) == 0 {
		return s, false
	}
	slices.SortFunc(f.hits, func(a, b hit) int { return a.from - b.from })
	out, done := make([]byte, 0, len(s)), 0
	for i := 0; i < len(f.hits); {
		h := f.hits[i]
		for i++; i < len(f.hits) && f.hits[i].from < h.to; i++ {
			if o := f.hits[i]; o.kind < h.kind {
				h.kind, h.mark = o.kind, o.mark
			}
			h.to = max(h.to, f.hits[i].to)
		}
		out = append(out, s[done:h.from]...)
		if h.mark != nil {
			out = append(out, h.mark...)
		} else {
			out = append(out, marks[h.kind]...)
		}
		done = h.to
	}
	return append(out, s[done:]...), true
}

// find runs the detectors for which there is reason.
func (f *finder) find() {
	var count [256]uint8 // of the bytes that start a search, at most 255
	run, longest := 0, 0
	for _, c := range f.s {
		t := traits[c]
		if t&traitRun != 0 {
			run++
		} else {
			longest = max(longest, run)
			run = 0
		}
		if t&traitCount != 0 && count[c] < 255 {
			count[c]++
		}
	}
	longest = max(longest, run)
	digits := 0
	for c := '0'; c <= '9'; c++ {
		digits += int(count[c])
	}
	if count['@'] > 0 || count['%'] > 0 {
		f.emails()
	}
	if digits >= 4 {
		f.numbers()
	}
	if digits > 0 && count[':'] >= 2 {
		f.ip6()
	}
	if count[':'] > 0 {
		f.images()
	}
	if longest >= minToken {
		f.words()
		f.privateKeys()
	}
}

// unescape decodes the \u00XX escapes of printable ASCII in a text that is no JSON; false when there are none. What
// they stand for could not be found otherwise.
func unescape(s []byte) ([]byte, bool) {
	prefix := []byte(`\u00`)
	if !bytes.Contains(s, prefix) {
		return s, false
	}
	var out []byte
	done := 0
	for i := 0; ; {
		n := bytes.Index(s[i:], prefix)
		if n < 0 || i+n+6 > len(s) {
			break
		}
		i += n
		if c := hexByte(s[i+4], s[i+5]); c > ' ' && c < 0x7f && c != '"' && c != '\\' {
			out = append(append(out, s[done:i]...), c)
			done = i + 6
		}
		i += 4
	}
	return append(out, s[done:]...), done > 0
}

// hexByte is the byte that two hexadecimal digits name, 0 when they are none.
func hexByte(a, b byte) byte {
	if !isHex(a) || !isHex(b) {
		return 0
	}
	return nibble(a)<<4 | nibble(b)
}

func nibble(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0xf + 9
}
