// Package wire reads HTTP/1.1 messages with as little work as can be, so that mock and load generator leave the machine
// to what they measure.
package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Nonce is what a request carries and its answer must carry too: the word nonce= and NonceDigits digits.
const (
	NoncePrefix = "nonce="
	NonceDigits = 16
)

// ErrTooLarge says that a body is longer than the reader allows.
var ErrTooLarge = errors.New("the body is too large")

// Head is what must be known of a message's head to read its body. It is reused from message to message.
type Head struct {
	Start   []byte // first line without its end
	Length  int    // of the body in bytes; -1 when the head does not say
	Chunked bool
	Close   bool // the connection ends after this message
	Expect  bool // the sender waits for 100 Continue
}

// ReadHead reads up to the empty line. An error that is io.EOF means that the peer had nothing more to say.
func ReadHead(r *bufio.Reader, h *Head) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		if len(line) > 0 && errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	*h = Head{Start: append(h.Start[:0], trimEnd(line)...), Length: -1}
	h.Close = bytes.Contains(h.Start, []byte("HTTP/1.0"))
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return noEOF(err)
		}
		line = trimEnd(line)
		if len(line) == 0 {
			return nil
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return fmt.Errorf("not a header: %q", line)
		}
		if err := h.field(name, bytes.TrimSpace(value)); err != nil {
			return err
		}
	}
}

var (
	contentLength    = []byte("content-length")
	transferEncoding = []byte("transfer-encoding")
	connection       = []byte("connection")
	expect           = []byte("expect")
)

// field notes a header that matters. The length of the name is looked at first: most headers do not matter.
func (h *Head) field(name, value []byte) error {
	switch len(name) {
	case len(contentLength):
		if bytes.EqualFold(name, contentLength) {
			n, err := strconv.Atoi(string(value))
			if err != nil || n < 0 {
				return fmt.Errorf("not a length: %q", value)
			}
			h.Length = n
		}
	case len(transferEncoding):
		if bytes.EqualFold(name, transferEncoding) {
			h.Chunked = true
		}
	case len(connection):
		if bytes.EqualFold(name, connection) && bytes.EqualFold(value, []byte("close")) {
			h.Close = true
		}
	case len(expect):
		if bytes.EqualFold(name, expect) {
			h.Expect = true
		}
	}
	return nil
}

// ReadBody appends the body that follows h to dst and returns it. first, if not nil, is called when the first byte of
// the body is there. A body longer than limit gives ErrTooLarge.
func ReadBody(r *bufio.Reader, h *Head, dst []byte, limit int, first func()) ([]byte, error) {
	begun := func() error {
		if first == nil {
			return nil
		}
		if _, err := r.Peek(1); err != nil {
			return noEOF(err)
		}
		first()
		first = nil
		return nil
	}
	switch {
	case h.Chunked:
		return readChunks(r, dst, limit, begun)
	case h.Length > limit:
		return dst, ErrTooLarge
	case h.Length == 0:
		return dst, nil
	case h.Length > 0:
		if err := begun(); err != nil {
			return dst, err
		}
		return readN(r, dst, h.Length)
	}
	if err := begun(); err != nil {
		return dst, err
	}
	rest, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(rest) > limit {
		err = ErrTooLarge
	}
	return append(dst, rest...), err
}

func readN(r *bufio.Reader, dst []byte, n int) ([]byte, error) {
	at := len(dst)
	if cap(dst) < at+n {
		dst = append(make([]byte, 0, at+n+at/2), dst...)
	}
	dst = dst[:at+n]
	_, err := io.ReadFull(r, dst[at:])
	return dst, noEOF(err)
}

func readChunks(r *bufio.Reader, dst []byte, limit int, begun func() error) ([]byte, error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return dst, noEOF(err)
		}
		digits, _, _ := bytes.Cut(trimEnd(line), []byte(";"))
		n, err := strconv.ParseUint(string(bytes.TrimSpace(digits)), 16, 31)
		switch {
		case err != nil:
			return dst, fmt.Errorf("not the size of a chunk: %q", line)
		case len(dst)+int(n) > limit:
			return dst, ErrTooLarge
		case n == 0:
			return dst, skipTrailers(r)
		}
		if err := begun(); err != nil {
			return dst, err
		}
		if dst, err = readN(r, dst, int(n)); err != nil {
			return dst, err
		}
		if _, err := r.Discard(len("\r\n")); err != nil {
			return dst, noEOF(err)
		}
	}
}

func skipTrailers(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return noEOF(err)
		}
		if len(trimEnd(line)) == 0 {
			return nil
		}
	}
}

func trimEnd(line []byte) []byte { return bytes.TrimRight(line, "\r\n") }

// noEOF makes an end in the middle of a message an error of its own.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
