package spool

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/weir-dev/weir/trace"
)

// held is where a record of a batch lies. The record itself is read when the store wants it, so that what a batch needs
// in memory does not depend on how large its bodies are.
type held struct {
	number int64
	at     int64  // when it was accepted, µs since 1970
	id     string // of its call
	path   string // of its segment
	off    int64
	size   int
}

// errUnreadable says that a record was whole when the batch was cut and is not any more.
var errUnreadable = errors.New("record of a batch cannot be read again")

// holding gives the records of a batch to the store.
type holding struct {
	list  []held
	from  *rereader
	heard func() // called with each record that is read
	r     trace.Record
}

var _ trace.Records = (*holding)(nil)

// Len counts the records.
func (h *holding) Len() int { return len(h.list) }

// At reads one.
func (h *holding) At(i int) (*trace.Record, error) {
	h.heard()
	f, err := h.from.frame(&h.list[i])
	if err != nil {
		return nil, err
	}
	if err := f.record(&h.r); err != nil {
		return nil, fmt.Errorf("record %d: %w", f.number, err)
	}
	return &h.r, nil
}

// rereader reads frames whose places are known, quickly when these rise.
type rereader struct {
	seal seal
	file *os.File
	path string
	buf  []byte // of the file, from off on
	off  int64
}

// frame reads one frame, which is valid until the next one is read.
func (r *rereader) frame(h *held) (frame, error) {
	if r.path != h.path || r.file == nil {
		r.leave()
		f, err := os.Open(h.path)
		if err != nil {
			return frame{}, fmt.Errorf("%w: %w", errUnreadable, err)
		}
		r.file, r.path = f, h.path
	}
	if h.off < r.off || h.off+int64(h.size) > r.off+int64(len(r.buf)) {
		if err := r.fill(h); err != nil {
			return frame{}, fmt.Errorf("%w: record %d at %d of %s: %w", errUnreadable, h.number, h.off, h.path, err)
		}
	}
	b := r.buf[h.off-r.off:][:h.size]
	if head, ok := r.seal.checkHead(b); ok && head.size() == h.size {
		if f, ok := r.seal.cut(b, head); ok {
			return f, nil
		}
	}
	return frame{}, fmt.Errorf("%w: record %d at %d of %s is damaged", errUnreadable, h.number, h.off, h.path)
}

func (r *rereader) fill(h *held) error {
	n := max(h.size, window)
	if cap(r.buf) < n || cap(r.buf) > 4*n && cap(r.buf) > 16*window { // what a huge record needed is not kept
		r.buf = make([]byte, n)
	}
	got, err := r.file.ReadAt(r.buf[:n], h.off)
	r.buf, r.off = r.buf[:got], h.off
	if got >= h.size {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (r *rereader) leave() {
	if r.file != nil {
		_ = r.file.Close() // only read
	}
	r.file, r.path, r.buf, r.off = nil, "", r.buf[:0], 0
}

// expel puts the records of a batch into quarantine that cannot be decoded, and gives what is left of it. Their numbers
// count as damaged.
func (s *sender) expel(b batch) (batch, error) {
	rest := make([]held, 0, len(b.list))
	var r trace.Record
	for i := range b.list {
		f, err := s.again.frame(&b.list[i])
		if err != nil {
			return b, err
		}
		cause := f.record(&r)
		if cause == nil {
			rest = append(rest, b.list[i])
			continue
		}
		if err := s.d.quarantine(&f, cause); err != nil {
			return b, err
		}
	}
	b.list = rest
	return b, nil
}
