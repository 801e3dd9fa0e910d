package llm

import "bytes"

// Event is one block of an event stream (WHATWG HTML, "Server-sent events"): everything up to and including a blank
// line. Raw and Data are valid until the next call on the Splitter.
type Event struct {
	Raw  []byte // the exact bytes, comments and byte order mark included
	Name string // of the event field, "" without one
	Data []byte // data lines joined with LF; empty for a block that carries nothing, such as a comment
}

// splitterKeep is how much memory, in bytes, a Splitter holds on to between events.
const splitterKeep = 64 << 10

// Splitter cuts an event stream into its events, however the bytes arrive. The concatenation of all Raw, and of Pending
// at the end, equals the input. The zero value is ready. Each byte is looked at once and no line is too long; a small
// event costs no allocation. Not safe for concurrent use.
type Splitter struct {
	buf   []byte // unconsumed bytes: buf[start:]
	start int    // of the event being read
	line  int    // start of the line being read
	pos   int    // where the search for the line's end goes on
	lf    bool   // the last byte of the line before was CR: an LF at pos belongs to it
	begun bool   // the first line, which may have a byte order mark, is behind

	name     string
	data     span   // of the single data line, relative to start
	joined   []byte // data of several lines
	lines    int    // data lines seen in this event
	interned []string
}

// span is a part of the event being read, in bytes from its start.
type span struct{ from, to int }

// Write takes the next bytes of the stream; p may be reused at once.
func (s *Splitter) Write(p []byte) {
	if s.start == len(s.buf) || len(s.buf)+len(p) > cap(s.buf) && s.start > len(s.buf)/2 {
		s.compact(len(p))
	}
	s.buf = append(s.buf, p...)
}

// compact moves the unconsumed bytes to the front, and gives back the memory that a large event took.
func (s *Splitter) compact(need int) {
	rest := s.buf[s.start:]
	if cap(s.buf) > splitterKeep && len(rest)+need <= splitterKeep/2 {
		s.buf = append(make([]byte, 0, len(rest)+need), rest...)
	} else {
		s.buf = s.buf[:copy(s.buf, rest)]
	}
	s.line -= s.start
	s.pos -= s.start
	s.start = 0
}

// Next gives the next whole event, or false until more is written.
func (s *Splitter) Next() (Event, bool) {
	for {
		if s.lf && s.pos < len(s.buf) {
			s.lf = false
			if s.buf[s.pos] == '\n' {
				s.pos++
				s.line = s.pos
			}
		}
		end := lineEnd(s.buf[s.pos:])
		if end < 0 {
			s.pos = len(s.buf)
			s.release()
			return Event{}, false
		}
		end += s.pos
		line := s.buf[s.line:end]
		s.pos = end + 1
		if s.buf[end] == '\r' {
			if s.pos == len(s.buf) {
				s.lf = true
			} else if s.buf[s.pos] == '\n' {
				s.pos++
			}
		}
		from := s.line
		s.line = s.pos
		if !s.begun {
			s.begun = true
			if bytes.HasPrefix(line, bom) {
				line, from = line[len(bom):], from+len(bom)
			}
		}
		if len(line) == 0 {
			return s.event(s.pos), true
		}
		s.field(line, from-s.start)
	}
}

// Pending is what has been written and not been part of an event yet.
func (s *Splitter) Pending() []byte { return s.buf[s.start:] }

// Finish is called when the body has ended and Next gives no more. An unfinished event counts only if its data is
// [DONE]; anything else stays Pending.
func (s *Splitter) Finish() (Event, bool) {
	if line := s.buf[s.line:]; len(line) > 0 {
		from := s.line
		if !s.begun && bytes.HasPrefix(line, bom) {
			line, from = line[len(bom):], from+len(bom)
		}
		s.begun = true
		s.line, s.pos = len(s.buf), len(s.buf)
		s.field(line, from-s.start)
	}
	if !isDone(s.current()) {
		return Event{}, false
	}
	return s.event(len(s.buf)), true
}

// isDone recognises the marker that ends OpenAI's streams.
func isDone(data []byte) bool { return len(data) < 32 && string(bytes.TrimSpace(data)) == "[DONE]" }

var bom = []byte("\xef\xbb\xbf")

// event closes the current event, which ends before offset end.
func (s *Splitter) event(end int) Event {
	ev := Event{Raw: s.buf[s.start:end:end], Name: s.name, Data: s.current()}
	s.start, s.line, s.pos = end, end, end
	s.name, s.lines, s.data = "", 0, span{}
	return ev
}

// current is the data of the event being read.
func (s *Splitter) current() []byte {
	switch s.lines {
	case 0:
		return nil
	case 1:
		return s.buf[s.start+s.data.from : s.start+s.data.to]
	default:
		return s.joined
	}
}

// release drops what a large event took, once nothing of it is left to read.
func (s *Splitter) release() {
	if s.start == len(s.buf) && cap(s.buf) > splitterKeep {
		s.buf, s.start, s.line, s.pos = nil, 0, 0, 0
	}
	if s.lines < 2 && cap(s.joined) > splitterKeep {
		s.joined = nil
	}
}

// field reads a line that is not blank; it starts at offset from within the event.
func (s *Splitter) field(line []byte, from int) {
	name, value := line, span{from + len(line), from + len(line)}
	if i := bytes.IndexByte(line, ':'); i >= 0 {
		name, value.from = line[:i], from+i+1
		if i+1 < len(line) && line[i+1] == ' ' {
			value.from++
		}
	}
	switch string(name) {
	case "data":
		text := s.buf[s.start+value.from : s.start+value.to]
		switch s.lines {
		case 0:
			s.data = value
		case 1:
			s.joined = append(append(append(s.joined[:0], s.current()...), '\n'), text...)
		default:
			s.joined = append(append(s.joined, '\n'), text...)
		}
		s.lines++
	case "event":
		s.name = s.intern(s.buf[s.start+value.from : s.start+value.to])
	}
}

// intern makes an event name a string without an allocation for each event: streams repeat a few names.
func (s *Splitter) intern(b []byte) string {
	for _, n := range s.interned {
		if n == string(b) {
			return n
		}
	}
	n := string(b)
	if len(s.interned) < 32 && len(n) <= 64 {
		s.interned = append(s.interned, n)
	}
	return n
}

// lineEnd finds the first LF or CR, -1 without one.
func lineEnd(b []byte) int {
	lf := bytes.IndexByte(b, '\n')
	if lf >= 0 {
		b = b[:lf]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return lf
}
