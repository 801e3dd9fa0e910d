package notify

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/internal/outbox"
	"github.com/weir-dev/weir/price"
)

const nasty = "<script>alert(1)</script> *bold* <!channel> & \r\nBcc: x@y.z"

// message is an alert whose every text is somebody's.
func message() *alert.Message {
	v, limit := 0.5, 0.1
	return &alert.Message{
		ID: "0193-id", Kind: alert.Firing, Severity: alert.Alert, Rule: "errors", About: "Ask <b>ann</b>.", Metric: alert.ErrorRate, Title: "share of errors",
		Unit: alert.Share, Window: "5m", Op: alert.GT, At: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC), URL: "https://weir.test/alerts?rule=errors",
		Findings: []alert.Finding{{
			Kind: alert.Firing, Labels: alert.Labels{"user": nasty}, Severity: alert.Alert, Since: time.Date(2026, 11, 25, 7, 55, 0, 0, time.UTC), Value: &v, Threshold: &limit,
			Top: []alert.Contributor{{By: "model", Name: nasty, Value: 12, Calls: 24}}, Calls: "https://weir.test/calls?status=error&user=%3Cscript%3E",
		}},
		More: []string{"user=" + nasty},
	}
}

// heard is a server that keeps what it was sent.
type heard struct {
	*httptest.Server
	bodies  []string
	headers []http.Header
	status  int
}

func listen(t *testing.T) *heard {
	t.Helper()
	h := &heard{status: http.StatusOK}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.bodies, h.headers = append(h.bodies, string(body)), append(h.headers, r.Header)
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *heard) poster(t *testing.T, secret string) *outbox.Poster {
	t.Helper()
	at, err := url.Parse(h.URL + "/hook")
	if err != nil {
		t.Fatal(err)
	}
	return outbox.NewPoster(at, account.NewSecret(secret), true)
}

func TestWebhook(t *testing.T) {
	h := listen(t)
	if err := (Webhook{h.poster(t, "s3cret")}).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Type, Subject, Rule, Severity, ID, URL string
		Findings                               []alert.Finding
	}
	if err := json.Unmarshal([]byte(h.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	f := got.Findings[0]
	if got.Type != "alert.firing" || got.Rule != "errors" || got.Severity != "ALERT" || got.ID != "0193-id" || *f.Value != 0.5 || *f.Threshold != 0.1 || f.Top[0].Name != nasty || f.Calls == "" || f.Since.IsZero() {
		t.Errorf("%s", h.bodies[0])
	}
	seconds, _, _ := strings.Cut(strings.TrimPrefix(h.headers[0].Get("X-Weir-Signature"), "t="), ",")
	at, err := time.ParseDuration(seconds + "s")
	if want := outbox.Sign(account.NewSecret("s3cret"), time.Unix(int64(at.Seconds()), 0), []byte(h.bodies[0])); err != nil || h.headers[0].Get("X-Weir-Signature") != want {
		t.Errorf("signed %q, want %q", h.headers[0].Get("X-Weir-Signature"), want)
	}
	if strings.ContainsAny(got.Subject, "\r\n") {
		t.Errorf("subject %q", got.Subject)
	}
}

func TestSlack(t *testing.T) {
	h := listen(t)
	if err := (Slack{h.poster(t, "")}).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	var got slackMessage
	if err := json.Unmarshal([]byte(h.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if h.headers[0].Get("X-Weir-Signature") != "" || got.Blocks[0].Type != "header" || len(got.Blocks[0].Text.Text) > 150 {
		t.Errorf("%s", h.bodies[0])
	}
	section := got.Blocks[1].Text.Text
	for _, want := range []string{"share of errors over 5m is 50 %, above 10 %", "since 2026-11-25 07:55 UTC", "(24 calls)", "<https://weir.test/calls?status=error&amp;user=%3Cscript%3E|the calls>", "&lt;!channel&gt;", "\u200b*bold\u200b*"} {
		if !strings.Contains(section, want) {
			t.Errorf("no %q in %s", want, section)
		}
	}
	for _, b := range got.Blocks {
		if b.Text != nil && (strings.Contains(b.Text.Text, "<script") || strings.Contains(b.Text.Text, "<!channel")) && b.Text.Type == "mrkdwn" || b.Text != nil && len(b.Text.Text) > 3000 {
			t.Errorf("%+v", b.Text)
		}
	}
	long := message()
	long.Findings[0].Labels["user"] = strings.Repeat("<", 5000)
	for range 300 {
		long.Findings[0].Top = append(long.Findings[0].Top, alert.Contributor{By: "user", Name: "ü", Value: 1, Calls: 1})
	}
	for _, b := range slackOf(long).Blocks {
		if b.Text != nil && len(b.Text.Text) > 3000 {
			t.Errorf("a block of %d bytes", len(b.Text.Text))
		}
	}
}

// What is not taken is tried again and at last kept where it is seen; from there it can be sent again.
func TestDeadLetters(t *testing.T) {
	h, store := listen(t), &alert.Memory{}
	h.status = http.StatusInternalServerError
	d := alert.Delivery{ID: "d1", Channel: "ops", Message: *message(), At: time.Now(), Way: price.Delivery{State: price.DeliveryWaiting}}
	gone := d
	gone.ID, gone.Channel = "d2", "gone"
	for _, one := range []alert.Delivery{d, gone} {
		if err := store.AddAlertDelivery(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	box := NewBox(store, Channels{"ops": Webhook{h.poster(t, "")}}, slog.New(slog.DiscardHandler))
	later := func() { // as if the wait were over
		all, err := store.AlertDeliveries(t.Context(), price.DeliveryWaiting, 9)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			one.Way.Next = time.Time{}
			if err := store.SetAlertDelivery(t.Context(), one.ID, one.Way); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range outbox.Tries {
		box.Tell(t.Context())
		later()
	}
	dead, err := store.AlertDeliveries(t.Context(), price.DeliveryFailed, 9)
	if err != nil || len(dead) != 2 || dead[1].Way.Error != "answered 500" || dead[1].Way.Tries != outbox.Tries || !strings.Contains(dead[0].Way.Error, `no channel "gone"`) || len(h.bodies) != outbox.Tries {
		t.Fatalf("%+v, %v after %d requests", dead, err, len(h.bodies))
	}
	if h.bodies[0] != h.bodies[1] {
		t.Error("what is sent again differs")
	}
	h.status = http.StatusOK
	if err := store.ResendAlert(t.Context(), "d1", time.Time{}); err != nil {
		t.Fatal(err)
	}
	box.Tell(t.Context())
	if done, _ := store.AlertDeliveries(context.WithoutCancel(t.Context()), price.DeliveryDone, 9); len(done) != 1 || done[0].ID != "d1" {
		t.Errorf("%+v", done)
	}
}
