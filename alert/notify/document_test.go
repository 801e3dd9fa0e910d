package notify

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/internal/outbox"
)

// paper is a document with lines and letters that a mail must carry whole.
func paper() *alert.Message {
	return &alert.Message{
		ID: "0193-paper", Kind: alert.Papers, Rule: "weekly", At: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC), URL: "https://weir.test/reports?of=2026-W47",
		Document: &alert.Document{
			Type: "report.week", Subject: "[weir] Week 47\r\nBcc: x@y.z", Brief: "Spend $1 <!channel>\n*bold*", Text: "Spend\n-----\n" + strings.Repeat("schön ", 200) + "\n.\nend\n",
			HTML: "<!doctype html>\n<p>" + strings.Repeat("schön ", 400) + "</p>\n", Data: json.RawMessage(`{"name":"2026-W47","total":{"cost_usd":"1.000000000"}}`),
		},
	}
}

func TestADocumentByMail(t *testing.T) {
	p, port := office(t, StartTLS)
	if err := newMail(t, port, StartTLS).Send(t.Context(), paper()); err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(strings.NewReader(p.mails[0].text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "[weir] Week 47  Bcc: x@y.z" || m.Header.Get("Bcc") != "" || m.Header.Get("Message-Id") != "<0193-paper@weir>" {
		t.Errorf("subject %q, %v; header %v", subject, err, m.Header)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	var got []string
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
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
		got = append(got, kind, strings.ReplaceAll(string(body), "\r\n", "\n"))
	}
	d := paper().Document
	if diff := cmp.Diff([]string{"text/plain", d.Text, "text/html", d.HTML}, got); diff != "" {
		t.Errorf("the least a reader shows comes first (-want +got):\n%s", diff)
	}
}

func TestADocumentByWebhook(t *testing.T) {
	h := listen(t)
	if err := (Webhook{h.poster(t, "s3cret")}).Send(t.Context(), paper()); err != nil {
		t.Fatal(err)
	}
	want := `{"id":"0193-paper","type":"report.week","subject":"[weir] Week 47  Bcc: x@y.z","name":"weekly","at":"2026-11-23T08:00:00Z","url":"https://weir.test/reports?of=2026-W47","data":{"name":"2026-W47","total":{"cost_usd":"1.000000000"}}}`
	if diff := cmp.Diff(want, h.bodies[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	signature := h.headers[0].Get(outbox.SignatureHeader)
	text, _, _ := strings.Cut(strings.TrimPrefix(signature, "t="), ",")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if want := outbox.Sign(account.NewSecret("s3cret"), time.Unix(seconds, 0), []byte(h.bodies[0])); err != nil || signature != want {
		t.Errorf("signature %q, want %q", signature, want)
	}
}

func TestADocumentInSlack(t *testing.T) {
	h := listen(t)
	if err := (Slack{h.poster(t, "")}).Send(t.Context(), paper()); err != nil {
		t.Fatal(err)
	}
	var got slackMessage
	if err := json.Unmarshal([]byte(h.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Blocks) != 3 || got.Blocks[1].Text.Text != "Spend $1 &lt;!channel&gt;\n\u200b*bold\u200b*" || got.Blocks[2].Elements[0].Text != "<https://weir.test/reports?of=2026-W47|the whole in weir>" {
		t.Errorf("%s", h.bodies[0])
	}
}
