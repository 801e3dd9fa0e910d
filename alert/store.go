package alert

import (
	"context"
	"time"

	"github.com/weir-dev/weir/price"
)

// Look is the last time that a rule was looked at.
type Look struct {
	Rule  string
	At    time.Time
	Error string // why it could not be looked at; "" when it could
}

// Event is a change of a group's severity, kept.
type Event struct {
	ID        string // they sort by when they happened
	Rule      string
	Labels    Labels
	At        time.Time
	From, To  Severity
	Value     float64
	Known     bool
	Threshold *float64      // that was crossed, or is kept again
	Silenced  bool          // it was not told
	Top       []Contributor // at that time
}

// Delivery is a message on its way to one channel.
type Delivery struct {
	ID      string // they sort by when they were made
	Channel string
	Message Message
	At      time.Time
	Way     price.Delivery
}

// Result is what came of one look at a rule. It is stored all or nothing.
type Result struct {
	Look       Look
	States     []State // those that are to be, all of the rule's; nil with an error of the Look: they stay as they are
	Events     []Event
	Deliveries []Delivery
}

// HistoryQuery picks events. Zero fields pick everything.
type HistoryQuery struct {
	Rule   string
	Since  time.Time
	Limit  int // at least 1
	Cursor string
}

// Store keeps rules, where they stand, what happened, and what is to be told. Safe for concurrent use, by several processes too.
type Store interface {
	// PutAlertRule stores a rule in place of the one of its name. With fresh there must be none: ErrRuleTaken.
	PutAlertRule(ctx context.Context, r Rule, fresh bool) error
	// AlertRules gives all by name.
	AlertRules(ctx context.Context) ([]Rule, error)
	// DeleteAlertRule removes a rule with its states; its history stays. ErrNoRule when there is none.
	DeleteAlertRule(ctx context.Context, name string) error

	// AlertStates gives the states of a rule, or of all, by rule and labels.
	AlertStates(ctx context.Context, rule string) ([]State, error)
	// AlertLooks gives the last look at each rule.
	AlertLooks(ctx context.Context) ([]Look, error)
	// SaveAlerts stores what came of a look. An acknowledgement that was given meanwhile stays, unless the severity changed.
	SaveAlerts(ctx context.Context, r Result) error
	// AcknowledgeAlert notes who has taken a group on, "" for nobody. ErrNoState when there is none that is bad.
	AcknowledgeAlert(ctx context.Context, rule, key, by string, at time.Time) error
	// ForgetAlerts removes the states and looks of rules that are not among these.
	ForgetAlerts(ctx context.Context, but []string) error

	// AlertHistory lists events, newest first, and gives the cursor of the next page, "" at the end. ErrCursor for one that is none.
	AlertHistory(ctx context.Context, q HistoryQuery) ([]Event, string, error)
	// PruneAlerts removes events, deliveries that are done or failed, and silences that ended before a moment.
	PruneAlerts(ctx context.Context, before time.Time) error

	PutSilence(ctx context.Context, s Silence) error
	// ListSilences gives those that end after a moment, the one that ends last first.
	ListSilences(ctx context.Context, after time.Time) ([]Silence, error)
	// EndSilence ends one at a moment. ErrNoSilence when there is none that holds or will.
	EndSilence(ctx context.Context, id, by string, at time.Time) error

	// AddAlertDelivery stores one that waits.
	AddAlertDelivery(ctx context.Context, d Delivery) error
	// AlertDeliveries lists them, newest first, at most limit; state "" is all.
	AlertDeliveries(ctx context.Context, state price.DeliveryState, limit int) ([]Delivery, error)
	// ResendAlert makes one that failed, or was told, wait again with all its tries. ErrNoDelivery when there is none such.
	ResendAlert(ctx context.Context, id string, at time.Time) error
	// ClaimAlertDeliveries takes up to most that wait to be told at now, and puts each off until a later time, so that nobody else takes
	// it meanwhile.
	ClaimAlertDeliveries(ctx context.Context, now, until time.Time, most int) ([]Delivery, error)
	// SetAlertDelivery notes how one went.
	SetAlertDelivery(ctx context.Context, id string, d price.Delivery) error
}

// Leases let one of several processes do what only one should.
type Leases interface {
	// TakeLease says whether owner has the lease of that name from now on for the time given: nobody else's holds. Who has it
	// renews it so.
	TakeLease(ctx context.Context, name, owner string, holds time.Duration) (bool, error)
}
