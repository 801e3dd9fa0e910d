package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

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

// postedDocument is what is sent of a document.
type postedDocument struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Subject string          `json:"subject"`
	Name    string          `json:"name"` // of what has it sent
	At      time.Time       `json:"at"`
	URL     string          `json:"url"`
	Data    json.RawMessage `json:"data"`
}

// bodyOf is what is sent.
func bodyOf(m *alert.Message) any {
	if d := m.Document; d != nil {
		return postedDocument{m.ID, d.Type, m.Subject(), m.Rule, m.At, m.URL, d.Data}
	}
	return posted{"alert." + string(m.Kind), m.Subject(), m}
}

// Send implements Channel.
func (w Webhook) Send(ctx context.Context, m *alert.Message) error {
	body, err := json.Marshal(bodyOf(m))
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	return w.To.Post(ctx, m.ID, body)
}
