package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/internal/yamldoc"
)

// shownOnline is a rule as the API lists it.
type shownOnline struct {
	online.Rule
	Waiting     int64         `json:"waiting"`
	LookedUntil time.Time     `json:"looked_until"`
	SpentToday  string        `json:"spent_today_usd"`
	Totals      online.Totals `json:"totals"`
	Scorers     []struct {
		Name   string        `json:"name"`
		Totals online.Totals `json:"totals"`
		Why    []struct {
			Outcome online.Outcome `json:"outcome"`
			Reason  online.Reason  `json:"reason"`
			Calls   int64          `json:"calls"`
			Detail  string         `json:"detail"`
		} `json:"why"`
		Drift *online.Drift `json:"drift"`
	} `json:"scores"`
}

func evalOnlineCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "online",
		Short: "Rules that score a sample of live calls in the background",
		Long: `A rule says which live calls are scored, by what and how many of them. What it takes is in a ledger, in which
eligible = scored + skipped + failed, each with a reason. See docs/online.md.`,
		Example: `  weir eval online set polite.yaml
  weir eval online list
  weir eval online status polite --since 7d`,
	})
	clientFlags(cmd)
	cmd.AddCommand(onlineListCommand(), onlineSetCommand(), onlineRemoveCommand(), onlineStatusCommand())
	return cmd
}

func (c *client) onlineRules(ctx context.Context, q url.Values) ([]byte, []shownOnline, error) {
	var list struct {
		Rules []shownOnline `json:"rules"`
	}
	raw, err := c.get(ctx, "evals/online", q, &list)
	return raw, list.Rules, err
}

func onlineListCommand() *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the rules with what became of their calls",
		Example: `  weir eval online list --since 7d`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, rules, err := c.onlineRules(cmd.Context(), url.Values{"since": {since}})
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			switch {
			case asJSON(cmd):
				return s.asItCame(raw)
			case len(rules) == 0:
				s.note("no rules; make one with: weir eval online set FILE (docs/online.md shows one)")
				return nil
			}
			return s.onlineRules(rules)
		},
	}
	cmd.Flags().StringVar(&since, "since", "24h", "count what was decided from this hour on")
	return cmd
}

func (s *screen) onlineRules(rules []shownOnline) error {
	sh := sheet{columns: []column{
		{name: "rule", flex: true},
		{name: "rate", right: true},
		{name: "of", drop: 3},
		{name: "eligible", right: true},
		{name: "scored", right: true},
		{name: "skipped", right: true},
		{name: "failed", right: true},
		{name: "waiting", right: true, drop: 1},
		{name: "today", right: true},
		{name: "budget", right: true, drop: 2},
		{name: "drift", flex: true},
	}}
	for i := range rules {
		r := &rules[i]
		budget := "-"
		if r.Budget != nil {
			budget = "$" + r.Budget.String()
		}
		sh.rows = append(sh.rows, []string{
			r.Name, fmt.Sprintf("%.4g%%", 100*r.Rate), string(r.By), count(r.Totals.Eligible), count(r.Totals.Scored), count(total(r.Totals.Skipped)), count(total(r.Totals.Failed)),
			count(r.Waiting), "$" + r.SpentToday, budget, r.drifted(),
		})
	}
	return s.table(sh)
}

func total(by map[online.Reason]int64) (n int64) {
	for _, v := range by {
		n += v
	}
	return n
}

// drifted names the scores that have drifted.
func (r *shownOnline) drifted() string {
	var names []string
	for i := range r.Scorers {
		if d := r.Scorers[i].Drift; d != nil && d.State == online.Drifted {
			names = append(names, r.Scorers[i].Name)
		}
	}
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ", ")
}

func onlineStatusCommand() *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Show a rule's ledger, why calls have no score, and how its scores stand; exits with 1 when one has drifted",
		Example: `  weir eval online status polite
  weir eval online status polite --since 7d --json`,
		Args: oneArg("the name of a rule"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, rules, err := c.onlineRules(cmd.Context(), url.Values{"name": {args[0]}, "since": {since}})
			if err != nil {
				return err
			}
			if len(rules) == 0 {
				return fmt.Errorf("there is no rule %s: weir eval online list shows them", args[0])
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				err = s.asItCame(raw)
			} else {
				err = s.onlineRule(&rules[0])
			}
			if err != nil {
				return err
			}
			if names := rules[0].drifted(); names != "-" {
				return sayNo("drifted: %s", names)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&since, "since", "24h", "count what was decided from this hour on")
	return cmd
}

func (s *screen) onlineRule(r *shownOnline) error {
	bound := "none"
	if r.Budget != nil {
		bound = "$" + r.Budget.String() + " a day"
	}
	s.facts("rule", r.Name, "sample", fmt.Sprintf("%.4g%% of each %s", 100*r.Rate, r.By), "looked until", s.moment(r.LookedUntil), "waiting", count(r.Waiting), "spent today", "$"+r.SpentToday, "budget", bound)
	sh := sheet{columns: []column{{name: "score", flex: true}, {name: "outcome"}, {name: "reason"}, {name: "calls", right: true}, {name: "detail", flex: true}}}
	for i := range r.Scorers {
		one := &r.Scorers[i]
		sh.rows = append(sh.rows, []string{one.Name, "eligible", "", count(one.Totals.Eligible), ""}, []string{one.Name, "scored", "", count(one.Totals.Scored), ""})
		for _, y := range one.Why {
			sh.rows = append(sh.rows, []string{one.Name, string(y.Outcome), string(y.Reason), count(y.Calls), y.Detail})
		}
	}
	fmt.Fprintln(s.out)
	if err := s.table(sh); err != nil {
		return err
	}
	for i := range r.Scorers {
		if d := r.Scorers[i].Drift; d != nil {
			fmt.Fprintf(s.out, "\n%s on %s: %s: %s\n", clean(d.Scorer), d.Day.Format(time.DateOnly), d.State, clean(d.Reason))
		}
	}
	return nil
}

func onlineSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set FILE",
		Short: "Store a rule from YAML or JSON, in place of the one of its name; it holds at once",
		Long: `set stores the rule that a file describes. It holds for calls that come from now on. docs/online.md has all settings.

  name: polite
  rate: 0.05
  by: session
  filter: {project: shop, prompt: greet}
  budget_usd: "2.00"
  scorers:
    - {name: short, metric: expression, expression: 'len(answer) < 400'}
    - {name: helpful, metric: judge, judge: {rubric: helpfulness, model: gpt-4o-mini}}`,
		Example: `  weir eval online set polite.yaml`,
		Args:    oneArg("a file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			rule, err := readOnlineRule(cmd, args[0])
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var made online.Rule
			raw, err := c.do(cmd.Context(), http.MethodPost, "evals/online", nil, rule, &made)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			_, err = fmt.Fprintf(s.out, "%s scores %.4g%% of what comes from now on by %s\n", clean(made.Name), 100*made.Rate, clean(strings.Join(scorerNames(made.Scorers), ", ")))
			return err
		},
	}
}

func scorerNames(list []eval.ScorerConfig) []string {
	names := map[string]bool{}
	for i := range list {
		names[list[i].Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// readOnlineRule reads a rule from a file, and says what is wrong with it.
func readOnlineRule(cmd *cobra.Command, file string) (online.Rule, error) {
	from := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return online.Rule{}, fmt.Errorf("read a rule: %w", err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, eval.MaxDefinition))
	if err != nil {
		return online.Rule{}, fmt.Errorf("read a rule from %s: %w", file, err)
	}
	doc, err := yamldoc.Parse(text)
	if err != nil {
		return online.Rule{}, fmt.Errorf("%s: %w", file, err)
	}
	if doc == nil || doc.Kind != yamldoc.Mapping {
		return online.Rule{}, fmt.Errorf("%s has no rule: want at least name, rate and scorers", file)
	}
	raw, err := doc.JSON()
	if err != nil {
		return online.Rule{}, fmt.Errorf("%s: %w", file, err)
	}
	rule, err := online.DecodeRule(raw)
	if err != nil {
		return rule, fmt.Errorf("%s: %w", file, err)
	}
	if err := rule.Settle(cmd.Context()); err != nil {
		return rule, fmt.Errorf("%s: %s", file, strings.ReplaceAll(err.Error(), "\n", "\n"+file+": "))
	}
	return rule, nil
}

func onlineRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove a rule; its scores and its ledger stay",
		Example: `  weir eval online remove polite`,
		Args:    oneArg("the name of a rule"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			if _, err := c.do(cmd.Context(), http.MethodDelete, "evals/online", url.Values{"name": {args[0]}}, nil, nil); err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.encode(map[string]string{"removed": args[0]})
			}
			_, err = fmt.Fprintf(s.out, "%s is removed\n", clean(args[0]))
			return err
		},
	}
}
