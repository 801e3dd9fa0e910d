package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

var tenth = 0.1

// alertRules are those of the world's configuration file.
var alertRules = []alert.Rule{{Name: "from-file", Metric: alert.ErrorRate, Window: "5m", Op: alert.GT, Alert: &tenth}}

const newRule = `{"name":"spend","metric":"spend","window":"1h","op":"gte","warning":1,"alert":5,"group_by":["model"],"filter":{"project":"p"},"notify":["ops"]}`

// What the tests read of answers.
type (
	readAlert struct {
		Severity string
		Source   string
		Unit     alert.Unit
		LookedAt *time.Time `json:"looked_at"`
		Silenced bool
		States   []struct {
			Labels   map[string]string
			Value    *float64
			Silenced bool
			AckBy    string `json:"ack_by"`
		}
	}
	readAlerts struct {
		Alerts   []readAlert
		Channels []string
	}
	readHistory struct {
		Events []struct {
			To        string
			Threshold *float64
			Top       []alert.Contributor
		}
	}
	readDeliveries struct {
		Message    alert.Message
		Deliveries []struct {
			ID, State, Subject, Error string
			Tries                     int
		}
	}
	readReplay struct {
		Fired       int
		StepSeconds float64 `json:"step_seconds"`
		Groups      []struct{ Fired int }
	}
)

func (w *world) status(method, target, body string, want int) string {
	w.t.Helper()
	rec := w.ask(method, target, body)
	if rec.Code != want {
		w.t.Fatalf("%s %s: %d %s, want %d", method, target, rec.Code, rec.Body, want)
	}
	return rec.Body.String()
}

func TestAlerts(t *testing.T) {
	w := newWorld(t)
	w.status("POST", "/alerts", newRule, http.StatusCreated)
	if text := w.status("POST", "/alerts", newRule, http.StatusBadRequest); !strings.Contains(text, "is there already") {
		t.Error(text)
	}
	var list readAlerts
	w.get("/alerts", &list)
	if len(list.Alerts) != 2 || list.Alerts[0].Source != "file" || list.Alerts[1].Severity != "OK" || list.Alerts[1].Unit != alert.Dollars || list.Channels[0] != "ops" {
		t.Fatalf("%+v", list)
	}
	w.status("PUT", "/alerts/spend", strings.Replace(newRule, `"1h"`, `"2h"`, 1), http.StatusOK)
	w.status("PUT", "/alerts/other", newRule, http.StatusBadRequest)
	for _, change := range []struct{ method, body string }{{"PUT", `{"name":"from-file","metric":"calls","window":"1h","op":"lt","alert":1}`}, {"DELETE", ""}} {
		if text := w.status(change.method, "/alerts/from-file", change.body, http.StatusBadRequest); !strings.Contains(text, "configuration file") {
			t.Error(text)
		}
	}
	text := w.status("POST", "/alerts", `{"name":"x y","metric":"spend","op":"over","for":"soon"}`, http.StatusBadRequest)
	for _, field := range []string{"name:", "op:", "for:", "alert:", "window:"} {
		if !strings.Contains(text, field) {
			t.Errorf("nothing is said of %s %s", field, text)
		}
	}
	w.status("DELETE", "/alerts/spend", "", http.StatusNoContent)
	w.status("DELETE", "/alerts/spend", "", http.StatusNotFound)
	w.status("GET", "/alerts/spend", "", http.StatusNotFound)
}

func TestAlertsThatAreBad(t *testing.T) {
	w := newWorld(t)
	w.status("POST", "/alerts", newRule, http.StatusCreated)
	now := time.Now()
	for id, ago := range map[string]time.Duration{"c1": 10 * time.Minute, "c2": 50 * time.Minute} {
		w.record(trace.Record{Call: trace.Span{
			ID: id, SpanID: "s" + id, TraceID: "t" + id, Kind: trace.KindCall, Start: now.Add(-ago), Duration: time.Second, Project: "p", Model: "<img src=x>", User: "ann",
			Status: trace.StatusOK, PriceStatus: price.Exact, Cost: 6 * price.Dollar,
		}})
	}
	rule, err := w.alerts.AlertRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.watch.Look(t.Context(), &rule[0], now); err != nil {
		t.Fatal(err)
	}
	var v readAlert
	w.get("/alerts/spend", &v)
	if v.Severity != "ALERT" || len(v.States) != 1 || v.States[0].Labels["model"] != "<img src=x>" || *v.States[0].Value != 12 || v.LookedAt == nil {
		t.Fatalf("%+v", v)
	}
	var history readHistory
	w.get("/alerts/history?rule=spend", &history)
	if len(history.Events) != 1 || history.Events[0].To != "ALERT" || *history.Events[0].Threshold != 5 || len(history.Events[0].Top) == 0 {
		t.Errorf("%+v", history)
	}
	w.status("POST", "/alerts/spend/ack", `{"labels":{"model":"none"}}`, http.StatusNotFound)
	w.status("POST", "/alerts/spend/ack", `{"labels":{"model":"<img src=x>"}}`, http.StatusNoContent)
	if w.get("/alerts/spend", &v); v.States[0].AckBy == "" {
		t.Error("nobody has taken it on")
	}

	var quiet struct{ ID string }
	if err := json.Unmarshal([]byte(w.status("POST", "/alerts/silences", `{"rule":"spend","labels":{"model":"<img src=x>"},"for":"2h","why":"known"}`, http.StatusCreated)), &quiet); err != nil {
		t.Fatal(err)
	}
	if w.get("/alerts/spend", &v); !v.Silenced || !v.States[0].Silenced {
		t.Errorf("%+v", v)
	}
	for _, body := range []string{`{"for":"soon"}`, `{"for":"1000d"}`, `{"for":""}`} {
		w.status("POST", "/alerts/silences", body, http.StatusBadRequest)
	}
	w.status("POST", "/alerts/silences", `{"rule":"none","for":"1h"}`, http.StatusNotFound)
	w.status("POST", "/alerts/silences/"+quiet.ID+"/end", "", http.StatusNoContent)
	w.status("POST", "/alerts/silences/"+quiet.ID+"/end", "", http.StatusNotFound)

	var sent readDeliveries
	if err := json.Unmarshal([]byte(w.status("POST", "/alerts/spend/test", "", http.StatusOK)), &sent); err != nil {
		t.Fatal(err)
	}
	if len(sent.Deliveries) != 1 || sent.Deliveries[0].State != "waiting" || !strings.HasPrefix(sent.Deliveries[0].Subject, "[weir] TEST: spend") || sent.Message.Severity != alert.Alert {
		t.Errorf("%+v", sent)
	}
	id := sent.Deliveries[0].ID
	if err := w.alerts.SetAlertDelivery(t.Context(), id, price.Delivery{State: price.DeliveryFailed, Tries: 8, At: now, Error: "answered 500"}); err != nil {
		t.Fatal(err)
	}
	var dead readDeliveries
	w.get("/alerts/deliveries?state=failed", &dead)
	if len(dead.Deliveries) != 1 || dead.Deliveries[0].Error != "answered 500" || dead.Deliveries[0].Tries != 8 {
		t.Errorf("%+v", dead)
	}
	w.status("POST", "/alerts/deliveries/"+id+"/resend", "", http.StatusAccepted)
	w.status("POST", "/alerts/deliveries/"+id+"/resend", "", http.StatusNotFound)
	w.status("GET", "/alerts/deliveries?state=lost", "", http.StatusBadRequest)

	var past readReplay
	w.get("/alerts/spend/past?days=2", &past)
	if past.Fired != 1 || past.StepSeconds != 900 || len(past.Groups) != 1 {
		t.Errorf("%d fired, %d groups, step %v", past.Fired, len(past.Groups), past.StepSeconds)
	}
	if text := w.status("POST", "/alerts/preview", `{"metric":"budget_used","op":"gt","alert":0.9,"name":"b"}`, http.StatusBadRequest); !strings.Contains(text, "no past") {
		t.Error(text)
	}
	w.status("POST", "/alerts/preview?days=90", newRule, http.StatusBadRequest)
	if err := json.Unmarshal([]byte(w.status("POST", "/alerts/preview", strings.Replace(newRule, `"alert":5`, `"alert":70`, 1), http.StatusOK)), &past); err != nil || past.Fired != 1 {
		t.Errorf("a warning: %d, %v", past.Fired, err)
	}
}
