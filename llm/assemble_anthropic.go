package llm

import "github.com/weir-dev/weir/internal/rawjson"

// anthropicEvent reads an event of a Messages stream. Blocks of server tools are no calls to the client.
func (a *assembly) anthropicEvent(v rawjson.Value) {
	index, _ := v.Get("index").Int()
	switch typ, _ := v.Get("type").Text(); string(typ) {
	case "message_start":
		a.anthropicBody(v.Get("message"))
	case "content_block_start":
		a.anthropicBlock(int(index), v.Get("content_block"), true)
	case "content_block_delta":
		delta := v.Get("delta")
		parts := a.choice(0)
		switch typ, _ := delta.Get("type").Text(); string(typ) {
		case "text_delta":
			parts.text = delta.Get("text").AppendText(parts.text)
		case "thinking_delta":
			a.reason(0, delta.Get("thinking"))
		case "input_json_delta":
			for i := range parts.calls {
				if c := &parts.calls[i]; c.key == int(index) {
					if string(c.args) == "{}" { // the start's placeholder
						c.args = nil
					}
					c.args = delta.Get("partial_json").AppendText(c.args)
				}
			}
		}
	case "content_block_stop":
		for i := range a.choice(0).calls {
			if c := &a.choice(0).calls[i]; c.key == int(index) && len(c.args) == 0 {
				c.args = []byte("{}")
			}
		}
	}
}

// anthropicBody reads a message object.
func (a *assembly) anthropicBody(v rawjson.Value) {
	if !v.Get("type").Is("message") {
		return
	}
	a.choice(0)
	v.Get("content").Each(func(i int, block rawjson.Value) bool {
		a.anthropicBlock(i, block, false)
		return true
	})
}

func (a *assembly) anthropicBlock(index int, block rawjson.Value, start bool) {
	parts := a.choice(0)
	switch typ, _ := block.Get("type").Text(); string(typ) {
	case "text":
		parts.text = block.Get("text").AppendText(parts.text)
	case "thinking":
		a.reason(0, block.Get("thinking"))
	case "tool_use":
		c := parts.call(index)
		c.label(block.Get("id"), block.Get("name"))
		if input := block.Get("input"); !start || !input.Empty() {
			c.args = compact(input)
		}
	}
}
