package upstream

import (
	"net/http"
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// chunks writes the events of one streamed chat completion.
type chunks struct {
	call *llm.Call
	head []byte // what every chunk begins with; nil until named
	some bool   // the delta has a member
}

// name gives the answer its id and model. The first name stays: a client takes all chunks of a stream for one answer.
func (c *chunks) name(id, model string) {
	if c.head != nil {
		return
	}
	o := object{}
	o.str("id", id)
	o.str("object", "chat.completion.chunk")
	o.int("created", c.call.Start.Unix())
	o.str("model", model)
	c.head = append([]byte("data: "), o.b...)
}

// begin opens a chunk with a delta of a choice; member fills it and end closes it.
func (c *chunks) begin(dst []byte, choice int) []byte {
	if c.head == nil { // the provider has not introduced itself
		c.name(c.call.ID, c.call.Model)
	}
	c.some = false
	dst = append(append(dst, c.head...), `,"choices":[{"index":`...)
	return append(strconv.AppendInt(dst, int64(choice), 10), `,"delta":{`...)
}

func (c *chunks) member(dst []byte, name string, v []byte) []byte {
	if c.some {
		dst = append(dst, ',')
	}
	c.some = true
	return append(append(append(append(dst, '"'), name...), '"', ':'), v...)
}

func (c *chunks) end(dst []byte, finish string) []byte {
	dst = append(dst, `},"logprobs":null,"finish_reason":`...)
	if finish == "" {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, rawjson.Quote(finish)...)
	}
	dst = append(dst, `}]`...)
	if c.call.AskedUsage {
		dst = append(dst, `,"usage":null`...)
	}
	return append(dst, "}\n\n"...)
}

// delta is a chunk with one member.
func (c *chunks) delta(dst []byte, choice int, name string, v []byte) []byte {
	return c.end(c.member(c.begin(dst, choice), name, v), "")
}

// role is the chunk that opens a choice.
func (c *chunks) role(dst []byte, choice int) []byte {
	dst = c.member(c.begin(dst, choice), "role", []byte(`"assistant"`))
	return c.end(c.member(dst, "content", []byte(`""`)), "")
}

// finish is the chunk that closes a choice.
func (c *chunks) finish(dst []byte, choice int, reason string) []byte {
	return c.end(c.begin(dst, choice), reason)
}

// done is what ends a complete stream: the usage, if the client asked for it and it is known, and the marker.
func (c *chunks) done(dst []byte, out llm.Outcome) []byte {
	if c.call.AskedUsage && out.Source == llm.FromProvider {
		if c.head == nil {
			c.name(c.call.ID, c.call.Model)
		}
		dst = append(append(dst, c.head...), `,"choices":[],"usage":`...)
		dst = append(append(dst, usageOf(out)...), "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// usageOf is OpenAI's usage object.
func usageOf(out llm.Outcome) []byte {
	u := out.Usage
	in, spent, o := object{}, object{}, object{}
	in.int("cached_tokens", u.CacheRead)
	if write := u.CacheWrite5m + u.CacheWrite1h; write > 0 {
		in.int("cache_write_tokens", write)
	}
	if u.InputAudio > 0 {
		in.int("audio_tokens", u.InputAudio)
	}
	spent.int("reasoning_tokens", u.Reasoning)
	if u.OutputAudio > 0 {
		spent.int("audio_tokens", u.OutputAudio)
	}
	o.int("prompt_tokens", u.Input())
	o.int("completion_tokens", u.Output())
	o.int("total_tokens", u.Input()+u.Output())
	o.raw("prompt_tokens_details", in.done())
	o.raw("completion_tokens_details", spent.done())
	return o.done()
}

// errorBody is OpenAI's error object.
func errorBody(provider string, e *llm.Error) []byte {
	o := object{}
	message := e.Message
	if message == "" {
		message = "provider " + provider + " answered " + strconv.Itoa(e.Status) + " " + http.StatusText(e.Status)
	}
	o.str("message", message)
	o.str("type", e.Type)
	o.raw("param", []byte("null"))
	o.str("code", e.Type)
	whole := object{}
	whole.raw("error", o.done())
	return whole.done()
}

// choice is one choice of a chat completion that comes whole.
type choice struct {
	content   []byte // text; nil for none
	reasoning []byte
	calls     list
	extra     object // members that are no OpenAI client's business but may be sent back
	finish    string
}

// say appends text; an empty one is content too.
func (c *choice) say(text rawjson.Value) {
	if c.content == nil {
		c.content = []byte{}
	}
	c.content = text.AppendText(c.content)
}

func (c *choice) json(index int) []byte {
	m := object{}
	m.str("role", "assistant")
	if c.content == nil && len(c.calls) > 0 {
		m.raw("content", []byte("null"))
	} else {
		m.str("content", string(c.content))
	}
	m.raw("refusal", []byte("null"))
	if len(c.reasoning) > 0 {
		m.str("reasoning_content", string(c.reasoning))
	}
	if len(c.calls) > 0 {
		m.list("tool_calls", c.calls)
	}
	if !c.extra.empty() {
		m.b = append(append(m.b, ','), c.extra.b[1:]...)
	}
	o := object{}
	o.int("index", int64(index))
	o.raw("message", m.done())
	o.raw("logprobs", []byte("null"))
	o.str("finish_reason", c.finish)
	return o.done()
}

// completion is a chat completion that comes whole.
func completion(call *llm.Call, id, model string, choices []choice, out llm.Outcome) []byte {
	if id == "" {
		id = call.ID
	}
	if model == "" {
		model = call.Model
	}
	var all list
	for i := range choices {
		all = append(all, choices[i].json(i))
	}
	o := object{}
	o.str("id", id)
	o.str("object", "chat.completion")
	o.int("created", call.Start.Unix())
	o.str("model", model)
	o.list("choices", all)
	if out.Source == llm.FromProvider {
		o.raw("usage", usageOf(out))
	}
	return append(o.done(), '\n')
}

// functionCall is an entry of tool_calls in a whole message.
func functionCall(id, name string, arguments []byte, more ...func(*object)) []byte {
	f, o := object{}, object{}
	f.str("name", name)
	f.str("arguments", string(arguments))
	o.str("id", id)
	o.str("type", "function")
	o.raw("function", f.done())
	for _, add := range more {
		add(&o)
	}
	return o.done()
}
