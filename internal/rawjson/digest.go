package rawjson

import (
	"bytes"
	"crypto/sha256"
	"math"
	"slices"
	"strconv"
	"sync"
)

// Digest hashes what b, exactly one JSON value, says. The order of members, the space between tokens, how a string is
// escaped and how a number is written (1, 1.0 and 10e-1) make no difference; everything else does, members that stand
// twice and their order included. When the value is an object, keep is asked for every top-level member, with its
// unescaped name and its raw value, and a member for which it answers false is left out; nil keeps all. The error is a
// *SyntaxError. Each byte is hashed once, however deep it lies.
func Digest(b []byte, keep func(key []byte, v Value) bool) ([sha256.Size]byte, error) {
	d := digesters.Get().(*digester)
	defer d.free()
	i := space(b, 0)
	if i == len(b) {
		return [sha256.Size]byte{}, syntax(b, i, "expected a JSON value, found the end")
	}
	end, what := d.value(b, i, 0, keep)
	if what != "" {
		return [sha256.Size]byte{}, syntax(b, end, what)
	}
	if err := rest(b, end); err != nil {
		return [sha256.Size]byte{}, err
	}
	return sha256.Sum256(d.enc), nil
}

// digester writes values in a form that is the same for equal values and says by itself where it ends: a letter for the
// kind, then the content; or a capital letter and the content's hash, where that is shorter.
type digester struct {
	enc     []byte       // what is written
	members []digestSpan // of the objects that are open
	scratch []byte
}

// digestSpan is a member in enc.
type digestSpan struct{ from, value, to int }

// inlined is how many bytes stand by themselves instead of their hash.
const inlined = 64

var digesters = sync.Pool{New: func() any { return &digester{enc: make([]byte, 0, 1<<10)} }}

func (d *digester) free() {
	const most = 64 << 10
	if cap(d.enc) > most || cap(d.scratch) > most || cap(d.members) > most/8 {
		return
	}
	d.enc, d.members, d.scratch = d.enc[:0], d.members[:0], d.scratch[:0]
	digesters.Put(d)
}

// value writes the value at b[i]. It returns the offset behind it, or where and what is wrong.
func (d *digester) value(b []byte, i, depth int, keep func([]byte, Value) bool) (end int, what string) {
	if i == len(b) {
		return i, "expected a value, found the end"
	}
	switch c := b[i]; c {
	case '{', '[':
		if depth == MaxDepth {
			return i, "nested too deeply: at most 512 levels are read"
		}
		if c == '{' {
			return d.object(b, i, depth, keep)
		}
		return d.array(b, i, depth)
	case '"':
		end, escaped, what := str(b, i)
		if what == "" {
			d.text(b[i+1:end-1], escaped)
		}
		return end, what
	default:
		if end, what = scalar(b, i); what != "" {
			return end, what
		}
		if c == 't' || c == 'f' || c == 'n' {
			d.enc = append(d.enc, c)
		} else {
			d.number(b[i:end])
		}
		return end, ""
	}
}

func (d *digester) object(b []byte, i, depth int, keep func([]byte, Value) bool) (end int, what string) {
	start, first := len(d.enc), len(d.members)
	if i = space(b, i+1); i < len(b) && b[i] == '}' {
		d.enc = append(d.enc, '{', '}')
		return i + 1, ""
	}
	for {
		if i == len(b) || b[i] != '"' {
			return i, "expected a member name in double quotes"
		}
		end, escaped, what := str(b, i)
		if what != "" {
			return end, what
		}
		key, m := b[i+1:end-1], digestSpan{from: len(d.enc)}
		d.text(key, escaped)
		m.value = len(d.enc)
		if i = space(b, end); i == len(b) || b[i] != ':' {
			return i, "expected ':' after the member name"
		}
		i = space(b, i+1)
		if end, what = d.value(b, i, depth+1, nil); what != "" {
			return end, what
		}
		if keep != nil && escaped {
			key = unescape(nil, key)
		}
		if keep != nil && !keep(key, Value(b[i:end])) {
			d.enc = d.enc[:m.from]
		} else {
			m.to = len(d.enc)
			d.members = append(d.members, m)
		}
		if i = space(b, end); i == len(b) {
			return i, "expected ',' or '}' after a member, found the end"
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case '}':
			d.closeObject(start, first)
			return i + 1, ""
		default:
			return i, "expected ',' or '}' after a member"
		}
	}
}

// closeObject puts the members in order of their names; those of one name stay as they stood.
func (d *digester) closeObject(start, first int) {
	members := d.members[first:]
	slices.SortStableFunc(members, func(x, y digestSpan) int {
		return bytes.Compare(d.enc[x.from:x.value], d.enc[y.from:y.value])
	})
	d.scratch = append(d.scratch[:0], '{')
	for _, m := range members {
		d.scratch = append(d.scratch, d.enc[m.from:m.to]...)
	}
	d.scratch = append(d.scratch, '}')
	d.members = d.members[:first]
	d.enc = d.enc[:start]
	if len(d.scratch) <= inlined {
		d.enc = append(d.enc, d.scratch...)
		return
	}
	d.hash('O', d.scratch)
}

func (d *digester) array(b []byte, i, depth int) (end int, what string) {
	start := len(d.enc)
	d.enc = append(d.enc, '[')
	if i = space(b, i+1); i < len(b) && b[i] == ']' {
		d.enc = append(d.enc, ']')
		return i + 1, ""
	}
	for {
		if i, what = d.value(b, i, depth+1, nil); what != "" {
			return i, what
		}
		if i = space(b, i); i == len(b) {
			return i, "expected ',' or ']' after an element, found the end"
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case ']':
			d.enc = append(d.enc, ']')
			if whole := d.enc[start:]; len(whole) > inlined {
				d.enc = d.enc[:start]
				d.hash('A', whole)
			}
			return i + 1, ""
		default:
			return i, "expected ',' or ']' after an element"
		}
	}
}

// hash writes the hash of what, which may lie where it is written.
func (d *digester) hash(kind byte, what []byte) {
	sum := sha256.Sum256(what)
	d.enc = append(append(d.enc, kind), sum[:]...)
}

// text writes what stands between a string's quotes. Lone surrogates are no text and have no form but their escapes, so a
// string with one is taken as it is written.
func (d *digester) text(s []byte, escaped bool) {
	kind := byte('s')
	if escaped {
		if surrogateAlone(s) {
			kind = 'r'
		} else {
			d.scratch = unescape(d.scratch[:0], s)
			s = d.scratch
		}
	}
	if len(s) > inlined {
		d.hash(kind-'a'+'A', s)
		return
	}
	d.enc = append(append(d.enc, kind, byte(len(s))), s...)
}

// surrogateAlone says that a string holds half of a surrogate pair.
func surrogateAlone(s []byte) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		i++
		if s[i] != 'u' {
			continue
		}
		r, _ := hex4(s, i+1)
		i += 4
		switch {
		case r >= 0xD800 && r < 0xDC00:
			if i+2 >= len(s) || s[i+1] != '\\' || s[i+2] != 'u' {
				return true
			}
			if low, ok := hex4(s, i+3); !ok || low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 6
		case r >= 0xDC00 && r <= 0xDFFF:
			return true
		}
	}
	return false
}

// number writes a number as digits without zeros at either end and a power of ten. It is exact: no digit is lost.
func (d *digester) number(n []byte) {
	start := len(d.enc)
	d.enc = append(d.enc, '#')
	whole := n
	if n[0] == '-' {
		d.enc, n = append(d.enc, '-'), n[1:]
	}
	mantissa := len(d.enc)
	exp, i := 0, 0
	for point := false; i < len(n) && n[i]|0x20 != 'e'; i++ {
		if n[i] == '.' {
			point = true
			continue
		}
		if point {
			exp--
		}
		if n[i] != '0' || len(d.enc) > mantissa { // zeros in front say nothing
			d.enc = append(d.enc, n[i])
		}
	}
	if len(d.enc) == mantissa { // zero, however it is written
		d.enc = append(d.enc[:start], '#', '0', ';')
		return
	}
	if i < len(n) {
		e, err := strconv.Atoi(string(n[i+1:]))
		if err != nil || e > math.MaxInt32 || e < math.MinInt32 { // beyond any use: as it is written
			d.enc = append(append(append(d.enc[:start], '#', '!'), whole...), ';')
			return
		}
		exp += e
	}
	for d.enc[len(d.enc)-1] == '0' {
		d.enc, exp = d.enc[:len(d.enc)-1], exp+1
	}
	d.enc = append(strconv.AppendInt(append(d.enc, 'e'), int64(exp), 10), ';')
}
