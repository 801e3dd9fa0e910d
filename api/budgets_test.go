package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/price/advice"
	"github.com/weir-dev/weir/trace"
)

// memoryBudgets keeps budgets in memory, and says of them what it is told.
type memoryBudgets struct {
	mu    sync.Mutex // guards list
	list  map[string]price.Budget
	usage map[string]BudgetUsage
	holds []BudgetHold

	events []price.BudgetEvent
	asked  price.BudgetEventQuery
	facts  advice.Facts
	filter trace.Filter
}

func (m *memoryBudgets) PutBudget(_ context.Context, b price.Budget) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.list {
		if other.Name == b.Name && other.ID != b.ID {
			return price.ErrBudgetTaken
		}
	}
	if m.list == nil {
		m.list = map[string]price.Budget{}
	}
	m.list[b.ID] = b
	return nil
}

func (m *memoryBudgets) ListBudgets(context.Context) ([]price.Budget, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.list), func(a, b price.Budget) int { return cmp.Compare(a.Name, b.Name) }), nil
}

func (m *memoryBudgets) DeleteBudget(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.list[id]; !ok {
		return price.ErrNoBudget
	}
	delete(m.list, id)
	return nil
}

func (m *memoryBudgets) Usage(context.Context) (map[string]BudgetUsage, error) { return m.usage, nil }

func (m *memoryBudgets) Holds(context.Context) ([]BudgetHold, error) { return m.holds, nil }

func (m *memoryBudgets) Release(_ context.Context, id string) error {
	n := len(m.holds)
	m.holds = slices.DeleteFunc(m.holds, func(h BudgetHold) bool { return h.ID == id })
	if len(m.holds) == n {
		return ErrNoHold
	}
	return nil
}

func TestABudgetIsMadeShownChangedAndRemoved(t *testing.T) {
	w := newWorld(t)
	rec := w.ask("POST", "/budgets", `{"name":"team","scope":{"project":"p","tag.team":"a"},"window":"day","timezone":"Europe/Berlin","limit_usd":"1.50","policy":"strict","soft":[50,80]}`)
	if rec.Code != http.StatusCreated || w.heard != 1 {
		t.Fatalf("%d %s, heard %d times", rec.Code, rec.Body, w.heard)
	}
	made := decode[budgetText](t, rec.Body.Bytes())
	if made.ID == "" || made.LimitUSD == nil || *made.LimitUSD != "1.500000000" || made.AtLimit != "refuse" || made.State != "filling" || made.LimitCalls != nil {
		t.Errorf("%s", rec.Body)
	}
	for _, c := range []struct {
		usage BudgetUsage
		state string
		left  string
	}{
		{BudgetUsage{Spent: BudgetAmount{USD: price.Cent}, Held: BudgetAmount{USD: 2 * price.Cent}, Percent: 0}, "ok", "1.470000000"},
		{BudgetUsage{Spent: BudgetAmount{USD: 80 * price.Cent}, Percent: 53}, "soft", "0.700000000"},
		{BudgetUsage{Spent: BudgetAmount{USD: 2 * price.Dollar}, Overrun: BudgetAmount{USD: 50 * price.Cent}, Percent: 133}, "spent", "0.000000000"},
		{BudgetUsage{Filling: true}, "filling", "1.500000000"},
	} {
		c.usage.From, c.usage.Until = t0, t0.Add(time.Hour)
		w.budgets.usage = map[string]BudgetUsage{made.ID: c.usage}
		var list struct{ Budgets []budgetText }
		w.get("/budgets", &list)
		if len(list.Budgets) != 1 {
			t.Fatalf("%+v", list)
		}
		b := list.Budgets[0]
		if b.State != c.state || b.RemainingUSD == nil || *b.RemainingUSD != c.left || b.RemainingCalls != nil || b.SpentUSD != c.usage.Spent.USD.String() ||
			b.OverrunUSD != c.usage.Overrun.USD.String() || !b.ResetsAt.Equal(t0.Add(time.Hour)) {
			t.Errorf("%+v, want %s with %s left", b, c.state, c.left)
		}
	}

	w.refused(w.ask("POST", "/budgets", `{"name":"team","window":"day","limit_calls":1}`), 400, llm.InvalidRequest, "there already")
	w.refused(w.ask("POST", "/budgets", `{"name":"x","limit_usd":"-1","policy":"lax"}`), 400, llm.InvalidRequest, "window: missing", "below zero", "lax")
	w.refused(w.ask("PUT", "/budgets/nothere", `{"name":"x","window":"day","limit_calls":1}`), 404, llm.NotFound)
	w.refused(w.ask("DELETE", "/budgets/nothere", ""), 404, llm.NotFound)

	rec = w.ask("PUT", "/budgets/"+made.ID, `{"name":"other","window":"rolling:24h","limit_tokens":1000,"at_limit":"alert"}`)
	changed := decode[budgetText](t, rec.Body.Bytes())
	if rec.Code != http.StatusOK || changed.ID != made.ID || changed.LimitUSD != nil || changed.Window != "rolling:24h" || !changed.CreatedAt.Equal(made.CreatedAt) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec := w.ask("DELETE", "/budgets/"+made.ID, ""); rec.Code != http.StatusNoContent || w.heard != 3 {
		t.Errorf("%d %s, heard %d times", rec.Code, rec.Body, w.heard)
	}
}

// budgetText is a budget as clients read it.
type budgetText struct {
	ID             string
	State, Window  string
	LimitUSD       *string   `json:"limit_usd"`
	LimitCalls     *int64    `json:"limit_calls"`
	AtLimit        string    `json:"at_limit"`
	SpentUSD       string    `json:"spent_usd"`
	OverrunUSD     string    `json:"overrun_usd"`
	RemainingUSD   *string   `json:"remaining_usd"`
	RemainingCalls *int64    `json:"remaining_calls"`
	ResetsAt       time.Time `json:"resets_at"`
	CreatedAt      time.Time `json:"created_at"`
}

func TestHoldsAreShownAndReleased(t *testing.T) {
	w := newWorld(t)
	w.budgets.holds = []BudgetHold{{
		ID: "c.1", Call: "c", Attempt: 1, State: "sent", Project: "p", Began: t0, Expires: t0.Add(time.Minute),
		Claims: map[string]BudgetAmount{"b2": {Calls: 1}, "b1": {USD: price.Cent, Tokens: 7, Calls: 1}},
	}}
	rec := w.ask("GET", "/budgets/holds", "")
	const want = `"state":"sent","project":"p","key":"","model":"","provider":"","began":"2026-11-23T08:00:00.123456Z","expires_at":"2026-11-23T08:01:00.123456Z",` +
		`"budgets":[{"id":"b1","usd":"0.010000000","tokens":7,"calls":1},{"id":"b2","usd":"0.000000000","tokens":0,"calls":1}]}]}`
	if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), want) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec := w.ask("POST", "/budgets/holds/c.1/release", ""); rec.Code != http.StatusNoContent {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.refused(w.ask("POST", "/budgets/holds/c.1/release", ""), 404, llm.NotFound)
	w.refused(w.ask("DELETE", "/budgets/holds", ""), 405, llm.MethodNotAllowed, "GET")
}
