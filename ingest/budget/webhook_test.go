package budget

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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
	"github.com/weir-dev/weir/price"
)

func crossing() price.BudgetEvent {
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	return price.BudgetEvent{
		Budget: "b", Name: "team", Kind: price.EventThreshold, From: at.Add(-time.Hour), Percent: 80, Count: 1, At: at, LastAt: at,
		Spent: price.BudgetFigures{USD: 8 * price.Dollar}, Limit: price.BudgetFigures{USD: 10 * price.Dollar},
		Delivery: price.Delivery{State: price.DeliveryWaiting, Next: at},
	}
}

func webhook(t *testing.T, d *diary, at string, private bool) *Webhook {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	return NewWebhook(WebhookConfig{URL: u, Secret: account.NewSecret("s3cret"), AllowPrivate: private, Events: d, Log: slog.New(slog.DiscardHandler)})
}

func TestAWebhookIsToldSignedAndAgainUntilItAnswers(t *testing.T) {
	var bodies []string
	status := http.StatusInternalServerError
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		seconds, sum, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("X-Weir-Signature"), "t="), ",v1=")
		mac := hmac.New(sha256.New, []byte("s3cret"))
		mac.Write([]byte(seconds + "." + string(body)))
		if got := hex.EncodeToString(mac.Sum(nil)); got != sum {
			t.Errorf("signed %s, want %s", sum, got)
		}
		var e told
		if err := json.Unmarshal(body, &e); err != nil || e.Type != "budget.threshold" || e.Threshold != 80 || e.Budget.Name != "team" || e.ID != r.Header.Get("X-Weir-Event-Id") {
			t.Errorf("%s: %v", body, err)
		}
		w.WriteHeader(status)
	}))
	defer srv.Close()
	d, e := &diary{}, crossing()
	if _, err := d.AddBudgetEvent(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	w := webhook(t, d, srv.URL+"/hook", true)
	delivery := func() price.Delivery { return d.events[e.ID()].Delivery }

	if n := w.tell(t.Context()); n != 1 {
		t.Fatalf("told of %d", n)
	}
	if got := delivery(); got.State != price.DeliveryWaiting || got.Tries != 1 || got.Error != "answered 500" || time.Until(got.Next) > webhookFirst || time.Until(got.Next) < webhookFirst/2 {
		t.Errorf("after a failure: %+v", got)
	}
	if n := w.tell(t.Context()); n != 0 {
		t.Error("it is tried again at once")
	}
	d.events[e.ID()].Delivery.Next = time.Now()
	status = http.StatusNoContent
	w.tell(t.Context())
	if got := delivery(); got.State != price.DeliveryDone || got.Tries != 2 || got.Error != "" || len(bodies) != 2 || bodies[0] != bodies[1] {
		t.Errorf("%+v after %d requests", got, len(bodies))
	}
}

func TestAWebhookGivesUp(t *testing.T) {
	var log bytes.Buffer
	w := webhook(t, &diary{}, "http://127.0.0.1:1", true)
	w.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	e, now, waited := crossing(), time.Now(), time.Duration(0)
	for e.Delivery.State == price.DeliveryWaiting {
		e.Delivery = w.outcome(&e, io.ErrUnexpectedEOF, now)
		if e.Delivery.State == price.DeliveryWaiting {
			waited += e.Delivery.Next.Sub(now)
		}
	}
	if e.Delivery.State != price.DeliveryFailed || e.Delivery.Tries != webhookTries || waited != 127*webhookFirst || !strings.Contains(log.String(), "not tried any more") {
		t.Errorf("%+v after %v, log %s", e.Delivery, waited, &log)
	}
}

// An inside address is refused, however it is written, and a redirect is not followed.
func TestAWebhookStaysOutside(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	e := crossing()
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	for _, at := range []string{srv.URL, "http://localhost:" + port, "http://[::1]:" + port, "http://[::ffff:127.0.0.1]:" + port, "http://10.0.0.1", "http://169.254.169.254/latest", "http://100.64.0.1", "http://0.0.0.0:" + port} {
		if err := webhook(t, &diary{}, at, false).send(t.Context(), &e); err == nil || !strings.Contains(err.Error(), "private address") {
			t.Errorf("%s: %v", at, err)
		}
	}
	if asked != 0 {
		t.Fatalf("asked %d times", asked)
	}
	if err := webhook(t, &diary{}, srv.URL, true).send(t.Context(), &e); err == nil || err.Error() != "answered 307" || asked != 1 {
		t.Errorf("a redirect: %v after %d requests", err, asked)
	}
	if err := webhook(t, &diary{}, "http://user:pa55word@127.0.0.1:1/s3cr3t", true).send(t.Context(), &e); err == nil || strings.Contains(err.Error(), "pa55") || strings.Contains(err.Error(), "s3cr3t") {
		t.Errorf("the error shows the address: %v", err)
	}
}
