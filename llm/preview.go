package llm

import (
	"bytes"

	"github.com/weir-dev/weir/internal/rawjson"
)

// LastUserText reads what the user last said out of a request body, for previews: the last user message, or the last
// prompt or input. "" when there is none. Of a request that was cut off, what can be read is read.
func LastUserText(endpoint Endpoint, dialect Dialect, request []byte) string {
	request = bytes.TrimSpace(request)
	if rawjson.Scan(request, nil) != nil {
		request = closeJSON(request)
	}
	v := rawjson.Value(request)
	var list rawjson.Value
	switch {
	case dialect == Gemini:
		list = v.Get("contents")
	case endpoint == ChatCompletions || endpoint == Messages:
		list = v.Get("messages")
	case endpoint == Completions:
		list = v.Get("prompt")
	case endpoint == Embeddings || endpoint == Responses:
		list = v.Get("input")
		if list == nil {
			list = v.Get("texts") // Cohere
		}
	default:
		for _, name := range [...]string{"messages", "input", "prompt", "query"} {
			if list = v.Get(name); list != nil {
				break
			}
		}
	}
	if list.Kind() == rawjson.String {
		return valid(list.AppendText(nil))
	}
	var last string
	list.Each(func(_ int, m rawjson.Value) bool {
		role := m.Get("role")
		if t := said(m); t != "" && (role.Is("user") || role == nil) {
			last = t
		}
		return true
	})
	return last
}

// said is the text of a message or input: the text parts of its content, a line each.
func said(m rawjson.Value) string {
	var out []byte
	add := func(t rawjson.Value) {
		if t.Kind() != rawjson.String || t.Empty() {
			return
		}
		if len(out) > 0 {
			out = append(out, '\n')
		}
		out = t.AppendText(out)
	}
	add(m)
	texts(m.Get("content"), add, "text", "input_text")
	m.Get("parts").Each(func(_ int, part rawjson.Value) bool {
		add(part.Get("text"))
		return true
	})
	return valid(out)
}
