package llm

import (
	"bytes"

	"github.com/weir-dev/weir/internal/rawjson"
)

// responsesWire reads OpenAI's Responses API.
type responsesWire struct {
	calls    bool  // a function call was seen among the stream's items
	searches int64 // web searches that ended in the stream
}

func (w *responsesWire) event(m *Meter, ev Event) (mark Mark) {
	var response, item, failure rawjson.Value
	var typ []byte
	output := false
	err := rawjson.Scan(ev.Data, func(key []byte, v rawjson.Value, _ int) bool {
		switch string(key) {
		case "type":
			typ, _ = v.Text()
		case "response":
			response = v
		case "item":
			item = v
		case "error":
			failure = v
		case "delta", "text", "arguments", "refusal":
			output = output || !v.Empty()
		}
		return true
	})
	if err != nil {
		return 0
	}
	switch string(typ) {
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled":
		return w.response(m, response) | Terminal
	case "response.created", "response.in_progress", "response.queued":
		return w.response(m, response)
	case "response.output_item.added", "response.output_item.done":
		return w.item(m, item, bytes.HasSuffix(typ, []byte("done")))
	case "error":
		return m.fail(ev.Data)
	}
	if !failure.Empty() && typ == nil {
		return m.fail(ev.Data)
	}
	if output && (bytes.HasSuffix(typ, []byte(".delta")) || bytes.HasSuffix(typ, []byte(".done"))) || bytes.HasSuffix(typ, []byte(".partial_image")) {
		return Content
	}
	return 0
}

// item reads one output item of a stream.
func (w *responsesWire) item(m *Meter, item rawjson.Value, done bool) Mark {
	typ, _ := item.Get("type").Text()
	if clientCall(typ) {
		w.calls = true
		return Content
	}
	if string(typ) == "web_search_call" && done {
		w.searches++
		m.out.Units.WebSearch = max(m.out.Units.WebSearch, w.searches)
	}
	if done && (!item.Get("content").Empty() || !item.Get("summary").Empty()) {
		return Content
	}
	return 0
}

// clientCall says that an item of this type asks the client to run something.
func clientCall(typ []byte) bool {
	switch string(typ) {
	case "function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call", "apply_patch_call":
		return true
	}
	return false
}

func (w *responsesWire) body(m *Meter, b []byte) {
	v := rawjson.Value(bytes.TrimSpace(b))
	if v.Get("object").Is("response") || v.Get("output") != nil {
		if w.response(m, v)&Content != 0 {
			m.out.Delivered = true
		}
		return
	}
	m.out.Err = errorWithin(m.Header, b)
}

// response reads the response object, which is the whole of a plain body and stands in a stream's first and last events.
func (w *responsesWire) response(m *Meter, r rawjson.Value) (mark Mark) {
	var status, usage, reason rawjson.Value
	calls, searches := w.calls, int64(0)
	r.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "status":
			status = v
		case "usage":
			usage = v
		case "incomplete_details":
			reason = v.Get("reason")
		case "output":
			v.Each(func(_ int, item rawjson.Value) bool {
				typ, _ := item.Get("type").Text()
				switch {
				case clientCall(typ):
					calls, mark = true, mark|Content
				case string(typ) == "web_search_call":
					searches++
				case !item.Get("content").Empty() || !item.Get("summary").Empty():
					mark |= Content
				}
				return true
			})
		default:
			mark |= m.openaiHead(key, v, r)
		}
		return true
	})
	m.out.Units.WebSearch = max(m.out.Units.WebSearch, searches)
	switch s, _ := status.Text(); string(s) {
	case "completed":
		m.choice(0)
		m.finish[0] = "stop"
		if calls {
			m.finish[0] = "tool_calls"
		}
	case "incomplete":
		m.choice(0)
		m.finish[0] = "length"
		if reason.Is("content_filter") {
			m.finish[0] = "content_filter"
		}
	case "failed":
		mark |= m.fail(r)
	}
	if !usage.Empty() {
		m.openaiUsage(usage)
	}
	return mark
}
