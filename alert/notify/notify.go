// Package notify tells people of alerts: by a signed webhook, in Slack, by e-mail.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/internal/outbox"
	"github.com/weir-dev/weir/price"
)

// Channel tells somebody. Send gives an error when it was not taken; it may be called again with the same message then, which keeps its
// id. Errors show neither secrets nor addresses that may hold one. Safe for concurrent use.
type Channel interface {
	Send(ctx context.Context, m *alert.Message) error
}

// Channels are those of a configuration, by name.
type Channels map[string]Channel

// Names lists them.
func (c Channels) Names() []string {
	out := make([]string, 0, len(c))
	for name := range c {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// NewBox makes what tells of the deliveries that wait in a store.
func NewBox(store alert.Store, to Channels, log *slog.Logger) *outbox.Box[alert.Delivery] {
	return outbox.New(outbox.Config[alert.Delivery]{
		Claim:    store.ClaimAlertDeliveries,
		Delivery: func(d *alert.Delivery) price.Delivery { return d.Way },
		Send: func(ctx context.Context, d *alert.Delivery) error {
			channel, ok := to[d.Channel]
			if !ok {
				return fmt.Errorf("there is no channel %q in the configuration any more", d.Channel)
			}
			ctx, cancel := context.WithTimeout(ctx, 3*outbox.Timeout)
			defer cancel()
			return channel.Send(ctx, &d.Message)
		},
		Note: func(ctx context.Context, d *alert.Delivery, way price.Delivery) error {
			return store.SetAlertDelivery(ctx, d.ID, way)
		},
		What: func(d *alert.Delivery) []any { return []any{"rule", d.Message.Rule, "channel", d.Channel} },
		Noun: "alerts", Log: log,
	})
}
