package cache

import (
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// streamed is what a chat's chunks say beside the texts, which llm.Assemble puts together.
type streamed struct {
	head    heading
	usage   rawjson.Value
	choices []streamedChoice
}

type streamedChoice struct {
	finish    []byte // JSON
	text      bool   // content was said, be it empty
	refusal   bool
	reasoning []string // the names under which reasoning came
}

// maxStreamed bounds the choices of an answer that is put together.
const maxStreamed = 128

// wholeOf makes the plain chat completion of a stream of chunks.
func wholeOf(stream []byte) ([]byte, bool) {
	var s streamed
	var split llm.Splitter
	split.Write(stream)
	for ev, ok := split.Next(); ok; ev, ok = split.Next() {
		if len(ev.Data) == 0 || string(ev.Data) == "[DONE]" {
			continue
		}
		if !s.chunk(append([]byte(nil), ev.Data...)) {
			return nil, false
		}
	}
	if s.usage.Kind() != rawjson.Object || len(s.choices) == 0 {
		return nil, false
	}
	answer := llm.Assemble(llm.ChatCompletions, llm.OpenAI, true, stream)
	if len(answer.Texts) != len(s.choices) {
		return nil, false
	}
	out := append(s.head.write(nil, "chat.completion"), `,"choices":[`...)
	for i := range s.choices {
		c := &s.choices[i]
		if c.finish == nil {
			return nil, false
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(strconv.AppendInt(append(out, `{"index":`...), int64(i), 10), `,"message":`...)
		out = append(append(c.message(out, i, &answer), `,"logprobs":null,"finish_reason":`...), c.finish...)
		out = append(out, '}')
	}
	return append(member(append(out, ']'), "usage", s.usage), '}'), true
}

// chunk reads one. False: it says what a plain answer made of it would not.
func (s *streamed) chunk(data []byte) bool {
	ok := true
	err := rawjson.Scan(data, func(key []byte, v rawjson.Value, _ int) bool {
		switch string(key) {
		case "choices":
			v.Each(func(i int, c rawjson.Value) bool {
				ok = s.choice(i, c)
				return ok
			})
		case "usage":
			if v.Kind() == rawjson.Object {
				s.usage = v
			}
		default:
			ok = s.head.member(key, v)
		}
		return ok
	})
	return err == nil && ok
}

func (s *streamed) choice(i int, c rawjson.Value) bool {
	if n, is := c.Get("index").Int(); is {
		i = int(n)
	}
	if i < 0 || i >= maxStreamed {
		return false
	}
	for len(s.choices) <= i {
		s.choices = append(s.choices, streamedChoice{})
	}
	at, ok := &s.choices[i], true
	c.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "index":
		case "finish_reason":
			if v.Kind() == rawjson.String {
				at.finish = v
			}
		case "delta":
			v.Members(func(key []byte, v rawjson.Value) bool {
				ok = at.delta(i, key, v)
				return ok
			})
		default:
			ok = v.Empty()
		}
		return ok
	})
	return ok
}

// delta reads one member of a delta.
func (c *streamedChoice) delta(choice int, key []byte, v rawjson.Value) bool {
	switch string(key) {
	case "role":
	case "content":
		if v.Kind() != rawjson.String {
			return v.Empty()
		}
		c.text = true
	case "refusal":
		c.refusal = c.refusal || !v.Empty()
		return v.Empty() || v.Kind() == rawjson.String && choice == 0
	case "reasoning", "reasoning_content":
		if v.Empty() {
			return true
		}
		if len(c.reasoning) == 0 || c.reasoning[len(c.reasoning)-1] != string(key) {
			c.reasoning = append(c.reasoning, string(key))
		}
		return v.Kind() == rawjson.String && choice == 0 && len(c.reasoning) == 1
	case "tool_calls":
		ok := true
		v.Each(func(_ int, call rawjson.Value) bool {
			call.Members(func(key []byte, v rawjson.Value) bool {
				switch string(key) {
				case "index", "id":
				case "type":
					ok = v.Empty() || v.Is("function")
				case "function":
					v.Members(func(key []byte, v rawjson.Value) bool {
						ok = string(key) == "name" || string(key) == "arguments" && v.Kind() == rawjson.String || v.Empty()
						return ok
					})
				default:
					ok = v.Empty()
				}
				return ok
			})
			return ok
		})
		return ok
	default:
		return v.Empty()
	}
	return true
}

// message appends the choice's message.
func (c *streamedChoice) message(out []byte, i int, a *llm.Answer) []byte {
	out = append(out, `{"role":"assistant","content":`...)
	calls := false
	for _, t := range a.ToolCalls {
		calls = calls || t.Choice == i
	}
	if text := a.Texts[i]; text != "" || c.text && !calls && !c.refusal {
		out = append(out, rawjson.Quote(text)...)
	} else {
		out = append(out, "null"...)
	}
	if c.refusal {
		out = member(out, "refusal", rawjson.Quote(a.Refusal))
	} else {
		out = append(out, `,"refusal":null`...)
	}
	for _, name := range c.reasoning {
		out = member(out, name, rawjson.Quote(a.Reasoning))
	}
	if calls {
		open := `,"tool_calls":[`
		for _, t := range a.ToolCalls {
			if t.Choice != i {
				continue
			}
			out = append(append(append(out, open...), `{"id":`...), rawjson.Quote(t.ID)...)
			out = append(append(out, `,"type":"function","function":{"name":`...), rawjson.Quote(t.Name)...)
			out = append(append(append(out, `,"arguments":`...), rawjson.Quote(t.Arguments)...), "}}"...)
			open = ","
		}
		out = append(out, ']')
	}
	return append(out, '}')
}
