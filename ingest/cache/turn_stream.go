package cache

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
)

// chunksOf makes a stream of chunks that says what a plain chat completion says: of each choice its message in one chunk and
// its end in another, then the usage.
func chunksOf(body []byte, nulls bool) (out []byte, ok bool) {
	var head heading
	var choices, usage rawjson.Value
	var line bytes.Buffer // a line break would end an event's data
	if json.Compact(&line, body) != nil {
		return nil, false
	}
	ok = true
	err := rawjson.Scan(line.Bytes(), func(key []byte, v rawjson.Value, _ int) bool {
		switch string(key) {
		case "choices":
			choices = v
		case "usage":
			usage = v
		default:
			ok = ok && head.member(key, v)
		}
		return ok
	})
	if err != nil || !ok || choices.Empty() || usage.Kind() != rawjson.Object {
		return nil, false
	}
	open := head.write(nil, "chat.completion.chunk")
	chunk := func(choice []byte) {
		out = append(append(append(append(out, "data: "...), open...), `,"choices":[`...), choice...)
		out = append(out, ']')
		if nulls {
			out = append(out, `,"usage":null`...)
		}
		out = append(out, "}\n\n"...)
	}
	var ends [][]byte
	choices.Each(func(i int, c rawjson.Value) bool {
		index := strconv.AppendInt(nil, int64(i), 10)
		var message, finish, logprobs rawjson.Value
		c.Members(func(key []byte, v rawjson.Value) bool {
			switch string(key) {
			case "index":
				index = v
			case "message":
				message = v
			case "finish_reason":
				finish = v
			case "logprobs":
				logprobs = v
			default:
				ok = ok && v.Empty()
			}
			return ok
		})
		delta, whole := deltaOf(message)
		if ok = ok && whole && finish.Kind() == rawjson.String; !ok {
			return false
		}
		first := append(append([]byte(`{"index":`), index...), `,"delta":`...)
		first = append(first, delta...)
		if logprobs.Kind() != rawjson.Absent {
			first = member(first, "logprobs", logprobs)
		}
		chunk(append(first, `,"finish_reason":null}`...))
		last := append(append([]byte(`{"index":`), index...), `,"delta":{},"finish_reason":`...)
		ends = append(ends, append(append(last, finish...), '}'))
		return true
	})
	if !ok {
		return nil, false
	}
	for _, end := range ends {
		chunk(end)
	}
	out = append(append(append(out, "data: "...), open...), `,"choices":[],"usage":`...)
	out = append(append(out, usage...), "}\n\ndata: [DONE]\n\n"...)
	return out, true
}

// deltaOf makes a chunk's delta of a message, if the two can say the same.
func deltaOf(message rawjson.Value) (delta []byte, ok bool) {
	delta, ok = []byte{'{'}, message.Kind() == rawjson.Object
	message.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "role", "content", "refusal", "reasoning", "reasoning_content", "function_call", "annotations":
			ok = ok && (string(key) != "content" || v.Kind() == rawjson.String || v.Kind() == rawjson.Null)
			if string(key) == "annotations" && v.Empty() {
				return ok
			}
		case "tool_calls":
			if v.Empty() {
				return ok
			}
			v, ok = numbered(v)
		default: // sound, pictures, what is not known: said in another way in a stream, if at all
			ok = ok && v.Empty()
			return ok
		}
		delta = member(delta, string(key), v)
		return ok
	})
	if len(delta) > 1 {
		delta = append(delta[:1], delta[2:]...) // the first comma
	}
	return append(delta, '}'), ok
}

// numbered gives each tool call its index, as those of a stream have it.
func numbered(calls rawjson.Value) (out rawjson.Value, ok bool) {
	out, ok = rawjson.Value{'['}, calls.Kind() == rawjson.Array
	calls.Each(func(i int, c rawjson.Value) bool {
		if ok = c.Kind() == rawjson.Object && !c.Empty(); !ok {
			return false
		}
		if i > 0 {
			out = append(out, ',')
		}
		if c.Get("index").Kind() == rawjson.Absent {
			out = append(strconv.AppendInt(append(out, `{"index":`...), int64(i), 10), ',')
			c = c[1:]
		}
		out = append(out, c...)
		return true
	})
	return append(out, ']'), ok
}
