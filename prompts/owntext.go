package prompts

import (
	"bytes"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// ownText is how long the text is that the user wrote, in bytes of UTF-8: the values of the prompt's variables, and what the request
// itself has as the user's messages. What a prompt says is no part of it.
func (r *request) ownText() int {
	n := valuesLength(r.variables)
	if r.endpoint == llm.Completions {
		own, _ := r.get("prompt")
		return n + valuesLength(own)
	}
	own, _ := r.get(r.shape.turns())
	if own.Kind() == rawjson.String {
		return n + textLength(own)
	}
	own.Each(func(_ int, turn rawjson.Value) bool {
		if turn.Get("role").Is("user") {
			n += contentLength(turn.Get("content"))
		}
		return true
	})
	return n
}

// contentLength is that of a message's content: a text, or parts of which some have one.
func contentLength(content rawjson.Value) int {
	if content.Kind() == rawjson.String {
		return textLength(content)
	}
	n := 0
	content.Each(func(_ int, part rawjson.Value) bool {
		n += textLength(part.Get("text"))
		return true
	})
	return n
}

// valuesLength is that of all values in an object or an array, or of a text itself.
func valuesLength(v rawjson.Value) int {
	n := 0
	switch v.Kind() {
	case rawjson.String:
		return textLength(v)
	case rawjson.Object:
		v.Members(func(_ []byte, w rawjson.Value) bool { n += valuesLength(w); return true })
	case rawjson.Array:
		v.Each(func(_ int, w rawjson.Value) bool { n += valuesLength(w); return true })
	case rawjson.Number:
		return len(v)
	}
	return n
}

// textLength is that of a text, 0 for what is none.
func textLength(v rawjson.Value) int {
	switch {
	case v.Kind() != rawjson.String:
		return 0
	case bytes.IndexByte(v, '\\') < 0:
		return len(v) - 2
	}
	return len(v.AppendText(nil))
}
