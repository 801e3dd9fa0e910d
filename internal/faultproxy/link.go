package faultproxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// link is a client's connection with the one to the server that belongs to it.
type link struct {
	proxy  *Proxy
	client net.Conn
	ctx    context.Context // ends when the link is cut
	cancel context.CancelFunc

	mu     sync.Mutex // guards what follows
	server net.Conn   // nil until bytes are to pass
	gone   bool
}

var errCut = errors.New("the connection is cut")

// run serves the client until one side ends.
func (l *link) run() {
	defer func() {
		l.end()
		l.proxy.mu.Lock()
		defer l.proxy.mu.Unlock()
		delete(l.proxy.links, l)
	}()
	if l.proxy.cfg.HTTP {
		l.exchanges()
		return
	}
	l.pipe()
}

// cut ends both connections at once, with a reset where the network knows one.
func (l *link) cut() { l.close(true) }

// end ends both connections; what was written still arrives.
func (l *link) end() { l.close(false) }

// close may be called again: the first call holds.
func (l *link) close(reset bool) {
	l.cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return
	}
	l.gone = true
	for _, c := range []net.Conn{l.client, l.server} {
		if tcp, ok := c.(*net.TCPConn); ok && reset {
			_ = tcp.SetLinger(0) // a connection that is gone already needs no reset
		}
		if c != nil {
			_ = c.Close() // nobody is left to tell
		}
	}
}

// dial gives the connection to the server.
func (l *link) dial() (net.Conn, error) {
	l.mu.Lock()
	server := l.server
	l.mu.Unlock()
	if server != nil {
		return server, nil
	}
	server, err := l.proxy.cfg.Dial(l.ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return nil, errors.Join(errCut, server.Close())
	}
	l.server = server
	return server, nil
}

// pipe passes bytes both ways until either side ends.
func (l *link) pipe() {
	if err := l.gate(); err != nil {
		return
	}
	server, err := l.dial()
	if err != nil {
		return
	}
	var both sync.WaitGroup
	pass := func(to net.Conn, from io.Reader, cut Kind) {
		_, err := io.Copy(&passage{link: l, to: to, cutBy: cut}, from)
		half, ok := to.(interface{ CloseWrite() error })
		if err != nil || !ok || half.CloseWrite() != nil {
			l.cut()
		}
	}
	both.Go(func() { pass(server, l.client, CutRequest) })
	both.Go(func() { pass(l.client, server, CutAnswer) })
	both.Wait()
}

// gate waits while nothing passes.
func (l *link) gate() error {
	for {
		f, changed := l.proxy.now()
		if f.Kind != BlackHole {
			return l.ctx.Err()
		}
		select {
		case <-changed:
		case <-l.ctx.Done():
			return errCut
		}
	}
}

// passage is a Writer to one side of a link that keeps to the fault that holds.
type passage struct {
	link  *link
	to    io.Writer
	cutBy Kind  // what cuts bytes of this direction; None when exchanges are cut elsewhere
	since int64 // bytes that passed
}

// Write passes b on, piece by piece.
func (w *passage) Write(b []byte) (int, error) {
	const usualChunk = 1024
	for n := 0; ; {
		if err := w.link.gate(); err != nil {
			return n, err
		}
		if n == len(b) {
			return n, nil
		}
		piece := b[n:]
		f, changed := w.link.proxy.now()
		if f.Kind == Slow {
			chunk := f.Chunk
			if chunk <= 0 {
				chunk = usualChunk
			}
			piece = piece[:min(chunk, len(piece))]
			if err := w.link.wait(f.Delay, changed); err != nil {
				return n, err
			}
		}
		cut := w.cutBy != None && f.Kind == w.cutBy && w.since+int64(len(piece)) > f.After
		if cut {
			piece = piece[:max(0, f.After-w.since)]
		}
		m, err := w.to.Write(piece)
		n, w.since = n+m, w.since+int64(m)
		if err != nil {
			return n, err
		}
		if cut {
			w.link.proxy.strike()
			return n, errCut
		}
	}
}

// wait waits for d, or for another fault.
func (l *link) wait(d time.Duration, changed <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-changed:
		return nil
	case <-l.ctx.Done():
		return errCut
	}
}
