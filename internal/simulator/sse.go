package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// stream writes an event stream and keeps the promises of the directives that count events.
type stream struct {
	s      *Simulator
	x      *exchange
	rc     *http.ResponseController
	buf    bytes.Buffer
	enc    *json.Encoder
	events int
	failed bool // the error event is on its way, or out
	named  bool // events carry names, as in responses
}

// open begins the stream. Nothing is sent before the first event.
func (s *Simulator) open(x *exchange) *stream {
	s.streams.Add(1)
	h := x.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	st := &stream{s: s, x: x, rc: http.NewResponseController(x.w)}
	st.enc = json.NewEncoder(&st.buf)
	st.enc.SetEscapeHTML(false)
	return st
}

// failure ends a stream early with an error the client sees in it.
type failure struct{ *apiError }

// send writes one event with v as its data, and flushes it. name may be empty.
func (st *stream) send(name string, v any) error {
	b := st.x.b
	if b.Hang && st.events >= b.HangAfter {
		<-st.x.ctx.Done()
	}
	if err := st.x.ctx.Err(); err != nil {
		return err
	}
	if b.FailAfter > 0 && st.events == b.FailAfter && !st.failed {
		st.failed = true
		return failure{&apiError{status: 500, kind: "server_error", message: "The server had an error while processing your request."}}
	}
	st.buf.Reset()
	if name != "" {
		st.buf.WriteString("event: " + name + "\n")
	}
	st.buf.WriteString("data: ")
	if mark, ok := v.(string); ok {
		st.buf.WriteString(mark + "\n")
	} else if err := st.enc.Encode(v); err != nil {
		return err
	}
	st.buf.WriteByte('\n')
	if _, err := st.x.w.Write(st.buf.Bytes()); err != nil {
		return err
	}
	if err := st.rc.Flush(); err != nil {
		return err
	}
	st.events++
	if b.CutAfter > 0 && st.events >= b.CutAfter {
		st.s.cut.Add(1)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// plain writes v as the whole answer; a cut directive drops the connection half way through it.
func (s *Simulator) plain(x *exchange, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(buf.Len()))
	h.Set("Openai-Processing-Ms", strconv.FormatInt(x.pace.first.Milliseconds(), 10))
	if x.b.CutAfter > 0 {
		_, _ = x.w.Write(buf.Bytes()[:buf.Len()/2])
		_ = http.NewResponseController(x.w).Flush()
		s.cut.Add(1)
		panic(http.ErrAbortHandler)
	}
	if _, err := x.w.Write(buf.Bytes()); err != nil {
		return x.ctx.Err()
	}
	return nil
}

// ended closes the account of a stream: an error that was to be sent in it is sent; one of the connection is counted.
// Nothing is left for a caller to write, because the header is out.
func (s *Simulator) ended(st *stream, err error) error {
	if f, ok := errors.AsType[failure](err); ok {
		s.failed.Add(1)
		if st.named {
			err = st.send("error", fields{"type": "error", "sequence_number": st.events, "code": "server_error", "message": f.message, "param": nil})
		} else {
			err = st.send("", f.body())
		}
	}
	if err != nil {
		s.cancelled.Add(1)
	}
	return nil
}
