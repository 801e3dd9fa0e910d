package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/price"
)

// Thresholds and breaches of a budget are told: in headers, by the API, to a webhook, in the metrics; and a restart tells none of them again.
func TestWhatHappensToABudgetIsTold(t *testing.T) {
	var (
		mu   sync.Mutex // guards told
		told []string
	)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e struct {
			Type      string
			Threshold int
		}
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &e); err != nil || !strings.HasPrefix(r.Header.Get("X-Weir-Signature"), "t=") {
			t.Errorf("%v %v in %s", err, r.Header, body)
		}
		mu.Lock()
		defer mu.Unlock()
		told = append(told, fmt.Sprint(e.Type, " ", e.Threshold))
	}))
	defer hook.Close()
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 1})
	cfg.Data = t.TempDir()
	cfg.Budgets.Webhook = WebhookConfig{URL: secretText{Secret: account.NewSecret(hook.URL)}, Secret: secretText{Secret: account.NewSecret("s")}, AllowPrivate: true}
	type events struct {
		Events []struct {
			Kind      string
			Threshold *int
			Count     int64
			Webhook   struct{ State string }
		}
	}
	wait := func(w *service, what string, done func(events) bool) events {
		t.Helper()
		var got events
		eventually(t, 30*time.Second, func() error { // the guard looks once a second
			got = events{}
			if w.get(t, "/budgets/four/events", &got); !done(got) {
				return fmt.Errorf("%s: %+v", what, got)
			}
			return nil
		})
		return got
	}
	all := func(e events) bool {
		for _, one := range e.Events {
			if one.Webhook.State != "delivered" {
				return false
			}
		}
		return len(e.Events) == 4
	}
	var key account.Secret
	t.Run("before", func(t *testing.T) {
		w := startWeirOn(t, cfg)
		key = w.firstKey
		w.makeBudget(t, `{"name":"four","window":"year","limit_calls":4}`)
		for i := range 4 {
			got := w.askFor(t, "/chat/completions", chatBody)
			want := []string{"", "four=50%", "four=50%", "four=100%"}[i] // a short answer is settled before its head is sent
			if got.status != http.StatusOK || got.header.Get("X-Weir-Budget-Warning") != want {
				t.Errorf("call %d: %d warns %q, want %q", i, got.status, got.header.Get("X-Weir-Budget-Warning"), want)
			}
		}
		for range 2 {
			if got := w.askFor(t, "/chat/completions", chatBody); got.status != http.StatusTooManyRequests || got.header.Get("X-Weir-Budget-Warning") != "four=100%" {
				t.Errorf("%d %v", got.status, got.header)
			}
		}
		got := wait(w, "told", all)
		thresholds, refused := 0, int64(0)
		for _, e := range got.Events {
			if e.Threshold != nil {
				thresholds += *e.Threshold
			} else {
				refused += e.Count
			}
		}
		if thresholds != 50+80+100 || refused != 2 {
			t.Errorf("%+v", got)
		}
		if text := w.exposed(t); !strings.Contains(text, `weir_budget_refusals_total{budget="four"} 2`) || !strings.Contains(text, `weir_budget_used_ratio{budget="four"} 1`) {
			t.Errorf("the metrics do not tell:\n%s", text)
		}
	})
	mu.Lock()
	before := len(told)
	mu.Unlock()
	if before != 4 {
		t.Errorf("the webhook was told %v", told)
	}
	t.Run("after", func(t *testing.T) {
		w := startWeirOn(t, cfg)
		w.firstKey = key
		if got := w.askFor(t, "/chat/completions", chatBody); got.status != http.StatusTooManyRequests {
			t.Errorf("%d", got.status)
		}
		first := time.Now()
		wait(w, "after a restart", func(e events) bool { return time.Since(first) > 1500*time.Millisecond && len(e.Events) == 4 })
		mu.Lock()
		defer mu.Unlock()
		if len(told) != before {
			t.Errorf("told again: %v", told)
		}
	})
}

// exposed is what Prometheus reads.
func (s *service) exposed(t *testing.T) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Equal requests are found in what was recorded, a reprice is in the budget at once, and a forecast asks for more history.
func TestAdviceFromRecordedCalls(t *testing.T) {
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 1})
	w := startWeir(t, cfg)
	b := w.makeBudget(t, `{"name":"all","window":"lifetime","limit_usd":"10"}`)
	for range 12 {
		if got := w.askFor(t, "/chat/completions", chatBody); got.status != http.StatusOK {
			t.Fatalf("%+v", got)
		}
	}
	var advice struct {
		Calls    int64
		Findings []struct {
			Kind   string
			Saving price.USD `json:"saving_usd_30d"`
			Calls  []string
		}
	}
	w.get(t, "/costs/advice?min_usd=0", &advice)
	if advice.Calls != 12 || len(advice.Findings) == 0 || advice.Findings[0].Kind != "response_cache" || advice.Findings[0].Saving <= 0 || len(advice.Findings[0].Calls) != 5 {
		t.Errorf("%+v", advice)
	}
	var forecast struct {
		Method string
		Spent  price.USD `json:"spent_usd"`
	}
	w.get(t, "/budgets/all/forecast", &forecast)
	if forecast.Method != "none" {
		t.Errorf("%+v", forecast)
	}

	before := w.budget(t, b.ID).SpentUSD
	w.post(t, http.MethodPost, "/prices", `{"provider":"openai","model":"gpt-4o-mini","input_usd_per_mtok":"1.5","output_usd_per_mtok":"6"}`, http.StatusCreated, nil)
	var repriced struct {
		Total struct {
			Difference price.USD `json:"difference_usd"`
		}
	}
	w.post(t, http.MethodPost, "/prices/reprice", `{"since":"1d","apply":true}`, http.StatusOK, &repriced)
	if after := w.budget(t, b.ID).SpentUSD; repriced.Total.Difference <= 0 || after != before+repriced.Total.Difference {
		t.Errorf("spent %s, repriced by %s, and then %s", before, repriced.Total.Difference, after)
	}
}
