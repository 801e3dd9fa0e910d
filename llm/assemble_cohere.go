package llm

import "github.com/weir-dev/weir/internal/rawjson"

// cohereEvent reads an event of a chat stream. A tool plan is reasoning that can be seen.
func (a *assembly) cohereEvent(v rawjson.Value) {
	index, _ := v.Get("index").Int()
	msg := v.Get("delta", "message")
	switch typ, _ := v.Get("type").Text(); string(typ) {
	case "message-start":
		a.choice(0)
	case "content-start", "content-delta":
		parts := a.choice(0)
		parts.text = msg.Get("content", "text").AppendText(parts.text)
		a.reason(0, msg.Get("content", "thinking"))
	case "tool-plan-delta":
		a.reason(0, msg.Get("tool_plan"))
	case "tool-call-start", "tool-call-delta":
		call := msg.Get("tool_calls")
		c := a.choice(0).call(int(index))
		c.label(call.Get("id"), call.Get("function", "name"))
		c.args = call.Get("function", "arguments").AppendText(c.args)
	}
}

// cohereBody reads a chat answer.
func (a *assembly) cohereBody(v rawjson.Value) {
	msg := v.Get("message")
	if msg.Kind() != rawjson.Object {
		return
	}
	parts := a.choice(0)
	texts(msg.Get("content"), func(t rawjson.Value) { parts.text = t.AppendText(parts.text) }, "text")
	msg.Get("content").Each(func(_ int, part rawjson.Value) bool {
		a.reason(0, part.Get("thinking"))
		return true
	})
	a.reason(0, msg.Get("tool_plan"))
	msg.Get("tool_calls").Each(func(n int, t rawjson.Value) bool {
		c := parts.call(n)
		c.label(t.Get("id"), t.Get("function", "name"))
		c.args = t.Get("function", "arguments").AppendText(c.args)
		return n < maxChoices
	})
}
