package main

import (
	"cmp"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

// shownForecast is a forecast as the API gives it.
type shownForecast struct {
	Name       string    `json:"name"` // of a budget
	Window     string    `json:"window"`
	EndsAt     time.Time `json:"ends_at"`
	Spent      string    `json:"spent_usd"`
	Expected   *string   `json:"expected_usd"`
	Low        *string   `json:"low_usd"`
	High       *string   `json:"high_usd"`
	Level      float64   `json:"level"`
	How        string    `json:"how"`
	Limit      *string   `json:"limit_usd"`
	ReachesAt  time.Time `json:"reaches_at"`
	OverChance *float64  `json:"over_percent"`
}

func costsForecastCommand() *cobra.Command {
	var (
		window, zone, budget string
		filter               filterFlags
	)
	cmd := &cobra.Command{
		Use:   "forecast",
		Short: "What will have been spent at the end of the day, month, … or of a budget's window",
		Long: `forecast adds to what was spent so far what each hour to come is expected to cost, by the same hour of the week over the last two to
four weeks, or by the mean of the hours there are while there are fewer. The interval holds 80 % of the outcomes, if the days to come
differ as the past ones did.`,
		Example: `  weir costs forecast
  weir costs forecast --window day --timezone Europe/Berlin --project support
  weir costs forecast --budget team-a`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := newScreen(cmd)
			q, err := filter.query(s.now)
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			path := "costs/forecast"
			if budget != "" {
				if len(q) > 0 || cmd.Flags().Changed("window") || zone != "" {
					return fmt.Errorf("a budget has its own window and scope; give --budget alone")
				}
				b, err := c.findBudget(cmd.Context(), budget)
				if err != nil {
					return err
				}
				path = "budgets/" + url.PathEscape(b.ID) + "/forecast"
			} else {
				q.Set("window", window)
				if zone != "" {
					q.Set("timezone", zone)
				}
			}
			var out shownForecast
			raw, err := c.get(cmd.Context(), path, q, &out)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			s.forecast(&out)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&window, "window", "month", "day, week, month, quarter or year")
	f.StringVar(&zone, "timezone", "", "of the window and the hours of the week, as Europe/Berlin; nothing: UTC")
	f.StringVar(&budget, "budget", "", "of this budget, by id or name")
	filter.registerFields(cmd, func(string) bool { return true })
	return cmd
}

func (s *screen) forecast(f *shownForecast) {
	pairs := []string{"window", f.Window + ", until " + s.moment(f.EndsAt), "spent", f.Spent}
	if f.Name != "" {
		pairs = append([]string{"budget", f.Name}, pairs...)
	}
	if f.Expected != nil {
		pairs = append(pairs, "at its end", *f.Expected)
	}
	if f.Low != nil && f.High != nil {
		pairs = append(pairs, fmt.Sprintf("%.0f %% between", 100*f.Level), *f.Low+" and "+*f.High)
	}
	if f.Limit != nil {
		pairs = append(pairs, "limit", *f.Limit)
		reached := "not in this window, as expected"
		if !f.ReachesAt.IsZero() {
			reached = s.moment(f.ReachesAt)
		}
		pairs = append(pairs, "reached", reached)
	}
	if f.OverChance != nil {
		pairs = append(pairs, "passed in", fmt.Sprintf("%.0f %% of the outcomes", *f.OverChance))
	}
	s.facts(append(pairs, "how", cmp.Or(f.How, "-"))...)
}
