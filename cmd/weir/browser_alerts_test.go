package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/eval/drift"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// What alerts call series and what drift compares have the same names.
func TestDriftSeries(t *testing.T) {
	t.Parallel()
	var have []string
	for _, m := range drift.Metrics() {
		have = append(have, string(m))
	}
	if !slices.Equal(alert.DriftSeries, have) {
		t.Errorf("alerts know %q, and %q are compared", alert.DriftSeries, have)
	}
}

// driftingCalls writes four weeks of calls, of which the last day's are half failures and four times as long.
func driftingCalls(t *testing.T, w *service, prompt string) {
	t.Helper()
	now := time.Now().UTC().Add(-10 * time.Minute).Truncate(time.Hour) // as far as drift looks
	var records trace.Slice
	for day := range 29 {
		for i := range 90 {
			start := now.Add(-time.Duration(day)*24*time.Hour - time.Duration(i+1)*15*time.Minute)
			s := trace.Span{
				ID: llm.NewID(start), SpanID: fmt.Sprintf("%016x", 100*day+i), TraceID: fmt.Sprintf("%032x", 100*day+i), Kind: trace.KindCall, Start: start, Duration: time.Second, Project: "shop", Key: "k", Prompt: prompt, Provider: "openai",
				Endpoint: llm.ChatCompletions, ModelRequested: "m", Model: []string{"m", "n"}[i%2], Status: trace.StatusOK, HTTPStatus: 200, PriceStatus: price.Exact, Cost: price.Dollar / 1000, Cache: trace.CacheOff, FinishReasons: []string{"stop"},
				Usage: llm.Usage{InputUncached: int64(100 + i*7%50), OutputText: int64(20 + i*3%10)},
			}
			if day == 0 {
				s.Usage.InputUncached *= 4
				if i%3 == 0 {
					s.Status, s.HTTPStatus, s.FinishReasons, s.Usage = trace.StatusError, 500, nil, llm.Usage{}
				}
			}
			records = append(records, trace.Record{Call: s})
		}
	}
	if err := w.writer.Write(t.Context(), trace.Batch{Token: "drifting", Records: records}); err != nil {
		t.Fatal(err)
	}
}

// Rules are made, tried, looked at, taken on, silenced, tested and told in the console; what drifts is found there, too.
func TestAlertsInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	told := make(chan map[string]any, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil || r.Header.Get("X-Weir-Signature") == "" {
			t.Errorf("the webhook got %q, signed %q", body, r.Header.Get("X-Weir-Signature"))
		}
		told <- m
	}))
	t.Cleanup(hook.Close)
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 31})
	cfg.Alerts.Notify = []ChannelConfig{{Name: "ops", Kind: "webhook", URL: secretText{Secret: account.NewSecret(hook.URL)}, Secret: secretText{Secret: account.NewSecret("s")}, AllowPrivate: true}}
	w := startWeir(t, cfg)
	prompt := hostile[1]
	driftingCalls(t, w, prompt)
	ctx := t.Context()
	tell := func(kind string) map[string]any {
		t.Helper()
		select {
		case m := <-told:
			if m["type"] != kind {
				t.Errorf("told %v, want %s", m["type"], kind)
			}
			return m
		case <-time.After(patience):
			t.Fatalf("nothing was told, want %s", kind)
			return nil
		}
	}

	p := newTab(t, browser, w.url)
	p.thorough = true
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	p.open(t, "/alerts")
	p.clickText(t, "main button", "Make the first rule")
	p.write(t, "dialog [name=name]", "no good name")
	p.write(t, "dialog [name=window]", "24h")
	p.write(t, "dialog [name=for]", "")
	p.write(t, "dialog [name=about]", hostile[0])
	p.clickText(t, "dialog button", "Make the rule")
	p.until(t, `document.querySelector('dialog .wrong')?.textContent.includes('letters')`)
	p.takeFaults() // the refusal
	p.write(t, "dialog [name=name]", "errors")
	p.clickText(t, "dialog button", "Try on the last 30 days")
	p.until(t, `Number(document.querySelector('dialog [data-fired]')?.dataset.fired) >= 1`)
	p.accessible(t, "the form of a rule", axe)
	p.clickText(t, "dialog button", "Make the rule")
	p.until(t, `document.querySelector('[data-rule=errors]') && !document.querySelector('dialog[open]')`)

	rules, err := w.alerts.Rules(ctx)
	if err != nil || len(rules) != 1 {
		t.Fatalf("the rules are %+v, %v", rules, err)
	}
	p.until(t, `document.querySelector('[data-rule=errors] [data-severity=ALERT]') && document.querySelector('[data-group] [data-severity=ALERT]')`) // weir looks by itself
	first := tell("alert.firing")
	p.clickText(t, "[data-group] button", "Take it on")
	p.shows(t, "taken by admin")
	p.clickText(t, "[data-group] button", "Silence")
	p.write(t, "dialog [name=reason]", hostile[2])
	p.clickText(t, "dialog button", "Silence it")
	p.until(t, `document.querySelector('[aria-label=Silences] li')?.textContent.includes(`+quoteJS(hostile[2])+`)`)
	p.clickText(t, "main button", "Send a test")
	tell("alert.test")
	p.until(t, `[...document.querySelectorAll('[aria-label="Messages, table"] tbody tr')].filter((r) => r.textContent.includes('delivered')).length === 2`)
	p.until(t, `document.querySelector('[data-history] li') && document.querySelector('[data-happened] a.who[href*="rule=errors"]')`)
	p.examine(t, "/alerts", axe)
	p.harmless(t, "/alerts")
	p.clickText(t, "[aria-label=Silences] button", "End it")
	p.until(t, `!document.querySelector('[aria-label=Silences]')`)

	dead := alert.Delivery{
		ID: llm.NewID(time.Now()), Channel: "ops", At: time.Now(), Message: alert.Message{ID: "dead", Kind: alert.Still, Severity: alert.Alert, Rule: "errors", Findings: []alert.Finding{{Labels: alert.Labels{"user": hostile[0]}}}},
		Way: price.Delivery{State: price.DeliveryFailed, Tries: 8, Error: hostile[1]},
	}
	if err := w.alerts.Store().AddAlertDelivery(ctx, dead); err != nil {
		t.Fatal(err)
	}
	p.open(t, "/alerts")
	p.until(t, `document.querySelector('[data-dead="1"]')`)
	p.harmless(t, "a message that nobody took")
	p.clickText(t, "[data-dead] button", "Send again")
	if again := tell("alert.still"); again["id"] != "dead" || first["rule"] != "errors" {
		t.Errorf("sent again is %v, and the first was of %v", again["id"], first["rule"])
	}
	p.until(t, `!document.querySelector('[data-dead]')`)

	p.open(t, "/drift")
	p.until(t, `Number(document.querySelector('[data-drifted]')?.dataset.drifted) >= 2`)
	p.until(t, `document.querySelector('tr[data-metric=input_tokens] .badge.bad') && document.querySelector('tr[data-metric=errors] .badge.bad')`)
	read[bool](t, p, `(document.querySelector('tr[data-metric=input_tokens] button').focus(), true)`)
	p.do(t, chromedp.KeyEvent("\r"))
	p.until(t, `document.querySelector('.drift-detail .pair tbody tr') && document.querySelector('.drift-detail .uplot canvas')`)
	p.shows(t, "times as long (")
	p.examine(t, "/drift", axe)
	p.clickText(t, ".drift-detail a", "The day's calls")
	p.until(t, `location.pathname === '/calls' && document.querySelectorAll('.lbody a.hit').length > 10`)
	p.open(t, "/drift?show=all")
	p.until(t, `document.querySelectorAll('.drift-table tbody tr').length > 8`)
	p.harmless(t, "/drift")
}
