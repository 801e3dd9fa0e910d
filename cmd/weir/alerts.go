package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/alert"
)

// shownAlert is a rule as the API lists it.
type shownAlert struct {
	alert.Rule
	Source   string     `json:"source"`
	Unit     alert.Unit `json:"unit"`
	Severity string     `json:"severity"`
	Error    string     `json:"error"`
	Silenced bool       `json:"silenced"`
	LookedAt *time.Time `json:"looked_at"`
	States   []struct {
		Labels   alert.Labels `json:"labels"`
		Severity string       `json:"severity"`
		Since    time.Time    `json:"since"`
		Value    *float64     `json:"value"`
		Pending  string       `json:"pending"`
		Silenced bool         `json:"silenced"`
		AckBy    string       `json:"ack_by"`
	} `json:"states"`
}

// shownDelivery is a message to a channel as the API lists it.
type shownDelivery struct {
	ID      string    `json:"id"`
	Channel string    `json:"channel"`
	Subject string    `json:"subject"`
	At      time.Time `json:"at"`
	State   string    `json:"state"`
	Tries   int       `json:"tries"`
	Error   string    `json:"error"`
}

// alertsCommand manages alerts.
func alertsCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "alerts",
		Short: "Alerts: rules over spend, errors, latency, scores and budgets, and who is told",
		Long: `alerts are rules that weir looks at every minute or so: over spend, its forecast and its anomalies, errors, latency, scores, budgets
and the spool. What is bad is told by webhook, Slack or e-mail. See docs/alerts.md.`,
		Example: `  weir alerts list
  weir alerts set rules.yaml
  weir alerts test errors
  weir alerts history --since 7d`,
	})
	clientFlags(cmd)
	cmd.AddCommand(alertsListCommand(), alertsSetCommand(), alertsRemoveCommand(), alertsTestCommand(), alertsHistoryCommand(), alertsSilenceCommand(), alertsDeliveriesCommand())
	return cmd
}

func alertsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the rules and where they stand; exits with 1 when one is at ALERT",
		Example: `  weir alerts list`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var list struct {
				Alerts []shownAlert `json:"alerts"`
			}
			raw, err := c.get(cmd.Context(), "alerts", nil, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			switch {
			case asJSON(cmd):
				err = s.asItCame(raw)
			case len(list.Alerts) == 0:
				s.note("no rules; make some with: weir alerts set FILE (docs/alerts.md shows some)")
			default:
				err = s.alerts(list.Alerts)
			}
			if err != nil {
				return err
			}
			var bad []string
			for i := range list.Alerts {
				if list.Alerts[i].Severity == string(alert.Alert) {
					bad = append(bad, clean(list.Alerts[i].Name))
				}
			}
			if len(bad) > 0 {
				return sayNo("at ALERT: %s", strings.Join(bad, ", "))
			}
			return nil
		},
	}
}

// alerts shows a row for each group of each rule.
func (s *screen) alerts(list []shownAlert) error {
	sh := sheet{columns: []column{
		{name: "rule", flex: true},
		{name: "group", flex: true, drop: 2},
		{name: "state", paint: severityColour},
		{name: "value", right: true},
		{name: "warning", right: true, drop: 3},
		{name: "alert", right: true, drop: 1},
		{name: "since", drop: 4},
		{name: "note", flex: true, drop: 5},
	}}
	for i := range list {
		r := &list[i]
		limit := func(v *float64) string {
			if v == nil {
				return "-"
			}
			return string(r.Op) + " " + r.Unit.Text(*v)
		}
		if len(r.States) == 0 {
			note := "not looked at yet"
			switch {
			case r.Error != "":
				note = r.Error
			case r.Disabled:
				note = "disabled"
			case r.LookedAt != nil:
				note = "there is nothing to look at"
			}
			sh.rows = append(sh.rows, []string{r.Name, "", "-", "-", limit(r.Warning), limit(r.Alert), "-", note})
		}
		for _, g := range r.States {
			value := "-"
			if g.Value != nil {
				value = r.Unit.Text(*g.Value)
			}
			var notes []string
			for note, set := range map[string]bool{"silenced": g.Silenced, "taken by " + g.AckBy: g.AckBy != "", "soon " + g.Pending: g.Pending != "", r.Error: r.Error != ""} {
				if set {
					notes = append(notes, note)
				}
			}
			slices.Sort(notes)
			sh.rows = append(sh.rows, []string{r.Name, g.Labels.Text(), g.Severity, value, limit(r.Warning), limit(r.Alert), s.moment(g.Since), strings.Join(notes, ", ")})
		}
	}
	return s.table(sh)
}

func severityColour(severity string) text.Colors {
	switch alert.Severity(severity) {
	case alert.Alert:
		return text.Colors{text.FgRed}
	case alert.Warning, alert.NoDataSeverity:
		return text.Colors{text.FgYellow}
	}
	return text.Colors{text.FgGreen}
}

func alertsSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set FILE",
		Short: "Store a rule, or a list of them under rules, in place of those of the same names",
		Long: `set stores rules of a YAML file. Everything that is wrong is said at once, each fault with its line, and then nothing is stored.

  name: errors
  metric: error_rate
  window: 5m
  op: gt
  warning: 0.02
  alert: 0.10
  for: 2m
  group_by: [model]
  min_calls: 20`,
		Example: `  weir alerts set errors.yaml`,
		Args:    oneArg("a file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			rules, err := readAlertRules(cmd, args[0])
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			for i := range rules {
				raw, err := c.do(cmd.Context(), http.MethodPut, "alerts/"+url.PathEscape(rules[i].Name), nil, rules[i], nil)
				if err != nil {
					return fmt.Errorf("rule %s: %w", clean(rules[i].Name), no(err))
				}
				if asJSON(cmd) {
					err = s.asItCame(raw)
				} else {
					_, err = fmt.Fprintf(s.out, "%s is looked at from now on\n", clean(rules[i].Name))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func alertsRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove a rule; its history stays",
		Example: `  weir alerts remove errors`,
		Args:    oneArg("the name of a rule"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askAndSay(cmd, http.MethodDelete, "alerts/"+url.PathEscape(args[0]), nil, "removed %s", args[0])
		},
	}
}

func alertsTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "test NAME",
		Short:   "Send a rule's present values to its channels, marked as a test",
		Example: `  weir alerts test errors`,
		Args:    oneArg("the name of a rule"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var sent struct {
				Message    alert.Message   `json:"message"`
				Deliveries []shownDelivery `json:"deliveries"`
			}
			raw, err := c.do(cmd.Context(), http.MethodPost, "alerts/"+url.PathEscape(args[0])+"/test", nil, nil, &sent)
			if err != nil {
				return no(err)
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			for i := range sent.Message.Findings {
				if _, err := fmt.Fprintln(s.out, clean(sent.Message.Line(&sent.Message.Findings[i]))); err != nil {
					return err
				}
			}
			if len(sent.Deliveries) == 0 {
				s.note("nobody is told: alerts.notify of the configuration lists no channel of this rule")
			}
			for _, d := range sent.Deliveries {
				s.note("on its way to %s; weir alerts deliveries says whether it arrived", clean(d.Channel))
			}
			return nil
		},
	}
}

func alertsHistoryCommand() *cobra.Command {
	var (
		since string
		limit int
	)
	cmd := &cobra.Command{
		Use:     "history [NAME]",
		Short:   "List changes of severity, newest first, with who had the most of the value",
		Example: `  weir alerts history errors --since 7d`,
		Args:    cobra.MaximumNArgs(1),
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
			if len(args) > 0 {
				q.Set("rule", args[0])
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var list struct {
				Events []struct {
					Rule     string              `json:"rule"`
					Labels   alert.Labels        `json:"labels"`
					At       time.Time           `json:"at"`
					From     string              `json:"from"`
					To       string              `json:"to"`
					Value    *float64            `json:"value"`
					Silenced bool                `json:"silenced"`
					Top      []alert.Contributor `json:"top"`
				} `json:"events"`
				Next string `json:"next"`
			}
			raw, err := c.get(cmd.Context(), "alerts/history", q, &list)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(list.Events) == 0 {
				s.note("nothing has happened")
				return nil
			}
			sh := sheet{columns: []column{
				{name: "at"},
				{name: "rule", flex: true},
				{name: "group", flex: true, drop: 2},
				{name: "from", drop: 4},
				{name: "to", paint: severityColour},
				{name: "value", right: true, drop: 3},
				{name: "most of it", flex: true, drop: 1},
			}}
			for _, e := range list.Events {
				value := "-"
				if e.Value != nil {
					value = strconv.FormatFloat(*e.Value, 'g', 6, 64)
				}
				top := ""
				if len(e.Top) > 0 {
					top = e.Top[0].By + " " + e.Top[0].Name
				}
				sh.rows = append(sh.rows, []string{s.moment(e.At), e.Rule, e.Labels.Text(), e.From, e.To, value, top})
			}
			if err := s.table(sh); err != nil {
				return err
			}
			if list.Next != "" {
				s.note("there are more: --limit or --since show others")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "from then on: 24h, 30d ago, a day or a time")
	cmd.Flags().IntVar(&limit, "limit", 50, "how many, 1 to 1000")
	return cmd
}
