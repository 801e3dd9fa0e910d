package jsonschema

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decode(t *testing.T, text string) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValidate(t *testing.T) {
	s, err := Compile([]byte(`{"type":"object","required":["a"],"additionalProperties":false,"properties":{
		"a":{"type":"string","pattern":"^x"},"b":{"type":"array","items":{"enum":[1,"two"]}},"c":{"const":3},"d":{"anyOf":[{"type":"string"},{"type":"number"}]},"e":{"not":{}},"f":false,"g":{"$ref":"#/$defs/g"}},
		"$defs":{"g":{"minimum":5}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		value string
		want  []Fault
	}{
		{`{"a":"x","b":[1,"two"],"c":3.0,"d":1,"g":5}`, nil},
		{`{}`, []Fault{{[]string{"a"}, "is missing"}}},
		{`{"a":"y"}`, []Fault{{[]string{"a"}, `must match the pattern "^x"`}}},
		{`{"a":1,"z":2}`, []Fault{{[]string{"a"}, "must be of type string, not number"}, {[]string{"z"}, "is not allowed"}}},
		{`{"a":"x","b":[1,"secret"]}`, []Fault{{[]string{"b", "1"}, "must be one of 1, two"}}},
		{`{"a":"x","c":4}`, []Fault{{[]string{"c"}, "must be 3"}}},
		{`{"a":"x","d":true}`, []Fault{{[]string{"d"}, "fits none or several of the forms that the schema allows"}}},
		{`{"a":"x","e":1,"f":1}`, []Fault{{[]string{"e"}, "has a form that the schema forbids"}, {[]string{"f"}, "is not allowed"}}},
		{`{"a":"x","g":4}`, []Fault{{[]string{"g"}, "does not fit: minimum: got 4, want 5"}}},
		{`[]`, []Fault{{[]string{}, "must be of type object, not array"}}},
	} {
		if diff := cmp.Diff(s.Validate(decode(t, c.value)), c.want); diff != "" {
			t.Errorf("%s (-got +want)\n%s", c.value, diff)
		}
	}
}

// A schema loads nothing, whatever it names.
func TestCompileRefuses(t *testing.T) {
	for _, c := range []struct{ schema, want string }{
		{`{`, "not JSON"},
		{`{} {}`, "not JSON"},
		{`5`, "not a JSON Schema"},
		{`{"type":"nothing"}`, "not a JSON Schema: type"},
		{`{"$ref":"https://example.com/s"}`, "never loaded from elsewhere"},
		{`{"$ref":"file:///etc/passwd"}`, "never loaded from elsewhere"},
		{`{"$id":"https://example.com/a","$ref":"b"}`, "never loaded from elsewhere"},
		{`{"$schema":"https://example.com/dialect"}`, "never loaded from elsewhere"},
		{`{"$ref":"#/$defs/none"}`, "not a JSON Schema"},
		{`{"pattern":"("}`, "not a JSON Schema"},
		{`{"$comment":"` + strings.Repeat("x", MaxSize) + `"}`, "larger than 64 KiB"},
		{bomb(12), "takes too much work"},
		{`{"$defs":{"a":{"properties":{"x":{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}}}},"$ref":"#/$defs/a"}`, "takes too much work"},
	} {
		if _, err := Compile([]byte(c.schema)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Compile(%.80s)\n got %v\nwant %s", c.schema, err, c.want)
		}
	}
}

// bomb is a schema whose parts each apply the next one twice.
func bomb(depth int) string {
	var b strings.Builder
	b.WriteString(`{"$ref":"#/$defs/d0","$defs":{"d` + string(rune('a'+depth)) + `":{}`)
	for i := range depth {
		next := `{"$ref":"#/$defs/d` + string(rune('0'+i+1)) + `"}`
		b.WriteString(`,"d` + string(rune('0'+i)) + `":{"allOf":[` + next + `,` + next + `]}`)
	}
	b.WriteString(`,"d` + string(rune('0'+depth)) + `":{}}}`)
	return b.String()
}

// Schemas that meet themselves, as those of trees do, pass.
func TestCompileRecursive(t *testing.T) {
	s, err := Compile([]byte(`{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"value":{"type":"number"},"left":{"$ref":"#/$defs/node"},"right":{"$ref":"#/$defs/node"},"more":{"type":"array","items":{"$ref":"#/$defs/node"}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	faults := s.Validate(decode(t, `{"left":{"right":{"value":"x"}},"more":[{"value":1}]}`))
	if diff := cmp.Diff(faults, []Fault{{[]string{"left", "right", "value"}, "must be of type number, not string"}}); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
}

// The language's own schema, which every compiler has, is no load from elsewhere, and not too much work.
func TestCompileOfSchemas(t *testing.T) {
	s, err := Compile([]byte(`{"properties":{"schema":{"$ref":"https://json-schema.org/draft/2020-12/schema"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if faults := s.Validate(decode(t, `{"schema":{"type":"object","properties":{"a":{"minimum":"x"}}}}`)); len(faults) != 1 {
		t.Errorf("%v", faults)
	}
}
