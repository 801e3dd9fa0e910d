package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

// apiBudget is a budget as the API lists it.
type apiBudget struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Scope       map[string]string `json:"scope"`
	Window      string            `json:"window"`
	LimitUSD    *string           `json:"limit_usd"`
	LimitTokens *int64            `json:"limit_tokens"`
	LimitCalls  *int64            `json:"limit_calls"`
	Policy      string            `json:"policy"`
	AtLimit     string            `json:"at_limit"`
	State       string            `json:"state"`
	Percent     int               `json:"percent"`
	ResetsAt    time.Time         `json:"resets_at"`
	SpentUSD    string            `json:"spent_usd"`
	SpentTokens int64             `json:"spent_tokens"`
	SpentCalls  int64             `json:"spent_calls"`
	HeldUSD     string            `json:"held_usd"`
	HeldTokens  int64             `json:"held_tokens"`
	HeldCalls   int64             `json:"held_calls"`
	Overshoot   *string           `json:"overshoot_bound_usd"`
}

// budgetsCommand manages budgets.
func budgetsCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "budgets",
		Short: "Budgets: what calls may cost, and what happens when it is spent",
		Long: `budgets bound what the calls of a project, key, user, session, model, provider or tag may cost in dollars, tokens or calls, in
each window of time. A call is held against every budget it matches before it is sent.`,
		Example: `  weir budgets set team-a --scope tag.team=a --window day --usd 20
  weir budgets list
  weir budgets holds`,
	})
	clientFlags(cmd)
	cmd.AddCommand(budgetsListCommand(), budgetsSetCommand(), budgetsDeleteCommand(), budgetsHoldsCommand(), budgetsReleaseCommand(), budgetsEventsCommand())
	return cmd
}

func (c *client) budgets(ctx context.Context) ([]byte, []apiBudget, error) {
	var list struct {
		Budgets []apiBudget `json:"budgets"`
	}
	raw, err := c.get(ctx, "budgets", nil, &list)
	return raw, list.Budgets, err
}

func budgetsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the budgets with what is spent of each; exits with 1 when one is spent",
		Example: `  weir budgets list
  weir budgets list --json | jq '.budgets[] | {name, remaining_usd}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, budgets, err := c.budgets(cmd.Context())
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				err = s.asItCame(raw)
			} else {
				err = s.budgets(budgets)
			}
			if err != nil {
				return err
			}
			var spent []string
			for _, b := range budgets {
				if b.State == "spent" {
					spent = append(spent, clean(b.Name))
				}
			}
			if len(spent) > 0 {
				return sayNo("spent: %s", strings.Join(spent, ", "))
			}
			return nil
		},
	}
}

// budgets shows a row for each limit.
func (s *screen) budgets(budgets []apiBudget) error {
	if len(budgets) == 0 {
		s.note("no budgets; make one with: weir budgets set NAME --window day --usd 20")
		return nil
	}
	sh := sheet{columns: []column{
		{name: "name", flex: true},
		{name: "scope", flex: true, drop: 1},
		{name: "window"},
		{name: "limit", right: true},
		{name: "spent", right: true},
		{name: "held", right: true, drop: 2},
		{name: "overshoot", right: true, drop: 4},
		{name: "state", paint: budgetColour},
		{name: "resets", drop: 3},
		{name: "policy", drop: 4},
		{name: "at limit", drop: 4},
		{name: "id", drop: 5},
	}}
	for _, b := range budgets {
		row := func(limit, spent, held, over string) {
			sh.rows = append(sh.rows, []string{
				b.Name, scopeText(b.Scope), b.Window, limit, spent, held, over, fmt.Sprintf("%s %d%%", b.State, b.Percent), s.moment(b.ResetsAt), b.Policy, b.AtLimit, b.ID,
			})
		}
		if b.LimitUSD != nil {
			row("$"+*b.LimitUSD, b.SpentUSD, b.HeldUSD, overshootText(b.Overshoot))
		}
		if b.LimitTokens != nil {
			row(count(*b.LimitTokens)+" tokens", count(b.SpentTokens), count(b.HeldTokens), "-")
		}
		if b.LimitCalls != nil {
			row(count(*b.LimitCalls)+" calls", count(b.SpentCalls), count(b.HeldCalls), "-")
		}
	}
	return s.table(sh)
}

func budgetColour(state string) text.Colors {
	switch state, _, _ = strings.Cut(state, " "); state {
	case "spent":
		return text.Colors{text.FgRed}
	case "soft", "filling":
		return text.Colors{text.FgYellow}
	}
	return text.Colors{text.FgGreen}
}

func scopeText(scope map[string]string) string {
	if len(scope) == 0 {
		return "every call"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(scope)) {
		parts = append(parts, name+"="+scope[name])
	}
	return strings.Join(parts, " ")
}

func budgetsSetCommand() *cobra.Command {
	var (
		scope                         []string
		window, zone, usd, policy, at string
		tokens, calls                 int64
		thresholds                    []int
	)
	cmd := &cobra.Command{
		Use:   "set NAME --window W --usd N",
		Short: "Make a budget, or put it in place of the one of this name",
		Long: `set makes a budget. Windows are minute, hour, day, week, month, quarter, year (of --timezone), lifetime, and rolling:24h.
The policy strict holds the most that a call can cost and is never overspent; expected holds what such calls cost as a rule.
At the limit, refuse answers 429, downgrade tries the route's next target, and alert lets calls pass and tells.`,
		Example: `  weir budgets set team-a --scope tag.team=a --window day --timezone Europe/Berlin --usd 20
  weir budgets set trial --scope key=trial --window lifetime --calls 100
  weir budgets set all --window month --usd 500 --policy strict --thresholds 50,80,95`,
		Args: oneArg("a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]any{"name": args[0], "window": window, "timezone": zone, "policy": policy, "at_limit": at}
			if cmd.Flags().Changed("thresholds") || cmd.Flags().Changed("soft") {
				in["thresholds"] = thresholds
			}
			if usd != "" {
				in["limit_usd"] = usd
			}
			if tokens != 0 {
				in["limit_tokens"] = tokens
			}
			if calls != 0 {
				in["limit_calls"] = calls
			}
			by := map[string]string{}
			for _, one := range scope {
				name, value, ok := strings.Cut(one, "=")
				if !ok {
					return fmt.Errorf("--scope %q is no NAME=VALUE, such as project=support or tag.team=a", one)
				}
				by[name] = value
			}
			in["scope"] = by
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			_, have, err := c.budgets(cmd.Context())
			if err != nil {
				return err
			}
			method, path := http.MethodPost, "budgets"
			if i := slices.IndexFunc(have, func(b apiBudget) bool { return b.Name == args[0] }); i >= 0 {
				method, path = http.MethodPut, "budgets/"+url.PathEscape(have[i].ID)
			}
			var made apiBudget
			raw, err := c.do(cmd.Context(), method, path, nil, in, &made)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			_, err = fmt.Fprintf(s.out, "budget %s for %s holds from the next call on (%s)\n", clean(made.Name), clean(scopeText(made.Scope)), clean(made.ID))
			return err
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&scope, "scope", nil, "what a call must have, as project=P, key=K, user=U, session=S, model=M, provider=P or tag.NAME=V; may be repeated; none: every call")
	f.StringVar(&window, "window", "month", "minute, hour, day, week, month, quarter, year, lifetime or rolling:24h")
	f.StringVar(&zone, "timezone", "", "time zone of calendar windows, as Europe/Berlin; nothing: UTC")
	f.StringVar(&usd, "usd", "", "limit in dollars; also --limit-usd")
	f.StringVar(&usd, "limit-usd", "", "the same as --usd")
	_ = f.MarkHidden("limit-usd")
	cmd.MarkFlagsMutuallyExclusive("usd", "limit-usd")
	f.Int64Var(&tokens, "tokens", 0, "limit in tokens, in and out")
	f.Int64Var(&calls, "calls", 0, "limit in calls")
	f.StringVar(&policy, "policy", "expected", "expected or strict")
	f.StringVar(&at, "at-limit", "refuse", "refuse, downgrade or alert")
	f.IntSliceVar(&thresholds, "thresholds", []int{50, 80}, "percents of the limit at which it is told, beside the limit itself")
	f.IntSliceVar(&thresholds, "soft", []int{50, 80}, "the same as --thresholds")
	_ = f.MarkHidden("soft")
	cmd.MarkFlagsMutuallyExclusive("thresholds", "soft")
	return cmd
}

// findBudget gives the budget with an id or a name.
func (c *client) findBudget(ctx context.Context, word string) (apiBudget, error) {
	_, list, err := c.budgets(ctx)
	if err != nil {
		return apiBudget{}, err
	}
	for _, same := range []func(apiBudget) bool{func(b apiBudget) bool { return b.ID == word }, func(b apiBudget) bool { return b.Name == word }} {
		if i := slices.IndexFunc(list, same); i >= 0 {
			return list[i], nil
		}
	}
	return apiBudget{}, sayNo("no budget has the id or the name %q; weir budgets list shows them", word)
}

func budgetsDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "delete ID|NAME",
		Short:   "Remove a budget: it bounds nothing from now on",
		Example: `  weir budgets delete team-a`,
		Args:    oneArg("the id or the name of a budget"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			b, err := c.findBudget(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			raw, err := c.do(cmd.Context(), http.MethodDelete, "budgets/"+url.PathEscape(b.ID), nil, nil, nil)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			_, err = fmt.Fprintf(s.out, "deleted the budget %s\n", clean(b.Name))
			return err
		},
	}
}

// apiHold is a hold as the API lists it.
type apiHold struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	Project   string    `json:"project"`
	Key       string    `json:"key"`
	Model     string    `json:"model"`
	Provider  string    `json:"provider"`
	Began     time.Time `json:"began"`
	ExpiresAt time.Time `json:"expires_at"`
	Budgets   []struct {
		ID  string `json:"id"`
		USD string `json:"usd"`
	} `json:"budgets"`
}

func budgetsHoldsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "holds",
		Short: "List what is held for calls under way, and for calls that were lost",
		Long: `holds lists what budgets hold. A hold is settled when its call ends. One in the state presumed was sent by a weir that died, or
whose client vanished: it counts as spent until it is settled, released by hand, or its window ends.`,
		Example: `  weir budgets holds`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var list struct {
				Holds []apiHold `json:"holds"`
			}
			raw, err := c.get(cmd.Context(), "budgets/holds", nil, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(list.Holds) == 0 {
				s.note("nothing is held")
				return nil
			}
			sh := sheet{columns: []column{
				{name: "id"},
				{name: "state"},
				{name: "began"},
				{name: "project", drop: 2},
				{name: "key", drop: 3},
				{name: "provider", drop: 4},
				{name: "model", flex: true, drop: 1},
				{name: "budgets", right: true, drop: 5},
				{name: "held usd", right: true},
			}}
			for _, h := range list.Holds {
				most := ""
				for _, b := range h.Budgets { // of amounts without a sign the longer one is more
					if len(b.USD) > len(most) || len(b.USD) == len(most) && b.USD > most {
						most = b.USD
					}
				}
				sh.rows = append(sh.rows, []string{
					h.ID, h.State, s.moment(h.Began), h.Project, h.Key, h.Provider, h.Model, strconv.Itoa(len(h.Budgets)), cmp.Or(most, "-"),
				})
			}
			return s.table(sh)
		},
	}
}

func budgetsReleaseCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "release HOLD",
		Short:   "Give back what a hold took",
		Long:    `release gives back what a hold took of its budgets. Should its call be settled after all, it is charged all the same.`,
		Example: `  weir budgets release 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d`,
		Args:    oneArg("the id of a hold; weir budgets holds lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, err := c.do(cmd.Context(), http.MethodPost, "budgets/holds/"+url.PathEscape(args[0])+"/release", nil, nil, nil)
			if e, ok := errors.AsType[*apiError](err); ok && e.Status == http.StatusNotFound {
				return sayNo("%w", err)
			}
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			_, err = fmt.Fprintf(s.out, "released %s\n", clean(args[0]))
			return err
		},
	}
}
