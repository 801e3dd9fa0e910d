package prompts

import (
	"encoding/json"

	"github.com/weir-dev/weir/internal/rawjson"
)

// recipe is a version in the form that calls use: compiled, and with its settings as members of each kind of request.
type recipe struct {
	*Compiled
	snapshot *Snapshot // its partials are found in
	stamp    string    // name@7
	fills    [shapes][]fill
}

// fill is a member for requests that do not have it.
type fill struct {
	key     string
	raw     json.RawMessage
	instead []string // members that say the same: a request with one of them is left alone
	inner   string   // if not "", raw is the value of this member of the object key
}

func newRecipe(s *Snapshot, v *Version) (*recipe, error) {
	c, err := Compile(*v)
	if err != nil {
		return nil, err
	}
	r := &recipe{Compiled: c, snapshot: s, stamp: c.String()}
	for sh := range shapes {
		r.fills[sh] = fillsOf(sh, v)
	}
	return r, nil
}

// rendered gives the messages that the version makes of the variables, and the partials in them. A text is one user message.
func (r *recipe) rendered(variables json.RawMessage) ([]Message, []Pin, error) {
	out, err := r.Render(variables, r.snapshot.partial)
	if err != nil {
		return nil, nil, err
	}
	if out.Messages == nil {
		out.Messages = []Message{{Role: "user", Content: out.Text}}
	}
	return out.Messages, out.Pins, nil
}

// partial is a Resolver.
func (s *Snapshot) partial(ref Ref) (*Compiled, int64, error) {
	p, v, revision, err := s.find(ref)
	if err != nil {
		return nil, 0, err
	}
	r, err := s.recipe(p, v)
	if err != nil {
		return nil, 0, err
	}
	return r.Compiled, revision, nil
}

// sameLength are the names under which requests bound the length of an answer.
var sameLength = []string{"max_tokens", "max_completion_tokens", "max_output_tokens"}

// fillsOf writes what a version says beside its messages as members of a kind of request. What the kind has another name for
// is renamed; the rest stays as it is, for the provider to judge.
func fillsOf(sh shape, v *Version) []fill {
	var out []fill
	seen := map[string]bool{}
	add := func(f fill) {
		if !seen[f.key] {
			seen[f.key] = true
			out = append(out, f)
		}
	}
	for _, m := range membersOf(rawjson.Value(v.Settings)) {
		if isReserved(m.key) {
			continue
		}
		add(settingOf(sh, m))
	}
	if !absent(v.ResponseFormat) {
		if f, ok := formatOf(sh, rawjson.Value(v.ResponseFormat)); ok {
			add(f)
		}
	}
	if !absent(v.Tools) {
		add(fill{key: "tools", raw: toolsOf(sh, rawjson.Value(v.Tools))})
	}
	return out
}

func settingOf(sh shape, m member) fill {
	f := fill{key: m.key, raw: json.RawMessage(m.raw)}
	switch m.key {
	case "max_tokens", "max_completion_tokens", "max_output_tokens":
		f.instead = sameLength
		switch {
		case sh == responses:
			f.key = "max_output_tokens"
		case sh == messages:
			f.key = "max_tokens"
		case m.key == "max_output_tokens":
			f.key = "max_completion_tokens"
		}
	case "stop", "stop_sequences":
		f.instead = []string{"stop", "stop_sequences"}
		switch {
		case sh != messages:
			f.key = "stop"
		case m.raw.Kind() == rawjson.String:
			f.key, f.raw = "stop_sequences", append(append([]byte{'['}, m.raw...), ']')
		default:
			f.key = "stop_sequences"
		}
	case "reasoning_effort":
		if sh == responses {
			f.key, f.inner = "reasoning", "effort"
		}
	}
	return f
}

// formatOf is where a kind of request says what the answer looks like; false when it has no place for it.
func formatOf(sh shape, format rawjson.Value) (fill, bool) {
	inner := format.Get("json_schema")
	switch {
	case sh == chat:
		return fill{key: "response_format", raw: json.RawMessage(format)}, true
	case inner == nil && sh == responses:
		return fill{key: "text", inner: "format", raw: json.RawMessage(format)}, true
	case sh == responses:
		return fill{key: "text", inner: "format", raw: typed("json_schema", membersOf(inner))}, true
	case inner.Get("schema") != nil:
		return fill{key: "output_config", inner: "format", raw: typed("json_schema", []member{{"schema", inner.Get("schema")}})}, true
	}
	return fill{}, false
}

// toolsOf writes OpenAI's list of tools as a kind of request has it.
func toolsOf(sh shape, tools rawjson.Value) json.RawMessage {
	if sh == chat {
		return json.RawMessage(tools)
	}
	out := []byte{'['}
	tools.Each(func(i int, tool rawjson.Value) bool {
		if i > 0 {
			out = append(out, ',')
		}
		function := tool.Get("function")
		switch {
		case function.Kind() != rawjson.Object:
			out = append(out, tool...)
		case sh == responses:
			out = append(out, typed("function", membersOf(function))...)
		default:
			out = append(out, anthropicTool(function)...)
		}
		return true
	})
	return append(out, ']')
}

func anthropicTool(function rawjson.Value) []byte {
	list := []member{{"name", function.Get("name")}}
	if v := function.Get("description"); v != nil {
		list = append(list, member{"description", v})
	}
	schema := function.Get("parameters")
	if schema.Empty() {
		schema = rawjson.Value(`{"type":"object"}`)
	}
	return object(append(list, member{"input_schema", schema}))
}

// typed writes an object with a type in front.
func typed(kind string, list []member) []byte {
	return object(append([]member{{"type", rawjson.Quote(kind)}}, list...))
}

func object(list []member) []byte {
	out := []byte{'{'}
	for i, m := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, rawjson.Quote(m.key)...), ':'), m.raw...)
	}
	return append(out, '}')
}
