package llm

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
)

// Assemble reads texts, refusal, visible reasoning and tool calls out of the raw bytes of an answer, whole or cut off. It
// never fails: what cannot be read is left out. Texts are valid UTF-8.
func Assemble(endpoint Endpoint, dialect Dialect, stream bool, body []byte) Answer {
	var a assembly
	read := a.reader(endpoint, dialect, stream)
	if !stream {
		body = bytes.TrimSpace(body)
		if rawjson.Scan(body, nil) != nil {
			body = closeJSON(body)
		}
		read(body)
		return a.answer()
	}
	var s Splitter
	for len(body) > 0 {
		n := min(len(body), 32<<10)
		s.Write(body[:n])
		body = body[n:]
		for ev, ok := s.Next(); ok; ev, ok = s.Next() {
			if len(ev.Data) > 0 {
				read(ev.Data)
			}
		}
	}
	return a.answer()
}

// assembly is an Answer in the making.
type assembly struct {
	choices []choiceParts // by choice index
	refusal []byte
	visible []byte // reasoning
	fresh   bool   // deltas have been read: the same text in a final object is no news
}

type choiceParts struct {
	text  []byte
	calls []call
}

type call struct {
	key      int // the provider's index of the call, or of the block or item it came in
	id, name string
	args     []byte
}

// reader is what reads one event, or a plain body.
func (a *assembly) reader(endpoint Endpoint, dialect Dialect, stream bool) func(rawjson.Value) {
	switch {
	case dialect == Anthropic && stream:
		return a.anthropicEvent
	case dialect == Anthropic:
		return a.anthropicBody
	case dialect == Gemini:
		return a.gemini
	case dialect == Cohere && stream:
		return a.cohereEvent
	case dialect == Cohere:
		return a.cohereBody
	case endpoint == Responses && stream:
		return a.responsesEvent
	case endpoint == Responses:
		return a.responsesBody
	}
	return a.openai
}

// choice gives the parts of a choice; a spare one takes what a hostile index brings.
func (a *assembly) choice(i int) *choiceParts {
	if i < 0 || i >= maxChoices {
		return &choiceParts{}
	}
	for len(a.choices) <= i {
		a.choices = append(a.choices, choiceParts{})
	}
	return &a.choices[i]
}

// reason appends visible reasoning of choice 0.
func (a *assembly) reason(choice int, v rawjson.Value) {
	if choice == 0 {
		a.visible = v.AppendText(a.visible)
	}
}

// call gives the choice's call with a key, and makes it at its first mention.
func (c *choiceParts) call(key int) *call {
	for i := range c.calls {
		if c.calls[i].key == key {
			return &c.calls[i]
		}
	}
	if len(c.calls) >= maxChoices {
		return &call{}
	}
	c.calls = append(c.calls, call{key: key})
	return &c.calls[len(c.calls)-1]
}

// label sets id and name where they are given and not known yet.
func (c *call) label(id, name rawjson.Value) {
	if c.id == "" {
		c.id, _ = id.Str()
	}
	if c.name == "" {
		c.name, _ = name.Str()
	}
}

func (a *assembly) answer() Answer {
	var out Answer
	out.Refusal, out.Reasoning = valid(a.refusal), valid(a.visible)
	for i, c := range a.choices {
		out.Texts = append(out.Texts, valid(c.text))
		for n, t := range c.calls {
			out.ToolCalls = append(out.ToolCalls, ToolCall{
				Choice: i, Index: n, ID: valid([]byte(t.id)), Name: valid([]byte(t.name)), Arguments: valid(t.args),
			})
		}
	}
	return out
}

func valid(b []byte) string { return strings.ToValidUTF8(string(b), "\ufffd") }

// compact is a value's JSON without space.
func compact(v rawjson.Value) []byte {
	var b bytes.Buffer
	if len(v) == 0 || json.Compact(&b, v) != nil {
		return nil
	}
	return b.Bytes()
}

// texts calls f for every text in content that is a string or a list of parts of one of the types.
func texts(content rawjson.Value, f func(rawjson.Value), types ...string) {
	if content.Kind() == rawjson.String {
		f(content)
		return
	}
	content.Each(func(_ int, part rawjson.Value) bool {
		if part.Kind() == rawjson.String {
			f(part)
			return true
		}
		typ := part.Get("type")
		for _, t := range types {
			if typ.Is(t) {
				f(part.Get("text"))
			}
		}
		return true
	})
}
