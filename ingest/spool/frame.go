package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"

	"github.com/weir-dev/weir/trace"
)

// A frame is what a segment is made of: a head, the fields of a record or of an admission, the bodies as they are.
// The head has a checksum of its own, so that a broken length is known from a frame that was cut short. All checksums
// begin with the spool's id: bytes of another spool, or made up by a client and sent as a body, are never taken for
// a frame.
//
//	0 magic · 4 checksum of 8–44 · 8 checksum of all behind the head · 12 kind · 13 zero · 14 flags (2)
//	16 length of the fields · 20 of the request · 24 of the response · 28 record number (8) · 36 time (8), µs
const headSize = 44

// Kinds of frame. A reader skips those it does not know; only records have numbers of their own.
const (
	kindRecord    = 1
	kindAdmission = 2
	kindReason    = 3 // in a quarantine file, why the record before it is there
)

// flagBodyDropped says that the record had bodies for which there was no room.
const flagBodyDropped = 1

// bodyDropped is the same as the record's readers see it.
const bodyDropped = "body_dropped"

var (
	magic = []byte{0xf5, 'W', 0x1e, 0xfe}
	table = crc32.MakeTable(crc32.Castagnoli)
)

// frame is one frame; its slices share the memory it was read from.
type frame struct {
	kind                    byte
	flags                   uint16
	number                  int64
	at                      int64 // when it was accepted, µs since 1970
	meta, request, response []byte
}

func (f *frame) size() int { return headSize + len(f.meta) + len(f.request) + len(f.response) }

// seal is the start of every checksum of one spool.
type seal uint32

func newSeal(id spoolID) seal { return seal(crc32.Checksum(id[:], table)) }

func (s seal) sum(b ...[]byte) uint32 {
	crc := uint32(s)
	for _, part := range b {
		crc = crc32.Update(crc, table, part)
	}
	return crc
}

// putFrame appends a frame. Its number and the head's checksum come when it is stamped.
func (s seal) putFrame(b []byte, f *frame) []byte {
	start := len(b)
	b = slices.Grow(b, f.size())
	b = b[:start+headSize]
	s.putHead(b[start:], f)
	b = append(b, f.meta...)
	b = append(b, f.request...)
	return append(b, f.response...)
}

func (s seal) putHead(h []byte, f *frame) {
	copy(h, magic)
	binary.LittleEndian.PutUint32(h[8:], s.sum(f.meta, f.request, f.response))
	h[12], h[13] = f.kind, 0
	binary.LittleEndian.PutUint16(h[14:], f.flags)
	binary.LittleEndian.PutUint32(h[16:], uint32(len(f.meta)))
	binary.LittleEndian.PutUint32(h[20:], uint32(len(f.request)))
	binary.LittleEndian.PutUint32(h[24:], uint32(len(f.response)))
	binary.LittleEndian.PutUint64(h[36:], uint64(f.at))
}

// stamp gives a frame its number.
func (s seal) stamp(h []byte, number int64) {
	binary.LittleEndian.PutUint64(h[28:], uint64(number))
	binary.LittleEndian.PutUint32(h[4:], s.sum(h[8:headSize]))
}

// head is a frame's head, read.
type head struct {
	kind                    byte
	flags                   uint16
	meta, request, response int
	number, at              int64
}

func (h *head) size() int { return headSize + h.meta + h.request + h.response }

// readHead reads the head of a frame whose number may still be missing.
func readHead(b []byte) head {
	return head{
		kind: b[12], flags: binary.LittleEndian.Uint16(b[14:]),
		meta: int(binary.LittleEndian.Uint32(b[16:])), request: int(binary.LittleEndian.Uint32(b[20:])), response: int(binary.LittleEndian.Uint32(b[24:])),
		number: int64(binary.LittleEndian.Uint64(b[28:])), at: int64(binary.LittleEndian.Uint64(b[36:])),
	}
}

// checkHead reads a head, and says false when these bytes are none.
func (s seal) checkHead(b []byte) (head, bool) {
	if len(b) < headSize || !bytes.HasPrefix(b, magic) || binary.LittleEndian.Uint32(b[4:]) != s.sum(b[8:headSize]) {
		return head{}, false
	}
	h := readHead(b)
	return h, h.number > 0
}

// cut takes the frame of a head from b, which holds it whole, and says false when its bytes are not those written.
func (s seal) cut(b []byte, h head) (frame, bool) {
	rest := b[headSize:h.size()]
	f := frame{kind: h.kind, flags: h.flags, number: h.number, at: h.at}
	f.meta, rest = rest[:h.meta:h.meta], rest[h.meta:]
	f.request, f.response = rest[:h.request:h.request], rest[h.request:]
	return f, binary.LittleEndian.Uint32(b[8:]) == s.sum(b[headSize:h.size()])
}

var errDecode = errors.New("record does not decode")

// record reads the record of a frame. Its bodies share the frame's memory.
func (f *frame) record(r *trace.Record) error {
	*r = trace.Record{}
	if err := readRecord(string(f.meta), r); err != nil {
		return errors.Join(errDecode, err)
	}
	if len(f.request) > 0 {
		r.Body.Request = f.request
	}
	if len(f.response) > 0 {
		r.Body.Response = slices.Clip(f.response)
	}
	if f.flags&flagBodyDropped != 0 {
		r.Call.Flags = append(r.Call.Flags, bodyDropped)
	}
	return nil
}
