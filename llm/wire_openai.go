package llm

import (
	"bytes"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
)

// openaiWire reads chat completions, legacy completions, embeddings, images and audio in OpenAI's form, and what
// compatible servers make of it.
type openaiWire struct{}

func (openaiWire) event(m *Meter, ev Event) (mark Mark) {
	var (
		choices, usage, groq rawjson.Value
		typ                  []byte
		payload              bool // a delta or audio outside of choices
	)
	err := rawjson.Scan(ev.Data, func(key []byte, v rawjson.Value, _ int) bool {
		switch string(key) {
		case "choices":
			choices = v
		case "usage":
			usage = v
		case "x_groq":
			groq = v
		case "type":
			typ, _ = v.Text()
		case "delta", "audio", "text":
			payload = !v.Empty()
		default:
			mark |= m.openaiHead(key, v, ev.Data)
		}
		return true
	})
	if err != nil {
		return 0
	}
	if choices.Kind() == rawjson.Array {
		mark |= m.openaiChoices(choices, "delta")
		if choices.Empty() && usage.Kind() == rawjson.Object && mark&Failed == 0 {
			mark |= UsageOnly
		}
	} else {
		mark |= m.typed(typ, payload)
	}
	m.openaiUsages(usage, groq)
	return mark
}

// typed reads the type of events that have no choices: transcripts, speech and images in pieces.
func (m *Meter) typed(typ []byte, payload bool) Mark {
	switch {
	case bytes.HasSuffix(typ, []byte(".delta")) && payload, bytes.HasSuffix(typ, []byte(".partial_image")):
		return Content
	case bytes.HasSuffix(typ, []byte(".done")):
		return Terminal
	case bytes.HasPrefix(typ, []byte("image_")) && bytes.HasSuffix(typ, []byte(".completed")):
		m.out.Delivered = true
		return Terminal
	}
	return 0
}

func (openaiWire) body(m *Meter, b []byte) {
	var choices, usage, groq, data rawjson.Value
	text := false
	err := rawjson.Scan(b, func(key []byte, v rawjson.Value, _ int) bool {
		switch string(key) {
		case "choices":
			choices = v
		case "usage":
			usage = v
		case "x_groq":
			groq = v
		case "data":
			data = v
		case "text":
			text = !v.Empty()
		default:
			m.openaiHead(key, v, b)
		}
		return true
	})
	switch {
	case m.Endpoint == Models:
		return
	case err != nil && strings.HasPrefix(m.Path, "/audio/"): // sound, or a transcript in plain text
		m.out.Delivered = len(b) > 0
	case firstOf(b) == '[':
		if e := errorWithin(m.Header, b); e != nil {
			m.out.Err = e
		}
	}
	m.out.Delivered = m.out.Delivered || m.openaiChoices(choices, "message")&Content != 0 || text && strings.HasPrefix(m.Path, "/audio/") ||
		!data.Empty() && m.generates()
	m.openaiUsages(usage, groq)
	if m.images() && !m.usage {
		data.Each(func(int, rawjson.Value) bool { m.out.Units.Image++; return true })
	}
}

// openaiHead reads the members around choices.
func (m *Meter) openaiHead(key []byte, v rawjson.Value, body []byte) Mark {
	switch string(key) {
	case "id":
		if m.out.ResponseID == "" {
			keep(&m.out.ResponseID, v)
		}
	case "model":
		keep(&m.out.Model, v)
	case "service_tier":
		keep(&m.out.ServiceTier, v)
	case "error":
		if !v.Empty() {
			return m.fail(body)
		}
	case "object":
		if v.Is("error") {
			return m.fail(body)
		}
	}
	return 0
}

// openaiChoices notes the choices seen and how they finished; part is delta or message.
func (m *Meter) openaiChoices(choices rawjson.Value, part string) (mark Mark) {
	choices.Each(func(i int, c rawjson.Value) bool {
		var finish rawjson.Value
		c.Members(func(key []byte, v rawjson.Value) bool {
			switch string(key) {
			case "index":
				if n, ok := v.Int(); ok {
					i = int(n)
				}
			case "finish_reason":
				finish = v
			case "text":
				if !v.Empty() {
					mark |= Content
				}
			case part:
				if openaiOutput(v) {
					mark |= Content
				}
			}
			return true
		})
		m.choice(i)
		m.finishAs(i, finish)
		return i < maxChoices
	})
	return mark
}

// openaiOutput says that a delta or message holds output.
func openaiOutput(v rawjson.Value) (some bool) {
	v.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "content", "reasoning_content", "reasoning", "reasoning_details", "refusal", "tool_calls", "function_call", "audio", "images":
			some = !v.Empty()
		}
		return !some
	})
	return some
}

// firstOf is the first byte that is not space, 0 without one.
func firstOf(b []byte) byte {
	if b = bytes.TrimLeft(b, " \t\r\n"); len(b) > 0 {
		return b[0]
	}
	return 0
}
