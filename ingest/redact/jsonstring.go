package redact

import (
	"bytes"

	"github.com/weir-dev/weir/internal/rawjson"
)

// jsonString is where a string stands, quotes included.
type jsonString struct {
	from, to int
	escaped  bool
	closed   bool // false: the text ended within it
}

// scan reads the string at w.pos. A raw control character means that this is no JSON.
func (w *walker) scan() (jsonString, bool) {
	s := jsonString{from: w.pos}
	i := w.pos + 1
	for {
		n := bytes.IndexByte(w.b[i:], '"')
		end := i + n
		if n < 0 {
			end = len(w.b)
		}
		part := w.b[i:end]
		if bytes.IndexByte(part, '\\') >= 0 {
			s.escaped = true
			j := i
			for j < end {
				if w.b[j] != '\\' {
					j++
					continue
				}
				n := escape(w.b[j:])
				if n == 0 {
					w.bad = true
					return s, false
				}
				j += n
			}
			if j > end && n >= 0 { // the quote was escaped
				i = j
				if control(part) {
					w.bad = true
					return s, false
				}
				continue
			}
		}
		if control(part) {
			w.bad = true
			return s, false
		}
		s.to, s.closed = end, n >= 0
		if s.closed {
			s.to++
		}
		w.pos = s.to
		return s, true
	}
}

// escape measures the escape that b begins with: 0 when there is no such escape. One that is cut in two counts whole.
func escape(b []byte) int {
	if len(b) == 1 {
		return 2
	}
	if b[1] != 'u' {
		if bytes.IndexByte([]byte(`"\\/bfnrt`), b[1]) < 0 {
			return 0
		}
		return 2
	}
	for _, c := range b[2:min(6, len(b))] {
		if !isHex(c) {
			return 0
		}
	}
	return 6
}

func control(b []byte) bool {
	for _, c := range b {
		if c < ' ' {
			return true
		}
	}
	return false
}

// text gives the string unescaped; without escapes it lies in b.
func (s jsonString) text(b []byte) []byte {
	if !s.escaped {
		if s.closed {
			return b[s.from+1 : s.to-1 : s.to-1]
		}
		return b[s.from+1 : s.to : s.to]
	}
	return s.appendText(nil, b)
}

// appendText appends the unescaped string to dst.
func (s jsonString) appendText(dst, b []byte) []byte {
	raw := b[s.from:s.to:s.to]
	if !s.closed {
		raw = append(append([]byte{}, dropOpenEscape(raw)...), '"')
	}
	return rawjson.Value(raw).AppendText(dst)
}

// dropOpenEscape cuts off an escape that the end of the text has cut in two.
func dropOpenEscape(raw []byte) []byte {
	last := len(raw)
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			i++
			continue
		}
		n := escape(raw[i:])
		if i+n > len(raw) {
			last = i
			break
		}
		i += max(n, 1)
	}
	return raw[:last]
}

// replace is the edit that puts t in the string's place.
func (s jsonString) replace(t []byte) edit {
	q := rawjson.Quote(string(t))
	if !s.closed {
		q = q[:len(q)-1]
	}
	return edit{s.from, s.to, q}
}
