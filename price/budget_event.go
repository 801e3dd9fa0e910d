package price

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// BudgetEvent is something that happened to a budget in one of its windows: once for each threshold, and a count of each kind of
// breach.
type BudgetEvent struct {
	Budget string // its id
	Name   string // the budget's, at that time
	Kind   BudgetEventKind

	// Of the window; From is zero for a lifetime, Until for a window without an end. A rolling window counts as a new one each
	// time that its length has passed.
	From, Until time.Time

	Percent int           // of a threshold; else 0
	Count   int64         // how often it happened in the window; 1 for a threshold
	At      time.Time     // the first time
	LastAt  time.Time     // the last one
	Spent   BudgetFigures // when it happened first
	Limit   BudgetFigures // the budget's then; zero parts bound nothing
	Over    BudgetFigures // of overruns: what calls cost beyond what was held for them

	Delivery Delivery
}

// BudgetFigures are what budgets add up.
type BudgetFigures struct {
	USD    USD   `json:"usd"`
	Tokens int64 `json:"tokens"`
	Calls  int64 `json:"calls"`
}

// Plus adds two figures.
func (f BudgetFigures) Plus(g BudgetFigures) BudgetFigures {
	return BudgetFigures{f.USD + g.USD, f.Tokens + g.Tokens, f.Calls + g.Calls}
}

// BudgetEventKind says what happened.
type BudgetEventKind string

// A threshold was crossed; calls were refused; targets were passed over for a cheaper one; streams were cut; calls cost more than was
// held for them.
const (
	EventThreshold  BudgetEventKind = "threshold"
	EventRefused    BudgetEventKind = "refused"
	EventDowngraded BudgetEventKind = "downgraded"
	EventCut        BudgetEventKind = "cut"
	EventOverrun    BudgetEventKind = "overrun"
)

// Delivery says how far the telling of an event to a webhook has come.
type Delivery struct {
	State DeliveryState
	Tries int
	Next  time.Time // while waiting: not to be tried before
	At    time.Time // of the last try
	Error string    // of the last try; "" when it went well
}

// DeliveryState is one of the states of a Delivery.
type DeliveryState string

// Nobody is to be told; it is to be told; it was told; it was tried often enough.
const (
	DeliveryNone    DeliveryState = "none"
	DeliveryWaiting DeliveryState = "waiting"
	DeliveryDone    DeliveryState = "delivered"
	DeliveryFailed  DeliveryState = "failed"
)

// ID is the same for the same budget, kind, window and threshold under the same limits, in every process.
func (e *BudgetEvent) ID() string {
	limit := BudgetFigures{}
	if e.Kind == EventThreshold { // under a raised limit a threshold can be crossed again; breaches of a window are counted together
		limit = e.Limit
	}
	from := int64(0)
	if !e.From.IsZero() {
		from = e.From.UnixMicro()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d\x00%d\x00%d\x00%d\x00%d", e.Budget, e.Kind, from, e.Percent, limit.USD, limit.Tokens, limit.Calls))
	return hex.EncodeToString(sum[:16])
}

// BudgetEventQuery picks events. Zero fields pick everything.
type BudgetEventQuery struct {
	Budget string // id
	Since  time.Time
	Limit  int    // how many at most; at least 1
	Cursor string // the next of the page before
}

// BudgetEvents keeps events. Safe for concurrent use, by several processes too.
type BudgetEvents interface {
	// AddBudgetEvent records an event, and says whether it is the first of its ID. When it is not, a threshold is left as it is;
	// to a breach its count and what is over are added, and its last time is moved.
	AddBudgetEvent(ctx context.Context, e BudgetEvent) (first bool, err error)
	// ListBudgetEvents gives events, the newest first by At, and the cursor of the next page, "" at the end. ErrEventCursor for a
	// cursor that is none.
	ListBudgetEvents(ctx context.Context, q BudgetEventQuery) (events []BudgetEvent, next string, err error)
	// ClaimBudgetEvents takes up to most events that wait to be told at now, and puts each off until a later time, so that
	// nobody else takes it meanwhile.
	ClaimBudgetEvents(ctx context.Context, now, until time.Time, most int) ([]BudgetEvent, error)
	// PruneBudgetEvents removes the events of windows that ended before a moment.
	PruneBudgetEvents(ctx context.Context, before time.Time) error
	// SetDelivery notes how the telling of the event with an ID went.
	SetDelivery(ctx context.Context, id string, d Delivery) error
}
