package upstream

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// fromAnthropic puts an answer of the Messages API into OpenAI's form.
type fromAnthropic struct {
	chunks
	blocks map[int]*anthropicBlock // open, by index
	calls  int                     // tools called so far
}

// anthropicBlock is a content block that is being streamed.
type anthropicBlock struct {
	kind      string
	call      int // index among the tool calls
	some      bool
	thoughts  []byte
	signature rawjson.Value
}

// anthropicFinish is OpenAI's word for a stop reason.
func anthropicFinish(stop rawjson.Value) string {
	switch s, _ := stop.Str(); s {
	case "max_tokens", "model_context_window_exceeded":
		return "length"
	case "tool_use":
		return "tool_calls"
	case "refusal":
		return "content_filter"
	}
	return "stop"
}

func (f *fromAnthropic) whole(body []byte, out llm.Outcome) ([]byte, bool) {
	v := rawjson.Value(trimmed(body))
	if rawjson.Scan(v, nil) != nil || !v.Get("type").Is("message") {
		return nil, false
	}
	var c choice
	var thoughts list
	v.Get("content").Each(func(_ int, b rawjson.Value) bool {
		switch kind, _ := b.Get("type").Str(); kind {
		case "text":
			c.say(b.Get("text"))
		case "thinking":
			c.reasoning = b.Get("thinking").AppendText(c.reasoning)
			thoughts = append(thoughts, b)
		case "redacted_thinking":
			thoughts = append(thoughts, b)
		case "tool_use":
			id, _ := b.Get("id").Str()
			name, _ := b.Get("name").Str()
			c.calls = append(c.calls, functionCall(id, name, compact(b.Get("input"))))
		}
		return true
	})
	c.finish = anthropicFinish(v.Get("stop_reason"))
	if len(thoughts) > 0 {
		c.extra.raw("thinking_blocks", compact(thoughts.done()))
	}
	id, _ := v.Get("id").Str()
	model, _ := v.Get("model").Str()
	return completion(f.call, id, model, []choice{c}, out), true
}

func (f *fromAnthropic) saysWhenDone() bool { return true }

func (f *fromAnthropic) event(dst []byte, ev llm.Event) []byte {
	v := rawjson.Value(trimmed(ev.Data))
	if len(v) == 0 || rawjson.Scan(v, nil) != nil {
		return dst
	}
	n, _ := v.Get("index").Int()
	index := int(n)
	switch kind, _ := v.Get("type").Str(); kind {
	case "message_start":
		id, _ := v.Get("message", "id").Str()
		model, _ := v.Get("message", "model").Str()
		f.name(id, model)
		return f.role(dst, 0)
	case "content_block_start":
		return f.start(dst, index, v.Get("content_block"))
	case "content_block_delta":
		return f.add(dst, index, v.Get("delta"))
	case "content_block_stop":
		return f.stop(dst, index)
	case "message_delta":
		if stop := v.Get("delta", "stop_reason"); !stop.Empty() {
			return f.finish(dst, 0, anthropicFinish(stop))
		}
	case "ping":
		return append(dst, ": ping\n\n"...)
	}
	return dst
}

// maxBlocks bounds what a hostile stream can make weir hold.
const maxBlocks = 1024

func (f *fromAnthropic) start(dst []byte, index int, block rawjson.Value) []byte {
	if f.blocks == nil {
		f.blocks = map[int]*anthropicBlock{}
	}
	if len(f.blocks) >= maxBlocks {
		return dst
	}
	b := &anthropicBlock{}
	b.kind, _ = block.Get("type").Str()
	f.blocks[index] = b
	switch b.kind {
	case "text":
		if text := block.Get("text"); text.Kind() == rawjson.String && !text.Empty() {
			return f.delta(dst, 0, "content", text)
		}
	case "redacted_thinking":
		return f.delta(dst, 0, "thinking_blocks", list{compact(block)}.done())
	case "tool_use":
		b.call = f.calls
		f.calls++
		fn, o := object{}, object{}
		fn.raw("name", stringOr(block.Get("name")))
		fn.str("arguments", "")
		o.int("index", int64(b.call))
		o.raw("id", stringOr(block.Get("id")))
		o.str("type", "function")
		o.raw("function", fn.done())
		dst = f.delta(dst, 0, "tool_calls", list{o.done()}.done())
		if input := block.Get("input"); !input.Empty() { // already there, as against the usual placeholder
			return f.arguments(dst, b, rawjson.Quote(string(compact(input))))
		}
	}
	return dst
}

func (f *fromAnthropic) add(dst []byte, index int, delta rawjson.Value) []byte {
	b := f.blocks[index]
	if b == nil {
		return dst
	}
	switch kind, _ := delta.Get("type").Str(); kind {
	case "text_delta":
		if text := delta.Get("text"); text.Kind() == rawjson.String {
			return f.delta(dst, 0, "content", text)
		}
	case "thinking_delta":
		if text := delta.Get("thinking"); text.Kind() == rawjson.String {
			b.thoughts = text.AppendText(b.thoughts)
			return f.delta(dst, 0, "reasoning_content", text)
		}
	case "signature_delta":
		if s := delta.Get("signature"); s.Kind() == rawjson.String {
			b.signature = bytes.Clone(s)
		}
	case "input_json_delta":
		if text := delta.Get("partial_json"); b.kind == "tool_use" && text.Kind() == rawjson.String && !text.Empty() {
			return f.arguments(dst, b, text)
		}
	}
	return dst
}

// arguments is a chunk with a piece of a tool's arguments, a JSON string.
func (f *fromAnthropic) arguments(dst []byte, b *anthropicBlock, text []byte) []byte {
	b.some = true
	dst = f.begin(dst, 0)
	dst = strconv.AppendInt(append(dst, `"tool_calls":[{"index":`...), int64(b.call), 10)
	dst = append(append(append(dst, `,"function":{"arguments":`...), text...), "}}]"...)
	return f.end(dst, "")
}

func (f *fromAnthropic) stop(dst []byte, index int) []byte {
	b := f.blocks[index]
	delete(f.blocks, index)
	switch {
	case b == nil:
	case b.kind == "tool_use" && !b.some: // nothing at all means an empty object
		return f.arguments(dst, b, []byte(`"{}"`))
	case b.kind == "thinking" && b.signature != nil: // whole now, to be sent back in a tool loop
		o := typed("thinking")
		o.str("thinking", string(b.thoughts))
		o.raw("signature", b.signature)
		return f.delta(dst, 0, "thinking_blocks", list{o.done()}.done())
	}
	return dst
}

// stringOr is a JSON string, or the empty one for anything else.
func stringOr(v rawjson.Value) []byte {
	if v.Kind() != rawjson.String {
		return []byte(`""`)
	}
	return v
}

// compact is JSON without space, {} for what is none.
func compact(v []byte) []byte {
	var b bytes.Buffer
	if len(v) == 0 || json.Compact(&b, v) != nil {
		return []byte("{}")
	}
	return b.Bytes()
}

func trimmed(b []byte) []byte { return bytes.TrimSpace(b) }
