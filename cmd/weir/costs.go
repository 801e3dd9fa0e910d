package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// costRow is one group's figures as the API gives them, its group's values beside them.
type costRow struct {
	Group         map[string]string `json:"-"`
	Calls         int64             `json:"calls"`
	Errors        int64             `json:"errors"`
	UnpricedCalls int64             `json:"unpriced_calls"`
	CostUSD       *string           `json:"cost_usd"` // nil: no call of the group has a price
	SavedUSD      string            `json:"saved_usd"`
	InputTokens   int64             `json:"input_tokens"`
	OutputTokens  int64             `json:"output_tokens"`
	P50           *json.Number      `json:"latency_p50_ms"`
	P95           *json.Number      `json:"latency_p95_ms"`
}

// UnmarshalJSON keeps every text in the row: a group's value by its column.
func (r *costRow) UnmarshalJSON(b []byte) error {
	type figures costRow
	if err := json.Unmarshal(b, (*figures)(r)); err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	r.Group = map[string]string{}
	for name, v := range fields {
		if text, ok := v.(string); ok {
			r.Group[name] = text
		}
	}
	return nil
}

// costsCommand sums what calls cost.
func costsCommand() *cobra.Command {
	var (
		filter   filterFlags
		by       []string
		timezone string
		asCSV    bool
	)
	cmd := &cobra.Command{
		Use:   "costs",
		Short: "What calls cost, by model, day, project, user, …",
		Long: `costs sums recorded calls in groups. --by takes project, key, user, model, provider, prompt, arm, endpoint, status,
cache, session, tag.NAME and one of minute, hour, day, month. Amounts are dollars; calls whose model has no price are counted, but
are in no sum.`,
		Example: `  weir costs
  weir costs --by model,day --since 30d
  weir costs --by user --since 2026-11-01 --until 2026-12-01 --project support
  weir costs --by project,month --since 365d --csv > costs.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := newScreen(cmd)
			q, err := filter.query(s.now)
			if err != nil {
				return err
			}
			by = slices.DeleteFunc(by, func(b string) bool { return strings.TrimSpace(b) == "" })
			if len(by) == 0 {
				return errors.New("--by wants at least one of project, key, user, model, provider, prompt, arm, endpoint, status, cache, tag.NAME, minute, hour, day, month")
			}
			if timezone != "" {
				q.Set("timezone", timezone)
			}
			if asCSV && asJSON(cmd) {
				return errors.New("choose one of --csv and --json")
			}
			for i := range by {
				by[i] = strings.TrimSpace(by[i])
			}
			q.Set("by", strings.Join(by, ","))
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			if asCSV {
				q.Set("format", "csv")
				raw, err := c.get(cmd.Context(), "costs", q, nil)
				if err != nil {
					return err
				}
				return s.asItCame(raw)
			}
			var costs struct {
				Rows  []costRow `json:"rows"`
				Total costRow   `json:"total"`
			}
			raw, err := c.get(cmd.Context(), "costs", q, &costs)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			return s.costs(by, costs.Rows, costs.Total)
		},
	}
	clientFlags(cmd)
	cmd.AddCommand(costsAdviseCommand(), costsForecastCommand())
	filter.register(cmd, "30d")
	cmd.Flags().StringSliceVar(&by, "by", []string{"model"}, "groups, in this order")
	cmd.Flags().StringVar(&timezone, "timezone", "", "of days and months, as Europe/Berlin; nothing: UTC")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print comma-separated values, without a total")
	return cmd
}

// costs shows groups with their total.
func (s *screen) costs(by []string, rows []costRow, total costRow) error {
	if len(rows) == 0 {
		s.note("no calls in this time; look further back with --since")
		return nil
	}
	var sh sheet
	for _, b := range by {
		sh.columns = append(sh.columns, column{name: b, flex: true})
	}
	sh.columns = append(sh.columns,
		column{name: "calls", right: true}, column{name: "errors", right: true, drop: 3}, column{name: "in", right: true, drop: 2}, column{name: "out", right: true, drop: 2},
		column{name: "p50 ms", right: true, drop: 5}, column{name: "p95 ms", right: true, drop: 4}, column{name: "saved usd", right: true, drop: 6}, column{name: "cost usd", right: true})
	line := func(names []string, r costRow) []string {
		return append(names, count(r.Calls), count(r.Errors), count(r.InputTokens), count(r.OutputTokens),
			number(r.P50), number(r.P95), r.SavedUSD, money(r.CostUSD))
	}
	for _, r := range rows {
		var names []string
		for _, b := range by {
			name := r.Group[b]
			if name == "" {
				name = "(none)"
			}
			names = append(names, name)
		}
		sh.rows = append(sh.rows, line(names, r))
	}
	names := make([]string, len(by))
	names[0] = "total"
	sh.total = line(names, total)
	if n := total.UnpricedCalls; n > 0 {
		defer s.note("%s without a price: what they cost is not known, and is in no sum; weir prices unpriced lists their models", noun(int(n), "call"))
	}
	return s.table(sh)
}

func number(n *json.Number) string {
	if n == nil {
		return "-"
	}
	if f, err := n.Float64(); err == nil {
		return fmt.Sprintf("%.0f", f)
	}
	return n.String()
}
