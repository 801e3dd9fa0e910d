package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// BudgetLedger tells what is spent and held of budgets.
type BudgetLedger interface {
	// Usage gives the present window of each budget, by id.
	Usage(ctx context.Context) (map[string]BudgetUsage, error)
	// Holds lists what is held for calls, oldest first.
	Holds(ctx context.Context) ([]BudgetHold, error)
	// Release gives back what a hold took. ErrNoHold when there is none of this id.
	Release(ctx context.Context, id string) error
}

// ErrNoHold says that no hold has an id.
var ErrNoHold = errors.New("no such hold")

// BudgetUsage is a budget's present window.
type BudgetUsage struct {
	From, Until          time.Time // zero: it has no beginning, no end
	Spent, Held, Overrun BudgetAmount
	Percent              int  // of the limit that is spent the furthest
	Filling              bool // what was spent before is not all known yet
	// Overshoot is by how much the limit in dollars can be overspent; nil: the budget lets all pass, or has no such limit.
	Overshoot *BudgetOvershoot
}

// BudgetOvershoot is the most that calls admitted in the present window can cost together beyond what was held for them.
type BudgetOvershoot struct {
	USD       price.USD
	Unbounded int64 // calls admitted whose cost has no bound: USD says nothing of them
}

// BudgetAmount is what budgets add up.
type BudgetAmount struct {
	USD    price.USD
	Tokens int64
	Calls  int64
}

// BudgetHold is what is held for an attempt of a call.
type BudgetHold struct {
	ID, Call                      string
	Attempt                       int    // 0: of a call whose weir died
	State                         string // open: not sent; sent; presumed: sent, and nothing was heard of it since
	Project, Key, Model, Provider string
	Began, Expires                time.Time
	Claims                        map[string]BudgetAmount // by budget
}

// hold is a BudgetHold as the API writes it.
type hold struct {
	ID        string  `json:"id"`
	Call      string  `json:"call"`
	Attempt   int     `json:"attempt"` // 0: of a call whose weir died
	State     string  `json:"state"`   // open: not sent; sent; presumed: sent, and nothing was heard of it since
	Project   string  `json:"project"`
	Key       string  `json:"key"`
	Model     string  `json:"model"`
	Provider  string  `json:"provider"`
	Began     stamp   `json:"began"`
	ExpiresAt stamp   `json:"expires_at"`
	Budgets   []claim `json:"budgets"`
}

// claim is what a hold takes of one budget.
type claim struct {
	ID     string    `json:"id"`
	USD    price.USD `json:"usd"`
	Tokens int64     `json:"tokens"`
	Calls  int64     `json:"calls"`
}

// newBudget asks for a budget.
type newBudget struct {
	Name        string             `json:"name"`
	Scope       map[string]string  `json:"scope,omitempty"` // project, key, user, session, model, provider or tag.NAME, and its value; none: every call
	Window      price.Window       `json:"window"`          // minute, hour, day, week, month, quarter, year, lifetime, or rolling:24h
	Timezone    string             `json:"timezone,omitempty"`
	LimitUSD    *price.USD         `json:"limit_usd,omitempty"`
	LimitTokens *int64             `json:"limit_tokens,omitempty"`
	LimitCalls  *int64             `json:"limit_calls,omitempty"`
	Policy      price.BudgetPolicy `json:"policy,omitempty"`
	AtLimit     price.AtLimit      `json:"at_limit,omitempty"`
	Thresholds  *[]int             `json:"thresholds,omitempty"` // percents of a limit at which it is told, as is the limit itself; 50 and 80 unless given
	Soft        []int              `json:"soft,omitempty"`       // the same by an older name
}

// budget is a budget with its present window. Limits that are not set are null, and so is what remains of them.
type budget struct {
	ID          string             `json:"id"`
	Name        string             `json:"name"`
	Scope       map[string]string  `json:"scope"`
	Window      price.Window       `json:"window"`
	Timezone    string             `json:"timezone"`
	LimitUSD    *price.USD         `json:"limit_usd"`
	LimitTokens *int64             `json:"limit_tokens"`
	LimitCalls  *int64             `json:"limit_calls"`
	Policy      price.BudgetPolicy `json:"policy"`
	AtLimit     price.AtLimit      `json:"at_limit"`
	Thresholds  []int              `json:"thresholds"` // percents of a limit at which it is told; the last is the limit itself
	Soft        []int              `json:"soft"`       // those that were asked for
	CreatedAt   stamp              `json:"created_at"`
	UpdatedAt   stamp              `json:"updated_at"`

	State    string `json:"state"`     // ok; soft: a soft threshold is reached; spent; filling: what was spent before is not all known yet
	Percent  int    `json:"percent"`   // spent, of the limit that is spent the furthest
	BeganAt  *stamp `json:"began_at"`  // of the present window
	ResetsAt *stamp `json:"resets_at"` // null: a rolling window, or a lifetime

	SpentUSD    price.USD `json:"spent_usd"`
	SpentTokens int64     `json:"spent_tokens"`
	SpentCalls  int64     `json:"spent_calls"`

	HeldUSD    price.USD `json:"held_usd"`
	HeldTokens int64     `json:"held_tokens"`
	HeldCalls  int64     `json:"held_calls"`

	RemainingUSD    *price.USD `json:"remaining_usd"`
	RemainingTokens *int64     `json:"remaining_tokens"`
	RemainingCalls  *int64     `json:"remaining_calls"`

	OverrunUSD    price.USD `json:"overrun_usd"` // of what is spent: beyond what was held
	OverrunTokens int64     `json:"overrun_tokens"`

	// By how much the limit in dollars can be overspent by calls admitted in the window until now: the most that those under way
	// together can have cost beyond their holds. 0 for a strict budget; null: it has no such bound, for it lets all pass, has no
	// limit in dollars, or admitted calls without a bound.
	OvershootBoundUSD *price.USD `json:"overshoot_bound_usd"`
	UnboundedCalls    int64      `json:"unbounded_calls"` // those
}

// budgetList is all budgets.
type budgetList struct {
	Budgets []budget `json:"budgets"`
}

// holdList is all holds.
type holdList struct {
	Holds []hold `json:"holds"`
}

func (a *API) listBudgets(w http.ResponseWriter, r *http.Request) error {
	list, err := a.cfg.Budgets.ListBudgets(r.Context())
	if err != nil {
		return fmt.Errorf("list budgets: %w", err)
	}
	out := budgetList{Budgets: make([]budget, len(list))}
	usage, err := a.cfg.BudgetLedger.Usage(r.Context())
	if err != nil {
		return fmt.Errorf("list budgets: %w", err)
	}
	for i, b := range list {
		out.Budgets[i] = budgetOf(b, usage)
	}
	return answer(w, http.StatusOK, out)
}

// budgetOf shows a budget.
func budgetOf(b price.Budget, usage map[string]BudgetUsage) budget {
	u, known := usage[b.ID]
	out := budget{
		ID: b.ID, Name: b.Name, Scope: b.Scope, Window: b.Window, Timezone: cmp.Or(b.Timezone, "UTC"), Policy: b.Policy, AtLimit: b.AtLimit,
		Soft: b.Soft, CreatedAt: stamp(b.CreatedAt), UpdatedAt: stamp(b.UpdatedAt),
		State: "ok", Percent: u.Percent, BeganAt: stampOf(u.From), ResetsAt: stampOf(u.Until),
		SpentUSD: u.Spent.USD, SpentTokens: u.Spent.Tokens, SpentCalls: u.Spent.Calls,
		HeldUSD: u.Held.USD, HeldTokens: u.Held.Tokens, HeldCalls: u.Held.Calls,
		OverrunUSD: u.Overrun.USD, OverrunTokens: u.Overrun.Tokens,
	}
	if out.Scope == nil {
		out.Scope = map[string]string{}
	}
	if out.Soft == nil {
		out.Soft = []int{}
	}
	out.Thresholds = slices.Clone(out.Soft)
	if n := len(out.Thresholds); n == 0 || out.Thresholds[n-1] != 100 {
		out.Thresholds = append(out.Thresholds, 100)
	}
	if o := u.Overshoot; o != nil {
		if out.UnboundedCalls = o.Unbounded; o.Unbounded == 0 {
			out.OvershootBoundUSD = &o.USD
		}
	}
	out.LimitUSD, out.RemainingUSD = leftOf(b.LimitUSD, u.Spent.USD, u.Held.USD)
	out.LimitTokens, out.RemainingTokens = leftOf(b.LimitTokens, u.Spent.Tokens, u.Held.Tokens)
	out.LimitCalls, out.RemainingCalls = leftOf(b.LimitCalls, u.Spent.Calls, u.Held.Calls)
	switch {
	case u.Filling || !known:
		out.State = "filling"
	case u.Percent >= 100:
		out.State = "spent"
	case slices.ContainsFunc(b.Soft, func(p int) bool { return u.Percent >= p }):
		out.State = "soft"
	}
	return out
}

// leftOf is a limit and what is left of it; two nils without a limit.
func leftOf[T price.USD | int64](limit, spent, held T) (set, left *T) {
	if limit == 0 {
		return nil, nil
	}
	rest := max(0, limit-min(spent, limit)-min(held, limit))
	return &limit, &rest
}

// budget checks what is asked for.
func (in *newBudget) budget(id string, made, now time.Time) (price.Budget, error) {
	b := price.Budget{
		ID: id, Name: in.Name, Scope: in.Scope, Window: in.Window, Timezone: in.Timezone, Policy: in.Policy, AtLimit: in.AtLimit, Soft: in.Soft,
		CreatedAt: made.UTC().Truncate(time.Microsecond), UpdatedAt: now.UTC().Truncate(time.Microsecond),
	}
	switch {
	case in.Thresholds != nil:
		b.Soft = *in.Thresholds
	case in.Soft == nil:
		b.Soft = []int{50, 80}
	}
	if in.LimitUSD != nil {
		b.LimitUSD = *in.LimitUSD
	}
	if in.LimitTokens != nil {
		b.LimitTokens = *in.LimitTokens
	}
	if in.LimitCalls != nil {
		b.LimitCalls = *in.LimitCalls
	}
	return b, b.Check()
}

func (a *API) createBudget(w http.ResponseWriter, r *http.Request) error {
	var in newBudget
	if err := read(r, &in); err != nil {
		return err
	}
	now := time.Now()
	b, err := in.budget(llm.NewID(now), now, now)
	if err != nil {
		return err
	}
	return a.putBudget(w, r, b, http.StatusCreated)
}

func (a *API) changeBudget(w http.ResponseWriter, r *http.Request) error {
	var in newBudget
	if err := read(r, &in); err != nil {
		return err
	}
	list, err := a.cfg.Budgets.ListBudgets(r.Context())
	if err != nil {
		return fmt.Errorf("change budget: %w", err)
	}
	i := slices.IndexFunc(list, func(b price.Budget) bool { return b.ID == r.PathValue("id") })
	if i < 0 {
		return price.ErrNoBudget
	}
	b, err := in.budget(list[i].ID, list[i].CreatedAt, time.Now())
	if err != nil {
		return err
	}
	return a.putBudget(w, r, b, http.StatusOK)
}

// putBudget stores a budget, puts it into force and shows it.
func (a *API) putBudget(w http.ResponseWriter, r *http.Request, b price.Budget, status int) error {
	if err := a.cfg.Budgets.PutBudget(r.Context(), b); err != nil {
		return fmt.Errorf("set budget: %w", err)
	}
	a.budgetsChanged(r.Context())
	usage, err := a.cfg.BudgetLedger.Usage(r.Context())
	if err != nil {
		return fmt.Errorf("set budget: %w", err)
	}
	return answer(w, status, budgetOf(b, usage))
}

// budgetsChanged must not fail the request: the change is stored, and is found a little later in any case.
func (a *API) budgetsChanged(ctx context.Context) {
	if err := a.cfg.BudgetsChanged(context.WithoutCancel(ctx)); err != nil {
		a.cfg.Log.Warn("budgets changed, but were not read again", "error", err)
	}
}

func (a *API) deleteBudget(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Budgets.DeleteBudget(r.Context(), r.PathValue("id")); err != nil {
		return fmt.Errorf("delete budget: %w", err)
	}
	a.budgetsChanged(r.Context())
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) listHolds(w http.ResponseWriter, r *http.Request) error {
	holds, err := a.cfg.BudgetLedger.Holds(r.Context())
	if err != nil {
		return fmt.Errorf("list holds: %w", err)
	}
	out := holdList{Holds: make([]hold, len(holds))}
	for i, h := range holds {
		out.Holds[i] = hold{
			ID: h.ID, Call: h.Call, Attempt: h.Attempt, State: h.State, Project: h.Project, Key: h.Key, Model: h.Model, Provider: h.Provider,
			Began: stamp(h.Began), ExpiresAt: stamp(h.Expires), Budgets: []claim{},
		}
		for _, id := range slices.Sorted(maps.Keys(h.Claims)) {
			c := h.Claims[id]
			out.Holds[i].Budgets = append(out.Holds[i].Budgets, claim{id, c.USD, c.Tokens, c.Calls})
		}
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) releaseHold(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.BudgetLedger.Release(r.Context(), r.PathValue("id")); err != nil {
		return fmt.Errorf("release hold: %w", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
