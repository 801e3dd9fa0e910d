package notify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
)

// certificate makes one for 127.0.0.1 that this process trusts.
var certificate = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run lets this process trust the certificate, before anybody looks whom it trusts.
func run(m *testing.M) int {
	c, err := certificate()
	if err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "weir-mail-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}), 0o600); err != nil {
		panic(err)
	}
	if err := os.Setenv("SSL_CERT_FILE", file); err != nil {
		panic(err)
	}
	return m.Run()
}

// office opens a mail server and gives its port.
func office(t *testing.T, how Security) (*post, int) {
	t.Helper()
	c, err := certificate()
	if err != nil {
		t.Fatal(err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	p := &post{}
	secure := &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12}
	switch how {
	case TLS:
		l, p.auth = tls.NewListener(l, secure), true
	case StartTLS:
		p.secure = secure
	}
	done := make(chan struct{})
	go func() { defer close(done); p.serve(l) }()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return p, port
}

func newMail(t *testing.T, port int, how Security) *Mail {
	t.Helper()
	cfg := MailConfig{Host: "127.0.0.1", Port: port, Security: how, From: "Weir <weir@weir.test>", To: []string{"ann@weir.test", "bob@weir.test"}, AllowPrivate: true}
	if how != Plain {
		cfg.Username, cfg.Password = "weir", account.NewSecret("pa55")
	}
	m, err := NewMail(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMail(t *testing.T) {
	for _, how := range []Security{StartTLS, TLS, Plain} {
		t.Run(string(how), func(t *testing.T) {
			p, port := office(t, how)
			if err := newMail(t, port, how).Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			if len(p.mails) != 1 || p.mails[0].from != "weir@weir.test" || strings.Join(p.mails[0].to, " ") != "ann@weir.test bob@weir.test" || (how == Plain) != (len(p.users) == 0) {
				t.Fatalf("%+v, users %v", p.mails, p.users)
			}
			readMail(t, p.mails[0].text)
		})
	}
}

// readMail checks a mail as a reader of mail sees it.
func readMail(t *testing.T, text string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, "[weir] ALERT: errors") || m.Header.Get("Bcc") != "" || m.Header.Get("Message-Id") != "<0193-id@weir>" {
		t.Errorf("subject %q, %v; header %v", subject, err, m.Header)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	got := map[string]string{}
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(part.Header.Get("Content-Type"), ";")
		got[kind] = string(body)
	}
	for _, want := range []string{"is 50 %, above 10 %", "since 2026-11-25 07:55 UTC", "(24 calls)", "https://weir.test/calls?status=error", "https://weir.test/alerts?rule=errors"} {
		if !strings.Contains(got["text/plain"], want) {
			t.Errorf("no %q in %s", want, got["text/plain"])
		}
	}
	page := got["text/html"]
	if strings.Contains(page, "<script") || strings.Contains(page, "<b>ann") || !strings.Contains(page, "&lt;script&gt;") || !strings.Contains(page, `href="https://weir.test/calls?status=error&amp;user=%3Cscript%3E"`) {
		t.Errorf("%s", page)
	}
}

func TestMailThatIsNotTaken(t *testing.T) {
	p, port := office(t, StartTLS)
	p.full = true
	if err := newMail(t, port, StartTLS).Send(t.Context(), message()); err == nil || !strings.Contains(err.Error(), "box is full") {
		t.Errorf("a full box: %v", err)
	}
	m := newMail(t, port, StartTLS)
	m.cfg.Password = account.NewSecret("wrong")
	again, err := NewMail(m.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Send(t.Context(), message()); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong password: %v", err)
	}
	open, at := office(t, Plain)
	open.auth = true
	if err := newMail(t, at, StartTLS).Send(t.Context(), message()); err == nil || len(open.users) > 0 || strings.Contains(strings.Join(open.plain, " "), "AUTH") {
		t.Errorf("a server without TLS was told %q: %v", open.plain, err)
	}
	m.cfg.AllowPrivate = false
	inside, err := NewMail(m.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := inside.Send(t.Context(), message()); err == nil || !strings.Contains(err.Error(), "private address") {
		t.Errorf("a server inside: %v", err)
	}
	if _, err := NewMail(MailConfig{From: "weir@weir.test", To: []string{"ann@weir.test\r\nBcc: x@y.z"}}); err == nil {
		t.Error("an address with a line break")
	}
}
