package ingest

import (
	"bytes"
	"io"
	"net/http"

	"github.com/weir-dev/weir/llm"
)

// relabel looks what an answer is that is called something else than was asked for, as some servers and the proxies before
// them do. A stream called JSON would be held back, JSON called a stream could not be metered.
func relabel(call *llm.Call, resp *llm.Response) {
	if call.Stream == resp.Stream || resp.Status != http.StatusOK || resp.Outcome != nil || encoding(resp.Header) != "" {
		return
	}
	head := make([]byte, 0, 16)
	for len(head) < cap(head) && mayBeEvents(head) && !isEvents(head) {
		n, err := resp.Body.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
		if err != nil {
			break // it comes again
		}
	}
	resp.Stream = isEvents(head) || resp.Stream && !bytes.HasPrefix(head, []byte("{"))
	resp.Body = &headed{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
}

// headed is a body whose beginning was read ahead.
type headed struct {
	io.Reader
	io.Closer
}

var eventFields = [...]string{"data:", "event:", "id:", "retry:", ":"}

func isEvents(head []byte) bool {
	for _, f := range eventFields {
		if bytes.HasPrefix(head, []byte(f)) {
			return true
		}
	}
	return false
}

func mayBeEvents(head []byte) bool {
	for _, f := range eventFields {
		if len(head) <= len(f) && string(head) == f[:len(head)] {
			return true
		}
	}
	return false
}
