package faultproxy

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
)

// exchanges passes requests and answers on, one after the other, until one side ends or a fault strikes.
func (l *link) exchanges() {
	fromClient := bufio.NewReader(l.client)
	toClient := &passage{link: l, to: l.client}
	var fromServer *bufio.Reader
	for {
		r, err := http.ReadRequest(fromClient)
		if err != nil {
			return // the client has ended, or does not speak HTTP
		}
		if l.gate() != nil {
			return
		}
		f, changed := l.proxy.draw(r)
		if f.Kind == Answer {
			l.proxy.strike()
			if _, err := io.Copy(io.Discard, r.Body); err != nil || f.answer(r, toClient) != nil {
				return
			}
			continue
		}
		server, err := l.dial()
		if err != nil {
			return
		}
		if fromServer == nil {
			fromServer = bufio.NewReader(server)
		}
		if f.Kind == CutRequest {
			l.proxy.strike()
			r.Body = &short{ReadCloser: r.Body, left: f.After}
		}
		if err := send(r, &passage{link: l, to: server}); err != nil {
			if f.Kind == CutRequest {
				l.cut()
			}
			return
		}
		answer, err := http.ReadResponse(fromServer, r)
		if err != nil {
			return
		}
		switch f.Kind {
		case None:
			err = relay(answer, toClient)
		case CutAnswer:
			answer.Body = &short{ReadCloser: answer.Body, left: f.After}
			err = relay(answer, toClient)
		default:
			_, err = io.Copy(io.Discard, answer.Body)
		}
		_ = answer.Body.Close() // it was read as far as it should be
		if f.Kind != None {
			l.proxy.strike()
			if err == nil && f.Kind == Withhold {
				l.hold(changed)
			}
			l.cut()
		}
		if err != nil || f.Kind != None || r.Close || answer.Close {
			return
		}
	}
}

// hold waits for another fault.
func (l *link) hold(changed <-chan struct{}) {
	select {
	case <-changed:
	case <-l.ctx.Done():
	}
}

// send writes a request. What was read of a body that ends badly goes out all the same.
func send(r *http.Request, to io.Writer) error {
	out := bufio.NewWriter(to)
	if _, ok := r.Header["User-Agent"]; !ok {
		r.Header["User-Agent"] = nil // or Write would make one up
	}
	return errors.Join(r.Write(out), out.Flush())
}

// relay gives the client its answer, each piece of it as it comes.
func relay(answer *http.Response, to io.Writer) error {
	out := bufio.NewWriter(to)
	answer.Body = &prompt{ReadCloser: answer.Body, out: out}
	err := answer.Write(struct{ io.Writer }{out}) // and not out's ReadFrom, which must not be flushed while it reads
	return errors.Join(err, out.Flush())
}

// prompt is a body that sends what was read of it before more is waited for.
type prompt struct {
	io.ReadCloser
	out *bufio.Writer
}

// Read flushes, then reads.
func (p *prompt) Read(b []byte) (int, error) {
	if err := p.out.Flush(); err != nil {
		return 0, err
	}
	return p.ReadCloser.Read(b)
}

// answer answers in the server's place.
func (f *Fault) answer(r *http.Request, to io.Writer) error {
	header := f.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	answer := &http.Response{
		StatusCode: f.Status, ProtoMajor: 1, ProtoMinor: 1, Request: r, Header: header,
		ContentLength: int64(len(f.Body)), Body: io.NopCloser(strings.NewReader(f.Body)),
	}
	out := bufio.NewWriter(to)
	return errors.Join(answer.Write(out), out.Flush())
}

// short is a body that ends with errCut after some bytes.
type short struct {
	io.ReadCloser
	left int64
}

// Read reads at most what is left.
func (s *short) Read(b []byte) (int, error) {
	if s.left <= 0 {
		return 0, errCut
	}
	n, err := s.ReadCloser.Read(b[:min(int64(len(b)), s.left)])
	s.left -= int64(n)
	return n, err
}
