package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval"
)

// evalGate is weir eval gate.
type evalGate struct {
	run, dir      string
	junit         string
	baseline      string
	github, write bool
}

func evalGateCommand() *cobra.Command {
	g := &evalGate{}
	cmd := &cobra.Command{
		Use:   "gate --run ID FILE",
		Short: "Hold a run against the gate of its file",
		Long: `gate holds the scores of a run against the gate in FILE. It ends with 0 when all of it holds, with 1 when something does not, and with 2 when it
could not be told. The run is looked for in .weir/evals beside FILE, or --dir, then in the running weir.

max_regression compares with the file that FILE names as its baseline. --write-baseline writes that file from the run: it is to be committed, and to be
written anew only by hand, for good reasons.`,
		Example: `  weir eval gate --run 01kb2… eval.yaml
  weir eval gate --run 01kb2… eval.yaml --junit gate.xml --github
  weir eval gate --run 01kb2… eval.yaml --write-baseline`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return g.do(cmd, args[0]) },
	}
	clientFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&g.run, "run", "", "the run's id")
	f.StringVar(&g.dir, "dir", "", "folder that runs are kept in (.weir/evals beside FILE)")
	f.StringVar(&g.baseline, "baseline", "", "baseline in place of the file's")
	f.BoolVar(&g.write, "write-baseline", false, "write the run's scores as the baseline, in place of comparing")
	f.StringVar(&g.junit, "junit", "", "write a JUnit XML file")
	f.BoolVar(&g.github, "github", false, "print annotations for GitHub Actions, and add to its step summary")
	return cmd
}

func (g *evalGate) do(cmd *cobra.Command, file string) error {
	if g.run == "" {
		return errors.New("say which run: --run ID, as weir eval run printed it")
	}
	d, err := readDefinition(file)
	if err != nil {
		return err
	}
	c, err := newClient(cmd)
	if err != nil {
		return err
	}
	run, results, err := findRun(cmd.Context(), c, runsBeside(file, g.dir), g.run)
	if err != nil {
		return err
	}
	at := cmp.Or(g.baseline, besides(file, d.Baseline))
	s := newScreen(cmd)
	if g.write {
		return g.writeBaseline(s, &run, results, at)
	}
	baseline, err := readBaseline(at)
	if err != nil {
		return err
	}
	if len(d.Gate) == 0 {
		return fmt.Errorf("%s has no gate: add gate: with rules by the scorers' names", file)
	}
	v, err := eval.Judge(&run, results, d.Gate, baseline)
	if err != nil {
		return err
	}
	return g.tell(cmd, s, file, &run, &v)
}

// besides is a path that a file names, from where that file is.
func besides(file, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(file), name)
}

// readBaseline reads the baseline where there is one: a rule that needs it says that there is none.
func readBaseline(file string) (*eval.Baseline, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // none is a valid answer
	}
	b, err := eval.ReadBaseline(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil //nolint:nilnil // none is a valid answer
	}
	return b, err
}

func (g *evalGate) writeBaseline(s *screen, run *eval.Run, results []eval.Result, at string) error {
	switch {
	case at == "":
		return errors.New("say where: baseline: FILE in the run's file, or --baseline FILE")
	case run.State != eval.Done:
		return fmt.Errorf("run %s is not done, and no baseline: it is %s", run.ID, run.State)
	}
	b := eval.NewBaseline(run, results, time.Now())
	if err := b.Write(at); err != nil {
		return err
	}
	s.note("%s holds the scores of run %s; commit it", at, run.ID)
	return nil
}

func (g *evalGate) tell(cmd *cobra.Command, s *screen, file string, run *eval.Run, v *eval.Verdict) error {
	if g.junit != "" {
		text, err := v.JUnit(run)
		if err == nil {
			err = os.WriteFile(g.junit, text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("write the JUnit file: %w", err)
		}
	}
	if asJSON(cmd) {
		if err := s.line(v); err != nil {
			return err
		}
	} else if _, err := fmt.Fprint(s.out, cleanLines(v.Text())); err != nil {
		return err
	}
	if g.github {
		if err := annotate(s, file, run, v); err != nil {
			return err
		}
	}
	if v.Passed {
		return nil
	}
	bad := 0
	for i := range v.Checks {
		if !v.Checks[i].Passed {
			bad++
		}
	}
	return sayNo("the gate is closed for run %s: %d of %s failed", run.ID, bad, noun(len(v.Checks), "check"))
}

// annotate tells GitHub Actions: a line of its own for each check that failed, and a table on the page of the job.
func annotate(s *screen, file string, run *eval.Run, v *eval.Verdict) error {
	if _, err := fmt.Fprint(s.err, v.GitHub(file)); err != nil {
		return err
	}
	at := os.Getenv("GITHUB_STEP_SUMMARY")
	if at == "" {
		return nil
	}
	f, err := os.OpenFile(at, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write the step summary: %w", err)
	}
	_, err = f.WriteString(v.Markdown(run))
	return errors.Join(err, f.Close())
}
