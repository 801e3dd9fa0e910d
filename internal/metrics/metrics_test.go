package metrics

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

func scrape(t *testing.T, s *Set) string {
	t.Helper()
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", http.NoBody))
	if rec.Code != 200 {
		t.Fatalf("GET /metrics: %d", rec.Code)
	}
	return rec.Body.String()
}

func TestSeriesStayBoundedWhateverClientsSend(t *testing.T) {
	s := New("test", func() Spool { return Spool{} })
	for i := range 10_000 {
		s.Observe(&trace.Record{Call: trace.Span{
			Endpoint: llm.ChatCompletions, Provider: "openai", Model: fmt.Sprint("model-", i), User: fmt.Sprint("user-", i),
			Status: trace.StatusOK, PriceStatus: price.Unpriced, Usage: llm.Usage{OutputText: 1},
		}})
	}
	text := scrape(t, s)
	if got := strings.Count(text, "weir_calls_total{"); got != maxModels+1 {
		t.Errorf("%d series of weir_calls_total after 10,000 models, want %d", got, maxModels+1)
	}
	if strings.Contains(text, "user-7") {
		t.Error("a user became a label")
	}
}

func TestFiguresOfACall(t *testing.T) {
	s := New("1.2.3", func() Spool { return Spool{} })
	s.Observe(&trace.Record{Call: trace.Span{
		Endpoint: llm.ChatCompletions, Provider: "openai", Model: "gpt-4o-mini", Status: trace.StatusOK, Duration: 2 * time.Second, TTFT: 300 * time.Millisecond,
		Usage: llm.Usage{InputUncached: 10, CacheRead: 5, OutputText: 20}, Cost: price.Cent, PriceStatus: price.Exact,
	}})
	text := scrape(t, s)
	for _, line := range []string{
		`weir_calls_total{endpoint="chat.completions",model="gpt-4o-mini",provider="openai",status="ok"} 1`,
		`weir_tokens_total{bucket="cache_read",model="gpt-4o-mini",provider="openai"} 5`,
		`weir_cost_usd_total{model="gpt-4o-mini",provider="openai"} 0.01`,
		`weir_time_to_first_token_seconds_sum{provider="openai"} 0.3`,
		`weir_call_duration_seconds_sum{endpoint="chat.completions",provider="openai"} 2`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}
