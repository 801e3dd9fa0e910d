package rag

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/weir-dev/weir/llm"
)

// answerStream relays a model's answer event by event. What has quotes in it is shown without them; the event that ends the
// answer waits for the stream's last one, and goes out behind one that has what the answer rests on.
type answerStream struct {
	run    *run
	req    *request
	from   io.ReadCloser
	split  llm.Splitter
	filter quoteFilter
	buf    []byte

	head    map[string]json.RawMessage // of the last chunk: id, model and the like
	waiting []byte                     // events from the finish on
	finish  bool                       // seen
	closed  bool                       // what the answer rests on was said
	out     []byte
	end     error
}

const readSize = 16 << 10

func newAnswerStream(r *run, req *request, from io.ReadCloser) *answerStream {
	return &answerStream{run: r, req: req, from: from, buf: make([]byte, readSize)}
}

// Read gives the events that are there.
func (s *answerStream) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.end != nil {
			return 0, s.end
		}
		s.fill()
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// Close ends the question for a client that has gone, too.
func (s *answerStream) Close() error {
	err := s.from.Close()
	if !s.closed {
		s.run.generated(nil)
		s.run.answer = s.filter.Shown()
		s.run.end(llm.Faultf(llm.ClientClosed, "the answer did not come to its end"))
	}
	return err
}

func (s *answerStream) fill() {
	n, err := s.from.Read(s.buf)
	s.split.Write(s.buf[:n])
	for {
		ev, ok := s.split.Next()
		if !ok {
			break
		}
		s.event(ev)
	}
	if err == nil {
		return
	}
	if ev, ok := s.split.Finish(); ok {
		s.event(ev)
	}
	if err == io.EOF && s.finish {
		s.complete()
	}
	s.out = append(s.out, s.waiting...)
	s.out = append(s.out, s.split.Pending()...)
	s.waiting, s.end = nil, err
}

// event looks at one event of the model's.
func (s *answerStream) event(ev llm.Event) {
	switch data := bytes.TrimSpace(ev.Data); {
	case len(data) == 0:
	case string(data) == "[DONE]":
		s.complete()
	default:
		var chunk map[string]json.RawMessage
		var choices []map[string]json.RawMessage
		if json.Unmarshal(data, &chunk) != nil || json.Unmarshal(chunk["choices"], &choices) != nil {
			break
		}
		s.head = chunk
		if len(choices) == 0 {
			break
		}
		switch s.choice(choices[0]) {
		case changed:
			chunk["choices"] = marshal(choices)
			s.put(event(chunk))
			return
		case hidden:
			return
		}
	}
	s.put(ev.Raw)
}

// What became of a chunk.
type fate int

const (
	same fate = iota
	changed
	hidden // nothing is left of it
)

// put sends an event on, or has it wait behind the finish.
func (s *answerStream) put(raw []byte) {
	if s.finish && !s.closed {
		s.waiting = append(s.waiting, raw...)
		return
	}
	s.out = append(s.out, raw...)
}

// choice takes the quotes out of a choice.
func (s *answerStream) choice(c map[string]json.RawMessage) fate {
	reason := c["finish_reason"]
	last := len(reason) > 0 && string(reason) != "null"
	defer func() { s.finish = s.finish || last }()
	var delta map[string]json.RawMessage
	var text string
	if json.Unmarshal(c["delta"], &delta) != nil || json.Unmarshal(delta["content"], &text) != nil || text == "" {
		return same
	}
	shown := s.filter.Write(text)
	switch {
	case last: // goes out before what is still held
		if shown != "" {
			s.say(map[string]json.RawMessage{"content": marshal(shown)}, nil)
		}
		delete(delta, "content")
	case shown == text:
		return same
	case shown == "" && len(delta) == 1:
		return hidden
	default:
		delta["content"] = marshal(shown)
	}
	c["delta"] = marshal(delta)
	return changed
}

// complete says what the answer rests on; what waited follows.
func (s *answerStream) complete() {
	if s.closed {
		return
	}
	if rest := s.run.cite(&s.filter); rest != "" {
		s.say(map[string]json.RawMessage{"content": marshal(rest)}, nil)
	}
	_ = s.from.Close() // it has ended: this settles what it cost
	note := s.run.note(s.req.wishes.Explain)
	s.say(s.run.extras(s.req), marshal(note))
	s.closed = true
	s.run.end(nil)
	s.out = append(s.out, s.waiting...)
	s.waiting = nil
}

// say makes a chunk of our own.
func (s *answerStream) say(delta map[string]json.RawMessage, note json.RawMessage) {
	chunk := map[string]json.RawMessage{"object": json.RawMessage(`"chat.completion.chunk"`)}
	for _, name := range []string{"id", "created", "model"} {
		if v, ok := s.head[name]; ok {
			chunk[name] = v
		}
	}
	chunk["choices"] = marshal([]map[string]any{{"index": 0, "delta": delta, "finish_reason": nil}})
	if note != nil {
		chunk["weir"] = note
	}
	s.out = append(s.out, event(chunk)...)
}

func event(chunk map[string]json.RawMessage) []byte {
	b := append([]byte("data: "), marshal(chunk)...)
	return append(b, "\n\n"...)
}
