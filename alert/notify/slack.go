package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/internal/outbox"
)

// Slack posts messages to an incoming webhook, as blocks.
type Slack struct{ To *outbox.Poster }

type (
	slackMessage struct {
		Text   string       `json:"text"` // for where blocks are not shown
		Blocks []slackBlock `json:"blocks"`
	}
	slackBlock struct {
		Type     string      `json:"type"`
		Text     *slackText  `json:"text,omitempty"`
		Elements []slackText `json:"elements,omitempty"`
	}
	slackText struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
)

// slackMost is how many characters Slack takes of a section; a heading has fewer.
const (
	slackMost    = 2900
	slackHeading = 145
)

// slackEscape keeps text from being markup: Slack reads these three and no more inside of it.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

var slackMarks = map[alert.Severity]string{alert.OK: "✅", alert.Warning: "⚠️", alert.Alert: "🚨", alert.NoDataSeverity: "❔"}

// Send implements Channel.
func (s Slack) Send(ctx context.Context, m *alert.Message) error {
	body, err := json.Marshal(slackOf(m))
	if err != nil {
		return fmt.Errorf("write the message: %w", err)
	}
	return s.To.Post(ctx, m.ID, body)
}

func slackOf(m *alert.Message) slackMessage {
	out := slackMessage{Text: slackEscape.Replace(m.Subject())}
	if d := m.Document; d != nil {
		out.Blocks = []slackBlock{
			{Type: "header", Text: &slackText{"plain_text", clip(m.Subject(), slackHeading)}},
			{Type: "section", Text: &slackText{"mrkdwn", clip(plain(d.Brief), slackMost)}},
			{Type: "context", Elements: []slackText{{"mrkdwn", "<" + slackEscape.Replace(m.URL) + "|the whole in weir>"}}},
		}
		return out
	}
	out.Blocks = append(out.Blocks, slackBlock{Type: "header", Text: &slackText{"plain_text", clip(slackMarks[m.Severity]+" "+m.Subject(), slackHeading)}})
	for i := range m.Findings {
		f := &m.Findings[i]
		var b strings.Builder
		b.WriteString(plain(m.Line(f)))
		for k := range f.Top {
			b.WriteString("\n• " + plain(f.Top[k].Text(m)))
		}
		text := clip(b.String(), slackMost-len(f.Calls)-20)
		out.Blocks = append(out.Blocks, slackBlock{Type: "section", Text: &slackText{"mrkdwn", text + "\n<" + slackEscape.Replace(f.Calls) + "|the calls>"}})
	}
	if len(m.More) > 0 {
		out.Blocks = append(out.Blocks, slackBlock{Type: "section", Text: &slackText{"mrkdwn", clip(plain("and: "+strings.Join(m.More, "; ")), slackMost)}})
	}
	if m.About != "" {
		out.Blocks = append(out.Blocks, slackBlock{Type: "section", Text: &slackText{"plain_text", clip(m.About, slackMost)}})
	}
	out.Blocks = append(out.Blocks, slackBlock{Type: "context", Elements: []slackText{{"mrkdwn", "<" + slackEscape.Replace(m.URL) + "|" + plain(m.Rule) + " in weir>"}}})
	return out
}

// slackFormat are the characters that mark text up in pairs; a zero-width space before one breaks the pair.
var slackFormat = strings.NewReplacer("*", "\u200b*", "_", "\u200b_", "~", "\u200b~", "`", "\u200b`")

// plain is text that Slack shows as it is, mentions and links among it.
func plain(s string) string { return slackFormat.Replace(slackEscape.Replace(s)) }

// clip ends text after some bytes, at a whole character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-3], "") + "…"
}
