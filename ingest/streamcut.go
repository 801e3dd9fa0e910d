package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/weir-dev/weir/internal/httperr"
	"github.com/weir-dev/weir/llm"
)

// bytesPerToken is what a token of text comes to, as a rule.
const bytesPerToken = 4

// spending estimates how many tokens of output a stream has come to while it is relayed: of each event with content one, or
// what its bytes beyond the frame of the smallest come to.
type spending struct {
	tell   func(tokens int64) *llm.Fault // nil: nobody bounds it
	tokens int64
	frame  int // bytes of the smallest event with content
	events int
}

// add counts an event with content. The fault, if any, says that the stream is to be cut before it.
func (s *spending) add(ev llm.Event) *llm.Fault {
	n := len(ev.Data)
	if s.frame == 0 || n < s.frame {
		s.frame = n
	}
	s.tokens += max(1, int64(n-s.frame)/bytesPerToken)
	return s.tell(s.tokens)
}

// cut ends the stream in place of an event: with the dialect's own error event, and a record of what was relayed.
func (b *streamBody) cut(fault *llm.Fault, instead llm.Event) {
	if n := len(b.kept) - len(b.split.Pending()) - len(instead.Raw); n >= 0 && len(b.kept) <= b.rec.cfg.MaxCapture {
		b.kept = b.kept[:n]
	}
	b.end = io.EOF
	if kept := b.finish(b.kept, fault); kept != nil {
		b.fail(kept)
		return
	}
	b.out = append(b.out, cutEvent(b.call.Endpoint, b.resp.Dialect, fault, b.spending.events)...)
}

// cutEvent is an error event as a client of the endpoint knows it. seq is its number within the stream.
func cutEvent(e llm.Endpoint, d llm.Dialect, fault *llm.Fault, seq int) []byte {
	switch {
	case d == llm.Anthropic:
		return fmt.Appendf(nil, "event: error\ndata: %s\n\n", bytes.TrimSpace(httperr.Body(fault, d)))
	case e == llm.Responses:
		text, _ := json.Marshal(struct { // strings and a number cannot fail
			Type    string   `json:"type"`
			Code    llm.Code `json:"code"`
			Message string   `json:"message"`
			Param   *string  `json:"param"`
			Seq     int      `json:"sequence_number"`
		}{"error", fault.Code, fault.Message, nil, seq})
		return fmt.Appendf(nil, "event: error\ndata: %s\n\n", text)
	}
	return fmt.Appendf(nil, "data: %s\n\n", bytes.TrimSpace(httperr.Body(fault, d)))
}
