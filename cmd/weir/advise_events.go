package main

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// shownEvent is an event of a budget as the API gives it.
type shownEvent struct {
	Budget    string    `json:"budget"`
	Kind      string    `json:"kind"`
	Threshold *int      `json:"threshold"`
	Count     int64     `json:"count"`
	At        time.Time `json:"at"`
	LastAt    time.Time `json:"last_at"`
	Began     time.Time `json:"window_began_at"`
	Spent     struct {
		USD string `json:"usd"`
	} `json:"spent"`
	Webhook struct {
		State string `json:"state"`
		Error string `json:"error"`
	} `json:"webhook"`
}

func budgetsEventsCommand() *cobra.Command {
	var (
		since string
		limit int
	)
	cmd := &cobra.Command{
		Use:   "events [NAME]",
		Short: "List what happened to budgets: thresholds crossed, calls refused, downgraded, cut or over their hold",
		Long: `events lists what happened to budgets, newest first. Each threshold of a window is there once; calls that were refused, that went to
a cheaper target, whose stream was cut, or that cost more than was held for them are counted by window.`,
		Example: `  weir budgets events
  weir budgets events team-a --since 30d`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s := newScreen(cmd)
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			from, err := parsePast("since", since, s.now)
			if err != nil {
				return err
			}
			if !from.IsZero() {
				q.Set("since", stamp(from))
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			path := "budgets/events"
			if len(args) > 0 {
				b, err := c.findBudget(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				path = "budgets/" + url.PathEscape(b.ID) + "/events"
			}
			var list struct {
				Events []shownEvent `json:"events"`
				Next   string       `json:"next"`
			}
			raw, err := c.get(cmd.Context(), path, q, &list)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(list.Events) == 0 {
				s.note("nothing has happened to the budgets")
				return nil
			}
			if err := s.events(list.Events); err != nil {
				return err
			}
			if list.Next != "" {
				s.note("there are more: --limit or --since show others")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "that happened last from then on: 24h, 30d ago, a day or a time")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many, 1 to 1000")
	return cmd
}

func (s *screen) events(list []shownEvent) error {
	sh := sheet{columns: []column{
		{name: "at"},
		{name: "budget", flex: true},
		{name: "what"},
		{name: "count", right: true, drop: 2},
		{name: "last", drop: 4},
		{name: "window began", drop: 3},
		{name: "spent usd", right: true, drop: 5},
		{name: "webhook", drop: 1},
	}}
	for _, e := range list {
		what := e.Kind
		if e.Threshold != nil {
			what = fmt.Sprintf("%d%%", *e.Threshold)
		}
		sh.rows = append(sh.rows, []string{
			s.moment(e.At), e.Budget, what, count(e.Count), s.moment(e.LastAt), s.moment(e.Began), e.Spent.USD, e.Webhook.State,
		})
	}
	return s.table(sh)
}

// overshootText is a bound as people read it.
func overshootText(bound *string) string {
	if bound == nil {
		return "no bound"
	}
	return *bound
}
