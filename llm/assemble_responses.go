package llm

import "github.com/weir-dev/weir/internal/rawjson"

// responsesEvent reads an event of a Responses stream: deltas as they come, and the final object if there were none.
func (a *assembly) responsesEvent(v rawjson.Value) {
	typ, _ := v.Get("type").Text()
	delta := v.Get("delta")
	switch string(typ) {
	case "response.output_text.delta":
		parts := a.choice(0)
		parts.text, a.fresh = delta.AppendText(parts.text), true
	case "response.refusal.delta":
		a.refusal, a.fresh = delta.AppendText(a.refusal), true
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		a.visible, a.fresh = delta.AppendText(a.visible), true
	case "response.output_item.added":
		if item := v.Get("item"); responsesCall(item) {
			a.fresh = true
			c := a.item(v)
			c.label(item.Get("call_id"), item.Get("name"))
		}
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		c := a.item(v)
		c.args, a.fresh = delta.AppendText(c.args), true
	case "response.output_item.done":
		if item := v.Get("item"); responsesCall(item) {
			a.fresh = true
			c := a.item(v)
			c.label(item.Get("call_id"), item.Get("name"))
			if args := responsesArguments(item); len(args) > 0 {
				c.args = args
			}
		}
	case "response.completed", "response.incomplete", "response.failed":
		if !a.fresh {
			a.responsesBody(v.Get("response"))
		}
	}
}

// item gives the call that an event's output item is.
func (a *assembly) item(event rawjson.Value) *call {
	n, _ := event.Get("output_index").Int()
	return a.choice(0).call(int(n))
}

// responsesCall says that an item is a call of the client's function or tool.
func responsesCall(item rawjson.Value) bool {
	typ := item.Get("type")
	return typ.Is("function_call") || typ.Is("custom_tool_call")
}

func responsesArguments(item rawjson.Value) []byte {
	if args := item.Get("arguments"); args != nil {
		return args.AppendText(nil)
	}
	return item.Get("input").AppendText(nil)
}

// responsesBody reads a response object.
func (a *assembly) responsesBody(v rawjson.Value) {
	v.Get("output").Each(func(n int, item rawjson.Value) bool {
		switch typ, _ := item.Get("type").Text(); string(typ) {
		case "message":
			parts := a.choice(0)
			texts(item.Get("content"), func(t rawjson.Value) { parts.text = t.AppendText(parts.text) }, "output_text")
			item.Get("content").Each(func(_ int, part rawjson.Value) bool {
				a.refusal = part.Get("refusal").AppendText(a.refusal)
				return true
			})
		case "reasoning":
			a.choice(0)
			texts(item.Get("summary"), func(t rawjson.Value) { a.reason(0, t) }, "summary_text")
			texts(item.Get("content"), func(t rawjson.Value) { a.reason(0, t) }, "reasoning_text")
		case "function_call", "custom_tool_call":
			c := a.choice(0).call(n)
			c.label(item.Get("call_id"), item.Get("name"))
			c.args = responsesArguments(item)
		}
		return true
	})
}
