package budget

import (
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
	"github.com/weir-dev/weir/internal/outbox"
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

	if n := w.box.Tell(t.Context()); n != 1 {
		t.Fatalf("told of %d", n)
	}
	if got := delivery(); got.State != price.DeliveryWaiting || got.Tries != 1 || got.Error != "answered 500" || time.Until(got.Next) > outbox.First || time.Until(got.Next) < outbox.First/2 {
		t.Errorf("after a failure: %+v", got)
	}
	if n := w.box.Tell(t.Context()); n != 0 {
		t.Error("it is tried again at once")
	}
	d.events[e.ID()].Delivery.Next = time.Now()
	status = http.StatusNoContent
	w.box.Tell(t.Context())
	if got := delivery(); got.State != price.DeliveryDone || got.Tries != 2 || got.Error != "" || len(bodies) != 2 || bodies[0] != bodies[1] {
		t.Errorf("%+v after %d requests", got, len(bodies))
	}
}
