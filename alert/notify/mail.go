package notify

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/internal/outbox"
)

// Security is how a connection to a mail server is encrypted.
type Security string

// StartTLS wants the server to switch to TLS, TLS begins with it, Plain has none: for servers nearby.
const (
	StartTLS Security = "starttls"
	TLS      Security = "tls"
	Plain    Security = "none"
)

// MailConfig says how mail is sent, and to whom. Host, Port, From and To are needed.
type MailConfig struct {
	Host         string
	Port         int
	Security     Security // "" is StartTLS
	Username     string
	Password     account.Secret
	From         string
	To           []string
	AllowPrivate bool // the host may be, or lead to, a private address
}

// Mail sends messages by SMTP, as text and as HTML.
type Mail struct {
	cfg     MailConfig
	dial    dialFunc
	options []mail.Option
}

// NewMail makes a Mail, and says what is wrong with its addresses.
func NewMail(cfg MailConfig) (*Mail, error) {
	probe := mail.NewMsg()
	if err := probe.From(cfg.From); err != nil {
		return nil, fmt.Errorf("from: %q is no mail address", cfg.From)
	}
	for _, to := range cfg.To {
		if err := probe.To(to); err != nil {
			return nil, fmt.Errorf("to: %q is no mail address", to)
		}
	}
	m := &Mail{cfg: cfg, dial: outbox.Dialer(cfg.AllowPrivate).DialContext, options: []mail.Option{mail.WithPort(cfg.Port), mail.WithTimeout(outbox.Timeout)}}
	switch cfg.Security {
	case TLS: // the library dials TLS only with a dialer of its own, which checks no addresses
		m.dial = dialTLS(cfg)
		m.options = append(m.options, mail.WithTLSPolicy(mail.NoTLS))
	case Plain:
		m.options = append(m.options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		m.options = append(m.options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if cfg.Username != "" {
		kind := mail.SMTPAuthAutoDiscover
		if cfg.Security != StartTLS && cfg.Security != "" {
			kind = mail.SMTPAuthPlainNoEnc // the library does not see that the connection is TLS already; over none it was asked for
		}
		m.options = append(m.options, mail.WithSMTPAuth(kind), mail.WithUsername(cfg.Username), mail.WithPassword(cfg.Password.Reveal()))
	}
	return m, nil
}

// Send implements Channel.
func (m *Mail) Send(ctx context.Context, a *alert.Message) error {
	text, html, err := partsOf(a)
	if err != nil {
		return fmt.Errorf("write the mail: %w", err)
	}
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(m.cfg.From), msg.To(m.cfg.To...)); err != nil {
		return fmt.Errorf("write the mail: %w", err)
	}
	msg.Subject(a.Subject())
	msg.SetDateWithValue(time.Now())
	msg.SetMessageIDWithValue(a.ID + "@weir") // the same when it is sent again
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(mail.TypeTextPlain, text)
	msg.AddAlternativeString(mail.TypeTextHTML, html)
	var conn net.Conn
	defer func() {
		if conn != nil { // the library leaves it open when the server will not have us
			_ = conn.Close()
		}
	}()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		conn, err = m.dial(ctx, network, address)
		return conn, err
	}
	client, err := mail.NewClient(m.cfg.Host, append(slices.Clip(m.options), mail.WithDialContextFunc(dial))...)
	if err != nil {
		return fmt.Errorf("prepare the mail server: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("mail not taken: %w", err)
	}
	return nil
}

// partsOf is the message as text and as HTML.
func partsOf(m *alert.Message) (text, html string, err error) {
	if d := m.Document; d != nil {
		return d.Text, d.HTML, nil
	}
	html, err = htmlOf(m)
	return textOf(m), html, err
}

func textOf(m *alert.Message) string {
	var b strings.Builder
	for i := range m.Findings {
		f := &m.Findings[i]
		b.WriteString(m.Line(f) + "\n")
		for k := range f.Top {
			b.WriteString("  - " + f.Top[k].Text(m) + "\n")
		}
		b.WriteString("  calls: " + f.Calls + "\n\n")
	}
	if len(m.More) > 0 {
		b.WriteString("and: " + strings.Join(m.More, "; ") + "\n\n")
	}
	if m.About != "" {
		b.WriteString(m.About + "\n\n")
	}
	b.WriteString("The rule in weir: " + m.URL + "\n")
	return b.String()
}

var page = template.Must(template.New("mail").Parse(`<!doctype html>
<html><body style="font-family:sans-serif;font-size:14px;color:#222">
<h2 style="font-size:17px">{{.Subject}}</h2>
{{range .Findings}}<p>{{.Line}}</p>
{{if .Top}}<ul>{{range .Top}}<li>{{.}}</li>{{end}}</ul>{{end}}
<p><a href="{{.Calls}}">The calls</a></p>
{{end}}{{if .More}}<p>and: {{range $i, $m := .More}}{{if $i}}; {{end}}{{$m}}{{end}}</p>{{end}}
{{if .About}}<p style="white-space:pre-wrap">{{.About}}</p>{{end}}
<p><a href="{{.URL}}">The rule {{.Rule}} in weir</a></p>
</body></html>
`))

type pageFinding struct {
	Line  string
	Top   []string
	Calls string
}

// htmlOf is the message as HTML; all text in it is escaped.
func htmlOf(m *alert.Message) (string, error) {
	data := struct {
		Subject, About, Rule, URL string
		Findings                  []pageFinding
		More                      []string
	}{m.Subject(), m.About, m.Rule, m.URL, nil, m.More}
	for i := range m.Findings {
		f := &m.Findings[i]
		p := pageFinding{Line: m.Line(f), Calls: f.Calls}
		for k := range f.Top {
			p.Top = append(p.Top, f.Top[k].Text(m))
		}
		data.Findings = append(data.Findings, p)
	}
	var b strings.Builder
	err := page.Execute(&b, data)
	return b.String(), err
}
