package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/alert/notify"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/dashboards/report/schedule"
	"github.com/weir-dev/weir/internal/outbox"
	"github.com/weir-dev/weir/price"
)

// A report that is sent goes through the outbox of alerts to a webhook, signed, with the figures of the API; what is not taken the first
// time comes again the same.
func TestAReportArrivesByWebhook(t *testing.T) {
	var bodies, signatures []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies, signatures = append(bodies, string(body)), append(signatures, r.Header.Get(outbox.SignatureHeader))
		if len(bodies) == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer srv.Close()
	at, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	secret, store := account.NewSecret("s3cret"), &alert.Memory{}
	channels := notify.Channels{"ops": notify.Webhook{To: outbox.NewPoster(at, secret, true)}}
	cost := price.USD(123_456_789_012)
	sender := schedule.NewSender(schedule.Config{
		Store: &schedule.Memory{Outbox: store}, Outbox: store, Channels: channels.Names(), Log: slog.New(slog.DiscardHandler),
		Make: func(_ context.Context, p report.Period, project string, now time.Time) (*report.Report, error) {
			return &report.Report{Kind: p.Kind, Name: p.Name(), Title: p.Title(), Project: project, MadeAt: now, Total: report.Figures{Calls: 1, CostUSD: &cost}, Timezone: "UTC"}, nil
		},
	})
	if _, err := sender.Send(t.Context(), &schedule.Schedule{Name: "weekly", Project: "p", Period: report.Week}, time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	box := notify.NewBox(store, channels, slog.New(slog.DiscardHandler))
	box.Tell(t.Context())
	late, err := store.AlertDeliveries(t.Context(), price.DeliveryWaiting, 9)
	if err != nil || len(late) != 1 || late[0].Way.Tries != 1 || late[0].Way.Error != "answered 502" {
		t.Fatalf("%+v, %v", late, err)
	}
	if err := store.SetAlertDelivery(t.Context(), late[0].ID, price.Delivery{State: price.DeliveryWaiting, Tries: 1}); err != nil { // as if the wait were over
		t.Fatal(err)
	}
	box.Tell(t.Context())
	if done, err := store.AlertDeliveries(t.Context(), price.DeliveryDone, 9); err != nil || len(done) != 1 || len(bodies) != 2 || bodies[0] != bodies[1] {
		t.Fatalf("%+v, %v, %q", done, err, bodies)
	}
	var got struct {
		Type, Name, Subject string
		Data                report.Report
	}
	if err := json.Unmarshal([]byte(bodies[1]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "report.week" || got.Name != "weekly" || got.Subject != "[weir] Week 47, 16 to 22 November 2026, project p: $123.46" || got.Data.Name != "2026-W47" || *got.Data.Total.CostUSD != cost {
		t.Errorf("%+v", got)
	}
	text, _, _ := strings.Cut(strings.TrimPrefix(signatures[1], "t="), ",")
	seconds, err := strconv.ParseInt(text, 10, 64)
	if want := outbox.Sign(secret, time.Unix(seconds, 0), []byte(bodies[1])); err != nil || signatures[1] != want {
		t.Errorf("signed %q, want %q", signatures[1], want)
	}
}
