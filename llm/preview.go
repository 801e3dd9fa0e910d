package llm

import (
	"bytes"
	"slices"

	"github.com/weir-dev/weir/internal/rawjson"
)

// LastUserText reads what the user last said out of a request body, for previews: the last user message, or the last
// prompt or input; of a long one its beginning, at least most bytes of it. "" when there is none. Of a request that was
// cut off, what can be read is read.
func LastUserText(endpoint Endpoint, dialect Dialect, request []byte, most int) string {
	request = bytes.TrimSpace(request)
	if len(request) > 0 && request[len(request)-1] != '}' {
		request = closeJSON(request) // it was cut off
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
		return valid(list.AppendBeginning(nil, most))
	}
	// The text is unescaped only where it is wanted: of the last message that has any, not of a whole conversation.
	var users []rawjson.Value
	list.Each(func(_ int, m rawjson.Value) bool {
		if saidByUser(m) {
			users = append(users, m)
		}
		return true
	})
	for _, m := range slices.Backward(users) {
		if t := said(m, dialect, most); t != "" {
			return t
		}
	}
	return ""
}

// saidByUser: a message of the role user, or an input that has no role.
func saidByUser(m rawjson.Value) bool {
	if m.Kind() != rawjson.Object {
		return true
	}
	role := m.Get("role")
	return role == nil || role.Is("user")
}

// said is the text of a message or input: the text parts of its content, a line each, until there is enough.
func said(m rawjson.Value, dialect Dialect, most int) string {
	var out []byte
	add := func(t rawjson.Value) {
		if t.Kind() != rawjson.String || t.Empty() || len(out) >= most {
			return
		}
		if len(out) > 0 {
			out = append(out, '\n')
		}
		out = t.AppendBeginning(out, most)
	}
	add(m)
	if dialect == Gemini {
		m.Get("parts").Each(func(_ int, part rawjson.Value) bool {
			add(part.Get("text"))
			return true
		})
		return valid(out)
	}
	texts(m.Get("content"), add, "text", "input_text")
	return valid(out)
}
