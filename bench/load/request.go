// Package load sends requests at a pace, and accepts an answer only when it is, byte for byte, the one that belongs to
// its request.
package load

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/weir-dev/weir/bench/wire"
)

// Hole is what a body has where the nonce goes.
var Hole = wire.NoncePrefix + strings.Repeat("0", wire.NonceDigits)

// Request is the bytes of a request, with a hole for the nonce. Safe for concurrent use.
type Request struct {
	addr string
	raw  []byte
	hole int // where the digits begin
	want atomic.Pointer[Answer]
}

// NewRequest makes a POST of body to path below base, which must be http on a loopback address: this package is made
// to press hard. The body has Hole in it.
func NewRequest(base, path string, header map[string]string, body []byte) (*Request, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("address to load: %w", err)
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme != "http" || u.Port() == "" || ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("address to load: %s is not http://LOOPBACK:PORT, and the benchmark loads this machine only", base)
	}
	at := bytes.Index(body, []byte(Hole))
	if at < 0 {
		return nil, fmt.Errorf("request: the body has no %s for the nonce", Hole)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAccept: */*\r\nUser-Agent: weir-bench\r\nContent-Length: %d\r\n",
		strings.TrimSuffix(u.Path, "/")+path, u.Host, len(body))
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if strings.ContainsAny(name+header[name], "\r\n") {
			return nil, fmt.Errorf("request: the header %q has a line break", name)
		}
		fmt.Fprintf(&b, "%s: %s\r\n", name, header[name])
	}
	b.WriteString("\r\n")
	hole := b.Len() + at + len(wire.NoncePrefix)
	b.Write(body)
	return &Request{addr: u.Host, raw: b.Bytes(), hole: hole}, nil
}

// Expect sets what every answer must be. Without it every answer with status 200 is taken, and kept for the first look.
func (r *Request) Expect(a *Answer) { r.want.Store(a) }

const hexDigits = "0123456789abcdef"

// putNonce writes n into the digits at b.
func putNonce(b []byte, n uint64) {
	for i := wire.NonceDigits - 1; i >= 0; i-- {
		b[i] = hexDigits[n&15]
		n >>= 4
	}
}

// nonces counts on for the life of the process: no two requests have the same.
var nonces atomic.Uint64

// Faults of an answer.
var (
	// ErrMixedUp says that an answer carries the nonce of another request.
	ErrMixedUp = errors.New("the answer belongs to another request")
	// ErrDiffers says that an answer is not what the upstream sent.
	ErrDiffers = errors.New("the answer is not what the upstream sent")
	// ErrStatus says that the status was not 200.
	ErrStatus = errors.New("the status is not 200")
)

// Answer is what every answer must be, byte for byte, but for its nonce. Safe for concurrent use.
type Answer struct {
	text []byte
	hole int
}

// NewAnswer takes body, the upstream's own answer to the request with this nonce, for the model of all answers.
func NewAnswer(body []byte, nonce uint64) (*Answer, error) {
	var digits [wire.NonceDigits]byte
	putNonce(digits[:], nonce)
	at := bytes.Index(body, digits[:])
	if at < 0 {
		return nil, fmt.Errorf("%w: %s is not in %.300q", ErrMixedUp, digits[:], body)
	}
	return &Answer{text: bytes.Clone(body), hole: at}, nil
}

// Check says what is wrong with the answer to the request with this nonce, or nil.
func (a *Answer) Check(body []byte, nonce uint64) error {
	end := a.hole + wire.NonceDigits
	if len(body) == len(a.text) && bytes.Equal(body[:a.hole], a.text[:a.hole]) && bytes.Equal(body[end:], a.text[end:]) {
		var digits [wire.NonceDigits]byte
		putNonce(digits[:], nonce)
		if got := body[a.hole:end]; !bytes.Equal(got, digits[:]) {
			return fmt.Errorf("%w: got nonce %s, want %s", ErrMixedUp, got, digits[:])
		}
		return nil
	}
	at := 0
	for at < min(len(body), len(a.text)) && (body[at] == a.text[at] || at >= a.hole && at < end) {
		at++
	}
	return fmt.Errorf("%w: %d bytes, want %d; from byte %d on it is %.100q, want %.100q", ErrDiffers, len(body), len(a.text), at, body[at:], a.text[at:])
}

// Usage is what the answer says of its tokens; zeros when it says nothing.
func (a *Answer) Usage() (input, output int64) {
	number := func(key string) int64 {
		i := bytes.LastIndex(a.text, []byte(key))
		if i < 0 {
			return 0
		}
		rest := a.text[i+len(key):]
		end := 0
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		n, _ := strconv.ParseInt(string(rest[:end]), 10, 64)
		return n
	}
	return number(`"prompt_tokens":`), number(`"completion_tokens":`)
}
