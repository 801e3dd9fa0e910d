package llm

import (
	"bytes"

	"github.com/weir-dev/weir/internal/rawjson"
)

// anthropicWire reads the Messages API. In a stream the usage comes in two parts, whose fields are cumulative: what
// message_delta names replaces what message_start said.
type anthropicWire struct {
	started bool
	final   bool // a message_delta with a stop reason has said how much output there is
	u       anthropicUsage
}

// anthropicUsage is the block as it comes: in excludes what the cache read or wrote.
type anthropicUsage struct {
	in, read, write, write5m, write1h, out, thinking int64
	hasWrite                                         bool // write was named
	bad                                              bool // a total made no sense
}

func (w *anthropicWire) event(m *Meter, ev Event) (mark Mark) {
	var message, block, delta, usage, failure rawjson.Value
	var typ []byte
	err := rawjson.Scan(ev.Data, func(key []byte, v rawjson.Value, _ int) bool {
		switch string(key) {
		case "type":
			typ, _ = v.Text()
		case "message":
			message = v
		case "content_block":
			block = v
		case "delta":
			delta = v
		case "usage":
			usage = v
		case "error":
			failure = v
		}
		return true
	})
	if err != nil {
		return 0
	}
	switch string(typ) {
	case "content_block_delta":
		return anthropicDelta(delta)
	case "content_block_start":
		return anthropicBlock(block)
	case "message_start":
		w.message(m, message)
		w.started = true
	case "message_delta":
		stop := delta.Get("stop_reason")
		m.finishAs(0, stop)
		w.usage(m, usage, !stop.Empty())
	case "message_stop":
		return Terminal
	default:
		if string(typ) == "error" || !failure.Empty() {
			return m.fail(ev.Data)
		}
	}
	return 0
}

// anthropicDelta says whether a delta of a content block holds output. Signatures and citations are not.
func anthropicDelta(delta rawjson.Value) (mark Mark) {
	delta.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "text", "partial_json", "thinking":
			if !v.Empty() {
				mark = Content
			}
		}
		return mark == 0
	})
	return mark
}

// anthropicBlock says whether a content block holds output: a tool's use does by being there, text only when not empty.
func anthropicBlock(block rawjson.Value) Mark {
	typ, _ := block.Get("type").Text()
	switch string(typ) {
	case "text", "thinking":
		if block.Get(string(typ)).Empty() {
			return 0
		}
	case "":
		return 0
	}
	return Content
}

func (w *anthropicWire) body(m *Meter, b []byte) {
	v := rawjson.Value(bytes.TrimSpace(b))
	if !v.Get("type").Is("message") {
		m.out.Err = errorWithin(m.Header, b)
		return
	}
	w.message(m, v)
	w.final = true
	m.counts.noOut = false
}

// message reads the message object: the whole of a plain body, and what a stream starts with.
func (w *anthropicWire) message(m *Meter, v rawjson.Value) {
	var stop, usage rawjson.Value
	v.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "id":
			keep(&m.out.ResponseID, v)
		case "model":
			keep(&m.out.Model, v)
		case "stop_reason":
			stop = v
		case "usage":
			usage = v
		case "content":
			v.Each(func(_ int, block rawjson.Value) bool {
				m.out.Delivered = m.out.Delivered || anthropicBlock(block) == Content
				return true
			})
		}
		return true
	})
	m.choice(0)
	m.finishAs(0, stop)
	w.usage(m, usage, false)
}

// usage reads a block over what is known. Final says that its output count is not provisional.
func (w *anthropicWire) usage(m *Meter, usage rawjson.Value, final bool) {
	if usage.Empty() {
		return
	}
	u, hasOut := w.u, false
	top := func(dst *int64, v rawjson.Value) {
		n, ok := count(v)
		if !ok {
			u.bad = true
			return
		}
		*dst = n
	}
	usage.Members(func(key []byte, v rawjson.Value) bool {
		if v.Kind() == rawjson.Null {
			return true
		}
		switch string(key) {
		case "input_tokens":
			top(&u.in, v)
		case "output_tokens":
			top(&u.out, v)
			hasOut = true
		case "cache_read_input_tokens":
			top(&u.read, v)
		case "cache_creation_input_tokens":
			top(&u.write, v)
			u.hasWrite = true
		case "cache_creation":
			u.write5m = m.detail(v.Get("ephemeral_5m_input_tokens"))
			u.write1h = m.detail(v.Get("ephemeral_1h_input_tokens"))
		case "output_tokens_details":
			u.thinking = m.detail(v.Get("thinking_tokens"))
		case "service_tier":
			keep(&m.out.ServiceTier, v)
		case "server_tool_use":
			m.out.Units.WebSearch = max(m.out.Units.WebSearch, m.detail(v.Get("web_search_requests")))
		}
		return true
	})
	if u.bad || usage.Get("input_tokens") == nil && !w.started {
		m.void(usage)
		return
	}
	w.u = u
	w.final = w.final || final && hasOut
	raw := []byte(usage)
	if w.started && len(usage) <= 4<<10 { // one object, as a plain body would have had it
		raw = bytes.Clone(m.out.UsageRaw)
		usage.Members(func(key []byte, v rawjson.Value) bool {
			raw = rawjson.Set(raw, string(key), v)
			return true
		})
	}
	if !u.hasWrite {
		u.write = u.write5m + u.write1h
	}
	m.out.Clamped = m.out.Clamped || u.write5m+u.write1h > u.write
	write1h := min(u.write1h, u.write)
	m.take(counts{
		in: u.in + u.read + u.write, cacheRead: u.read,
		write5m: u.write - write1h, write1h: write1h, // without a split, and for any excess over it: five minutes
		out: u.out, reasoning: u.thinking, noOut: m.Stream && !w.final,
	}, raw)
}
