package badserver

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Reply is what one request is answered, step by step. Without Close or Reset at its end the connection is kept.
type Reply []Step

// Step does one thing to a connection; an error ends the connection.
type Step func(*Conn) error

// Send writes bytes as they are.
func Send[T ~string | ~[]byte](b T) Step {
	return func(c *Conn) error { _, err := c.Write([]byte(b)); return err }
}

// Repeat writes the same bytes n times.
func Repeat(b []byte, n int) Step {
	return func(c *Conn) error {
		for range n {
			if _, err := c.Write(b); err != nil {
				return err
			}
		}
		return nil
	}
}

// Trickle writes one byte at a time, each in a packet of its own.
func Trickle[T ~string | ~[]byte](b T, every time.Duration) Step {
	return func(c *Conn) error {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := range len(b) {
			if _, err := c.Write([]byte{b[i]}); err != nil {
				return err
			}
			select {
			case <-tick.C:
			case <-c.over:
				return errDone
			}
		}
		return nil
	}
}

// Until waits for the channel to be closed or to give something.
func Until(gate <-chan struct{}) Step {
	return func(c *Conn) error {
		select {
		case <-gate:
			return nil
		case <-c.over:
			return errDone
		}
	}
}

// Hang sends nothing more and waits for the other side to give up.
func Hang() Step {
	return func(c *Conn) error {
		_, _ = io.Copy(io.Discard, c.in)
		return errDone
	}
}

// Close ends the connection politely.
func Close() Step { return func(*Conn) error { return errDone } }

// Reset ends the connection as a crashed machine does, with a TCP reset.
func Reset() Step {
	return func(c *Conn) error {
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		return errDone
	}
}

// Answer is a whole answer with a right Content-Length; header lines come as "Name: value" and go before the body.
func Answer[T ~string | ~[]byte](status int, body T, header ...string) Reply {
	head := Head(status, len(body), header...)
	return Reply{Send(append([]byte(head), body...))}
}

// Head is the head of an answer that announces length bytes, right or not; below 0 it announces none and the connection's end is
// the body's.
func Head(status, length int, header ...string) string {
	framing := fmt.Sprintf("Content-Length: %d\r\n", length)
	if length < 0 {
		framing = "Connection: close\r\n"
	}
	return fmt.Sprintf("HTTP/1.1 %d %s\r\n%s%s\r\n", status, http.StatusText(status), lines(header), framing)
}
