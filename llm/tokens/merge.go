package tokens

import (
	"bytes"
	"unicode/utf8"
)

// short is the length in bytes under which a piece is merged on the stack. A position must fit in shortBits.
const (
	short     = 1 << shortBits
	shortBits = 7
)

// count returns the number of tokens of text.
func (v *vocabulary) count(text []byte) int {
	if !utf8.Valid(text) {
		s := scratches.Get().(*scratch)
		defer s.release()
		s.valid = appendValid(s.valid[:0], text)
		text = s.valid
	}
	total := 0
	for i := 0; i < len(text); {
		end := v.next(text, i)
		total += v.countPiece(text[i:end])
		i = end
	}
	return total
}

// appendValid appends text to dst with each invalid byte replaced by U+FFFD.
func appendValid(dst, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		dst = utf8.AppendRune(dst, r)
		text = text[n:]
	}
	return dst
}

// countPiece returns the number of tokens of a piece, which no token crosses.
func (v *vocabulary) countPiece(piece []byte) int {
	switch {
	case len(piece) == 1:
		return 1
	case len(piece) == 2:
		if v.pair(piece) == none {
			return 2
		}
		return 1
	case len(piece) <= v.longest && v.lookup(piece) != none:
		return 1
	case len(piece) < short:
		return v.countShort(piece)
	}
	s := scratches.Get().(*scratch)
	defer s.release()
	return s.countLong(v, piece, window)
}

func (v *vocabulary) pair(b []byte) uint32 { return v.pairs[int(b[0])<<8|int(b[1])] }

// countShort merges the neighbours whose union has the lowest rank, the leftmost first, until no union is a token.
// A key is the rank of the union of a part and the next, with the place where the part begins.
func (v *vocabulary) countShort(piece []byte) int {
	var keys [short]uint32
	var begins [short + 1]byte
	n := len(piece)
	for i := range n {
		begins[i] = byte(i)
		keys[i] = none
		if i+1 < n {
			keys[i] = key(v.pair(piece[i:]), i)
		}
	}
	begins[n] = byte(n)
	for n > 1 {
		least := lowest(keys[:n-1])
		if least == none {
			break
		}
		i := bytes.IndexByte(begins[:n], byte(least%short))
		copy(begins[i+1:n], begins[i+2:n+1])
		copy(keys[i+1:n-1], keys[i+2:n])
		n--
		keys[i] = none
		if i+1 < n {
			keys[i] = key(v.lookup(piece[begins[i]:begins[i+2]]), int(begins[i]))
		}
		if i > 0 {
			keys[i-1] = key(v.lookup(piece[begins[i-1]:begins[i+1]]), int(begins[i-1]))
		}
	}
	return n
}

func key(rank uint32, begin int) uint32 {
	if rank == none {
		return none
	}
	return rank<<shortBits | uint32(begin)
}

// lowest returns the least of keys. Four minima at a time keep the processor busy.
func lowest(keys []uint32) uint32 {
	a, b, c, d := uint32(none), uint32(none), uint32(none), uint32(none)
	for len(keys) >= 4 {
		a, b, c, d = min(a, keys[0]), min(b, keys[1]), min(c, keys[2]), min(d, keys[3])
		keys = keys[4:]
	}
	for _, k := range keys {
		a = min(a, k)
	}
	return min(a, b, c, d)
}
