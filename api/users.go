package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

var userOrders = []string{string(trace.ByCost), string(trace.ByCalls), string(trace.ByTokens), string(trace.ByErrors)}

var userParams = []param{
	{name: "order", about: "largest first by this; cost unless given", enum: userOrders},
	{name: "limit", about: "how many, 1 to 1000; 50 unless given", kind: "integer"},
	{name: "cursor", about: "the next of the page before"},
}

// endUser is an end user's figures.
type endUser struct {
	User string `json:"user"`
	sums
	LastSeen *stamp      `json:"last_seen"` // null: no call is kept
	Sessions int64       `json:"sessions"`  // of calls that are kept
	Trend    []price.USD `json:"trend"`     // dollars in each step
}

// userList is a page of end users.
type userList struct {
	Users       []endUser `json:"users"`
	Count       int64     `json:"count"`        // of all users that the filter picks
	Total       sums      `json:"total"`        // of all calls, those without a user among them, whoever asked
	TrendSince  *stamp    `json:"trend_since"`  // start of the first step; null without users
	StepSeconds float64   `json:"step_seconds"` // of a trend
	Next        string    `json:"next"`         // "" at the end
}

func (a *API) listUsers(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	order := cmp.Or(q.Get("order"), string(trace.ByCost))
	if !slices.Contains(userOrders, order) {
		return bad("order", "order=%q is unknown: want %s", clip(order), strings.Join(userOrders, ", "))
	}
	f, err := readFilter(q, time.Now(), time.UTC)
	if err != nil {
		return err
	}
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	page, err := a.cfg.Bundles.Users(r.Context(), trace.UserQuery{Filter: f, Order: trace.UserOrder(order), Limit: limit, Cursor: q.Get("cursor")})
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	out := userList{
		Users: make([]endUser, len(page.Users)), Count: page.Count, Total: sumsOf(&page.Total), TrendSince: stampOf(page.Since),
		StepSeconds: page.Step.Seconds(), Next: page.Next,
	}
	for i := range page.Users {
		u := &page.Users[i]
		out.Users[i] = endUser{User: u.Name, sums: sumsOf(&u.Sums), LastSeen: stampOf(u.LastSeen), Sessions: u.Sessions, Trend: list(u.Trend)}
	}
	return answer(w, http.StatusOK, out)
}
