package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/alert"
)

// shownSilence is a silence as the API lists it.
type shownSilence struct {
	ID     string       `json:"id"`
	Rule   string       `json:"rule"`
	Labels alert.Labels `json:"labels"`
	Until  time.Time    `json:"until"`
	By     string       `json:"by"`
	Why    string       `json:"why"`
}

func alertsSilenceCommand() *cobra.Command {
	var (
		length, why, end string
		labels           []string
	)
	cmd := &cobra.Command{
		Use:   "silence [NAME] --for 2h",
		Short: "Keep a rule, or all, from being told for a while; alone, list the silences",
		Long: `silence keeps alerts from being told. Their states and history go on, and what is still bad when the silence ends is told then.
--label picks groups; --end ends a silence before its time.`,
		Example: `  weir alerts silence errors --for 2h --why "provider is being moved"
  weir alerts silence --for 1d --label model=gpt-4o
  weir alerts silence
  weir alerts silence --end 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case end != "":
				return askAndSay(cmd, http.MethodPost, "alerts/silences/"+url.PathEscape(end)+"/end", nil, "ended the silence %s", end)
			case length == "" && len(args) == 0 && len(labels) == 0:
				return listSilences(cmd)
			case length == "":
				return errors.New("a silence needs an end: --for 2h")
			}
			in := map[string]any{"for": length, "why": why}
			if len(args) > 0 {
				in["rule"] = args[0]
			}
			by := map[string]string{}
			for _, one := range labels {
				name, value, ok := strings.Cut(one, "=")
				if !ok {
					return fmt.Errorf("--label %q is no NAME=VALUE, such as model=gpt-4o", one)
				}
				by[name] = value
			}
			in["labels"] = by
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var made shownSilence
			raw, err := c.do(cmd.Context(), http.MethodPost, "alerts/silences", nil, in, &made)
			if err != nil {
				return no(err)
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			_, err = fmt.Fprintf(s.out, "silent until %s (%s)\n", s.moment(made.Until), clean(made.ID))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&length, "for", "", "how long: 30m, 2h, 1d")
	f.StringVar(&why, "why", "", "for those who wonder")
	f.StringArrayVar(&labels, "label", nil, "of the groups, as model=gpt-4o; may be repeated")
	f.StringVar(&end, "end", "", "id of a silence that ends now")
	cmd.MarkFlagsMutuallyExclusive("for", "end")
	return cmd
}

func listSilences(cmd *cobra.Command) error {
	c, err := newClient(cmd)
	if err != nil {
		return err
	}
	var list struct {
		Silences []shownSilence `json:"silences"`
	}
	raw, err := c.get(cmd.Context(), "alerts/silences", nil, &list)
	if err != nil {
		return err
	}
	s := newScreen(cmd)
	if asJSON(cmd) {
		return s.asItCame(raw)
	}
	if len(list.Silences) == 0 {
		s.note("nothing is silenced")
		return nil
	}
	sh := sheet{columns: []column{{name: "rule"}, {name: "groups", flex: true, drop: 2}, {name: "until"}, {name: "by", drop: 3}, {name: "why", flex: true, drop: 1}, {name: "id"}}}
	for _, q := range list.Silences {
		rule := q.Rule
		if rule == "" {
			rule = "all"
		}
		sh.rows = append(sh.rows, []string{rule, q.Labels.Text(), s.moment(q.Until), q.By, q.Why, q.ID})
	}
	return s.table(sh)
}

func alertsDeliveriesCommand() *cobra.Command {
	var state, resend string
	cmd := &cobra.Command{
		Use:   "deliveries",
		Short: "List messages to channels, newest first; exits with 1 when some were given up",
		Example: `  weir alerts deliveries --state failed
  weir alerts deliveries --resend 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if resend != "" {
				return askAndSay(cmd, http.MethodPost, "alerts/deliveries/"+url.PathEscape(resend)+"/resend", nil, "%s is sent again", resend)
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var list struct {
				Deliveries []shownDelivery `json:"deliveries"`
			}
			q := url.Values{}
			if state != "" {
				q.Set("state", state)
			}
			raw, err := c.get(cmd.Context(), "alerts/deliveries", q, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(list.Deliveries) == 0 {
				s.note("no messages")
				return nil
			}
			sh := sheet{columns: []column{
				{name: "at"}, {name: "channel"}, {name: "state"}, {name: "tries", right: true, drop: 3}, {name: "what", flex: true, drop: 1}, {name: "error", flex: true, drop: 2}, {name: "id", drop: 4},
			}}
			failed := 0
			for _, d := range list.Deliveries {
				if d.State == "failed" {
					failed++
				}
				sh.rows = append(sh.rows, []string{s.moment(d.At), d.Channel, d.State, strconv.Itoa(d.Tries), d.Subject, d.Error, d.ID})
			}
			if err := s.table(sh); err != nil {
				return err
			}
			if failed > 0 {
				return sayNo("%d given up; --resend ID tries one again", failed)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "waiting, delivered or failed")
	cmd.Flags().StringVar(&resend, "resend", "", "id of a message that is sent again")
	cmd.MarkFlagsMutuallyExclusive("state", "resend")
	return cmd
}
