package trace

import (
	"context"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Bundle sums up spans that belong together: those of one trace, or those of one session of a project. Money and tokens
// are those of its calls, and are of the whole bundle whatever picked it.
type Bundle struct {
	ID    string    // of the trace or the session
	First CallRow   // its earliest span, of several a call rather than its attempt, and the longest; without its explanation; OutputPreview is empty
	Last  time.Time // start of its newest span
	End   time.Time // of the span that ended last

	Spans    int64 // of all kinds
	Calls    int64
	Errors   int64 // calls of status error
	Unpriced int64 // calls without a price
	Cost     price.USD
	Saved    price.USD
	Usage    llm.Usage
	Models   []string // that answered, at most 8 in order
	Users    []string // that asked, at most 8 in order
	Scores   int64    // that hold, of its calls
}

// BundlePage is a part of a list of bundles, the one with the newest call that the filter picks first.
type BundlePage struct {
	Bundles []Bundle
	Next    string // cursor of the next page, "" at the end
}

// UserOrder is what users are ordered by, largest first.
type UserOrder string

// The orders of users.
const (
	ByCost   UserOrder = "cost"
	ByCalls  UserOrder = "calls"
	ByTokens UserOrder = "tokens"
	ByErrors UserOrder = "errors"
)

// UserQuery asks for figures of end users.
type UserQuery struct {
	Filter Filter // without a User all that are named
	Order  UserOrder
	Limit  int // 1..1000
	Cursor string
}

// User is an end user's figures.
type User struct {
	Name string
	Sums
	LastSeen time.Time // start of the newest call; zero when the calls themselves are no longer kept
	Sessions int64     // of the calls that are kept
	Trend    []price.USD
}

// UserPage is a part of a list of users.
type UserPage struct {
	Users []User
	Count int64     // of all users that the filter picks
	Total Sums      // of all calls that the filter picks but for its User, those without a user among them
	Since time.Time // start of the first step of each Trend
	Step  time.Duration
	Next  string // cursor of the next page, "" at the end
}

// Bundles lists what belongs together. Safe for concurrent use. ErrAway is in the chain of an error that means the store
// is not there at the moment.
type Bundles interface {
	// Traces lists the traces that a call of the filter is in. limit is 1..1000. ErrBadCursor for a cursor that is not
	// this list's. A trace that gets a new call while its list is read page by page moves to the front.
	Traces(ctx context.Context, f Filter, limit int, cursor string) (BundlePage, error)
	// Sessions lists the sessions that a call of the filter is in, as Traces does. Sessions of two projects are two, even
	// of one name.
	Sessions(ctx context.Context, f Filter, limit int, cursor string) (BundlePage, error)
	// Users lists end users. ErrBadCursor for a cursor that is not this list's.
	Users(ctx context.Context, q UserQuery) (UserPage, error)
}
