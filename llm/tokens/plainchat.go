package tokens

import (
	"bytes"

	"github.com/weir-dev/weir/internal/rawjson"
)

// plainChat counts a chat whose messages are roles, names and texts, as nearly all are, without decoding it. It gives
// false for any other body, a body that is not JSON included: then Request's long way counts.
func plainChat(enc Encoding, body []byte) (int, bool) {
	p := plainCounter{enc: enc, total: perReply, plain: true}
	err := rawjson.Scan(body, func(key []byte, v rawjson.Value, _ int) bool {
		switch string(key) {
		case "messages":
			if p.plain = p.plain && !p.seen && v.Kind() == rawjson.Array; p.plain {
				p.seen = true
				v.Each(func(_ int, m rawjson.Value) bool { p.message(m); return p.plain })
			}
		case "tools", "functions", "response_format":
			p.plain = false
		}
		return p.plain
	})
	return p.total, err == nil && p.plain && p.seen
}

type plainCounter struct {
	enc     Encoding
	total   int
	plain   bool // nothing came that must be counted the long way
	seen    bool // messages came
	scratch []byte
}

// message counts the members of a message that can each stand there once.
func (p *plainCounter) message(m rawjson.Value) {
	if m.Kind() != rawjson.Object {
		p.plain = false
		return
	}
	p.total += perMessage
	var role, name, content bool
	once := func(seen *bool) {
		p.plain = p.plain && !*seen
		*seen = true
	}
	m.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "role":
			once(&role)
			p.text(v)
		case "name":
			once(&name)
			p.total += perName
			p.text(v)
		case "content":
			once(&content)
			if v.Kind() == rawjson.Array {
				v.Each(func(_ int, part rawjson.Value) bool { p.part(part); return p.plain })
			} else {
				p.text(v)
			}
		default:
			p.plain = false
		}
		return p.plain
	})
}

// part counts one part of a content, when it is a text.
func (p *plainCounter) part(part rawjson.Value) {
	var kind, text bool
	part.Members(func(key []byte, v rawjson.Value) bool {
		switch {
		case string(key) == "type" && !kind && v.Is("text"):
			kind = true
		case string(key) == "text" && !text:
			text = true
			p.text(v)
		default:
			p.plain = false
		}
		return p.plain
	})
	p.plain = p.plain && kind && text
}

func (p *plainCounter) text(v rawjson.Value) {
	if v.Kind() != rawjson.String {
		p.plain = false
		return
	}
	if bytes.IndexByte(v, '\\') >= 0 {
		p.scratch = v.AppendText(p.scratch[:0])
		p.total += Count(p.enc, p.scratch)
		return
	}
	text, _ := v.Text()
	p.total += Count(p.enc, text)
}
