package simulator

import (
	"strconv"
	"strings"

	"github.com/weir-dev/weir/trace"
)

// response writes the answer as it was on the wire: a JSON object, or an event stream that ends where the client left.
// sent is what was sent, answer what would have been.
func (t *telling) response(s *trace.Span, sent, answer []segment) []byte {
	created := strconv.FormatInt(s.Start.Unix(), 10)
	usage := s.UsageRaw
	if !s.Stream {
		b := make([]byte, 0, 1024)
		b = append(b, `{"id":"`...)
		b = append(b, s.ResponseID...)
		b = append(b, `","object":"chat.completion","created":`...)
		b = append(b, created...)
		b = append(b, `,"model":"`...)
		b = append(b, s.Model...)
		b = append(b, `","choices":[{"index":0,"message":{"role":"assistant","content":"`...)
		for _, part := range sent {
			b = append(b, part.json...)
		}
		b = append(b, `","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":`...)
		b = append(b, usage...)
		return append(b, `,"service_tier":"default"}`...)
	}
	head := `data: {"id":"` + s.ResponseID + `","object":"chat.completion.chunk","created":` + created + `,"model":"` + s.Model + `","choices":[`
	b := make([]byte, 0, len(head)*(4+tokensOf(sent)/4))
	event := func(delta, finish string) {
		b = append(b, head...)
		b = append(b, `{"index":0,"delta":`...)
		b = append(b, delta...)
		b = append(b, `,"finish_reason":`...)
		b = append(b, finish...)
		b = append(b, "}]}\n\n"...)
	}
	event(`{"role":"assistant","content":""}`, "null")
	for _, part := range sent {
		if t.short { // a sentence an event keeps old streams small
			event(`{"content":"`+part.json+`"}`, "null")
			continue
		}
		for text := part.json; text != ""; {
			n := cutWords(text, 3)
			event(`{"content":"`+text[:n]+`"}`, "null")
			text = text[n:]
		}
	}
	if len(sent) < len(answer) {
		return b
	}
	event("{}", `"stop"`)
	if usage != "" {
		b = append(b, head...)
		b = append(b, `],"usage":`...)
		b = append(b, usage...)
		b = append(b, "}\n\n"...)
	}
	return append(b, "data: [DONE]\n\n"...)
}

// cutWords returns the length of the first n words of an escaped text. An escape sequence has no space in it, so it is
// never cut.
func cutWords(text string, n int) int {
	at := 0
	for range n {
		next := strings.IndexByte(text[min(at+1, len(text)):], ' ')
		if next < 0 {
			return len(text)
		}
		at += 1 + next
	}
	return at
}
