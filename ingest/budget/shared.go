package budget

import (
	"context"
	"errors"
	"time"
)

// ErrAway says that a Shared ledger cannot be reached, or does not answer in time. What was asked of it may have been done.
var ErrAway = errors.New("the shared ledger cannot be reached")

// ErrLost says that a Shared ledger has no such account: nobody joined it, it lost what it had, or it was
// opened anew by another. Nothing was done.
var ErrLost = errors.New("the shared ledger has no such account")

// Shared is a Ledger that several guards count in at once, and that outlives them. Its accounts are opened once for all, by
// Join; what names one that is not there answers ErrLost.
//
// An account counts the calls that began since it was opened. Of those before, the store of records tells: Fill is asked
// for again and again for an hour, since calls that were under way end later, and what was recorded reaches the store later
// still.
type Shared interface {
	Ledger
	// Join opens the accounts that are not there and says how each stands. An account is asked to be filled by one caller
	// at a time.
	Join(ctx context.Context, accounts []*Account, now time.Time) ([]Standing, error)
	// Carry holds what h claims, whether there is room or not, of a call that began before its accounts did. What it is
	// settled with counts until carried has passed and the store tells of it. Its owner gone, it is released.
	Carry(ctx context.Context, h *Hold, now time.Time) error
	// ChargeOnce counts what calls cost that began at a moment, once for each id. Accounts that count from later on leave
	// it out: it is in their past.
	ChargeOnce(ctx context.Context, id string, accounts []*Account, cost Amount, began, now time.Time) error
}

// Standing is how an account of a Shared ledger stands.
type Standing struct {
	Since  time.Time // calls that began before are in its past
	Filled bool      // its past is known, up to what the store had not been told yet
	Fill   bool      // the caller is to fill it now
}

// Carried is how long the cost of a call that began before its accounts did is held when it has ended. By then it is in
// the store, if the store is there, and the account was filled again.
const Carried = time.Minute

// FillAgain is when an account is filled after it was opened, beside the first time.
var FillAgain = []time.Duration{15 * time.Second, 40 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
