package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/eval/stats"
)

// judgeCalibrate is weir eval judge calibrate.
type judgeCalibrate struct {
	judgeAsked
	save    string
	ifStale bool
	floor   float64
}

func judgeCalibrateCommand() *cobra.Command {
	k := &judgeCalibrate{}
	cmd := &cobra.Command{
		Use:   "calibrate FILE",
		Short: "Compare a judge with people",
		Long: `calibrate judges the answers of FILE that people have judged, a JSON object a line: {"id", "input", "output", "expected"?, "context"?, "label"}, where
the label is a grade of the rubric, or true, false, "pass" or "fail". It tells Cohen's kappa with its interval, beside the share of equal labels and what
always giving the most frequent one would have, the confusion matrix, and the judge's sensitivity and specificity.

It ends with 0 when the judge may gate: when the lower end of kappa's interval reaches --floor; else with 1. With --save the comparison is kept; when the
file is there already, agreement before and after is compared, too. --if-stale does nothing when the kept one is of this very judge and these labels.`,
		Example: `  weir eval judge calibrate labelled.jsonl --rubric correctness --model gpt-4o-mini --save judge.cal.json
  weir eval judge calibrate labelled.jsonl --judge judge.yaml --save judge.cal.json --if-stale`,
		Args: oneArg("a file of labelled answers"),
		RunE: func(cmd *cobra.Command, args []string) error { return k.do(cmd, args[0]) },
	}
	k.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&k.save, "save", "", "keep the comparison in this file")
	f.BoolVar(&k.ifStale, "if-stale", false, "only when the judge or the labels changed since the comparison was saved")
	f.Float64Var(&k.floor, "floor", judge.DefaultFloor, "kappa that the judge must have for sure, before it may gate")
	return cmd
}

// calibratedJudge is what is printed.
type calibratedJudge struct {
	judge.Calibration
	Fitness judge.Fitness      `json:"fitness"`
	Drift   *stats.Discordance `json:"drift"` // against the saved comparison; null without one on the same labels
}

func (k *judgeCalibrate) do(cmd *cobra.Command, file string) error {
	if k.ifStale && k.save == "" {
		return errors.New("--if-stale looks at the saved comparison: name it with --save FILE")
	}
	cfg, err := k.config(cmd)
	if err != nil {
		return err
	}
	if cfg.Kind == judge.Pairwise {
		return errors.New("a pairwise judge gives no grades that could be compared with labels")
	}
	rows, err := readJudgeRows(file, "input", "output", "label")
	if err != nil {
		return err
	}
	if k.c, err = newClient(cmd); err != nil {
		return err
	}
	k.s = newScreen(cmd)
	var before *judge.Calibration
	if k.save != "" {
		if before, err = readCalibration(k.save); err != nil {
			return err
		}
	}
	asker, end, err := k.asker(cmd.Context(), cfg, judgeSession())
	if err != nil {
		return err
	}
	defer end()
	j, err := judge.New(cmd.Context(), cfg, asker, judgePrompts(k.c))
	if err != nil {
		return err
	}
	set := make([]judge.Labelled, len(rows))
	cases := make([]judge.Case, len(rows))
	for i := range rows {
		cases[i] = rows[i].theCase()
		set[i] = judge.Labelled{ID: rows[i].ID, Case: cases[i], Label: *rows[i].Label}
	}
	if k.ifStale && before != nil && before.Version.Hash == j.Version().Hash && before.Set == judge.SetHash(set) {
		k.s.note("%s is of this judge and these labels; nothing is asked.", k.save)
		return k.tell(cmd, calibratedJudge{Calibration: *before, Fitness: before.Fitness(j.Version(), k.floor)})
	}
	estimate, err := asker.Estimate(cmd.Context(), j, cases)
	if err != nil {
		return err
	}
	if k.dryRun && asJSON(cmd) {
		return k.s.line(estimate)
	}
	k.s.tellEstimate(estimate)
	if k.dryRun {
		return nil
	}
	tracker, done := progressBar(cmd, "judging", int64(len(set)))
	run := judge.Run{Concurrency: k.concurrency, Done: func(n int) { tracker.SetValue(int64(n)) }}
	c, err := judge.Calibrate(cmd.Context(), j, set, run, stats.Resampling{}, time.Now())
	done()
	if err != nil {
		k.s.tellTally(asker.Spent())
		return fmt.Errorf("calibrate: %w", err)
	}
	if k.save != "" {
		if err := saveCalibration(k.save, &c); err != nil {
			return err
		}
	}
	out := calibratedJudge{Calibration: c, Fitness: c.Fitness(j.Version(), k.floor)}
	if d, ok := judge.Drift(before, &c); ok {
		out.Drift = &d
	}
	return k.tell(cmd, out)
}

// saveCalibration writes a file whole or not at all.
func saveCalibration(file string, c *judge.Calibration) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("write the calibration: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".calibration-*")
	if err != nil {
		return fmt.Errorf("write the calibration: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	err = errors.Join(err, f.Close())
	if err == nil {
		err = errors.Join(os.Chmod(f.Name(), 0o644), os.Rename(f.Name(), file))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it is not needed
		return fmt.Errorf("write the calibration: %w", err)
	}
	return nil
}

func (k *judgeCalibrate) tell(cmd *cobra.Command, out calibratedJudge) error {
	var err error
	if asJSON(cmd) {
		err = k.s.line(out)
	} else {
		err = k.s.calibratedJudge(&out)
	}
	if err != nil {
		return err
	}
	if !out.Fitness.MayGate() {
		return sayNo("the judge may not gate: %s", out.Fitness.Reason)
	}
	return nil
}

func (s *screen) calibratedJudge(c *calibratedJudge) error {
	number := func(v *float64) string {
		if v == nil {
			return "not defined"
		}
		return fmt.Sprintf("%.3f", *v)
	}
	kappa := number(c.Kappa)
	if c.Interval != nil {
		kappa += fmt.Sprintf(" (%.3f to %.3f, %s)", c.Interval.Low, c.Interval.High, c.Weighting)
	}
	s.facts(
		"judge", strings.TrimSpace(fmt.Sprintf("%s %s by %s", c.Version.Kind, c.Version.Rubric, strings.Join(c.Version.Models, ", "))),
		"scored", fmt.Sprintf("%d of %d (%.1f %%)", c.Scored, c.Cases, 100*c.Coverage),
		"kappa", kappa,
		"agreement", fmt.Sprintf("%s; always the most frequent label: %s", number(c.Agreement), number(c.BaseRate)),
		"sensitivity", number(c.Sensitivity),
		"specificity", number(c.Specificity),
		"passed", fmt.Sprintf("%s by the judge, %s by people", number(c.PassRate), number(c.HumanPassRate)),
		"may gate", string(c.Fitness.Standing)+": "+c.Fitness.Reason,
	)
	if c.Drift != nil {
		s.facts("drift", fmt.Sprintf("%d agreed with people before and do not now, %d the other way; p %.4f", c.Drift.OnlyA, c.Drift.OnlyB, c.Drift.P))
	}
	fmt.Fprintln(s.out)
	sh := sheet{columns: []column{{name: "people \\ judge"}}}
	for _, l := range c.Labels {
		sh.columns = append(sh.columns, column{name: l, right: true})
	}
	for i, l := range c.Labels {
		row := []string{l}
		for _, n := range c.Matrix[i] {
			row = append(row, count(int64(n)))
		}
		sh.rows = append(sh.rows, row)
	}
	if err := s.table(sh); err != nil {
		return err
	}
	s.tellTally(c.Tally)
	return nil
}
