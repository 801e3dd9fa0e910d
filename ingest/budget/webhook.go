package budget

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/outbox"
	"github.com/weir-dev/weir/price"
)

// WebhookConfig says whom to tell of what happens to budgets. All fields but Secret and AllowPrivate are needed.
type WebhookConfig struct {
	URL    *url.URL       // http or https
	Secret account.Secret // signs what is sent; zero: nothing is signed
	// AllowPrivate lets the host be, or resolve to, a private, loopback or link-local address.
	AllowPrivate bool
	Events       price.BudgetEvents
	Log          *slog.Logger
}

// Webhook tells an address of events, one request each, until it answers with 2xx or was tried often enough. The events that wait are
// in their store, so that none is lost by a restart; several replicas share the work. An event can come twice, with the same id.
type Webhook struct {
	box  *outbox.Box[price.BudgetEvent]
	post *outbox.Poster
}

// NewWebhook makes a Webhook; Run makes it work.
func NewWebhook(cfg WebhookConfig) *Webhook {
	w := &Webhook{post: outbox.NewPoster(cfg.URL, cfg.Secret, cfg.AllowPrivate)}
	w.box = outbox.New(outbox.Config[price.BudgetEvent]{
		Claim: cfg.Events.ClaimBudgetEvents, Send: w.send,
		Delivery: func(e *price.BudgetEvent) price.Delivery { return e.Delivery },
		Note: func(ctx context.Context, e *price.BudgetEvent, d price.Delivery) error {
			return cfg.Events.SetDelivery(ctx, e.ID(), d)
		},
		What: func(e *price.BudgetEvent) []any { return []any{"budget", e.Name, "kind", string(e.Kind)} },
		Noun: "events of budgets", Log: cfg.Log,
	})
	return w
}

// Wake makes Run look for events now. It never waits.
func (w *Webhook) Wake() { w.box.Wake() }

// Run tells of events until ctx ends.
func (w *Webhook) Run(ctx context.Context) { w.box.Run(ctx) }

// told is what is sent.
type told struct {
	ID     string `json:"id"` // the same when it is sent again
	Type   string `json:"type"`
	Budget struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"budget"`
	Kind      string              `json:"kind"`                // threshold, refused, downgraded, cut, overrun
	Threshold int                 `json:"threshold,omitempty"` // percent of the limit
	Count     int64               `json:"count"`               // in the window until now
	Window    toldWindow          `json:"window"`
	At        time.Time           `json:"at"`
	Spent     price.BudgetFigures `json:"spent"`
	Limit     price.BudgetFigures `json:"limit"` // 0: no such limit
	Over      price.BudgetFigures `json:"over"`
}

type toldWindow struct {
	BeganAt *time.Time `json:"began_at"`
	EndsAt  *time.Time `json:"ends_at"`
}

// send tells of one event.
func (w *Webhook) send(ctx context.Context, e *price.BudgetEvent) error {
	out := told{
		ID: e.ID(), Type: "budget." + string(e.Kind), Kind: string(e.Kind), Threshold: e.Percent, Count: e.Count, At: e.At, Spent: e.Spent, Limit: e.Limit, Over: e.Over,
	}
	out.Budget.ID, out.Budget.Name = e.Budget, e.Name
	if !e.From.IsZero() {
		out.Window.BeganAt = &e.From
	}
	if !e.Until.IsZero() {
		out.Window.EndsAt = &e.Until
	}
	body, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("write the event: %w", err)
	}
	return w.post.Post(ctx, out.ID, body)
}
