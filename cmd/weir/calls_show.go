package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// callDetail is one call whole.
type callDetail struct {
	apiCall

	Request       json.RawMessage `json:"request"`
	Response      json.RawMessage `json:"response"`
	Attempts      []apiAttempt    `json:"attempts"`
	CostExplained []price.Line    `json:"cost_explained"`
	CostNote      string          `json:"cost_note"` // why the lines may not add up to the cost
	Error         *llm.Error      `json:"error"`
	FinishReasons []string        `json:"finish_reasons"`
	ServiceTier   string          `json:"service_tier"`
	Flags         []string        `json:"flags"`
	UsageRaw      json.RawMessage `json:"usage_raw"`

	PromptHash     string `json:"prompt_hash"`
	PromptRevision int64  `json:"prompt_revision"`
	Experiment     string `json:"experiment"`
	Epoch          int    `json:"epoch"`
	Unit           string `json:"unit"`
}

// apiAttempt is one try at a provider.
type apiAttempt struct {
	Provider   string     `json:"provider"`
	Model      string     `json:"model"`
	Status     string     `json:"status"`
	HTTPStatus int        `json:"http_status"`
	Error      *llm.Error `json:"error"`
	Start      time.Time  `json:"start_time"`
	DurationMS *float64   `json:"duration_ms"`
}

// callsShowCommand shows one call whole.
func callsShowCommand() *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one call: what was said, what it used, what it cost and why, how long it took",
		Long: `show takes the id that weir answers with as X-Weir-Call-Id. --raw prints the request and the answer as they were
recorded, --json all that is known of the call.`,
		Example: `  weir calls show 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d
  weir calls show 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d --raw
  weir calls show 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d --json | jq .cost_explained`,
		Args: oneArg("the id of a call"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var call callDetail
			answer, err := c.get(cmd.Context(), "calls/"+url.PathEscape(args[0]), nil, &call)
			if e, ok := errors.AsType[*apiError](err); ok && e.Status == http.StatusNotFound {
				return sayNo("no call has the id %s; weir calls lists them, and a call of this second may take a moment", args[0])
			}
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			switch {
			case asJSON(cmd):
				return s.asItCame(answer)
			case raw:
				return s.rawBodies(&call)
			}
			return s.call(&call)
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "print the request and the answer as they were recorded")
	return cmd
}

// rawBodies writes the request, an empty line and the answer, byte by byte; a terminal is spared control characters.
func (s *screen) rawBodies(c *callDetail) error {
	request, response := recordedBytes(c.Request), recordedBytes(c.Response)
	if len(request) == 0 && len(response) == 0 {
		return sayNo("no bodies are recorded for this call: record.content decides what is kept")
	}
	body := string(request) + "\n\n" + string(response)
	if s.width > 0 {
		body = cleanLines(body)
	}
	_, err := fmt.Fprintln(s.out, body)
	return err
}

// call shows a call for people.
func (s *screen) call(c *callDetail) error {
	model := c.model()
	if c.ModelRequested != "" && c.ModelRequested != model {
		model += ", asked for as " + c.ModelRequested
	}
	status := c.Status
	if c.HTTPStatus != 0 {
		status += ", HTTP " + strconv.Itoa(c.HTTPStatus)
	}
	endpoint := string(c.Endpoint)
	if c.Stream {
		endpoint += ", stream"
	}
	s.facts("call", c.ID, "trace", c.TraceID, "time", s.moment(c.Start), "status", status, "model", model, "provider", c.Provider,
		"endpoint", endpoint, "project", c.Project, "key", c.Key, "user", c.User, "session", c.Session, "tags", tagsText(c.Tags),
		"prompt", c.promptText(), "arm", c.armText(), "cache", c.Cache, "finish", strings.Join(c.FinishReasons, " "), "tier", c.ServiceTier,
		"remarkable", strings.Join(c.Flags, " "))
	if c.Error != nil {
		s.title("Error")
		again := "retrying does not help"
		if c.Error.Retryable {
			again = "worth retrying"
		}
		fmt.Fprintf(s.out, "%s (HTTP %d, %s)\n", s.paint(clean(c.Error.Type), text.FgRed), c.Error.Status, again)
		if c.Error.Message != "" {
			fmt.Fprintln(s.out, cleanLines(c.Error.Message))
		}
	}
	s.conversation(c)
	s.title("Usage and cost")
	if err := s.explained(c); err != nil {
		return err
	}
	s.title("Timing")
	return s.timing(c)
}

// promptText is the version of the prompt, with the move of the label that named it.
func (c *callDetail) promptText() string {
	text := c.Prompt
	if c.PromptRevision > 0 {
		text += " by a label, revision " + strconv.FormatInt(c.PromptRevision, 10)
	}
	if c.PromptHash != "" {
		text += ", " + c.PromptHash
	}
	return text
}

// armText is the arm, with its experiment and what it was assigned by.
func (c *callDetail) armText() string {
	text := c.Arm
	if c.Experiment != "" {
		text += " of " + c.Experiment
	}
	if c.Unit != "" {
		text += ", by " + c.Unit
	}
	if c.Epoch > 0 {
		text += ", epoch " + strconv.Itoa(c.Epoch)
	}
	return text
}

func (s *screen) conversation(c *callDetail) {
	request, response := recordedBytes(c.Request), recordedBytes(c.Response)
	if len(request) == 0 && len(response) == 0 {
		return
	}
	s.title("Conversation")
	turns := append(questions(request), answers(c.Endpoint, c.Stream && !json.Valid(response), response)...)
	for _, t := range turns {
		fmt.Fprintf(s.out, "%s\n  %s\n", s.paint(clean(t.role), text.FgCyan), strings.ReplaceAll(cleanLines(t.text), "\n", "\n  "))
	}
	if len(turns) == 0 {
		fmt.Fprintln(s.out, "what was recorded is not a conversation; --raw shows it")
	}
}

// explained shows the buckets, their prices and the rules; a call without a price shows its buckets.
func (s *screen) explained(c *callDetail) error {
	sh := sheet{columns: []column{
		{name: "bucket"}, {name: "tokens", right: true}, {name: "usd per mtok", right: true}, {name: "usd", right: true}, {name: "why", flex: true},
	}}
	for _, l := range c.CostExplained {
		sh.rows = append(sh.rows, []string{strings.ReplaceAll(l.Bucket, "_", " "), count(l.Tokens), l.PerMTok, l.AmountUSD, l.Rule})
	}
	if len(sh.rows) == 0 {
		for _, b := range usageBuckets(c.Usage) {
			if b.tokens > 0 {
				sh.rows = append(sh.rows, []string{b.name, count(b.tokens), "", "", ""})
			}
		}
	}
	sh.total = []string{"total", count(c.Usage.Input() + c.Usage.Output()), "", money(c.CostUSD), ""}
	if err := s.table(sh); err != nil {
		return err
	}
	from := map[string]string{"provider": "counted by the provider", "estimated": "counted by weir", "none": "nothing was used"}[c.UsageSource]
	saved := ""
	if strings.Trim(c.SavedUSD, "0.") != "" {
		saved = c.SavedUSD
	}
	s.facts("tokens", from, "price", strings.TrimPrefix(c.PriceStatus+", "+c.PriceVersion, ", "), "saved usd", saved, "note", c.CostNote)
	if c.PriceStatus == string(price.Unpriced) && c.Usage.Input()+c.Usage.Output() > 0 {
		s.note("the model has no price, so the cost is not known; set one with: weir prices set %s %s --input … --output …", clean(c.Provider), clean(c.model()))
	}
	return nil
}

type bucket struct {
	name   string
	tokens int64
}

func usageBuckets(u llm.Usage) []bucket {
	return []bucket{
		{"input uncached", u.InputUncached},
		{"cache read", u.CacheRead},
		{"cache write 5m", u.CacheWrite5m},
		{"cache write 1h", u.CacheWrite1h},
		{"input audio", u.InputAudio},
		{"output text", u.OutputText},
		{"reasoning", u.Reasoning},
		{"output audio", u.OutputAudio},
	}
}

func (s *screen) timing(c *callDetail) error {
	sh := sheet{columns: []column{
		{name: "part"}, {name: "starts after", right: true}, {name: "took", right: true}, {name: "outcome", flex: true},
	}}
	zero := 0.0
	sh.rows = append(sh.rows, []string{"whole call", millis(&zero), millis(c.DurationMS), c.Status})
	if c.TTFTMS != nil {
		sh.rows = append(sh.rows, []string{"first token", "", millis(c.TTFTMS), ""})
	}
	for i, a := range c.Attempts {
		after := float64(a.Start.Sub(c.Start).Microseconds()) / 1000
		outcome := a.Status
		if a.HTTPStatus != 0 {
			outcome += ", HTTP " + strconv.Itoa(a.HTTPStatus)
		}
		if a.Error != nil {
			outcome += ": " + strings.TrimSpace(a.Error.Type+" "+a.Error.Message)
		}
		sh.rows = append(sh.rows, []string{fmt.Sprintf("attempt %d, %s %s", i+1, a.Provider, a.Model), millis(&after), millis(a.DurationMS), outcome})
	}
	return s.table(sh)
}
