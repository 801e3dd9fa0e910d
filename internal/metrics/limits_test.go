package metrics

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRefusalsAndBudgets(t *testing.T) {
	s := New("v", func() Spool { return Spool{} })
	r := s.CountRefusals()
	s.WatchBudgets(func() []Budget {
		return []Budget{{Name: "team \"a\"\n", Used: 0.5, RemainingUSD: 1.25, Dollars: true}, {Name: "calls", Used: 1}, {Name: "calls", Used: 0.2}}
	})
	r.Limit("user=*", "requests")
	r.Limit("user=*", "requests")
	r.Budget("team")
	for i := range 2 * maxNames {
		r.Budget(fmt.Sprint("b", i))
	}
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	text := rec.Body.String()
	for _, want := range []string{
		`weir_limit_refusals_total{kind="requests",rule="user=*"} 2`,
		`weir_budget_refusals_total{budget="team"} 1`,
		`weir_budget_refusals_total{budget="other"} 202`,
		`weir_budget_used_ratio{budget="team \"a\"\n"} 0.5`,
		`weir_budget_remaining_usd{budget="team \"a\"\n"} 1.25`,
		`weir_budget_used_ratio{budget="calls"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, `weir_budget_remaining_usd{budget="calls"}`) {
		t.Error("a budget without a limit in dollars has dollars left")
	}
}
