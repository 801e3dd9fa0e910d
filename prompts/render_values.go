package prompts

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/internal/rawjson"
)

// read decodes the variables, as encoding/json does with UseNumber, in a fifth of its time.
func (c *Compiled) read(variables json.RawMessage) (map[string]any, error) {
	if absent(variables) {
		return nil, nil
	}
	if err := rawjson.ScanUnique(variables, nil); err != nil {
		if twice, ok := errors.AsType[*rawjson.DuplicateKeyError](err); ok {
			return nil, c.bad(twice.Key, "stands twice")
		}
		return nil, c.bad("", "are not JSON: "+err.Error())
	}
	v := values{variables, 0}
	values, ok := v.next().(map[string]any)
	if !ok {
		return nil, c.bad("", "must be a JSON object of names and values")
	}
	return values, nil
}

// values goes through JSON that was found to be valid.
type values struct {
	text []byte
	at   int
}

func (v *values) space() {
	for v.at < len(v.text) && v.text[v.at] <= ' ' {
		v.at++
	}
}

func (v *values) next() any {
	v.space()
	switch v.text[v.at] {
	case '{':
		return v.object()
	case '[':
		return v.list()
	case '"':
		return v.str()
	case 't':
		v.at += len("true")
		return true
	case 'f':
		v.at += len("false")
		return false
	case 'n':
		v.at += len("null")
		return nil
	}
	start := v.at
	for v.at < len(v.text) && strings.IndexByte(",]} \t\r\n", v.text[v.at]) < 0 {
		v.at++
	}
	return json.Number(v.text[start:v.at])
}

func (v *values) object() map[string]any {
	out := map[string]any{}
	v.at++
	for v.space(); v.text[v.at] != '}'; v.space() {
		if v.text[v.at] == ',' {
			v.at++
			v.space()
		}
		name := v.str()
		v.space()
		v.at++ // the colon
		out[name] = v.next()
	}
	v.at++
	return out
}

func (v *values) list() []any {
	out := []any{}
	v.at++
	for v.space(); v.text[v.at] != ']'; v.space() {
		if v.text[v.at] == ',' {
			v.at++
		}
		out = append(out, v.next())
	}
	v.at++
	return out
}

func (v *values) str() string {
	start := v.at
	escaped := false
	for v.at++; v.text[v.at] != '"'; v.at++ {
		if v.text[v.at] == '\\' {
			escaped = true
			v.at++
		}
	}
	v.at++
	if escaped {
		s, _ := rawjson.Value(v.text[start:v.at]).Str()
		return s
	}
	s := string(v.text[start+1 : v.at-1])
	if !utf8.ValidString(s) {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}
