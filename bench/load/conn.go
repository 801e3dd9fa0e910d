package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"time"

	"github.com/weir-dev/weir/bench/wire"
)

// Conn sends requests over one connection, one after the other, and dials again when it must. Not safe for concurrent
// use.
type Conn struct {
	req  *Request
	raw  []byte
	c    net.Conn
	r    *bufio.Reader
	head wire.Head
	body []byte
	used time.Time
}

const (
	maxIdle   = 30 * time.Second // servers drop idle connections, and a request sent into that is no fault of theirs
	maxAnswer = 64 << 20
)

// NewConn makes a connection that dials when it is first used.
func NewConn(req *Request) *Conn { return &Conn{req: req, raw: bytes.Clone(req.raw)} }

// Close hangs up; the Conn may be used again.
func (c *Conn) Close() {
	if c.c != nil {
		_ = c.c.Close()
		c.c = nil
	}
}

// Exchange is what one request came to.
type Exchange struct {
	Nonce uint64
	First time.Time // first byte of the answer's body
	Done  time.Time // last byte
	Body  []byte    // valid until the next request of the same Conn
}

// Do sends the request with a nonce of its own and reads the whole answer. Dialling, when it must be, counts into the
// time. An error leaves the connection closed. ctx ends dialling only: what was sent is waited for, so that both sides
// count the same.
func (c *Conn) Do(ctx context.Context, timeout time.Duration) (Exchange, error) {
	x := Exchange{Nonce: nonces.Add(1)}
	putNonce(c.raw[c.req.hole:], x.Nonce)
	err := c.exchange(ctx, &x, timeout)
	x.Done = time.Now()
	c.used = x.Done
	if err != nil || c.head.Close {
		c.Close()
	}
	if err == nil {
		if want := c.req.want.Load(); want != nil {
			err = want.Check(x.Body, x.Nonce)
		}
	}
	return x, err
}

func (c *Conn) exchange(ctx context.Context, x *Exchange, timeout time.Duration) error {
	if c.c != nil && time.Since(c.used) > maxIdle {
		c.Close()
	}
	deadline := time.Now().Add(timeout)
	if c.c == nil {
		d := net.Dialer{Deadline: deadline}
		dialled, err := d.DialContext(ctx, "tcp", c.req.addr)
		if err != nil {
			return err
		}
		c.c = dialled
		if c.r == nil {
			c.r = bufio.NewReaderSize(dialled, 16<<10)
		}
		c.r.Reset(dialled)
	}
	if err := c.c.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := c.c.Write(c.raw); err != nil {
		return err
	}
	if err := wire.ReadHead(c.r, &c.head); err != nil {
		return err
	}
	var err error
	c.body, err = wire.ReadBody(c.r, &c.head, c.body[:0], maxAnswer, func() { x.First = time.Now() })
	x.Body = c.body
	if err != nil {
		return err
	}
	if f := bytes.Fields(c.head.Start); len(f) < 2 || string(f[1]) != "200" {
		return fmt.Errorf("%w: %s: %.300s", ErrStatus, c.head.Start, c.body)
	}
	return nil
}
