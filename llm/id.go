package llm

import (
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// NewID makes the id of a call that starts at t: a version 7 UUID (RFC 9562) in its usual text form. It sorts by
// time to the millisecond, so that a store can find the call's neighbourhood from the id alone; see IDTime.
func NewID(t time.Time) string {
	var b [16]byte
	ms := uint64(t.UnixMilli())
	b[0], b[1], b[2] = byte(ms>>40), byte(ms>>32), byte(ms>>24)
	b[3], b[4], b[5] = byte(ms>>16), byte(ms>>8), byte(ms)
	hi, lo := rand.Uint64(), rand.Uint64()
	b[6], b[7] = 0x70|byte(hi>>8)&0x0f, byte(hi)
	for i := range 8 {
		b[8+i] = byte(lo >> (8 * i))
	}
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	s[8] = '-'
	hex.Encode(s[9:13], b[4:6])
	s[13] = '-'
	hex.Encode(s[14:18], b[6:8])
	s[18] = '-'
	hex.Encode(s[19:23], b[8:10])
	s[23] = '-'
	hex.Encode(s[24:36], b[10:16])
	return string(s[:])
}

// IDTime reads the millisecond at which an id of NewID was made. Ids from elsewhere give false.
func IDTime(id string) (time.Time, bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[14] != '7' {
		return time.Time{}, false
	}
	var b [6]byte
	if _, err := hex.Decode(b[0:4], []byte(id[0:8])); err != nil {
		return time.Time{}, false
	}
	if _, err := hex.Decode(b[4:6], []byte(id[9:13])); err != nil {
		return time.Time{}, false
	}
	ms := int64(b[0])<<40 | int64(b[1])<<32 | int64(b[2])<<24 | int64(b[3])<<16 | int64(b[4])<<8 | int64(b[5])
	return time.UnixMilli(ms).UTC(), true
}

// NewTraceID makes a W3C trace id: 32 hex digits.
func NewTraceID() string {
	var b [16]byte
	putUint64(b[:8], rand.Uint64()|1) // never all zero
	putUint64(b[8:], rand.Uint64())
	return hex.EncodeToString(b[:])
}

// NewSpanID makes a W3C span id: 16 hex digits.
func NewSpanID() string {
	var b [8]byte
	putUint64(b[:], rand.Uint64()|1)
	return hex.EncodeToString(b[:])
}

func putUint64(b []byte, v uint64) {
	for i := range 8 {
		b[i] = byte(v >> (8 * i))
	}
}
