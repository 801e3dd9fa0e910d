package notify

import (
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
)

// post is a mail server (RFC 5321, 3207, 4954) that keeps what it takes.
type post struct {
	secure *tls.Config // of STARTTLS; nil: not offered
	auth   bool        // offered before STARTTLS too, as when the connection is TLS already

	mu    sync.Mutex // guards the rest
	mails []letter
	users []string
	plain []string // what was said before TLS
	full  bool
}

type letter struct {
	from, text string
	to         []string
}

// serve answers connections until the listener is closed.
func (p *post) serve(l net.Listener) {
	var talks sync.WaitGroup
	defer talks.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		talks.Go(func() { defer conn.Close(); p.talk(conn) })
	}
}

// talk is one dialogue.
func (p *post) talk(conn net.Conn) {
	text := textproto.NewConn(conn)
	say := func(line string) { _ = text.PrintfLine("%s", line) }
	say("220 mail.test ESMTP")
	var (
		l   letter
		tls bool
	)
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		if !tls {
			p.note(func() { p.plain = append(p.plain, line) })
		}
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-mail.test")
			if p.secure != nil && !tls {
				say("250-STARTTLS")
			}
			if p.auth || tls {
				say("250-AUTH PLAIN")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			if p.secure == nil {
				say("502 no TLS here")
				continue
			}
			say("220 go ahead")
			conn = secured(conn, p.secure)
			text, tls = textproto.NewConn(conn), true
		case "AUTH":
			p.login(rest, say)
		case "MAIL":
			l = letter{from: between(rest)}
			say("250 ok")
		case "RCPT":
			l.to = append(l.to, between(rest))
			say("250 ok")
		case "DATA":
			say("354 go on")
			body, err := io.ReadAll(text.DotReader())
			if err != nil {
				return
			}
			l.text = string(body)
			p.note(func() {
				if p.full {
					say("452 the box is full")
					return
				}
				p.mails = append(p.mails, l)
				say("250 taken")
			})
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (p *post) note(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// login takes one name and one password.
func (p *post) login(rest string, say func(string)) {
	_, answer, _ := strings.Cut(rest, " ")
	b, err := base64.StdEncoding.DecodeString(answer)
	parts := strings.Split(string(b), "\x00")
	if err != nil || len(parts) != 3 || parts[1] != "weir" || parts[2] != "pa55" {
		say("535 who are you?")
		return
	}
	p.note(func() { p.users = append(p.users, parts[1]) })
	say("235 welcome")
}

func secured(conn net.Conn, cfg *tls.Config) net.Conn { return tls.Server(conn, cfg) }

// between is what stands in angle brackets.
func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}
