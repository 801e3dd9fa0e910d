package main

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/stats"
)

func scoresAgreementCommand() *cobra.Command {
	q := map[string]*string{}
	cmd := &cobra.Command{
		Use:   "agreement A B",
		Short: "How far two scores agree where both are given: a judge's and people's, say",
		Long: `agreement compares the calls that have both scores. A side is a score's name, with its source and author where those matter. Of yes and no and of
words it shows the confusion matrix, the share that agrees, Cohen's kappa with its interval, and the base rate: what one who always says the same
would agree on. Of numbers it shows the correlations, the mean difference and the limits of agreement.`,
		Example: `  weir scores agreement helpful:judge helpful:human --since 30d
  weir scores agreement grade:judge thumbs:human --threshold 0.5`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			v := url.Values{"a": {args[0]}, "b": {args[1]}}
			for name, text := range q {
				if *text != "" {
					v.Set(name, *text)
				}
			}
			var got struct {
				A, B struct{ Capped bool }
				eval.Agreement
			}
			c.timeout = time.Minute
			raw, err := c.get(cmd.Context(), "scores/agreement", v, &got)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if got.A.Capped || got.B.Capped {
				s.note("there are more scores than are compared: the newest are taken; narrow it down with --since")
			}
			return s.agreement(args[0], args[1], &got.Agreement)
		},
	}
	for _, f := range []struct{ name, about string }{
		{"since", "of calls from this start time on (7d, 2026-11-01)"},
		{"until", "of calls before this start time"},
		{"project", "of this project's calls"},
		{"model", "of this model's answers"},
		{"prompt", "of this prompt: name or name@version"},
		{"threshold", "numbers from it on are yes, where the other side has yes and no"},
	} {
		q[f.name] = cmd.Flags().String(f.name, "", f.about)
	}
	return cmd
}

// agreement shows how far a and b agree.
func (s *screen) agreement(a, b string, got *eval.Agreement) error {
	if got.Pairs == 0 {
		s.note("no call has both scores: %d have only %s, %d only %s", got.OnlyA, clean(a), got.OnlyB, clean(b))
		return nil
	}
	s.facts("pairs", fmt.Sprintf("%d; %d have only %s, %d only %s", got.Pairs, got.OnlyA, a, got.OnlyB, b))
	known := func(v *float64, in *stats.Interval) string {
		if v == nil {
			return "not defined"
		}
		text := strconv.FormatFloat(*v, 'f', 3, 64)
		if in != nil {
			text += fmt.Sprintf(" (%.3f to %.3f)", in.Low, in.High)
		}
		return text
	}
	sh := sheet{}
	if c := got.Classes; c != nil {
		s.facts("agreement", known(&c.Agreement, c.Interval), "base rate", fmt.Sprintf("%.3f (always %q)", c.BaseRate, c.BaseName), "kappa", known(c.Kappa, c.KappaIn))
		sh.columns = []column{{name: a + " \\ " + b, flex: true}}
		for i, name := range c.Names {
			sh.columns = append(sh.columns, column{name: name, right: true, flex: true})
			row := []string{name}
			for _, n := range c.Matrix[i] {
				row = append(row, strconv.Itoa(n))
			}
			sh.rows = append(sh.rows, row)
		}
		return s.table(sh)
	}
	n := got.Numbers
	s.facts("pearson", known(n.Pearson, n.PearsonIn), "spearman", known(n.Spearman, n.SpearmanIn), "mean difference", known(&n.Difference, n.DiffIn))
	if n.Low != nil && n.High != nil {
		s.facts("limits of agreement", fmt.Sprintf("%.3f to %.3f", *n.Low, *n.High))
	}
	if got.Weighted != nil {
		s.facts("weighted kappa", known(&got.Weighted.Kappa, got.Weighted.Interval))
	}
	s.facts("the same", fmt.Sprintf("%.1f %%", 100*n.Equal))
	sh.columns = []column{{name: "call"}, {name: a, right: true}, {name: b, right: true}}
	for _, d := range got.Disagreements[:min(10, len(got.Disagreements))] {
		sh.rows = append(sh.rows, []string{d.CallID, fmt.Sprint(d.A), fmt.Sprint(d.B)})
	}
	if len(sh.rows) == 0 {
		return nil
	}
	return s.table(sh)
}
