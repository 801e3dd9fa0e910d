package redact

import (
	"bytes"

	"github.com/weir-dev/weir/llm"
)

// isStream says that a text begins as an event stream does.
func isStream(start []byte) bool {
	for _, field := range [...]string{"data:", "event:", "id:", "retry:", ":"} {
		if bytes.HasPrefix(start, []byte(field)) {
			return true
		}
	}
	return false
}

// event is one event of a stream: its bytes, and where in them the data lines are.
type event struct {
	raw  []byte
	data [][2]int // the value of every data line
	unit unit
}

// stream redacts an event stream, whole or cut off. Every event stays, with all its lines but those of a data field
// that has become shorter.
func stream(b []byte) []byte {
	var (
		c      collection
		events []*event
		s      llm.Splitter
	)
	s.Write(b)
	for off := 0; off < len(b); {
		end := len(b)
		if ev, ok := s.Next(); ok {
			end = off + len(ev.Raw)
		}
		e := parseEvent(b[off:end], off == 0)
		events = append(events, e)
		if start := bytes.TrimLeft(e.unit.b, " \t\r\n"); len(start) > 0 {
			c.read(&e.unit, len(e.unit.b)-len(start))
		}
		off = end
	}
	c.resolve()
	out := make([]byte, 0, len(b))
	changed := false
	for _, e := range events {
		data := e.unit.apply()
		edited := len(e.unit.edits) > 0
		if e.unit.bad {
			data, edited = text(e.unit.b, nil)
		}
		if rest, found := e.rest(); found {
			edited, e = true, rest
		}
		if !edited {
			out = append(out, e.raw...)
			continue
		}
		changed = true
		out = e.write(out, data)
	}
	if !changed {
		return b
	}
	return out
}

// parseEvent finds the data lines of an event.
func parseEvent(raw []byte, first bool) *event {
	e := &event{raw: raw}
	from := 0
	if first && bytes.HasPrefix(raw, bom) {
		from = len(bom)
	}
	for from < len(raw) {
		end, next := line(raw, from)
		if v, ok := bytes.CutPrefix(raw[from:end], []byte("data:")); ok {
			v = bytes.TrimPrefix(v, []byte(" "))
			e.data = append(e.data, [2]int{end - len(v), end})
		}
		from = next
	}
	switch len(e.data) {
	case 0:
	case 1:
		e.unit.b = raw[e.data[0][0]:e.data[0][1]:e.data[0][1]]
	default:
		for i, d := range e.data {
			if i > 0 {
				e.unit.b = append(e.unit.b, '\n')
			}
			e.unit.b = append(e.unit.b, raw[d[0]:d[1]]...)
		}
	}
	return e
}

// line gives the end of the line at from, and where the next one begins.
func line(raw []byte, from int) (end, next int) {
	n := bytes.IndexAny(raw[from:], "\r\n")
	if n < 0 {
		return len(raw), len(raw)
	}
	end = from + n
	if raw[end] == '\r' && end+1 < len(raw) && raw[end+1] == '\n' {
		return end, end + 2
	}
	return end, end + 1
}

// rest redacts the lines that are no data, comments mostly. The event it returns has the same data lines, moved.
func (e *event) rest() (*event, bool) {
	if len(e.raw) == 0 {
		return e, false
	}
	out := &event{unit: e.unit}
	found, from := false, 0
	add := func(to int) {
		for from < to { // line by line: no mark may swallow the blank line that ends the event
			end, next := line(e.raw[:to], from)
			clean, changed := text(e.raw[from:end], nil)
			out.raw = append(append(out.raw, clean...), e.raw[end:next]...)
			found, from = found || changed, next
		}
	}
	for _, d := range e.data {
		add(d[0])
		out.data = append(out.data, [2]int{len(out.raw), len(out.raw) + d[1] - d[0]})
		out.raw = append(out.raw, e.raw[d[0]:d[1]]...)
		from = d[1]
	}
	add(len(e.raw))
	return out, found
}

// write appends the event with other data.
func (e *event) write(out, data []byte) []byte {
	done := 0
	for i, d := range e.data {
		if i > 0 && data == nil { // fewer lines than before: leave this one out, with its field name
			start := bytes.LastIndexAny(e.raw[:d[0]], "\r\n") + 1
			_, next := line(e.raw, d[1])
			out = append(out, e.raw[done:start]...)
			done = next
			continue
		}
		out = append(out, e.raw[done:d[0]]...)
		l := data
		if n := bytes.IndexByte(data, '\n'); n >= 0 && i < len(e.data)-1 {
			l, data = data[:n], data[n+1:]
		} else {
			data = nil
		}
		out = append(out, l...)
		done = d[1]
	}
	return append(out, e.raw[done:]...)
}
