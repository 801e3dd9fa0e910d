package upstream

import (
	"errors"
	"io"
	"sync"

	"github.com/weir-dev/weir/llm"
)

// translatedStream is an event stream in OpenAI's form, made event by event of the provider's, which is metered as it
// comes.
type translatedStream struct {
	link       *link
	from       io.ReadCloser
	split      llm.Splitter
	meter      *llm.Meter
	translator translator

	out  []byte // ready for the client
	off  int    // of out that was handed out
	over bool   // complete or failed: what still comes is read for the connection's sake
	end  error  // after out: what Read answers

	found *llm.Outcome
}

// eventLimit bounds an event, in bytes; a longer one ends the stream.
const eventLimit = 32 << 20

var streamBuffers = sync.Pool{New: func() any { b := make([]byte, 16<<10); return &b }}

// Read gives the events that are there.
func (s *translatedStream) Read(p []byte) (int, error) {
	for {
		if s.off < len(s.out) {
			n := copy(p, s.out[s.off:])
			s.off += n
			return n, nil
		}
		if s.end != nil {
			return 0, s.end
		}
		s.out, s.off = s.out[:0], 0
		s.fill()
	}
}

// fill reads once and translates the events that are whole.
func (s *translatedStream) fill() {
	buf := streamBuffers.Get().(*[]byte)
	n, err := s.from.Read(*buf)
	if !s.over {
		s.split.Write((*buf)[:n])
	}
	streamBuffers.Put(buf)
	for !s.over {
		ev, ok := s.split.Next()
		if !ok {
			break
		}
		s.event(ev)
	}
	if !s.over && len(s.split.Pending()) > eventLimit && err == nil {
		err = llm.Faultf(llm.UpstreamUnavailable, "provider %s sent an event of more than %d MB", s.link.cfg.Name, eventLimit>>20)
	}
	switch {
	case err == nil:
	case s.over:
		s.end = io.EOF // the client has the whole of it, whatever happened to the connection since
	case errors.Is(err, io.EOF) && s.outcome(false).Err == nil:
		s.complete()
		s.end = io.EOF
	case errors.Is(err, io.EOF):
		s.end = llm.Faultf(llm.UpstreamUnavailable, "provider %s ended its answer before it was complete", s.link.cfg.Name)
	default:
		s.end = err
	}
}

func (s *translatedStream) event(ev llm.Event) {
	mark := s.meter.Event(ev)
	if mark&llm.Failed != 0 {
		e := s.outcome(false).Err
		s.out = append(append(append(s.out, "data: "...), errorBody(s.link.cfg.Name, e)...), "\n\n"...)
		s.over = true
		return
	}
	s.out = s.translator.event(s.out, ev)
	if mark&llm.Terminal != 0 && s.translator.saysWhenDone() {
		s.complete()
	}
}

func (s *translatedStream) complete() {
	s.out = s.translator.done(s.out, s.outcome(false))
	s.over = true
}

// outcome is what the provider's own stream says.
func (s *translatedStream) outcome(cut bool) llm.Outcome {
	if s.found == nil {
		o := s.meter.End(cut)
		s.found = &o
	}
	return *s.found
}

// Close ends the exchange.
func (s *translatedStream) Close() error { return s.from.Close() }
