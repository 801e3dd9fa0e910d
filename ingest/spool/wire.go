package spool

import (
	"encoding/binary"
	"errors"
	"math"
)

// Records are written as fields, each a tag (number and shape) before its value. A reader skips the numbers it does
// not know, so that an older and a newer weir read each other's; a number is never given to another meaning.
const (
	shapeVarint = iota // zigzag varint
	shapeFixed         // 8 bytes
	shapeText          // varint length, bytes
	shapeGroup         // 4 bytes of length, fields
)

var errFields = errors.New("fields do not decode")

func putTag(b []byte, field, shape uint64) []byte {
	return binary.AppendUvarint(b, field<<2|shape)
}

// putInt, putFloat and putText leave zero values out.
func putInt(b []byte, field uint64, v int64) []byte {
	if v == 0 {
		return b
	}
	return binary.AppendVarint(putTag(b, field, shapeVarint), v)
}

func putFloat(b []byte, field uint64, v float64) []byte {
	if v == 0 {
		return b
	}
	return binary.LittleEndian.AppendUint64(putTag(b, field, shapeFixed), math.Float64bits(v))
}

func putText(b []byte, field uint64, s string) []byte {
	if s == "" {
		return b
	}
	return append(binary.AppendUvarint(putTag(b, field, shapeText), uint64(len(s))), s...)
}

// putTexts keeps empty members: their number is part of the value.
func putTexts(b []byte, field uint64, list []string) []byte {
	for _, s := range list {
		b = append(binary.AppendUvarint(putTag(b, field, shapeText), uint64(len(s))), s...)
	}
	return b
}

func putPair(b []byte, field uint64, key, value string) []byte {
	n := uvarintLen(uint64(len(key))) + len(key) + len(value)
	b = binary.AppendUvarint(putTag(b, field, shapeText), uint64(n))
	b = binary.AppendUvarint(b, uint64(len(key)))
	return append(append(b, key...), value...)
}

// openGroup begins a group; closeGroup, given where it began, fills its length in.
func openGroup(b []byte, field uint64) ([]byte, int) {
	b = append(putTag(b, field, shapeGroup), 0, 0, 0, 0)
	return b, len(b)
}

func closeGroup(b []byte, start int) []byte {
	binary.LittleEndian.PutUint32(b[start-4:], uint32(len(b)-start))
	return b
}

func uvarintLen(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}

// fields reads what the put functions wrote. All texts it gives share the memory of the string it reads, so that a
// record costs one allocation for all of them.
type fields struct {
	rest   string
	field  uint64
	shape  uint64
	number uint64 // of a varint or a fixed
	text   string // of a text or a group
	err    error
}

// next moves to the next field, and says false at the end or at an error.
func (f *fields) next() bool {
	if f.rest == "" || f.err != nil {
		return false
	}
	tag, ok := f.uvarint()
	if !ok {
		return false
	}
	f.field, f.shape = tag>>2, tag&3
	switch f.shape {
	case shapeVarint:
		f.number, ok = f.uvarint()
		return ok
	case shapeFixed:
		s, ok := f.take(8)
		if ok {
			f.number = leUint64(s)
		}
		return ok
	case shapeText:
		n, ok := f.uvarint()
		if ok {
			f.text, ok = f.take(n)
		}
		return ok
	default: // shapeGroup
		s, ok := f.take(4)
		if ok {
			f.text, ok = f.take(uint64(leUint32(s)))
		}
		return ok
	}
}

// is says whether the field at hand has this number and shape.
func (f *fields) is(field, shape uint64) bool { return f.field == field && f.shape == shape }

func (f *fields) int() int64     { return int64(f.number>>1) ^ -int64(f.number&1) }
func (f *fields) float() float64 { return math.Float64frombits(f.number) }

func (f *fields) pair() (key, value string) {
	in := fields{rest: f.text}
	n, ok := in.uvarint()
	if ok {
		key, ok = in.take(n)
	}
	if !ok {
		f.err = errFields
	}
	return key, in.rest
}

func (f *fields) take(n uint64) (string, bool) {
	if n > uint64(len(f.rest)) {
		f.err = errFields
		return "", false
	}
	s := f.rest[:n]
	f.rest = f.rest[n:]
	return s, true
}

func (f *fields) uvarint() (uint64, bool) {
	var v uint64
	for i := range min(len(f.rest), binary.MaxVarintLen64) {
		c := f.rest[i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			f.rest = f.rest[i+1:]
			return v, true
		}
	}
	f.err = errFields
	return 0, false
}

func leUint32(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func leUint64(s string) uint64 { return uint64(leUint32(s)) | uint64(leUint32(s[4:]))<<32 }
