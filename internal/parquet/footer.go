package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errShort says that thrift ends before its end.
var errShort = errors.New("it is cut off")

// walker walks over a value in Thrift's compact form without keeping anything: it finds sizes that lie before the library makes room for
// them.
type walker struct {
	b      []byte
	at     int
	things int // that lists may still have
}

// most of what Thrift may hold.
const (
	deepest    = 24
	mostThings = 1_000_000
)

func (w *walker) byte() (byte, error) {
	if w.at >= len(w.b) {
		return 0, errShort
	}
	w.at++
	return w.b[w.at-1], nil
}

func (w *walker) varint() (uint64, error) {
	v, n := binary.Uvarint(w.b[w.at:])
	if n <= 0 {
		return 0, errShort
	}
	w.at += n
	return v, nil
}

func (w *walker) skip(n uint64) error {
	if n > uint64(len(w.b)-w.at) {
		return errShort
	}
	w.at += int(n)
	return nil
}

// size takes a number of things, of which each takes a byte at least.
func (w *walker) size(n uint64) error {
	if n > uint64(len(w.b)-w.at) || n > uint64(w.things) {
		return errors.New("it says that it has more parts than there can be")
	}
	w.things -= int(n)
	return nil
}

// structure walks over a struct.
func (w *walker) structure(depth int) error {
	if depth > deepest {
		return errors.New("it is nested too deeply")
	}
	for {
		head, err := w.byte()
		if err != nil {
			return err
		}
		kind := head & 15
		if kind == 0 {
			return nil
		}
		if head>>4 == 0 { // the field's number follows
			if _, err := w.varint(); err != nil {
				return err
			}
		}
		if kind <= 2 { // a truth is in its head
			continue
		}
		if err := w.value(kind, depth); err != nil {
			return err
		}
	}
}

func (w *walker) value(kind byte, depth int) error {
	switch kind {
	case 1, 2, 3: // a truth in a list, a byte
		return w.skip(1)
	case 4, 5, 6: // 16, 32 and 64 bits
		_, err := w.varint()
		return err
	case 7:
		return w.skip(8)
	case 8:
		n, err := w.varint()
		if err != nil {
			return err
		}
		return w.skip(n)
	case 9, 10:
		return w.list(depth)
	case 11:
		return w.pairs(depth)
	case 12:
		return w.structure(depth + 1)
	}
	return fmt.Errorf("it has a part of the unknown kind %d", kind)
}

func (w *walker) list(depth int) error {
	head, err := w.byte()
	if err != nil {
		return err
	}
	n := uint64(head >> 4)
	if n == 15 {
		if n, err = w.varint(); err != nil {
			return err
		}
	}
	if err := w.size(n); err != nil {
		return err
	}
	if depth > deepest {
		return errors.New("it is nested too deeply")
	}
	for range n {
		if err := w.value(head&15, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) pairs(depth int) error {
	n, err := w.varint()
	if err != nil || n == 0 {
		return err
	}
	if err := w.size(n); err != nil {
		return err
	}
	kinds, err := w.byte()
	if err != nil {
		return err
	}
	for range n {
		if err := w.value(kinds>>4, depth+1); err != nil {
			return err
		}
		if err := w.value(kinds&15, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// checkFooter says what is wrong with the end of a file, before the library reads it.
func checkFooter(file []byte) error {
	n := len(file)
	if n < 12 || string(file[:4]) != Magic || string(file[n-4:]) != Magic {
		if n >= 4 && string(file[n-4:]) == "PARE" {
			return errors.New("its footer is encrypted")
		}
		return errors.New("it does not begin and end as a Parquet file does")
	}
	size := uint64(binary.LittleEndian.Uint32(file[n-8:]))
	if size > uint64(n-12) {
		return errors.New("its footer is larger than it is")
	}
	w := &walker{b: file[n-8-int(size) : n-8], things: mostThings}
	if err := w.structure(0); err != nil {
		return fmt.Errorf("its footer is damaged: %w", err)
	}
	return nil
}
