package online

import (
	"context"
	"errors"
	"time"
)

// Errors of stores. Test with errors.Is.
var (
	ErrNoRule = errors.New("no such rule")
	ErrMoved  = errors.New("somebody else has looked further")
)

// Position says how far a rule has looked.
type Position struct {
	From   time.Time `json:"from"`   // arrivals before it are not the rule's; zero: the rule is new
	Until  time.Time `json:"until"`  // arrivals before it were looked at
	Minute time.Time `json:"minute"` // of the arrival that was taken last
	Taken  int       `json:"taken"`  // in that minute
	Moves  int64     `json:"-"`      // how often it changed
}

// Taken is a call that a rule takes.
type Taken struct {
	CallID string
	Came   time.Time
	Due    time.Time
	// Decided, if it is not nil, is what became of it at once: it does not wait.
	Decided []Decision
}

// Stored is a rule with how far it has looked and how many calls wait for it.
type Stored struct {
	Rule
	Position Position
	Waiting  int64
}

// Store keeps rules, what waits for them, and what became of it. Safe for concurrent use by several processes. Every change is made
// whole or not at all.
type Store interface {
	// PutOnlineRule stores a rule in place of the one of its name, whose position stays.
	PutOnlineRule(ctx context.Context, r Rule) error
	// OnlineRules gives all, by name.
	OnlineRules(ctx context.Context) ([]Stored, error)
	// RemoveOnlineRule removes a rule. What waited for it is skipped as Removed under its scorers; the ledger stays. ErrNoRule.
	RemoveOnlineRule(ctx context.Context, name string, at time.Time) error

	// TakeCalls moves a rule's position to next and takes calls; one that was taken before is passed over, decided or not. With forget,
	// decided calls that came before that time are forgotten. ErrMoved when the position is not the one of moves any more, or the rule is gone.
	TakeCalls(ctx context.Context, rule string, moves int64, next Position, calls []Taken, forget, at time.Time) error
	// WaitingCalls gives at most limit calls that wait and are due, the longest first.
	WaitingCalls(ctx context.Context, rule string, due time.Time, limit int) ([]string, error)
	// DecideCall says what became of a call that waits, and adds it to the ledger; false when it does not wait any more, and nothing changes.
	DecideCall(ctx context.Context, rule, callID string, decisions []Decision, at time.Time) (bool, error)

	// Ledger gives the entries of hours from since on, by rule, scorer, hour, outcome and reason. rule "" is all.
	Ledger(ctx context.Context, rule string, since time.Time) ([]Entry, error)

	// PutDrift stores rows, each in place of that of the same rule, scorer and day.
	PutDrift(ctx context.Context, rows []Drift) error
	// Drifts gives the rows of days from since on, newest day first, then by rule and scorer.
	Drifts(ctx context.Context, since time.Time) ([]Drift, error)
	// ForgetOnline forgets ledger and drift of before a time.
	ForgetOnline(ctx context.Context, before time.Time) error
}

// Leases let one of several weirs do the work.
type Leases interface {
	// TakeLease takes or renews a lease for so long; false when another has it.
	TakeLease(ctx context.Context, name, owner string, holds time.Duration) (bool, error)
}
