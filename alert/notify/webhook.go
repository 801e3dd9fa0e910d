package notify

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/internal/outbox"
)

// Webhook posts messages as JSON, signed as those of budgets are.
type Webhook struct{ To *outbox.Poster }

// posted is what is sent.
type posted struct {
	Type    string `json:"type"` // alert.firing, alert.still, alert.recovered, alert.test
	Subject string `json:"subject"`
	*alert.Message
}

// Send implements Channel.
func (w Webhook) Send(ctx context.Context, m *alert.Message) error {
	body, err := json.Marshal(posted{"alert." + string(m.Kind), m.Subject(), m})
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	return w.To.Post(ctx, m.ID, body)
}
