package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval"
)

func evalCompareCommand() *cobra.Command {
	var dir, page string
	var markdown bool
	cmd := &cobra.Command{
		Use:   "compare RUN [RUN…]",
		Short: "Put runs side by side, with paired tests",
		Long: `compare holds the targets of runs against the first target of the first run, item by item: the difference, how likely it is by chance, and the smallest
difference that so many items would have shown. Then it says which target to take, by quality, cost and latency. Runs are looked for in .weir/evals, or
--dir, then in the running weir.`,
		Example: `  weir eval compare 01kb2… 01kb3…
  weir eval compare 01kb2… 01kb3… --markdown >> comment.md
  weir eval compare 01kb2… 01kb3… --html report.html`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var list []eval.Compared
			for _, id := range args {
				run, results, err := findRun(cmd.Context(), c, dir, id)
				if err != nil {
					return err
				}
				list = append(list, eval.Compared{Run: run, Results: results})
			}
			out, err := eval.Compare(list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if page != "" {
				text, err := out.HTML()
				if err == nil {
					err = os.WriteFile(page, text, 0o644)
				}
				if err != nil {
					return fmt.Errorf("write the report: %w", err)
				}
				s.note("%s holds the report", page)
			}
			switch {
			case asJSON(cmd) && markdown:
				return errors.New("--json and --markdown are two forms of one output: choose one")
			case asJSON(cmd):
				return s.encode(out)
			case markdown:
				_, err := fmt.Fprint(s.out, out.Markdown())
				return err
			}
			return s.compared(&out)
		},
	}
	clientFlags(cmd)
	cmd.Flags().StringVar(&dir, "dir", filepath.Join(".weir", "evals"), "folder that runs are kept in")
	cmd.Flags().StringVar(&page, "html", "", "write a report as one HTML file")
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print Markdown, for a pull request")
	return cmd
}

// compared prints a comparison.
func (s *screen) compared(c *eval.Comparison) error {
	sh := sheet{columns: []column{
		{name: "target", flex: true},
		{name: "quality", right: true},
		{name: "cost an ask", right: true},
		{name: "p50", right: true},
		{name: "p95", right: true, drop: 1},
		{name: "asked", right: true, drop: 2},
		{name: "no answer", right: true, drop: 2},
		{name: "front"},
	}}
	for i := range c.Systems {
		y := &c.Systems[i]
		front := ""
		if y.Front {
			front = "*"
		}
		sh.rows = append(sh.rows, []string{
			y.Label, scoreText(y.Quality), scoreText(y.Cost), fmt.Sprintf("%.0f ms", y.LatencyP50), fmt.Sprintf("%.0f ms", y.LatencyP95), count(int64(y.Asked)), count(int64(y.Failed)), front,
		})
	}
	if err := s.table(sh); err != nil {
		return err
	}
	for _, scorer := range c.Scorers {
		if len(scorer.Pairs) == 0 {
			continue
		}
		s.title(clean(scorer.Scorer) + " against " + clean(c.Systems[0].Label))
		pairs := sheet{columns: []column{
			{name: "target", flex: true},
			{name: "mean", right: true},
			{name: "difference", right: true},
			{name: "95 % interval", right: true, drop: 2},
			{name: "p", right: true},
			{name: "won", right: true, drop: 1},
			{name: "lost", right: true, drop: 1},
			{name: "tied", right: true, drop: 1},
			{name: "detectable", right: true, drop: 3},
			{name: ""},
		}}
		for _, p := range scorer.Pairs {
			interval := "-"
			if p.Interval != nil {
				interval = fmt.Sprintf("%.4g to %.4g", p.Interval.Low, p.Interval.High)
			}
			pairs.rows = append(pairs.rows, []string{
				p.System, scoreText(&p.Mean), fmt.Sprintf("%+.4g", p.Delta), interval, scoreText(&p.Adjusted), count(int64(p.Won)), count(int64(p.Lost)), count(int64(p.Tied)),
				scoreText(p.Detectable), p.Verdict,
			})
		}
		if err := s.table(pairs); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.out)
	if c.Advice.System != "" {
		fmt.Fprintf(s.out, "take %s:\n", s.paint(clean(c.Advice.System)))
	}
	for _, r := range c.Advice.Reason {
		fmt.Fprintf(s.out, "  %s\n", clean(r))
	}
	for _, n := range c.Notes {
		s.note("note: %s", clean(n))
	}
	return nil
}
