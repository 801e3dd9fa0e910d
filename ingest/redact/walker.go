package redact

import (
	"bytes"
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
)

const (
	maxDepth  = 512 // of arrays and objects within each other
	maxNested = 4   // of JSON within strings
	maxLevels = 4   // of arrays whose elements are told apart by what they hold
)

// walker goes over JSON, also JSON that ends early, and notes what has to change.
type walker struct {
	unit    *unit
	b       []byte
	all     *collection // nil within a string: no fragments there
	nested  int
	pos     int
	bad     bool
	path    []byte // member names from the top, each behind a dot
	at      []byte // which elements of arrays the path goes through
	pending []pending

	looked int  // the object, plus 1, whose media type was looked up
	image  bool // it is that of an image
}

// pending is a fragment, noted until the unit is known to be JSON.
type pending struct {
	channel string
	key     []byte
	str     jsonString
}

// scope is where a value stands.
type scope struct {
	key, parent []byte // member names of the value and of the object around it
	object      int    // where the innermost object begins
	free        bool   // everything is content, whatever its name
	depth       int
}

// sequence walks over values one after the other. Only strings, arrays and objects count: other bodies are text.
func (w *walker) sequence(start int) {
	for w.pos = start; !w.bad; {
		w.space()
		if w.pos == len(w.b) {
			return
		}
		if c := w.b[w.pos]; c != '{' && c != '[' && c != '"' {
			w.bad = true
			return
		}
		w.value(scope{free: w.all == nil})
	}
}

func (w *walker) space() {
	for w.pos < len(w.b) && (w.b[w.pos] == ' ' || w.b[w.pos] == '\n' || w.b[w.pos] == '\r' || w.b[w.pos] == '\t') {
		w.pos++
	}
}

// value walks over one value. At the end of the text it stops without a complaint.
func (w *walker) value(s scope) {
	if w.space(); w.pos == len(w.b) {
		return
	}
	if s.depth > maxDepth {
		w.bad = true
		return
	}
	switch c := w.b[w.pos]; {
	case c == '{':
		w.object(s)
	case c == '[':
		w.array(s)
	case c == '"':
		str, ok := w.scan()
		if ok {
			w.content(s, str)
		}
	case c == '-' || isDigit(c):
		w.number(s)
	default:
		w.literal()
	}
}

func (w *walker) object(s scope) {
	begin := w.pos
	w.pos++
	for first := true; ; first = false {
		if w.space(); w.pos == len(w.b) {
			return
		}
		if w.b[w.pos] == '}' && first {
			w.pos++
			return
		}
		if w.b[w.pos] != '"' {
			w.bad = true
			return
		}
		name, ok := w.scan()
		if !ok || !name.closed {
			return
		}
		key := name.text(w.b)
		if clean, changed := text(key, nil); changed {
			w.unit.edits = append(w.unit.edits, name.replace(clean))
		}
		if w.space(); w.pos == len(w.b) {
			return
		}
		if w.b[w.pos] != ':' {
			w.bad = true
			return
		}
		w.pos++
		w.member(s, begin, key)
		if w.bad || w.next('}') {
			return
		}
	}
}

// member walks over the value of a member.
func (w *walker) member(s scope, object int, key []byte) {
	w.space()
	inner := scope{key: key, parent: s.key, object: object, free: s.free, depth: s.depth + 1}
	opens := w.pos < len(w.b) && (w.b[w.pos] == '{' || w.b[w.pos] == '[')
	if !s.free && opens {
		switch {
		case skipped[string(key)]:
			w.skip(inner)
			return
		case string(key) == "logprobs" || string(key) == "logprobsResult":
			from := w.pos
			w.skip(inner)
			if !w.bad {
				w.unit.logprobs = append(w.unit.logprobs, edit{from, w.pos, []byte("null")})
			}
			return
		}
		inner.free = isFree(key, s.key, w.b[w.pos] == '{')
	}
	path := len(w.path)
	w.path = append(append(w.path, '.'), key...)
	w.value(inner)
	w.path = w.path[:path]
}

// skip walks over a value and forgets what it found there.
func (w *walker) skip(s scope) {
	unit, pending := *w.unit, len(w.pending)
	w.value(s)
	w.unit.edits, w.unit.logprobs, w.pending = unit.edits, unit.logprobs, w.pending[:pending]
}

func (w *walker) array(s scope) {
	w.pos++
	if w.space(); w.pos < len(w.b) && w.b[w.pos] == ']' {
		w.pos++
		return
	}
	inner := s
	inner.depth++
	ordered := hasFragments(w.path)
	for i := 0; w.pos < len(w.b); i++ {
		at := len(w.at)
		if ordered {
			w.at = appendElement(w.at, w.path, w.b[w.pos:], i)
		}
		w.value(inner)
		w.at = w.at[:at]
		if w.bad || w.next(']') {
			return
		}
		w.space()
	}
}

// next reads a comma, or the closing bracket: then, and at the end, it is true.
func (w *walker) next(closing byte) bool {
	if w.space(); w.pos == len(w.b) {
		return true
	}
	c := w.b[w.pos]
	w.pos++
	if c != ',' && c != closing {
		w.bad = true
	}
	return c != ','
}

// number walks over a number; among free content it may be a card.
func (w *walker) number(s scope) {
	from := w.pos
	for w.pos < len(w.b) {
		c := w.b[w.pos]
		if !isDigit(c) && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		w.pos++
	}
	n := w.b[from:w.pos]
	if w.pos < len(w.b) && !validNumber(n) {
		w.bad = true
		return
	}
	if s.free && len(n) >= 13 && len(n) <= 19 && isCard(n) {
		w.unit.edits = append(w.unit.edits, edit{from, w.pos, []byte(`"[card]"`)})
	}
}

// validNumber says that n is a JSON number.
func validNumber(n []byte) bool {
	i := 0
	if i < len(n) && n[i] == '-' {
		i++
	}
	first := i
	for i < len(n) && isDigit(n[i]) {
		i++
	}
	if i == first || n[first] == '0' && i > first+1 {
		return false
	}
	if i < len(n) && n[i] == '.' {
		i++
		if i == len(n) || !isDigit(n[i]) {
			return false
		}
		for i < len(n) && isDigit(n[i]) {
			i++
		}
	}
	if i < len(n) && (n[i] == 'e' || n[i] == 'E') {
		if i++; i < len(n) && (n[i] == '+' || n[i] == '-') {
			i++
		}
		if i == len(n) {
			return false
		}
		for i < len(n) && isDigit(n[i]) {
			i++
		}
	}
	return i == len(n)
}

func (w *walker) literal() {
	for _, word := range [...]string{"true", "false", "null"} {
		rest := w.b[w.pos:]
		if len(rest) < len(word) && string(rest) == word[:len(rest)] {
			w.pos = len(w.b)
			return
		}
		if bytes.HasPrefix(rest, []byte(word)) {
			w.pos += len(word)
			return
		}
	}
	w.bad = true
}

// content looks at a string that is a value.
func (w *walker) content(s scope, str jsonString) {
	if !s.free && structural[string(s.key)] {
		return
	}
	if w.all != nil && !s.free && isFragment(w.path) {
		w.pending = append(w.pending, pending{channel: w.channel(), key: s.key, str: str})
		return
	}
	if str.to-str.from < minHit {
		return
	}
	t := str.text(w.b)
	if isPayload(t) {
		if w.isImage(s) {
			w.unit.edits = append(w.unit.edits, str.replace(imageMark(t)))
		}
		return
	}
	if clean, changed := stringValue(t, s.key, w.nested); changed {
		w.unit.edits = append(w.unit.edits, str.replace(clean))
	}
}

// isImage says that a payload is an image: its name says so, or a media type in the same object.
func (w *walker) isImage(s scope) bool {
	switch string(s.key) {
	case "b64_json", "partial_image_b64":
		return true
	case "data":
	default:
		return false
	}
	if w.looked != s.object+1 {
		w.looked, w.image = s.object+1, imageType(w.b[s.object:])
	}
	return w.image
}

// stringValue redacts a decoded string: as JSON when it is that, else as text.
func stringValue(t, key []byte, nested int) ([]byte, bool) {
	if start := bytes.TrimLeft(t, " \t\r\n"); nested < maxNested && len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		u := &unit{b: t}
		w := walker{unit: u, b: t, nested: nested + 1}
		if w.sequence(len(t) - len(start)); !w.bad {
			return u.apply(), len(u.edits) > 0
		}
	}
	return text(t, key)
}

// appendElement names an array's element so that the same element is recognised in the next event.
func appendElement(at, path, element []byte, i int) []byte {
	at = append(at, '#')
	v := rawjson.Value(element)
	if v.Kind() == rawjson.Object && bytes.Count(at, []byte{'#'}) <= maxLevels {
		var index, kind, thought rawjson.Value
		v.Members(func(key []byte, m rawjson.Value) bool {
			switch string(key) {
			case "index":
				index = m
			case "type":
				kind = m
			case "thought":
				thought = m
			}
			return true
		})
		if n, ok := index.Int(); ok {
			return strconv.AppendInt(at, n, 10)
		}
		if bytes.HasSuffix(path, []byte(".parts")) || bytes.HasSuffix(path, []byte(".content")) {
			return append(append(at, kind...), thought...)
		}
	}
	return strconv.AppendInt(at, int64(i), 10)
}
