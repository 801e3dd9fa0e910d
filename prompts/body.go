package prompts

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// shape is how a request of messages is written.
type shape uint8

const (
	chat      shape = iota // OpenAI's chat completions
	responses              // OpenAI's responses
	messages               // Anthropic's messages
	shapes
)

// shapeOf says how an endpoint's requests are written; false when they hold no messages.
func shapeOf(e llm.Endpoint) (shape, bool) {
	switch e {
	case llm.ChatCompletions:
		return chat, true
	case llm.Responses:
		return responses, true
	case llm.Messages, llm.CountTokens:
		return messages, true
	}
	return chat, false
}

// turns is the member that holds the messages.
func (s shape) turns() string {
	if s == responses {
		return "input"
	}
	return "messages"
}

// member is a member of a JSON object.
type member struct {
	key string
	raw rawjson.Value
}

// membersOf reads an object.
func membersOf(object rawjson.Value) []member {
	var out []member
	object.Members(func(key []byte, v rawjson.Value) bool {
		out = append(out, member{string(key), v})
		return true
	})
	return out
}

// patch puts text in place of body[from:to].
type patch struct {
	from, to int
	text     []byte
}

// request is a request's body while a prompt is put into it. What is not changed keeps its bytes.
type request struct {
	shape    shape
	endpoint llm.Endpoint
	body     []byte

	members [][]byte // names of the body's members
	at      []patch  // where the value of each stands, with itself as the text
	patches []patch  // of values
	added   []member // members that the body does not have

	variables rawjson.Value // that were given, {} for none; nil: no prompt is put in
	pins      []Pin         // the partials of what is put in
	system    []byte        // Anthropic's: text blocks for the front of system, with commas between
}

// read finds the members. The body is known to be one JSON object.
func (r *request) read() {
	r.members, r.at = make([][]byte, 0, 16), make([]patch, 0, 16)
	_ = rawjson.Scan(r.body, func(key []byte, v rawjson.Value, off int) bool {
		r.members = append(r.members, key)
		r.at = append(r.at, patch{off, off + len(v), v})
		return true
	})
}

// get gives a member's value and its place; nil when there is none.
func (r *request) get(key string) (rawjson.Value, patch) {
	for i := range r.members {
		if string(r.members[i]) == key {
			return r.at[i].text, r.at[i]
		}
	}
	return nil, patch{}
}

func (r *request) has(key string) bool {
	v, _ := r.get(key)
	return v != nil || slices.ContainsFunc(r.added, func(m member) bool { return m.key == key })
}

// set puts a value in place of a member's, or adds the member.
func (r *request) set(key string, raw []byte) {
	if v, at := r.get(key); v != nil {
		r.patches = slices.DeleteFunc(r.patches, func(e patch) bool { return e.from == at.from })
		r.patches = append(r.patches, patch{at.from, at.to, raw})
		return
	}
	for i := range r.added {
		if r.added[i].key == key {
			r.added[i].raw = raw
			return
		}
	}
	r.added = append(r.added, member{key, raw})
}

// asked reads the body's member prompt: the version beside the id, and the variables.
func (r *request) asked(ref Ref) (Ref, *llm.Fault) {
	r.variables = rawjson.Value("{}")
	prompt, _ := r.get("prompt")
	switch prompt.Kind() {
	case rawjson.Absent, rawjson.Null:
		return ref, nil
	case rawjson.Object:
	default:
		return ref, &llm.Fault{Code: llm.InvalidRequest, Param: "prompt", Message: "prompt must be an object: {\"id\": \"name@label\", \"variables\": {…}}"}
	}
	var version rawjson.Value
	prompt.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "version":
			version = v
		case "variables":
			if v.Kind() != rawjson.Null {
				r.variables = v
			}
		}
		return true
	})
	if version.Kind() == rawjson.Absent || version.Kind() == rawjson.Null {
		return ref, nil
	}
	text, ok := version.Str()
	if !ok {
		text = string(version) // a number is fine
	}
	with, err := ParseRef(ref.Name + "@" + text)
	if err != nil {
		return ref, &llm.Fault{Code: llm.InvalidRequest, Param: "prompt.version", Message: "prompt.version must be a version's number or a label", Err: err}
	}
	if (ref.Label != "" || ref.Number != 0) && with != ref {
		return ref, &llm.Fault{Code: llm.InvalidRequest, Param: "prompt.version", Message: "prompt.id names " + ref.String() + " and prompt.version " + with.String() + "; name one of them"}
	}
	return with, nil
}

// put puts a rendered version into the request. What the request itself says stays.
func (r *request) put(made *recipe, rendered []Message) *llm.Fault {
	key := r.shape.turns()
	own, at := r.get(key)
	if made.Version.Text != "" && !own.Empty() { // the request has the word, the prompt says how to take it
		rendered[0].Role = "system"
	}
	turns := append(make([]byte, 0, lengthOf(rendered)), '[')
	for i := range rendered {
		m := &rendered[i]
		if r.shape == messages && (m.Role == "system" || m.Role == "developer") {
			r.system = append(rawjson.AppendQuote(openBlock(r.system), m.Content), '}')
			continue
		}
		turns = append(rawjson.AppendQuote(openMessage(turns, m.Role), m.Content), '}')
	}
	switch {
	case own == nil:
		r.added = append(r.added, member{key, append(turns, ']')})
	case own.Empty():
		r.patches = append(r.patches, patch{at.from, at.to, append(turns, ']')})
	case own.Kind() == rawjson.Array:
		if len(turns) > 1 { // its own stay where they are
			r.patches = append(r.patches, patch{at.from, at.from + 1, append(turns, ',')})
		}
	case own.Kind() == rawjson.String && r.shape == responses:
		r.patches = append(r.patches, patch{at.from, at.to, append(append(openMessage(turns, "user"), own...), '}', ']')})
	default:
		return &llm.Fault{Code: llm.InvalidRequest, Param: key, Message: key + " must be an array, so that the prompt's messages can go before it"}
	}
	if fault := r.putSystem(); fault != nil {
		return fault
	}
	r.fill(made)
	return nil
}

func lengthOf(rendered []Message) int {
	n := 64
	for i := range rendered {
		n += len(rendered[i].Content) + len(rendered[i].Content)/16 + 40
	}
	return n
}

// openMessage appends a message to an open array, up to its content.
func openMessage(b []byte, role string) []byte {
	if len(b) > 1 {
		b = append(b, ',')
	}
	return append(rawjson.AppendQuote(append(b, `{"role":`...), role), `,"content":`...)
}

// openBlock appends a text block to a list of them, up to its text.
func openBlock(b []byte) []byte {
	if len(b) > 0 {
		b = append(b, ',')
	}
	return append(b, `{"type":"text","text":`...)
}

// putSystem puts what the prompt says as the system in front of what the request says as that.
func (r *request) putSystem() *llm.Fault {
	if r.system == nil {
		return nil
	}
	own, _ := r.get("system")
	blocks := r.system
	switch {
	case own.Empty():
	case own.Kind() == rawjson.String:
		blocks = append(append(openBlock(blocks), own...), '}')
	case own.Kind() == rawjson.Array:
		blocks = append(append(blocks, ','), own[1:len(own)-1]...)
	default:
		return &llm.Fault{Code: llm.InvalidRequest, Param: "system", Message: "system must be a string or an array of text blocks, so that the prompt's can go before it"}
	}
	r.set("system", slices.Concat([]byte{'['}, blocks, []byte{']'}))
	return nil
}

// fill adds what the version says and the request does not.
func (r *request) fill(made *recipe) {
	for _, f := range made.fills[r.shape] {
		if r.endpoint == llm.CountTokens && !slices.Contains(counted, f.key) {
			continue
		}
		if f.inner != "" {
			r.fillInner(f)
			continue
		}
		if !r.has(f.key) && !slices.ContainsFunc(f.instead, r.has) {
			r.added = append(r.added, member{f.key, rawjson.Value(f.raw)})
		}
	}
}

// counted are the members of settings that the count of tokens takes.
var counted = []string{"tools", "tool_choice", "thinking"}

// fillInner adds a member of a member.
func (r *request) fillInner(f fill) {
	outer, _ := r.get(f.key)
	if outer.Kind() == rawjson.Object {
		if outer.Get(f.inner) == nil {
			r.set(f.key, rawjson.Set(outer, f.inner, f.raw))
		}
		return
	}
	if !r.has(f.key) {
		object := append(append([]byte{'{'}, rawjson.Quote(f.inner)...), ':')
		r.added = append(r.added, member{f.key, append(append(object, f.raw...), '}')})
	}
}

// sent is the body as it goes on: without the member prompt when it was weir's.
func (r *request) sent() []byte {
	return r.splice(nil)
}

// recorded is the body as it is recorded: with the prompt by its version, and its variables.
func (r *request) recorded(stamp string) []byte {
	prompt := make([]byte, 0, len(stamp)+len(r.variables)+32)
	prompt = rawjson.AppendQuote(append(prompt, `{"id":`...), stamp)
	prompt = append(append(prompt, `,"variables":`...), r.variables...)
	if len(r.pins) > 0 {
		pins, _ := json.Marshal(r.pins) // of texts and numbers: it cannot fail
		prompt = append(append(prompt, `,"partials":`...), pins...)
	}
	return r.splice(append(prompt, '}'))
}

// splice makes the body with all patches. The member prompt goes, if a prompt was put in, or is replaced.
func (r *request) splice(prompt []byte) []byte {
	patches := append(make([]patch, 0, len(r.patches)+1), r.patches...)
	size := len(prompt) + 16
	for _, m := range r.added {
		size += len(m.key) + len(m.raw) + 4
	}
	added := make([]byte, 0, size)
	add := func(key string, raw []byte) {
		if len(added) > 0 {
			added = append(added, ',')
		}
		added = append(append(rawjson.AppendQuote(added, key), ':'), raw...)
	}
	if prompt != nil {
		add("prompt", prompt)
	}
	for _, m := range r.added {
		add(m.key, m.raw)
	}
	if v, at := r.get("prompt"); v != nil && r.variables != nil {
		from, to := nameAt(r.body, at.from), at.to
		if len(added) == 0 {
			from, to = withComma(r.body, from, to)
		}
		patches = append(patches, patch{from, to, added})
	} else if len(added) > 0 {
		open := bytes.IndexByte(r.body, '{') + 1
		if len(r.members) > 0 {
			added = append(added, ',')
		}
		patches = append(patches, patch{open, open, added})
	}
	slices.SortFunc(patches, func(a, b patch) int { return a.from - b.from })
	size = len(r.body)
	for _, e := range patches {
		size += len(e.text)
	}
	out := make([]byte, 0, size)
	done := 0
	for _, e := range patches {
		out = append(append(out, r.body[done:e.from]...), e.text...)
		done = e.to
	}
	return append(out, r.body[done:]...)
}

// nameAt finds where the name of the member begins whose value is at b[value]. The name is one without quotes in it.
func nameAt(b []byte, value int) int {
	end := bytes.LastIndexByte(b[:value], '"')
	return bytes.LastIndexByte(b[:end], '"')
}

// withComma widens the member b[from:to] by the comma that would be one too many without it.
func withComma(b []byte, from, to int) (int, int) {
	after := to
	for after < len(b) && isSpace(b[after]) {
		after++
	}
	if after < len(b) && b[after] == ',' {
		return from, after + 1
	}
	before := from
	for before > 0 && isSpace(b[before-1]) {
		before--
	}
	if before > 0 && b[before-1] == ',' {
		return before - 1, to
	}
	return from, to
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// reserved are the members that settings do not set: the request's own, and those that say how the answer is delivered.
var reserved = []string{"model", "messages", "input", "system", "prompt", "stream", "stream_options"}

func isReserved(key string) bool { return slices.Contains(reserved, key) }
