package ingest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/llm"
)

// Flags of calls whose answer claims an encoding. A mismatch does not have it, or is damaged; what is unread may well have it, but
// weir reads only gzip.
const (
	encodingMismatch = "encoding_mismatch"
	encodingUnread   = "encoding_unread"
)

// decodeLimit bounds what a compressed answer may unfold to, in bytes, to be read for usage.
const decodeLimit = 8 << 20

// encoding is what a body claims to be packed in, "" when it is plain.
func encoding(h http.Header) string {
	e := strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding")))
	if e == "identity" {
		return ""
	}
	return e
}

// decoded is a body as the meter can read it, up to decodeLimit. weir asks for no encoding; a provider that compresses all
// the same is relayed as it came and read here. The flag says what is wrong with the claim; whole is false when not all
// of the body could be read.
func decoded(h http.Header, body []byte) (plain []byte, flag string, whole bool) {
	claim := encoding(h)
	gzipped := claim == "gzip" || claim == "x-gzip"
	switch {
	case claim == "" || len(body) == 0:
		return body, "", true
	case isText(body):
		return body, encodingMismatch, true
	case !gzipped:
		return nil, encodingUnread, false
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, encodingMismatch, false
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(z, decodeLimit))
	switch {
	case err != nil:
		return out.Bytes(), encodingMismatch, false
	case n == decodeLimit:
		_, err = io.ReadFull(z, make([]byte, 1))
		return out.Bytes(), "", errors.Is(err, io.EOF)
	}
	return out.Bytes(), "", true
}

// isText says that a body begins with text. Nothing compressed does: it has control characters, or is no UTF-8, within
// its first bytes.
func isText(body []byte) bool {
	for head := body[:min(len(body), 256)]; len(head) > 0; {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 {
			return len(head) < utf8.UTFMax && len(body) > 256 // cut by us
		}
		if r < ' ' && r != '\t' && r != '\r' && r != '\n' || r == 0x7f {
			return false
		}
		head = head[n:]
	}
	return true
}

// measure reads an answer that is here as a whole, or as much of it as came. Over says that its end was not kept, broken that
// it did not come.
func (t *taking) measure(answer []byte, over, broken bool) {
	plain, flag, whole := decoded(t.resp.Header, answer)
	if broken && !whole && len(plain) > 0 { // what came of it was read
		flag, whole = "", true
	}
	if flag != "" {
		t.flags = append(t.flags, flag)
	}
	t.plain, t.unread = plain, over || !whole
	switch {
	case t.resp.Stream:
		t.events(plain)
	case !over:
		t.meter.Body(plain)
	}
}

// events meters a stream that is all there.
func (t *taking) events(plain []byte) {
	var split llm.Splitter
	for len(plain) > 0 {
		n := min(len(plain), readSize)
		split.Write(plain[:n])
		plain = plain[n:]
		for ev, ok := split.Next(); ok; ev, ok = split.Next() {
			t.meter.Event(ev)
		}
	}
	if ev, ok := split.Finish(); ok {
		t.meter.Event(ev)
	}
}
