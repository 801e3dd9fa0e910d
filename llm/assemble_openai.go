package llm

import "github.com/weir-dev/weir/internal/rawjson"

// openai reads a chat or legacy completion, a chunk of one, or a transcript.
func (a *assembly) openai(v rawjson.Value) {
	if choices := v.Get("choices"); choices.Kind() == rawjson.Array {
		choices.Each(func(i int, c rawjson.Value) bool {
			if n, ok := c.Get("index").Int(); ok {
				i = int(n)
			}
			parts := a.choice(i)
			parts.text = c.Get("text").AppendText(parts.text)
			a.openaiMessage(i, parts, c.Get("delta"))
			a.openaiMessage(i, parts, c.Get("message"))
			return i < maxChoices
		})
		return
	}
	if t := v.Get("text"); t.Kind() == rawjson.String { // a transcript: whole, or repeated behind its deltas
		if parts := a.choice(0); !a.fresh {
			parts.text = t.AppendText(parts.text)
		}
	} else if d := v.Get("delta"); d.Kind() == rawjson.String {
		a.fresh = true
		parts := a.choice(0)
		parts.text = d.AppendText(parts.text)
	}
}

// openaiMessage reads a message or a delta of one.
func (a *assembly) openaiMessage(choice int, parts *choiceParts, msg rawjson.Value) {
	msg.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "content":
			a.openaiContent(choice, parts, v)
		case "reasoning_content":
			a.reason(choice, v)
		case "reasoning":
			if msg.Get("reasoning_content").Empty() { // some servers say it twice
				a.reason(choice, v)
			}
		case "refusal":
			if choice == 0 {
				a.refusal = v.AppendText(a.refusal)
			}
		case "tool_calls":
			v.Each(func(n int, t rawjson.Value) bool {
				parts.openaiCall(n, t)
				return n < maxChoices
			})
		case "function_call":
			c := parts.call(0)
			c.label(nil, v.Get("name"))
			c.args = v.Get("arguments").AppendText(c.args)
		}
		return true
	})
}

// openaiContent reads text, or a list of text, refusal and thinking parts.
func (a *assembly) openaiContent(choice int, parts *choiceParts, content rawjson.Value) {
	texts(content, func(t rawjson.Value) { parts.text = t.AppendText(parts.text) }, "text", "output_text")
	content.Each(func(_ int, part rawjson.Value) bool {
		switch typ, _ := part.Get("type").Text(); string(typ) {
		case "thinking":
			texts(part.Get("thinking"), func(t rawjson.Value) { a.reason(choice, t) }, "text")
		case "refusal":
			if choice == 0 {
				a.refusal = part.Get("refusal").AppendText(a.refusal)
			}
		}
		return true
	})
}

// openaiCall reads a tool call or a fragment of one. Fragments belong together by index; without an index, a new id
// starts a new call and the rest goes to the last one.
func (c *choiceParts) openaiCall(n int, t rawjson.Value) {
	f := t.Get("function")
	key := n
	if i, ok := t.Get("index").Int(); ok {
		key = int(i)
	} else if id, ok := t.Get("id").Str(); ok && id != "" {
		if key = len(c.calls); key > 0 && c.calls[key-1].id == id {
			key--
		}
	} else if len(c.calls) > 0 {
		key = c.calls[len(c.calls)-1].key
	}
	call := c.call(key)
	call.label(t.Get("id"), f.Get("name"))
	if args := f.Get("arguments"); args.Kind() == rawjson.Object {
		call.args = append(call.args, compact(args)...)
	} else {
		call.args = args.AppendText(call.args)
	}
}
