package price

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Budget bounds what the calls that its scope picks may cost, in each of its windows.
type Budget struct {
	ID       string
	Name     string
	Scope    map[string]string // what a call must have: see ScopeNames; empty: every call of this installation
	Window   Window
	Timezone string // of calendar windows, an IANA name; "" is UTC

	// At least one limit. All that are set hold.
	LimitUSD    USD   // 0: none
	LimitTokens int64 // input and output; 0: none
	LimitCalls  int64 // 0: none

	Policy  BudgetPolicy
	AtLimit AtLimit
	Soft    []int // percent of a limit, at which it is told; ascending

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Window says which calls a budget adds up.
type Window string

// Calendar windows begin with their first moment in the budget's time zone, weeks on Monday. Rolling windows are the word
// rolling and a duration: rolling:24h. Lifetime never ends.
const (
	Minute   Window = "minute"
	Hour     Window = "hour"
	Day      Window = "day"
	Week     Window = "week"
	Month    Window = "month"
	Quarter  Window = "quarter"
	Year     Window = "year"
	Lifetime Window = "lifetime"
)

// RollingPrefix begins a rolling window's name.
const RollingPrefix = "rolling:"

// BudgetPolicy says what is held for a call before it is sent.
type BudgetPolicy string

// Expected holds what such calls cost as a rule: the limit can be overshot, by a bound that is told. Strict holds the most that
// a call can cost: the limit is never overshot, and a call without such a bound is refused.
const (
	Expected BudgetPolicy = "expected"
	Strict   BudgetPolicy = "strict"
)

// AtLimit says what happens to a call for which there is no room.
type AtLimit string

// RefuseCall answers 429. Downgrade tries the route's next target. AlertOnly lets it pass and tells.
const (
	RefuseCall AtLimit = "refuse"
	Downgrade  AtLimit = "downgrade"
	AlertOnly  AtLimit = "alert"
)

// ScopeNames are what a scope can name, beside tag.NAME.
var ScopeNames = []string{"project", "key", "user", "session", "model", "provider"}

// ErrBudget is in the chain of an error that says what is wrong with a budget.
var ErrBudget = errors.New("not a budget")

// Check fills what a budget leaves open, and says everything that is wrong with it.
func (b *Budget) Check() error {
	var wrong []string
	bad := func(is bool, format string, args ...any) {
		if is {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	if b.Policy == "" {
		b.Policy = Expected
	}
	if b.AtLimit == "" {
		b.AtLimit = RefuseCall
	}
	bad(strings.TrimSpace(b.Name) == "" || len(b.Name) > 100, "name: want 1 to 100 characters")
	for name, value := range b.Scope {
		tag, isTag := strings.CutPrefix(name, "tag.")
		bad(!isTag && !slices.Contains(ScopeNames, name) || isTag && tag == "", "scope: %q is none of %s or tag.NAME", name, strings.Join(ScopeNames, ", "))
		bad(value == "", "scope: %s is empty; leave it out to mean every one", name)
	}
	bad(b.Window == "", "window: missing; one of %s, or rolling:24h", strings.Join(windowNames(), ", "))
	if b.Window != "" {
		if err := b.Window.check(); err != nil {
			wrong = append(wrong, "window: "+err.Error())
		}
	}
	if _, err := b.Location(); err != nil {
		wrong = append(wrong, fmt.Sprintf("timezone: %q is no time zone of the IANA database, such as Europe/Berlin", b.Timezone))
	}
	bad(b.LimitUSD < 0 || b.LimitTokens < 0 || b.LimitCalls < 0, "limit: below zero")
	bad(b.LimitUSD == 0 && b.LimitTokens == 0 && b.LimitCalls == 0, "limit: missing; set limit_usd, limit_tokens or limit_calls")
	bad(b.Policy != Expected && b.Policy != Strict, "policy: %q is neither expected nor strict", b.Policy)
	bad(b.AtLimit != RefuseCall && b.AtLimit != Downgrade && b.AtLimit != AlertOnly, "at_limit: %q is none of refuse, downgrade, alert", b.AtLimit)
	for i, p := range b.Soft {
		bad(p <= 0 || p > 100 || i > 0 && p <= b.Soft[i-1], "soft: want percents from 1 to 100, ascending")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrBudget, strings.Join(wrong, "; "))
	}
	return nil
}

// Location is the budget's time zone.
func (b *Budget) Location() (*time.Location, error) {
	if b.Timezone == "" {
		return time.UTC, nil
	}
	return time.LoadLocation(b.Timezone)
}

func windowNames() []string {
	return []string{string(Minute), string(Hour), string(Day), string(Week), string(Month), string(Quarter), string(Year), string(Lifetime)}
}

// Rolling is the length of a rolling window, and false for any other.
func (w Window) Rolling() (time.Duration, bool) {
	text, ok := strings.CutPrefix(string(w), RollingPrefix)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= time.Minute && d <= 366*24*time.Hour
}

func (w Window) check() error {
	if slices.Contains(windowNames(), string(w)) {
		return nil
	}
	if _, ok := w.Rolling(); ok {
		return nil
	}
	return fmt.Errorf("%q is none of %s, nor rolling: and a duration from 1m to 8784h", string(w), strings.Join(windowNames(), ", "))
}

// Span is the window that holds a moment: [from, until). A lifetime's until is the zero time. A rolling window ends with
// the moment.
func (w Window) Span(at time.Time, zone *time.Location) (from, until time.Time) {
	if d, ok := w.Rolling(); ok {
		return at.Add(-d), at
	}
	t := at.In(zone)
	y, m, d := t.Date()
	switch w {
	case Minute: // zones are whole minutes from UTC since 1972
		from = at.Truncate(time.Minute)
		return from, from.Add(time.Minute)
	case Hour:
		from = time.Date(y, m, d, t.Hour(), 0, 0, 0, zone)
		for from.After(at) { // the hour that a change of the clocks repeats
			from = from.Add(-time.Hour)
		}
		for !from.Add(time.Hour).After(at) {
			from = from.Add(time.Hour)
		}
		return from, from.Add(time.Hour)
	case Day:
		return time.Date(y, m, d, 0, 0, 0, 0, zone), time.Date(y, m, d+1, 0, 0, 0, 0, zone)
	case Week:
		d -= (int(t.Weekday()) + 6) % 7
		return time.Date(y, m, d, 0, 0, 0, 0, zone), time.Date(y, m, d+7, 0, 0, 0, 0, zone)
	case Month:
		return time.Date(y, m, 1, 0, 0, 0, 0, zone), time.Date(y, m+1, 1, 0, 0, 0, 0, zone)
	case Quarter:
		m -= (m - 1) % 3
		return time.Date(y, m, 1, 0, 0, 0, 0, zone), time.Date(y, m+3, 1, 0, 0, 0, 0, zone)
	case Year:
		return time.Date(y, 1, 1, 0, 0, 0, 0, zone), time.Date(y+1, 1, 1, 0, 0, 0, 0, zone)
	}
	return time.Time{}, time.Time{}
}

// Errors of a Budgets. Test with errors.Is.
var (
	ErrNoBudget    = errors.New("no such budget")
	ErrBudgetTaken = errors.New("a budget of this name is there already")
	ErrEventCursor = errors.New("not a cursor of a list of events")
)
