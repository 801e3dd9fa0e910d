package rawjson

import "bytes"

// Value is the raw text of one JSON value, without surrounding space: a slice of the text it was read from. The
// methods assume what Scan has validated; on other input they return less, but do not panic. nil is an absent value.
type Value []byte

// Kind is the type of a Value.
type Kind uint8

// The kinds. Absent is a nil Value or something that cannot start a value.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// Kind tells the type from the first byte.
func (v Value) Kind() Kind {
	if len(v) == 0 {
		return Absent
	}
	switch c := v[0]; c {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	default:
		if c == '-' || '0' <= c && c <= '9' {
			return Number
		}
		return Absent
	}
}

// Empty says that there is nothing in the value: absent, null, "", [] or {}.
func (v Value) Empty() bool {
	switch v.Kind() {
	case Absent, Null:
		return true
	case String:
		return len(v) <= 2
	case Array, Object:
		i := space(v, 1)
		return i == len(v) || v[i] == ']' || v[i] == '}'
	default:
		return false
	}
}

// Str unescapes a string; lone surrogates become U+FFFD. Other kinds give false.
func (v Value) Str() (string, bool) {
	t, ok := v.Text()
	return string(t), ok
}

// Text is Str without a copy: the bytes lie in v when nothing is escaped. Do not write into them.
func (v Value) Text() ([]byte, bool) {
	if v.Kind() != String {
		return nil, false
	}
	inner, ok := v.inner()
	if !ok {
		return nil, false
	}
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	return unescape(nil, inner), true
}

// inner is what stands between the quotes of a string.
func (v Value) inner() ([]byte, bool) {
	end, ok := pastString(v, 0)
	if !ok {
		return nil, false
	}
	return v[1 : end-1], true
}

// AppendText appends the unescaped string to dst; other kinds append nothing.
func (v Value) AppendText(dst []byte) []byte {
	if v.Kind() != String {
		return dst
	}
	inner, _ := v.inner()
	return unescape(dst, inner)
}

// AppendBeginning is AppendText for a reader who wants little of a long string: it appends at least its first most
// bytes, and at the end of what it appends a character may be cut.
func (v Value) AppendBeginning(dst []byte, most int) []byte {
	const longestEscape = 12 // a surrogate pair
	if v.Kind() != String {
		return dst
	}
	inner, _ := v.inner()
	if head := inner[:min(most, len(inner))]; bytes.IndexByte(head, '\\') < 0 {
		return append(dst, head...)
	}
	return unescape(dst, inner[:min(longestEscape*most, len(inner))])
}

// Is says that v is a string equal to s.
func (v Value) Is(s string) bool {
	if len(v) < len(s)+2 { // escapes only lengthen
		return false
	}
	t, ok := v.Text()
	return ok && string(t) == s
}

// Bool gives a true or false; ok is false for other kinds.
func (v Value) Bool() (b, ok bool) {
	switch string(v) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Get walks down objects by member name. It gives nil when a name is missing or a step is no object. With names that
// stand twice the first counts.
func (v Value) Get(path ...string) Value {
	for _, name := range path {
		var next Value
		v.Members(func(key []byte, w Value) bool {
			if string(key) == name {
				next = w
				return false
			}
			return true
		})
		if next == nil {
			return nil
		}
		v = next
	}
	return v
}

// Members visits the members of an object in order until f returns false. Keys are unescaped; key and w are valid as
// long as v is. Other kinds have none.
func (v Value) Members(f func(key []byte, w Value) bool) {
	if v.Kind() != Object {
		return
	}
	i := space(v, 1)
	for i < len(v) && v[i] == '"' {
		end, ok := pastString(v, i)
		if !ok {
			return
		}
		key := []byte(v[i+1 : end-1])
		if bytes.IndexByte(key, '\\') >= 0 {
			key = unescape(nil, key)
		}
		if i = space(v, end); i == len(v) || v[i] != ':' {
			return
		}
		i = space(v, i+1)
		if end, ok = past(v, i); !ok || !f(key, v[i:end]) {
			return
		}
		if i = space(v, end); i == len(v) || v[i] != ',' {
			return
		}
		i = space(v, i+1)
	}
}

// Each visits the elements of an array in order until f returns false. Other kinds have none.
func (v Value) Each(f func(i int, w Value) bool) {
	if v.Kind() != Array {
		return
	}
	i := space(v, 1)
	for n := 0; i < len(v) && v[i] != ']'; n++ {
		end, ok := past(v, i)
		if !ok || !f(n, v[i:end]) {
			return
		}
		i = space(v, end)
		if i == len(v) || v[i] != ',' {
			return
		}
		i = space(v, i+1)
	}
}
