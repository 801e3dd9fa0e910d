package rawjson

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
	end, escaped, what := str(v, 0)
	if what != "" {
		return nil, false
	}
	if !escaped {
		return v[1 : end-1], true
	}
	return unescape(nil, v[1:end-1]), true
}

// AppendText appends the unescaped string to dst; other kinds append nothing.
func (v Value) AppendText(dst []byte) []byte {
	if v.Kind() != String {
		return dst
	}
	end, escaped, what := str(v, 0)
	if what != "" {
		return dst
	}
	if !escaped {
		return append(dst, v[1:end-1]...)
	}
	return unescape(dst, v[1:end-1])
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
	members(v, 0, func(m span) bool { return f(m.key, v[m.val:m.end]) })
}

// Each visits the elements of an array in order until f returns false. Other kinds have none.
func (v Value) Each(f func(i int, w Value) bool) {
	if v.Kind() != Array {
		return
	}
	i := space(v, 1)
	for n := 0; i < len(v) && v[i] != ']'; n++ {
		end, what := skip(v, i, 1)
		if what != "" || !f(n, v[i:end]) {
			return
		}
		i = space(v, end)
		if i == len(v) || v[i] != ',' {
			return
		}
		i = space(v, i+1)
	}
}
