package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/weir-dev/weir/price"
)

var eventParams = []param{
	{name: "since", about: "that happened last from this time on: RFC 3339, a day, or how long ago (15m, 24h, 30d, 2w)"},
	{name: "limit", about: "how many, 1 to 1000; 50 unless given", kind: "integer"},
	{name: "cursor", about: "the next of the page before"},
}

// budgetEvents are what happened to budgets, newest first.
type budgetEvents struct {
	Events []budgetEvent `json:"events"`
	Next   string        `json:"next"`
}

// budgetEvent is what happened to a budget in one of its windows. Thresholds are told once for each window; breaches are counted.
type budgetEvent struct {
	ID       string `json:"id"`
	BudgetID string `json:"budget_id"`
	Budget   string `json:"budget"` // its name at that time
	Kind     string `json:"kind"`   // threshold; refused, downgraded, cut, overrun: breaches

	WindowBeganAt *stamp `json:"window_began_at"` // null: a lifetime
	WindowEndsAt  *stamp `json:"window_ends_at"`  // null: the window has no end

	Threshold *int  `json:"threshold"` // percent of the limit; null: a breach
	Count     int64 `json:"count"`     // how often it happened in the window
	At        stamp `json:"at"`        // the first time
	LastAt    stamp `json:"last_at"`

	Spent price.BudgetFigures `json:"spent"` // when it happened first
	Limit eventLimit          `json:"limit"` // the budget's then
	Over  price.BudgetFigures `json:"over"`  // of overruns: what calls cost beyond what was held for them

	Webhook eventDelivery `json:"webhook"`
}

// eventLimit is a budget's limit; what is null bounds nothing.
type eventLimit struct {
	USD    *price.USD `json:"usd"`
	Tokens *int64     `json:"tokens"`
	Calls  *int64     `json:"calls"`
}

// eventDelivery says how far the telling of an event has come.
type eventDelivery struct {
	State string `json:"state"` // none: there is no webhook; waiting; delivered; failed: it was tried often enough
	Tries int    `json:"tries"`
	At    *stamp `json:"at"`    // of the last try
	Error string `json:"error"` // of the last try
}

func (a *API) listBudgetEvents(w http.ResponseWriter, r *http.Request) error {
	return a.answerEvents(w, r, "")
}

func (a *API) listEventsOfBudget(w http.ResponseWriter, r *http.Request) error {
	b, err := a.findBudget(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return a.answerEvents(w, r, b.ID)
}

func (a *API) answerEvents(w http.ResponseWriter, r *http.Request, id string) error {
	q := r.URL.Query()
	since, err := parseWhen("since", q.Get("since"), time.Now(), time.UTC)
	if err != nil {
		return err
	}
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	list, next, err := a.cfg.BudgetEvents.ListBudgetEvents(r.Context(), price.BudgetEventQuery{Budget: id, Since: since, Limit: limit, Cursor: q.Get("cursor")})
	if err != nil {
		return fmt.Errorf("list events of budgets: %w", err)
	}
	out := budgetEvents{Events: make([]budgetEvent, len(list)), Next: next}
	for i := range list {
		out.Events[i] = budgetEventOf(&list[i])
	}
	return answer(w, http.StatusOK, out)
}

func budgetEventOf(e *price.BudgetEvent) budgetEvent {
	out := budgetEvent{
		ID: e.ID(), BudgetID: e.Budget, Budget: e.Name, Kind: string(e.Kind), WindowBeganAt: stampOf(e.From), WindowEndsAt: stampOf(e.Until),
		Count: e.Count, At: stamp(e.At), LastAt: stamp(e.LastAt), Spent: e.Spent, Over: e.Over,
		Webhook: eventDelivery{State: string(e.Delivery.State), Tries: e.Delivery.Tries, At: stampOf(e.Delivery.At), Error: e.Delivery.Error},
	}
	if e.Kind == price.EventThreshold {
		out.Threshold = &e.Percent
	}
	if e.Limit.USD > 0 {
		out.Limit.USD = &e.Limit.USD
	}
	if e.Limit.Tokens > 0 {
		out.Limit.Tokens = &e.Limit.Tokens
	}
	if e.Limit.Calls > 0 {
		out.Limit.Calls = &e.Limit.Calls
	}
	return out
}
