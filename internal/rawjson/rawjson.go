// Package rawjson reads and patches JSON in place: one validating pass over the bytes, values as slices of them, no tree.
package rawjson

import (
	"bytes"
	"fmt"
)

// MaxDepth is how deeply arrays and objects may nest.
const MaxDepth = 512

// SyntaxError says where and why a text is not one JSON value.
type SyntaxError struct {
	Offset       int // in bytes from 0
	Line, Column int // from 1; the column counts bytes
	What         string
}

// Error reads "line 3, column 7: expected ':' after the member name".
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.What)
}

// DuplicateKeyError says that a top-level member name stands twice. Names are compared after unescaping.
type DuplicateKeyError struct {
	Key    string
	Offset int // of the second name, in bytes from 0
}

// Error names the key.
func (e *DuplicateKeyError) Error() string {
	return fmt.Sprintf("the member %q stands twice (second at byte %d)", e.Key, e.Offset)
}

// Scan validates that b is exactly one JSON value (RFC 8259; at most MaxDepth levels; strings need not be valid UTF-8,
// but hold no raw control characters). When the value is an object, member is called for every top-level member in
// order: key is unescaped, v is the raw value within b without surrounding space, off is v's offset. Both slices belong
// to b or to the scan: copy what must outlive the call. Returning false ends the visits, not the validation. Members in
// front of an error have been visited when the error, a *SyntaxError, is returned. A nil member visits nothing.
func Scan(b []byte, member func(key []byte, v Value, off int) bool) error {
	if member == nil {
		return scan(b, nil)
	}
	visit := true
	return scan(b, func(m span) bool {
		if visit {
			visit = member(m.key, Value(b[m.val:m.end]), m.val)
		}
		return true
	})
}

// ScanUnique is Scan that also refuses a top-level member name that stands twice, with a *DuplicateKeyError. Names
// deeper down are not compared.
func ScanUnique(b []byte, member func(key []byte, v Value, off int) bool) error {
	var (
		few   [32][]byte // most objects are small: compare in place
		n     int
		many  map[string]struct{}
		dup   *DuplicateKeyError
		visit = member != nil
	)
	err := scan(b, func(m span) bool {
		if dup != nil {
			return true
		}
		seen := false
		if many != nil {
			_, seen = many[string(m.key)]
			many[string(m.key)] = struct{}{}
		} else {
			for i := 0; i < n && !seen; i++ {
				seen = bytes.Equal(few[i], m.key)
			}
			if !seen && n < len(few) {
				few[n] = m.key
				n++
			} else if !seen {
				many = make(map[string]struct{}, 2*n)
				for _, k := range few {
					many[string(k)] = struct{}{}
				}
				many[string(m.key)] = struct{}{}
			}
		}
		if seen {
			dup = &DuplicateKeyError{Key: string(m.key), Offset: m.name}
			return true
		}
		if visit {
			visit = member(m.key, Value(b[m.val:m.end]), m.val)
		}
		return true
	})
	if err != nil {
		return err
	}
	if dup != nil {
		return dup
	}
	return nil
}

// span is one member of an object: where its name, value and end lie, and the unescaped name.
type span struct {
	key            []byte
	name, val, end int
}

// scan validates b and visits the members of a top-level object. A visitor that returns false ends the scan at once,
// without an error.
func scan(b []byte, visit func(span) bool) error {
	i := space(b, 0)
	if i == len(b) {
		return syntax(b, i, "expected a JSON value, found the end")
	}
	if b[i] != '{' || visit == nil {
		end, what := skip(b, i, 0)
		if what != "" {
			return syntax(b, end, what)
		}
		return rest(b, end)
	}
	end, what := members(b, i, visit)
	if what != "" {
		return syntax(b, end, what)
	}
	if end < 0 { // ended by the visitor
		return nil
	}
	return rest(b, end)
}

// members walks the object at b[i]. It returns the offset behind it, or where and what went wrong, or -1 when the
// visitor ended the walk.
func members(b []byte, i int, visit func(span) bool) (int, string) {
	i = space(b, i+1)
	if i < len(b) && b[i] == '}' {
		return i + 1, ""
	}
	for {
		if i == len(b) || b[i] != '"' {
			return i, "expected a member name in double quotes"
		}
		m := span{name: i}
		end, escaped, what := str(b, i)
		if what != "" {
			return end, what
		}
		m.key = b[i+1 : end-1]
		if escaped {
			m.key = unescape(nil, m.key)
		}
		i = space(b, end)
		if i == len(b) || b[i] != ':' {
			return i, "expected ':' after the member name"
		}
		m.val = space(b, i+1)
		if m.end, what = skip(b, m.val, 1); what != "" {
			return m.end, what
		}
		if !visit(m) {
			return -1, ""
		}
		i = space(b, m.end)
		if i == len(b) {
			return i, "expected ',' or '}' after a member, found the end"
		}
		switch b[i] {
		case ',':
			i = space(b, i+1)
		case '}':
			return i + 1, ""
		default:
			return i, "expected ',' or '}' after a member"
		}
	}
}

// rest refuses anything but space behind the value.
func rest(b []byte, i int) error {
	if i = space(b, i); i < len(b) {
		return syntax(b, i, "expected the end after the JSON value")
	}
	return nil
}

func syntax(b []byte, off int, what string) error {
	off = min(off, len(b))
	line := 1 + bytes.Count(b[:off], []byte{'\n'})
	column := off - bytes.LastIndexByte(b[:off], '\n')
	return &SyntaxError{Offset: off, Line: line, Column: column, What: what}
}
