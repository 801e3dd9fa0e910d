// Package budget holds room in every budget that a call counts against before it is sent, and settles what it cost afterwards.
package budget

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/weir-dev/weir/price"
)

// Amount is what a budget adds up. No part is ever negative: usage does not pay money back.
type Amount struct {
	USD    price.USD `json:"usd"`
	Tokens int64     `json:"tokens"`
	Calls  int64     `json:"calls"`
}

// Plus adds without running over.
func (a Amount) Plus(b Amount) Amount {
	return Amount{USD: price.USD(add(int64(a.USD), int64(b.USD))), Tokens: add(a.Tokens, b.Tokens), Calls: add(a.Calls, b.Calls)}
}

// Minus subtracts, down to nothing.
func (a Amount) Minus(b Amount) Amount {
	return Amount{USD: max(0, a.USD-b.USD), Tokens: max(0, a.Tokens-b.Tokens), Calls: max(0, a.Calls-b.Calls)}
}

// positive is the amount without what is below zero or more than a row can hold.
func (a Amount) positive() Amount {
	return Amount{
		USD: min(max(0, a.USD), price.MaxUSD), Tokens: min(max(0, a.Tokens), math.MaxInt64/2), Calls: min(max(0, a.Calls), math.MaxInt64/2),
	}
}

func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Within says whether the amount is inside a limit whose zero parts bound nothing.
func (a Amount) Within(limit Amount) bool {
	return (limit.USD == 0 || a.USD <= limit.USD) && (limit.Tokens == 0 || a.Tokens <= limit.Tokens) && (limit.Calls == 0 || a.Calls <= limit.Calls)
}

// Account is a budget as a ledger keeps it. It must not be changed once it was given to one.
type Account struct {
	ID     string
	Window price.Window
	Zone   *time.Location // of a calendar window
	Limit  Amount         // parts that are zero bound nothing
	Hard   bool           // a hold that does not fit is refused; else it passes and is counted all the same

	// Sums names what is added up, for a Shared ledger: there an ID with other Sums is another account.
	Sums string
	// Since is when the account was opened, as far as is known, in a Shared ledger: one that was opened again since then does
	// not count for the same. Zero: any will do.
	Since time.Time
	// Strict says that nothing may be held while nobody can tell what there is: see Replica.
	Strict bool
}

// Claim is what a hold takes of one account.
type Claim struct {
	Account *Account
	Amount  Amount
}

// Hold is room that is set aside for one attempt of one call.
type Hold struct {
	ID      string // the call's id and the attempt's number: at most one hold ever has it
	Call    string
	Attempt int
	Claims  []Claim
	Began   time.Time
	Expires time.Time // when it ends by itself, unless it is extended

	Project, Key, Model, Provider string // for people who look at holds
}

// State says how far a hold has come.
type State string

// Open: not sent yet; it is released when it expires. Sent: the provider has the call. Presumed: it was sent, and
// whoever sent it has not been heard of since; it counts as spent at what was held until it is settled or released by hand.
const (
	Open     State = "open"
	Sent     State = "sent"
	Presumed State = "presumed"
)

// Refusal says that an account has no room for a hold.
type Refusal struct {
	Account *Account
	Usage   Usage // of the account, without the hold
	Wanted  Amount
}

// Usage is what an account holds in its present window.
type Usage struct {
	From, Until time.Time // [From, Until); a rolling window ends now, and Until is zero there as in a lifetime
	Spent       Amount
	Held        Amount // by open, sent and presumed holds
	Overrun     Amount // of Spent: what calls cost beyond what was held for them
}

// Remaining is what is left below a limit; a part without a limit is zero.
func (u Usage) Remaining(limit Amount) Amount { return limit.Minus(u.Spent).Minus(u.Held) }

// Past is what calls cost before a ledger counted them.
type Past struct {
	At     time.Time
	Amount Amount
}

// HeldNow is a hold as a ledger keeps it.
type HeldNow struct {
	Hold
	State State
}

// ErrNoHold says that a ledger has no hold of an id: it was settled or released, or never made.
var ErrNoHold = errors.New("no such hold")

// Ledger keeps accounts. It is safe for concurrent use. Times are given to it, so that all that share one agree on what
// the time is; it never takes time to run backwards.
//
// A window begins and ends as price.Window says. A rolling one of length d is kept in buckets of d/60: an amount counts
// for d, and for up to d/60 longer, never shorter. What a hold takes is charged to the window in which the hold began,
// whenever it is settled. An account is made by the first hold or Fill that names it.
//
// An error means that the ledger cannot be reached and that nothing is known of what was asked of it.
type Ledger interface {
	// Hold takes what h claims of all its accounts in one step, or of none: then it answers the hard accounts that have no
	// room. An account has room when spent, held and claimed together stay within its limit. An id that is held or was
	// refused before may be used again after a refusal only.
	Hold(ctx context.Context, h *Hold, now time.Time) ([]Refusal, error)
	// Dispatched notes that the provider is about to have the call. ErrNoHold when the hold has ended.
	Dispatched(ctx context.Context, id string) error
	// Extend keeps a hold from expiring before until, and raises what it claims of each account to at least total, in one
	// step or not at all. What raises nothing is never refused. ErrNoHold when the hold has ended.
	Extend(ctx context.Context, id string, total Amount, until, now time.Time) ([]Refusal, error)
	// Settle ends a hold with what the call cost: once for each id, further times answer ErrNoHold. It is never refused.
	// What is beyond the hold is charged too, as overrun; so is all of a hold that was released or had expired.
	Settle(ctx context.Context, id string, cost Amount, now time.Time) error
	// Release gives back what a hold claims: of a call that was not sent, or by hand. ErrNoHold when the hold has ended.
	Release(ctx context.Context, id string, now time.Time) error
	// Expire ends the holds whose time is over: the open ones are released, the sent ones presumed spent.
	Expire(ctx context.Context, now time.Time) error
	// Charge counts what a call cost for which nothing was held.
	Charge(ctx context.Context, accounts []*Account, cost Amount, now time.Time) error

	// Fill puts what is known of the past of an account in place of what was filled before, with the holds of calls that were
	// lost, which count as presumed. What was held, settled and charged here stays beside it.
	Fill(ctx context.Context, a *Account, past []Past, lost []Hold, now time.Time) error
	// Forget drops an account. Holds go on without it.
	Forget(ctx context.Context, a *Account) error

	// Usage is an account's present window; zero, with its bounds, for an account that nothing was counted against.
	Usage(ctx context.Context, a *Account, now time.Time) (Usage, error)
	// Holds lists the holds there are, oldest first.
	Holds(ctx context.Context) ([]HeldNow, error)
}
