// Package faultproxy stands before a server as a network would, and fails when it is told to: it refuses, hangs, dawdles, cuts and swallows.
package faultproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Config says what a proxy stands before.
type Config struct {
	// Dial connects to the server. It is called once for each connection of a client, when the first bytes are to pass.
	Dial func(context.Context) (net.Conn, error)
	// HTTP says that clients speak HTTP/1.1, so that faults can strike single requests.
	HTTP bool
}

// Stats count since the proxy was started.
type Stats struct {
	Connections int64 // accepted from clients
	Requests    int64 // read from clients, when the proxy reads HTTP
	Struck      int64 // requests, or connections of a proxy that reads none, that a fault cut, swallowed, withheld or answered
}

// Proxy listens on a port of the loopback interface and passes on what comes, spoiled as Set says. Safe for concurrent use.
type Proxy struct {
	cfg     Config
	address string
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	loops   sync.WaitGroup

	setting sync.Mutex // one Set at a time

	mu       sync.Mutex // guards what follows
	listener net.Listener
	links    map[*link]struct{}
	fault    Fault
	changed  chan struct{} // closed when fault changes
	matched  int           // requests that the fault's Match picked
	stats    Stats
}

// Start listens on a free port of 127.0.0.1. Nothing is spoiled at first.
func Start(cfg Config) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start fault proxy: %w", err)
	}
	p := &Proxy{
		cfg: cfg, address: listener.Addr().String(), listener: listener, links: map[*link]struct{}{}, changed: make(chan struct{}),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.loops.Go(func() { p.accept(listener) })
	return p, nil
}

// Addr is where clients connect, host:port. It stays the same while the proxy is Away.
func (p *Proxy) Addr() string { return p.address }

// Stats tells what passed and what did not.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// Heal spoils nothing from now on.
func (p *Proxy) Heal() error { return p.Set(Fault{}) }

// Set replaces the fault. Connections that wait in a BlackHole go on, those whose answer is withheld are cut, and the count
// for Every begins again. It fails when the fault means nothing, or when the port was taken by another while the proxy was
// Away.
func (p *Proxy) Set(f Fault) error {
	if err := f.check(p.cfg.HTTP); err != nil {
		return fmt.Errorf("set fault: %w", err)
	}
	p.setting.Lock()
	defer p.setting.Unlock()
	p.mu.Lock()
	away, closed := p.listener == nil, p.ctx.Err() != nil
	p.mu.Unlock()
	if closed {
		return errors.New("set fault: the proxy is closed")
	}
	var listener net.Listener
	if away && f.Kind != Away {
		var err error
		if listener, err = p.listenAgain(); err != nil {
			return fmt.Errorf("set fault: %w", err)
		}
	}
	p.mu.Lock()
	p.fault, p.matched = f, 0
	close(p.changed)
	p.changed = make(chan struct{})
	var cut []*link
	switch {
	case f.Kind == Away:
		if p.listener != nil {
			_ = p.listener.Close() // nothing is lost with it
			p.listener = nil
		}
		for l := range p.links {
			cut = append(cut, l)
		}
	case listener != nil:
		p.listener = listener
		p.loops.Go(func() { p.accept(listener) })
	}
	p.mu.Unlock()
	for _, l := range cut {
		l.cut()
	}
	return nil
}

// listenAgain takes the port back. A connection out of this machine may have got its number meanwhile.
func (p *Proxy) listenAgain() (net.Listener, error) {
	const patience, pause = 10 * time.Second, 20 * time.Millisecond
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	var lc net.ListenConfig
	for {
		listener, err := lc.Listen(ctx, "tcp", p.address)
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) {
			return listener, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}

// Close cuts every connection, and returns when nothing runs any more.
func (p *Proxy) Close() error {
	p.setting.Lock()
	defer p.setting.Unlock()
	p.cancel()
	p.mu.Lock()
	listener := p.listener
	p.listener = nil
	cut := make([]*link, 0, len(p.links))
	for l := range p.links {
		cut = append(cut, l)
	}
	p.mu.Unlock()
	var err error
	if listener != nil {
		err = listener.Close()
	}
	for _, l := range cut {
		l.cut()
	}
	p.loops.Wait()
	return err
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return // it was closed
		}
		l := &link{proxy: p, client: client}
		l.ctx, l.cancel = context.WithCancel(p.ctx)
		p.mu.Lock()
		gone := p.listener != listener
		if !gone {
			p.links[l] = struct{}{}
			p.stats.Connections++
			p.loops.Go(l.run)
		}
		p.mu.Unlock()
		if gone {
			l.cut()
		}
	}
}

// now is the fault that holds, and what tells of the next.
func (p *Proxy) now() (Fault, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault, p.changed
}

// draw gives the fault that strikes a request, None for most, and what tells of the next fault.
func (p *Proxy) draw(r *http.Request) (Fault, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Requests++
	f := p.fault
	if !f.ofExchange() || f.Match != nil && !f.Match(r) {
		return Fault{}, p.changed
	}
	p.matched++
	if f.Every > 1 && p.matched%f.Every != 0 {
		return Fault{}, p.changed
	}
	return f, p.changed
}

// strike counts.
func (p *Proxy) strike() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Struck++
}
