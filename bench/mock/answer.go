package mock

import (
	"fmt"
	"strconv"
	"time"

	"github.com/weir-dev/weir/bench/wire"
)

// The length in the head has a fixed width, so that head and body are one buffer and one write.
const (
	okHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: req-mock\r\nContent-Length: "
	width  = 8
	blank  = "\r\n\r\n"
	bodyAt = len(okHead) + width + len(blank)
)

func (h *conn) begin() []byte { return append(h.out[:0], okHead+"00000000"+blank...) }

// send fills the length in and writes what begin has begun.
func (h *conn) send(b []byte) error {
	n := len(b) - bodyAt
	for i := len(okHead) + width - 1; i >= len(okHead); i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	h.out = b
	_, err := h.c.Write(b)
	return err
}

// plain writes an answer that need not be fast.
func (h *conn) plain(status int, body []byte) error {
	b := fmt.Appendf(h.out[:0], "HTTP/1.1 %d Mock\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
	h.out = b
	_, err := h.c.Write(b)
	return err
}

func (h *conn) chat(p *prepared) error {
	b := append(h.begin(), `{"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,"model":"`...)
	b = append(b, h.model()...)
	b = append(b, `","choices":[{"index":0,"message":{"role":"assistant","content":"`+wire.NoncePrefix...)
	b = append(b, h.nonce()...)
	b = append(b, ' ')
	b = append(b, p.reply...)
	b = append(b, `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":`...)
	b = appendUsage(b, h.inputTokens(), len(p.reply)/4)
	return h.send(append(b, `,"system_fingerprint":"fp_mock"}`...))
}

func (h *conn) embedding(p *prepared) error {
	b := append(h.begin(), `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[`...)
	b = append(b, p.vector...)
	b = append(b, `]}],"model":"`...)
	b = append(b, h.model()...)
	b = append(b, `","echo":"`+wire.NoncePrefix...)
	b = append(b, h.nonce()...)
	n := h.inputTokens()
	return h.send(fmt.Appendf(b, `","usage":{"prompt_tokens":%d,"total_tokens":%d}}`, n, n))
}

func appendUsage(b []byte, in, out int) []byte {
	b = append(b, `{"prompt_tokens":`...)
	b = strconv.AppendInt(b, int64(in), 10)
	b = append(b, `,"completion_tokens":`...)
	b = strconv.AppendInt(b, int64(out), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, int64(in+out), 10)
	return append(b, `,"prompt_tokens_details":{"cached_tokens":0}}`...)
}

const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Request-Id: req-mock\r\nTransfer-Encoding: chunked\r\n\r\n"

// stream writes an event a chunk and a chunk a write; the closing events go together.
func (h *conn) stream(p *prepared) error {
	start := time.Now()
	usage := isTrue(h.body, `"include_usage"`)
	open := append([]byte(`data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,"model":"`), h.model()...)
	open = append(open, `","system_fingerprint":"fp_mock","choices":[`...)
	nonce := h.nonce()
	b := h.out[:0]
	b = append(b, streamHead...)
	event := func(parts ...string) {
		e := h.event[:0]
		e = append(e, open...)
		for _, part := range parts {
			e = append(e, part...)
		}
		if usage && len(parts) > 1 {
			e = append(e, `,"usage":null`...)
		}
		e = append(e, "}\n\n"...)
		h.event = e
		b = appendChunk(b, e)
	}
	for i := range p.Chunks {
		h.pause.Until(p.moment(start, i))
		role, text := "", p.chunk
		if i == 0 {
			role, text = `"role":"assistant",`, append([]byte(wire.NoncePrefix), nonce...)
		}
		event(`{"index":0,"delta":{`, role, `"content":"`, string(text), `"},"logprobs":null,"finish_reason":null}]`)
		if _, err := h.c.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	event(`{"index":0,"delta":{},"logprobs":null,"finish_reason":`, `"stop"}]`)
	if usage {
		event(`],"usage":` + string(appendUsage(nil, h.inputTokens(), p.Chunks*max(1, len(p.chunk)/4))))
	}
	b = appendChunk(b, []byte("data: [DONE]\n\n"))
	b = append(b, "0\r\n\r\n"...)
	h.out = b
	_, err := h.c.Write(b)
	return err
}

func appendChunk(b, data []byte) []byte {
	b = strconv.AppendInt(b, int64(len(data)), 16)
	b = append(b, "\r\n"...)
	b = append(b, data...)
	return append(b, "\r\n"...)
}
