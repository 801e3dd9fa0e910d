package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// window is how many bytes a scanner reads at a time.
const window = 256 << 10

// scanner reads the frames of a segment one after another, and finds the next good one behind bytes that are none.
type scanner struct {
	from    io.ReaderAt
	seal    seal
	off     int64  // of the next byte to look at
	end     int64  // what is beyond does not exist
	buf     []byte // bytes from off on
	spare   []byte // memory for buf
	used    bool   // spare holds frames
	window  int    // bytes to read at a time
	keep    bool   // frames stay valid: their memory is not used again
	damaged func(from, to, number int64)

	torn int64 // where a frame begins that was cut short by the end; -1 = none
	err  error
}

func newScanner(from io.ReaderAt, s seal, off, end int64) *scanner {
	return &scanner{from: from, seal: s, off: off, end: end, window: window, torn: -1}
}

// next gives the next good frame and where it begins, and says false at the end or at an error. A frame is valid until
// the next one is asked for, unless the scanner keeps them. damaged, if there is one, hears of every run of bytes
// that is no frame, with the record's number if that is known.
func (s *scanner) next() (f frame, at int64, ok bool) {
	for s.err == nil {
		b := s.peek(headSize)
		if len(b) < headSize {
			if len(b) > 0 {
				s.torn = s.off
			}
			return frame{}, s.off, false
		}
		h, ok := s.seal.checkHead(b)
		if !ok {
			if s.zeros() {
				s.torn = s.off
				return frame{}, s.off, false
			}
			from := s.off
			s.seek()
			s.report(from, s.off, 0)
			continue
		}
		n := h.size()
		if int64(n) > s.end-s.off {
			s.torn = s.off
			return frame{}, s.off, false
		}
		if b = s.peek(n); len(b) < n {
			return frame{}, s.off, false // an error of reading
		}
		at = s.off
		f, ok = s.seal.cut(b[:n:n], h)
		s.skip(n)
		if ok {
			return f, at, true
		}
		number := h.number
		if h.kind != kindRecord {
			number = 0
		}
		s.report(at, s.off, number)
	}
	return frame{}, s.off, false
}

func (s *scanner) report(from, to, number int64) {
	if s.damaged != nil && to > from {
		s.damaged(from, to, number)
	}
}

// peek gives at least n bytes from off on, fewer at the end.
func (s *scanner) peek(n int) []byte {
	if len(s.buf) >= n || s.err != nil {
		return s.buf
	}
	n = int(min(int64(max(n, s.window)), s.end-s.off))
	if n <= len(s.buf) {
		return s.buf
	}
	old, have := s.buf, len(s.buf)
	if cap(s.spare) < n || s.keep && s.used {
		s.spare = make([]byte, max(n, min(2*cap(s.spare), s.window)))
	}
	s.used = true
	s.buf = s.spare[:n]
	copy(s.buf, old) // old may be the end of the same memory
	got, err := s.from.ReadAt(s.buf[have:], s.off+int64(have))
	s.buf = s.buf[:have+got]
	if err != nil && (!errors.Is(err, io.EOF) || have+got < n) {
		s.err = fmt.Errorf("read at %d: %w", s.off+int64(have+got), err)
	}
	return s.buf
}

func (s *scanner) skip(n int) {
	s.buf = s.buf[n:]
	s.off += int64(n)
}

// seek goes on to the next head behind off, or to the end.
func (s *scanner) seek() {
	s.skip(1)
	for {
		b := s.peek(headSize)
		if len(b) < headSize {
			s.skip(len(b))
			return
		}
		i := bytes.Index(b, magic)
		switch {
		case i < 0:
			s.skip(len(b) - len(magic) + 1)
		case i > 0:
			s.skip(i)
		default:
			if _, ok := s.seal.checkHead(b); ok {
				return
			}
			s.skip(1)
		}
	}
}

// zeros says whether nothing but zeros is left: space that was set aside and never written.
func (s *scanner) zeros() bool {
	b := s.buf
	for off := s.off; ; {
		if len(bytes.TrimLeft(b, "\x00")) > 0 {
			return false
		}
		off += int64(len(b))
		if off >= s.end {
			return true
		}
		b = make([]byte, min(window, s.end-off))
		if _, err := s.from.ReadAt(b, off); err != nil && !errors.Is(err, io.EOF) {
			return false
		}
	}
}
