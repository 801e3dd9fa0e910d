package mock

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"time"

	"github.com/weir-dev/weir/bench/pause"
	"github.com/weir-dev/weir/bench/wire"
)

// conn answers the requests of one connection, one after the other.
type conn struct {
	m     *Server
	c     net.Conn
	r     *bufio.Reader
	pause pause.Pauser
	head  wire.Head
	body  []byte
	out   []byte
	event []byte
}

func newConn(m *Server, c net.Conn) *conn {
	return &conn{m: m, c: c, r: bufio.NewReaderSize(c, 16<<10)}
}

// serve ends when the client or a fault of the connection ends it: there is nobody to tell then.
func (h *conn) serve() {
	defer h.pause.Close()
	for {
		if wire.ReadHead(h.r, &h.head) != nil {
			return
		}
		p := h.m.set.Load()
		if h.head.Length < 0 && !h.head.Chunked {
			h.head.Length = 0 // a request without a length has no body
		}
		if h.head.Expect {
			if _, err := h.c.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
				return
			}
		}
		var err error
		if h.body, err = wire.ReadBody(h.r, &h.head, h.body[:0], p.MaxBody, nil); err != nil {
			return
		}
		method, rest, _ := strings.Cut(string(h.head.Start), " ")
		path, _, _ := strings.Cut(rest, " ")
		path, _, _ = strings.Cut(path, "?")
		if h.answer(p, method, path) != nil || h.head.Close {
			return
		}
	}
}

const (
	models   = `{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","created":1700000000,"owned_by":"mock"},{"id":"text-embedding-3-small","object":"model","created":1700000000,"owned_by":"mock"}]}`
	notFound = `{"error":{"message":"the mock has no such path","type":"invalid_request_error","param":null,"code":null}}`
)

func (h *conn) answer(p *prepared, method, path string) error {
	switch {
	case path == ControlPath:
		status, b := h.m.control(method, h.body)
		return h.plain(status, b)
	case method == "GET" && strings.HasSuffix(path, "/models"):
		return h.plain(200, []byte(models))
	case method != "POST":
		return h.plain(404, []byte(notFound))
	}
	write := h.chat
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
		if isTrue(h.body, `"stream"`) {
			h.m.stats.requests.Add(1)
			h.m.stats.streams.Add(1)
			return h.stream(p)
		}
	case strings.HasSuffix(path, "/embeddings"):
		write = h.embedding
	default:
		return h.plain(404, []byte(notFound))
	}
	h.m.stats.requests.Add(1)
	h.pause.For(p.Latency)
	return write(p)
}

// nonce is what stands after nonce= in the request, or nothing.
func (h *conn) nonce() []byte {
	_, rest, found := bytes.Cut(h.body, []byte(wire.NoncePrefix))
	if !found || len(rest) < wire.NonceDigits {
		return nil
	}
	return rest[:wire.NonceDigits]
}

// model is the name in the request. The first "model" is taken: the load generator writes it first.
func (h *conn) model() []byte {
	_, rest, found := bytes.Cut(h.body, []byte(`"model"`))
	rest = bytes.TrimLeft(rest, ": \t\n")
	if found && len(rest) > 0 && rest[0] == '"' {
		if name, _, closed := bytes.Cut(rest[1:], []byte(`"`)); closed && len(name) < 200 {
			return name
		}
	}
	return []byte("gpt-4o-mini")
}

// inputTokens stands in for a tokenizer: it depends on the length of the body alone.
func (h *conn) inputTokens() int { return len(h.body)/4 + 1 }

func isTrue(body []byte, key string) bool {
	_, rest, found := bytes.Cut(body, []byte(key))
	return found && bytes.HasPrefix(bytes.TrimLeft(rest, ": \t\n"), []byte("true"))
}

// moment is when event i of a stream is due. All are fixed from the start, so that one late event does not delay the
// ones after it.
func (p *prepared) moment(start time.Time, i int) time.Time {
	return start.Add(p.First + time.Duration(i)*p.Inter)
}
