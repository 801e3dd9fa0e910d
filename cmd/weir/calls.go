package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// apiCall is a recorded call as the API lists it.
type apiCall struct {
	ID             string            `json:"id"`
	TraceID        string            `json:"trace_id"`
	Start          time.Time         `json:"start_time"`
	DurationMS     *float64          `json:"duration_ms"`
	TTFTMS         *float64          `json:"ttft_ms"`
	Project        string            `json:"project"`
	Key            string            `json:"key"`
	User           string            `json:"user"`
	Session        string            `json:"session"`
	Tags           map[string]string `json:"tags"`
	Endpoint       llm.Endpoint      `json:"endpoint"`
	Stream         bool              `json:"stream"`
	Provider       string            `json:"provider"`
	ModelRequested string            `json:"model_requested"`
	Model          string            `json:"model"`
	Status         string            `json:"status"`
	HTTPStatus     int               `json:"http_status"`
	ErrorCode      string            `json:"error_code"`
	Usage          llm.Usage         `json:"usage"`
	UsageSource    string            `json:"usage_source"`
	CostUSD        *string           `json:"cost_usd"`
	SavedUSD       string            `json:"saved_usd"`
	PriceStatus    string            `json:"price_status"`
	PriceVersion   string            `json:"price_version"`
	Cache          string            `json:"cache"`
	Prompt         string            `json:"prompt"`
	Arm            string            `json:"arm"`
}

// model is the model that answered, else the one asked for.
func (c *apiCall) model() string {
	if c.Model != "" {
		return c.Model
	}
	return c.ModelRequested
}

// maxCalls is the most that the API lists at once.
const maxCalls = 1000

// callsCommand lists recorded calls.
func callsCommand() *cobra.Command {
	var (
		filter filterFlags
		limit  int
		cursor string
		order  string
		way    string
	)
	cmd := &cobra.Command{
		Use:   "calls",
		Short: "Recorded calls: list them, look at one, follow them",
		Long: `calls lists what was recorded, newest first, or by --sort. Several filters are joined by and; one that is repeated picks calls with any of
its values, and --not leaves calls with a value out. Times are shown in this machine's zone.`,
		Example: `  weir calls --since 1h --status error
  weir calls --project support --tag team=care --text refund
  weir calls --status error --status cut --not model=gpt-4o --not tag.team=care
  weir calls --since 7d --sort cost
  weir calls --since 1h --sort ttft --order asc
  weir calls show 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d
  weir calls tail
  weir calls --since 24h --limit 1000 --json | jq '.calls[].cost_usd'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := newScreen(cmd)
			q, err := filter.query(s.now)
			if err != nil {
				return err
			}
			if limit < 1 || limit > maxCalls {
				return fmt.Errorf("--limit %d is not within 1 and %d; --cursor reads on where a list ended", limit, maxCalls)
			}
			q.Set("limit", strconv.Itoa(limit))
			if cursor != "" {
				q.Set("cursor", cursor)
			}
			if by := trace.CallOrder(order); !slices.Contains(trace.CallOrders, by) {
				return fmt.Errorf("--sort %q is none of %v", order, trace.CallOrders)
			} else if by != trace.CallsByTime {
				q.Set("sort", order)
			}
			switch way {
			case "asc":
				q.Set("order", way)
			case "desc":
			default:
				return fmt.Errorf("--order %q is neither asc nor desc", way)
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var page struct {
				Calls []apiCall `json:"calls"`
				Next  string    `json:"next"`
			}
			raw, err := c.get(cmd.Context(), "calls", q, &page)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(page.Calls) == 0 {
				s.note("no calls match; look further back with --since, or leave a filter out")
				return nil
			}
			if page.Next != "" {
				defer s.note("there are more: --limit shows more at once, --cursor %s reads on", clean(page.Next))
			}
			return s.calls(page.Calls)
		},
	}
	clientFlags(cmd)
	filter.register(cmd, "")
	filter.registerText(cmd)
	cmd.Flags().IntVar(&limit, "limit", 20, "calls at once, at most 1000")
	cmd.Flags().StringVar(&cursor, "cursor", "", "read on where another list of the same filters and order ended")
	cmd.Flags().StringVar(&order, "sort", string(trace.CallsByTime), "largest first by cost, duration, ttft (time to the first token) or tokens; time is newest first")
	cmd.Flags().StringVar(&way, "order", "desc", "asc: smallest first, by time the oldest")
	cmd.AddCommand(callsShowCommand(), callsTailCommand())
	return cmd
}

// calls shows a list of calls.
func (s *screen) calls(calls []apiCall) error {
	sh := sheet{columns: []column{
		{name: "time"},
		{name: "project", flex: true, drop: 5},
		{name: "user", flex: true, drop: 7},
		{name: "model", flex: true},
		{name: "status", paint: statusColour},
		{name: "in", right: true, drop: 3},
		{name: "out", right: true, drop: 3},
		{name: "cost usd", right: true},
		{name: "took", right: true, drop: 4},
		{name: "first token", right: true, drop: 6},
		{name: "id"},
	}}
	for i := range calls {
		c := &calls[i]
		sh.rows = append(sh.rows, []string{
			s.brief(c.Start), c.Project, c.User, c.model(), c.Status, count(c.Usage.Input()), count(c.Usage.Output()),
			money(c.CostUSD), millis(c.DurationMS), millis(c.TTFTMS), c.ID,
		})
	}
	return s.table(sh)
}

// tagsText writes tags in the order of their names.
func tagsText(tags map[string]string) string {
	var out []string
	for k, v := range tags {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// recordedBytes is a body of the API as it was on the wire: JSON, or a JSON string of what is not. Nil when none is
// recorded.
func recordedBytes(body json.RawMessage) []byte {
	var text string
	if json.Unmarshal(body, &text) == nil {
		return []byte(text) // null leaves it empty
	}
	return body
}
