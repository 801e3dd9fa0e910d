package main

import (
	"cmp"
	"context"
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

	"github.com/weir-dev/weir/prompts/experiment"
)

// apiExperiment is an experiment as the API lists it.
type apiExperiment struct {
	experiment.Experiment
	Revision  int64     `json:"revision"`
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by"`
}

// experimentsCommand manages A/B experiments.
func experimentsCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "experiments",
		Short: "A/B experiments: versions of a prompt, models and parameters compared on live traffic",
		Long: `experiments give each user, session or key one of several arms, count what each arm does, and say what that means. They may be
looked at whenever one likes: the chance of a false verdict is the same over all looks.`,
		Example: `  weir experiments create tone.yaml
  weir experiments start tone
  weir experiments status tone --watch
  weir experiments promote tone`,
	})
	clientFlags(cmd)
	cmd.AddCommand(experimentsListCommand(), experimentsCreateCommand(), experimentsStartCommand(), experimentsStopCommand(), experimentsStatusCommand(),
		experimentsWeightsCommand(), experimentsRampCommand(), experimentsConcludeCommand(), experimentsPromoteCommand(), experimentsAssignCommand(), experimentsDeleteCommand())
	return cmd
}

// ofExperiment is a path below an experiment.
func ofExperiment(name string, more ...string) string {
	return "experiments/" + url.PathEscape(name) + strings.Join(append([]string{""}, more...), "/")
}

// noExperiment makes an answer of no of an API's 404.
func noExperiment(err error) error {
	if e, ok := errors.AsType[*apiError](err); ok && e.Status == http.StatusNotFound {
		return sayNo("%w", err)
	}
	return err
}

func (c *client) experiments(ctx context.Context, query url.Values) ([]byte, []apiExperiment, error) {
	var list struct {
		Experiments []apiExperiment `json:"experiments"`
	}
	raw, err := c.get(ctx, "experiments", query, &list)
	return raw, list.Experiments, err
}

func experimentsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the experiments",
		Example: `  weir experiments list`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, list, err := c.experiments(cmd.Context(), nil)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(list) == 0 {
				s.note("no experiments; make one with: weir experiments create FILE")
				return nil
			}
			sh := sheet{columns: []column{
				{name: "name", flex: true},
				{name: "status", paint: experimentColour},
				{name: "prompt", flex: true},
				{name: "unit", drop: 2},
				{name: "arms", flex: true, drop: 1},
				{name: "started", drop: 3},
				{name: "winner", drop: 1},
			}}
			for i := range list {
				e := &list[i]
				sh.rows = append(sh.rows, []string{e.Name, string(e.Status), cmp.Or(e.Prompt, "-"), string(e.Unit), armShares(&e.Experiment), s.moment(e.Started), cmp.Or(e.Winner, "-")})
			}
			return s.table(sh)
		},
	}
}

func experimentColour(status string) text.Colors {
	switch experiment.Status(status) {
	case experiment.Running:
		return text.Colors{text.FgGreen}
	case experiment.Halted:
		return text.Colors{text.FgYellow}
	}
	return text.Colors{text.Faint}
}

// armShares says what share of all units each arm gets.
func armShares(e *experiment.Experiment) string {
	parts := make([]string, len(e.Arms))
	for i := range e.Arms {
		parts[i] = e.Arms[i].Name
		if epoch := e.Epoch(); epoch != nil && i < len(epoch.Weights) {
			parts[i] += fmt.Sprintf(" %.3g%%", epoch.Weights[i]*epoch.Traffic*100)
		}
	}
	return strings.Join(parts, " ")
}

// experimentStep makes a command that takes one step on an experiment.
func experimentStep(cmd *cobra.Command, verb string, fill func(name string, args []string) (map[string]any, error), say func(e *apiExperiment) string) *cobra.Command {
	var reason string
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in, err := fill(args[0], args[1:])
		if err != nil {
			return err
		}
		if reason != "" {
			in["reason"] = reason
		}
		c, err := newClient(cmd)
		if err != nil {
			return err
		}
		var e apiExperiment
		raw, err := c.do(cmd.Context(), http.MethodPost, ofExperiment(args[0], verb), nil, in, &e)
		if err != nil {
			return noExperiment(err)
		}
		s := newScreen(cmd)
		if asJSON(cmd) {
			return s.asItCame(raw)
		}
		_, err = fmt.Fprintln(s.out, clean(say(&e)))
		return err
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why: it is kept with the step")
	return cmd
}

func nothingMore(string, []string) (map[string]any, error) { return map[string]any{}, nil }

func experimentsStartCommand() *cobra.Command {
	return experimentStep(&cobra.Command{
		Use:   "start NAME",
		Short: "Start a draft, or a stopped experiment again",
		Long: `start lets an experiment assign units from the next call on. Labels of its arms' prompts become the versions that they point to
now, so that what is compared stays the same.`,
		Example: `  weir experiments start tone`,
		Args:    oneArg("the name of an experiment"),
	}, "start", nothingMore, func(e *apiExperiment) string {
		return fmt.Sprintf("%s runs from the next call on: %s", e.Name, armShares(&e.Experiment))
	})
}

func experimentsStopCommand() *cobra.Command {
	return experimentStep(&cobra.Command{
		Use:     "stop NAME",
		Short:   "Stop an experiment: calls get what they ask for; start goes on with it",
		Example: `  weir experiments stop tone --reason 'complaints'`,
		Args:    oneArg("the name of an experiment"),
	}, "stop", nothingMore, func(e *apiExperiment) string { return e.Name + " is stopped: calls get what they ask for" })
}

func experimentsWeightsCommand() *cobra.Command {
	return experimentStep(&cobra.Command{
		Use:   "weights NAME ARM=SHARE…",
		Short: "Change the arms' shares; they sum to 1 or to 100",
		Long: `weights changes the arms' shares from the next call on. Units keep their arm as far as no share shrinks. What was counted before and
after is compared apart, so that the change is not taken for an effect.`,
		Example: `  weir experiments weights tone control=80 warm=20`,
		Args:    cobra.MinimumNArgs(3),
	}, "weights", func(_ string, args []string) (map[string]any, error) {
		weights := map[string]float64{}
		for _, one := range args {
			arm, share, ok := strings.Cut(one, "=")
			n, err := strconv.ParseFloat(strings.TrimSuffix(share, "%"), 64)
			if !ok || err != nil || arm == "" {
				return nil, fmt.Errorf("%q is no ARM=SHARE, such as control=80", one)
			}
			if _, twice := weights[arm]; twice {
				return nil, fmt.Errorf("the arm %s has two weights; give it one", arm)
			}
			weights[arm] = n
		}
		return map[string]any{"weights": weights}, nil
	}, func(e *apiExperiment) string { return e.Name + ": " + armShares(&e.Experiment) })
}

func experimentsRampCommand() *cobra.Command {
	var traffic string
	cmd := experimentStep(&cobra.Command{
		Use:   "ramp NAME",
		Short: "Raise the traffic to the next step (1, 5, 25, 50 % an arm of two), or to --traffic",
		Example: `  weir experiments ramp tone
  weir experiments ramp tone --traffic 100%`,
		Args: oneArg("the name of an experiment"),
	}, "ramp", func(string, []string) (map[string]any, error) {
		if traffic == "" {
			return map[string]any{}, nil
		}
		number, percent := strings.CutSuffix(traffic, "%")
		n, err := strconv.ParseFloat(number, 64)
		if percent {
			n /= 100
		}
		if err != nil || !(n > 0 && n <= 1) {
			return nil, fmt.Errorf("--traffic %q: want more than 0, at most 1, such as 0.2 or 20%%", traffic)
		}
		return map[string]any{"traffic": n}, nil
	}, func(e *apiExperiment) string { return e.Name + ": " + armShares(&e.Experiment) })
	cmd.Flags().StringVar(&traffic, "traffic", "", "the share of each arm's weight that is served, 0 to 1 or in percent")
	return cmd
}

func experimentsConcludeCommand() *cobra.Command {
	var winner string
	cmd := experimentStep(&cobra.Command{
		Use:     "conclude NAME",
		Short:   "End an experiment for good, for an arm or for none",
		Example: `  weir experiments conclude tone --winner control`,
		Args:    oneArg("the name of an experiment"),
	}, "conclude", func(string, []string) (map[string]any, error) { return map[string]any{"winner": winner}, nil }, func(e *apiExperiment) string {
		return e.Name + " is concluded for " + cmp.Or(e.Winner, "no arm")
	})
	cmd.Flags().StringVar(&winner, "winner", "", "the arm to conclude for; nothing: none")
	return cmd
}

func experimentsPromoteCommand() *cobra.Command {
	var arm, label, reason string
	cmd := &cobra.Command{
		Use:   "promote NAME",
		Short: "Conclude an experiment and have the winner's version served to all",
		Long: `promote concludes an experiment and moves the prompt's label to the winner's version. A protected label moves when the change request
that promote opens is approved; until then calls get the version that the label points to.`,
		Example: `  weir experiments promote tone
  weir experiments promote tone --arm warm --label staging`,
		Args: oneArg("the name of an experiment"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			in := map[string]any{"arm": arm, "label": label, "reason": reason}
			var out struct {
				Arm, Prompt, Label string
				Change             *struct{ ID string }
			}
			raw, err := c.do(cmd.Context(), http.MethodPost, ofExperiment(args[0], "promote"), nil, in, &out)
			if err != nil {
				return noExperiment(err)
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			text := fmt.Sprintf("%s is %s now", out.Label, out.Prompt)
			if out.Change != nil {
				text = fmt.Sprintf("%s is protected: the change request %s waits for approval (weir prompts changes approve %[2]s); until then calls get what %[1]s points to", out.Label, out.Change.ID)
			}
			_, err = fmt.Fprintln(s.out, clean(text))
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&arm, "arm", "", "the arm to promote; nothing: the winner")
	f.StringVar(&label, "label", "", "the label to move (default production)")
	f.StringVar(&reason, "reason", "", "why: it stands in the change request")
	return cmd
}

func experimentsDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "delete NAME",
		Short:   "Remove a draft; what has run is kept",
		Example: `  weir experiments delete tone`,
		Args:    oneArg("the name of a draft"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, err := c.do(cmd.Context(), http.MethodDelete, ofExperiment(args[0]), nil, nil, nil)
			if err != nil {
				return noExperiment(err)
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			_, err = fmt.Fprintf(s.out, "deleted the draft %s\n", clean(args[0]))
			return err
		},
	}
}

func experimentsAssignCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "assign NAME UNIT…",
		Short: "Show which arm units get, or would get if a draft were started now",
		Example: `  weir experiments assign tone user-1 user-2
  cut -d, -f1 users.csv | xargs weir experiments assign tone`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			sh := sheet{columns: []column{{name: "unit", flex: true}, {name: "arm"}, {name: "counts"}, {name: "number", right: true, drop: 1}}}
			for _, unit := range args[1:] {
				var a struct {
					Arm        string
					InAnalysis bool `json:"in_analysis"`
					Number     float64
				}
				raw, err := c.get(cmd.Context(), ofExperiment(args[0], "assignment"), url.Values{"unit": {unit}}, &a)
				if err != nil {
					return noExperiment(err)
				}
				if asJSON(cmd) {
					if err := s.line(json.RawMessage(raw)); err != nil {
						return err
					}
					continue
				}
				sh.rows = append(sh.rows, []string{unit, cmp.Or(a.Arm, "takes no part"), map[bool]string{true: "yes", false: "no"}[a.InAnalysis], fmt.Sprintf("%.4f", a.Number)})
			}
			if asJSON(cmd) {
				return nil
			}
			return s.table(sh)
		},
	}
	return cmd
}
