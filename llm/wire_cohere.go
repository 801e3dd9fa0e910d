package llm

import (
	"bytes"

	"github.com/weir-dev/weir/internal/rawjson"
)

// cohereWire reads Cohere's own API, version 2.
type cohereWire struct{}

func (cohereWire) event(m *Meter, ev Event) (mark Mark) {
	var typ []byte
	var id, delta rawjson.Value
	err := rawjson.Scan(ev.Data, func(key []byte, v rawjson.Value, _ int) bool {
		switch string(key) {
		case "type":
			typ, _ = v.Text()
		case "id":
			id = v
		case "delta":
			delta = v
		}
		return true
	})
	if err != nil {
		return 0
	}
	switch string(typ) {
	case "message-start":
		keep(&m.out.ResponseID, id)
		m.choice(0)
	case "content-start", "content-delta":
		c := delta.Get("message", "content")
		if !c.Get("text").Empty() || !c.Get("thinking").Empty() {
			return Content
		}
	case "tool-plan-delta":
		if !delta.Get("message", "tool_plan").Empty() {
			return Content
		}
	case "tool-call-start", "tool-call-delta":
		return Content
	case "message-end":
		m.finishAs(0, delta.Get("finish_reason"))
		m.cohereUsage(delta.Get("usage"))
		mark = Terminal
		if text := delta.Get("error"); !text.Empty() {
			mark |= m.fail(delta)
		}
	case "error", "":
		if f := readFault(ev.Data); f.found || f.message != "" {
			return m.fail(ev.Data)
		}
	}
	return mark
}

func (cohereWire) body(m *Meter, b []byte) {
	v := rawjson.Value(bytes.TrimSpace(b))
	v.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "id":
			keep(&m.out.ResponseID, v)
		case "model":
			keep(&m.out.Model, v)
		case "finish_reason":
			m.finishAs(0, v)
		case "message":
			m.out.Delivered = !v.Get("content").Empty() || !v.Get("tool_calls").Empty()
		case "embeddings":
			m.out.Delivered = !v.Empty()
		case "usage", "meta":
			m.cohereUsage(v)
		case "error":
			if !v.Empty() {
				m.fail(b)
			}
		}
		return true
	})
}

// cohereUsage reads a block: billed_units is what is paid, tokens also counts the template.
func (m *Meter) cohereUsage(usage rawjson.Value) {
	if usage.Empty() {
		return
	}
	units := usage.Get("billed_units")
	if units.Empty() {
		units = usage.Get("tokens")
	}
	if units.Empty() {
		return
	}
	in, out := units.Get("input_tokens"), units.Get("output_tokens")
	if in == nil && out == nil { // a ranking is paid by the search
		return
	}
	var c counts
	var okIn, okOut bool
	c.in, okIn = count(in)
	c.out, okOut = count(out)
	if out.Kind() <= rawjson.Null && m.outputOptional() {
		okOut = true
	}
	if !okIn || !okOut {
		m.void(usage)
		return
	}
	c.cacheRead = m.detail(usage.Get("cached_tokens"))
	m.take(c, usage)
}
