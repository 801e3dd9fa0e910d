package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/eval/stats"
)

// judgeRun is weir eval judge run.
type judgeRun struct {
	judgeAsked
	calibration      string
	floor            float64
	minMean, minPass float64
}

func judgeRunCommand() *cobra.Command {
	r := &judgeRun{}
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Judge the answers of a file",
		Long: `run judges the answers of FILE, a JSON object a line: {"id", "input", "output", "expected"?, "context"?}; with --kind pairwise {"id", "input",
"a", "b"}. Models are asked through the running weir, with the virtual key in WEIR_KEY, or, without one, with a key that is made for this.

What cannot be judged is unscorable, with what the model said; it is never a zero. Pairs are asked both ways round, and a verdict that changes with the
order is a tie.

--min-mean and --min-pass-rate answer no (exit 1) when the figure is below, and also when the judge may not gate: when --calibration names no
comparison with people, or one that shows too little agreement, or one of another version of the judge.`,
		Example: `  weir eval judge run answers.jsonl --rubric correctness --model gpt-4o-mini --dry-run
  weir eval judge run answers.jsonl --judge judge.yaml --calibration judge.cal.json --min-pass-rate 0.9
  weir eval judge run pairs.jsonl --kind pairwise --rubric helpfulness --model gpt-4o-mini --json`,
		Args: oneArg("a file of answers"),
		RunE: func(cmd *cobra.Command, args []string) error { return r.do(cmd, args[0]) },
	}
	r.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&r.calibration, "calibration", "", "file that weir eval judge calibrate --save wrote")
	f.Float64Var(&r.floor, "floor", judge.DefaultFloor, "kappa that the judge must have for sure, before it may gate")
	f.Float64Var(&r.minMean, "min-mean", 0, "the mean score must be so high")
	f.Float64Var(&r.minPass, "min-pass-rate", 0, "so many must pass")
	return cmd
}

func (r *judgeRun) do(cmd *cobra.Command, file string) error {
	cfg, err := r.config(cmd)
	if err != nil {
		return err
	}
	wanted := []string{"input", "output"}
	if cfg.Kind == judge.Pairwise {
		wanted = []string{"input", "a", "b"}
	}
	rows, err := readJudgeRows(file, wanted...)
	if err != nil {
		return err
	}
	if r.c, err = newClient(cmd); err != nil {
		return err
	}
	r.s = newScreen(cmd)
	asker, end, err := r.asker(cmd.Context(), cfg, judgeSession())
	if err != nil {
		return err
	}
	defer end()
	if cfg.Kind == judge.Pairwise {
		return r.pairs(cmd, cfg, asker, rows)
	}
	return r.cases(cmd, cfg, asker, rows)
}

// judgedRow is a judgement with its row's name.
type judgedRow struct {
	ID string `json:"id"`
	judge.Judgement
}

// judgedFile is what judging a file came to.
type judgedFile struct {
	Judge      judge.Version `json:"judge"`
	Rows       []judgedRow   `json:"rows"`
	Scored     int           `json:"scored"`
	Unscorable int           `json:"unscorable"`
	Failed     int           `json:"failed"`
	Coverage   float64       `json:"coverage"`

	Mean     *stats.Bootstrapped `json:"mean"` // with its interval; null when nothing was scored
	PassRate *float64            `json:"pass_rate"`
	Passed   *stats.Interval     `json:"pass_rate_interval"`
	// Corrected is the pass rate as it would be without the mistakes that the judge made when it was compared with people.
	Corrected   *float64           `json:"pass_rate_corrected"`
	Fitness     judge.Fitness      `json:"fitness"`
	Reliability *judge.Reliability `json:"reliability,omitempty"` // of panels and votes
	Tally       judge.Tally        `json:"tally"`
}

func (r *judgeRun) cases(cmd *cobra.Command, cfg judge.Config, asker *judge.Asker, rows []judgeRow) error {
	ctx := cmd.Context()
	j, err := judge.New(ctx, cfg, asker, judgePrompts(r.c))
	if err != nil {
		return err
	}
	cases := make([]judge.Case, len(rows))
	for i := range rows {
		cases[i] = rows[i].theCase()
	}
	estimate, err := asker.Estimate(ctx, j, cases)
	if err != nil {
		return err
	}
	if r.dryRun && asJSON(cmd) {
		return r.s.line(estimate)
	}
	r.s.tellEstimate(estimate)
	if r.dryRun {
		return nil
	}
	tracker, done := progressBar(cmd, "judging", int64(len(cases)))
	judgements, err := judge.Each(ctx, cases, judge.Run{Concurrency: r.concurrency, Done: func(n int) { tracker.SetValue(int64(n)) }}, j.Judge)
	done()
	if err != nil {
		return r.stopped(asker, err)
	}
	out := judgedFile{Judge: j.Version(), Tally: asker.Spent()}
	out.sum(rows, judgements)
	var calibration *judge.Calibration
	if r.calibration != "" {
		if calibration, err = readCalibration(r.calibration); err != nil {
			return err
		}
	}
	out.Fitness = calibration.Fitness(j.Version(), r.floor)
	if calibration != nil && out.PassRate != nil && out.Fitness.Standing != judge.Stale {
		if v, ok := calibration.Correct(*out.PassRate); ok {
			out.Corrected = &v
		}
	}
	if asJSON(cmd) {
		err = r.s.line(out)
	} else {
		err = r.s.judged(&out)
	}
	if err != nil {
		return err
	}
	return r.gate(cmd, &out)
}

// stopped says how far it came.
func (r *judgeRun) stopped(asker *judge.Asker, err error) error {
	r.s.tellTally(asker.Spent())
	if r.cache != "" {
		return fmt.Errorf("judge: %w; what was judged is remembered in %s", err, r.cache)
	}
	return fmt.Errorf("judge: %w; with --cache DIR what was judged would be remembered", err)
}

func (out *judgedFile) sum(rows []judgeRow, judgements []judge.Judgement) {
	var scores []float64
	passed := 0
	for i, v := range judgements {
		out.Rows = append(out.Rows, judgedRow{rows[i].ID, v})
		switch v.State {
		case judge.Scored:
			scores = append(scores, v.Score)
			if v.Passed {
				passed++
			}
		case judge.Unscorable:
			out.Unscorable++
		default:
			out.Failed++
		}
	}
	out.Scored, out.Coverage = len(scores), float64(len(scores))/float64(len(rows))
	if mean, err := stats.BootstrapMean(scores, stats.Resampling{}); err == nil {
		out.Mean = &mean
		rate := float64(passed) / float64(len(scores))
		out.PassRate = &rate
		if in, ok := stats.Wilson(passed, len(scores), 0); ok {
			out.Passed = &in
		}
	}
	if agree := judge.Agree(judgements, stats.Resampling{}); agree.Cases > 0 {
		out.Reliability = &agree
	}
}

// gate answers no when a bound does not hold, or may not rest on this judge.
func (r *judgeRun) gate(cmd *cobra.Command, out *judgedFile) error {
	mean, pass := cmd.Flags().Changed("min-mean"), cmd.Flags().Changed("min-pass-rate")
	switch {
	case !mean && !pass:
		return nil
	case !out.Fitness.MayGate():
		return sayNo("no bound may rest on this judge: %s", out.Fitness.Reason)
	case out.Coverage < judge.MinCoverage:
		return sayNo("%d of %d were judged: too few for a bound", out.Scored, len(out.Rows))
	case mean && out.Mean.Value < r.minMean:
		return sayNo("the mean is %.4f, and not %v", out.Mean.Value, r.minMean)
	case pass && *out.PassRate < r.minPass:
		return sayNo("%.1f %% pass, and not %.1f %%", 100**out.PassRate, 100*r.minPass)
	}
	return nil
}

// judged prints judgements and their sum.
func (s *screen) judged(out *judgedFile) error {
	sh := sheet{columns: []column{{name: "id", flex: true}, {name: "state"}, {name: "grade", right: true}, {name: "score", right: true}, {name: "passed"}, {name: "reason", flex: true}}}
	for _, v := range out.Rows {
		row := []string{v.ID, string(v.State), "-", "-", "-", v.Reason}
		if v.State == judge.Scored {
			row[2], row[3], row[4] = fmt.Sprintf("%.4g", v.Grade), fmt.Sprintf("%.4g", v.Score), yesNo(v.Passed)
		}
		sh.rows = append(sh.rows, row)
	}
	if err := s.table(sh); err != nil {
		return err
	}
	fmt.Fprintln(s.out)
	pairs := []string{"scored", fmt.Sprintf("%d of %d (%.1f %%)", out.Scored, len(out.Rows), 100*out.Coverage)}
	if out.Mean != nil {
		pairs = append(pairs, "mean", fmt.Sprintf("%.4f (%.4f to %.4f)", out.Mean.Value, out.Mean.Low, out.Mean.High),
			"passed", fmt.Sprintf("%.1f %% (%.1f to %.1f)", 100**out.PassRate, 100*out.Passed.Low, 100*out.Passed.High))
	}
	if out.Corrected != nil {
		pairs = append(pairs, "corrected", fmt.Sprintf("%.1f %%, as far as it errs as it did when it was compared with people", 100**out.Corrected))
	}
	if a := out.Reliability; a != nil && a.Alpha != nil {
		pairs = append(pairs, "alpha", fmt.Sprintf("%.3f over %d cases, %d disputed", *a.Alpha, a.Cases, a.Disputed))
	}
	s.facts(append(pairs, "may gate", string(out.Fitness.Standing)+": "+out.Fitness.Reason)...)
	s.tellTally(out.Tally)
	return nil
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// judgedPair is a verdict with its row's name.
type judgedPair struct {
	ID string `json:"id"`
	judge.PairJudgement
}

func (r *judgeRun) pairs(cmd *cobra.Command, cfg judge.Config, asker *judge.Asker, rows []judgeRow) error {
	ctx := cmd.Context()
	if cmd.Flags().Changed("min-mean") || cmd.Flags().Changed("min-pass-rate") {
		return fmt.Errorf("pairs have neither a mean nor a pass rate: leave --min-mean and --min-pass-rate out")
	}
	j, err := judge.NewPairwise(ctx, cfg, asker, judgePrompts(r.c))
	if err != nil {
		return err
	}
	pairs := make([]judge.Pair, len(rows))
	for i := range rows {
		pairs[i] = rows[i].thePair()
	}
	estimate, err := j.Estimate(ctx, pairs)
	if err != nil {
		return err
	}
	if r.dryRun && asJSON(cmd) {
		return r.s.line(estimate)
	}
	r.s.tellEstimate(estimate)
	if r.dryRun {
		return nil
	}
	tracker, done := progressBar(cmd, "judging", int64(len(pairs)))
	run := judge.Run{Concurrency: r.concurrency, Done: func(n int) { tracker.SetValue(int64(n)) }}
	verdicts, err := judge.Each(ctx, pairs, run, func(ctx context.Context, p judge.Pair) (judge.PairJudgement, error) { return j.Judge(ctx, p) })
	done()
	if err != nil {
		return r.stopped(asker, err)
	}
	contest := judge.Sum(verdicts)
	contest.Tally = asker.Spent()
	var named []judgedPair
	for i, v := range verdicts {
		named = append(named, judgedPair{rows[i].ID, v})
	}
	if asJSON(cmd) {
		return r.s.line(map[string]any{"judge": j.Version(), "rows": named, "contest": contest})
	}
	sh := sheet{columns: []column{{name: "id", flex: true}, {name: "state"}, {name: "winner"}, {name: "flipped"}, {name: "reason", flex: true}}}
	for _, v := range named {
		row := []string{v.ID, string(v.State), "-", "-", v.Reason}
		if v.State == judge.Scored {
			row[2], row[3] = string(v.Winner), yesNo(v.Flipped)
		}
		sh.rows = append(sh.rows, row)
	}
	if err := r.s.table(sh); err != nil {
		return err
	}
	fmt.Fprintf(r.s.out, "\n%s\n", contest)
	if contest.WinRate != nil {
		fmt.Fprintf(r.s.out, "b wins %.1f %% of the decided (%.1f to %.1f), p %.4f\n", 100**contest.WinRate, 100*contest.Interval.Low, 100*contest.Interval.High, contest.P)
	}
	r.s.tellTally(contest.Tally)
	return nil
}
