package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// evalGrace is how long asks under way may go on after the run was interrupted.
const evalGrace = 30 * time.Second

// evalRun is weir eval run.
type evalRun struct {
	file, dir, resume string
	maxCost           string
	again, local      bool
	yes, dryRun       bool
	gateway           string

	d    eval.Definition
	c    *client
	keep *runStore
	s    *screen

	entered *eval.Gateway // that targets ask; nil: they ask none
}

func evalRunCommand() *cobra.Command {
	r := &evalRun{}
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Give a dataset to targets and score their answers",
		Long: `run does what FILE says: it gives each item of a dataset to each target, scores the answers, and tells the figures. Models are asked through
the running weir, with the virtual key in WEIR_KEY, or, without one, with a key that is made for the run.

The run is kept in a folder, .weir/evals beside FILE unless --dir names another, each answer as soon as it is there: after a crash or an interrupt
weir eval run FILE --resume ID goes on where it stopped, and asks nothing twice that was answered. When a weir runs, the run is stored there, too,
every few seconds while it goes on.

Before it asks models, it says how many calls and dollars that is likely to take; on a terminal it then asks whether to go on, unless --yes is set.`,
		Example: `  weir eval run eval.yaml
  weir eval run eval.yaml --dry-run
  weir eval run eval.yaml --max-cost 2.50 --yes --json
  weir eval run eval.yaml --resume 01kb2…`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.file = args[0]
			return r.do(cmd)
		},
	}
	clientFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&r.dir, "dir", "", "folder that runs are kept in (.weir/evals beside FILE)")
	f.StringVar(&r.resume, "resume", "", "go on with this run")
	f.BoolVar(&r.again, "retry-failed", false, "with --resume: ask anew what had no answer")
	f.StringVar(&r.maxCost, "max-cost", "", "dollars that the run may cost, in place of the file's max_cost_usd")
	f.BoolVar(&r.yes, "yes", false, "do not ask whether to go on, once it is said what the run is likely to cost")
	f.BoolVar(&r.dryRun, "dry-run", false, "say what the run is likely to take, and ask nothing")
	f.BoolVar(&r.local, "local", false, "do not store the run in the running weir")
	f.StringVar(&r.gateway, "gateway", "", "address that models are asked at (that of the running weir)")
	return cmd
}

// runsBeside is the folder of runs of a run's file.
func runsBeside(file, dir string) string {
	return cmp.Or(dir, filepath.Join(filepath.Dir(file), ".weir", "evals"))
}

func readDefinition(file string) (eval.Definition, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return eval.Definition{}, err
	}
	return eval.ReadDefinition(file, text)
}

func (r *evalRun) do(cmd *cobra.Command) error {
	ctx := cmd.Context()
	var err error
	if r.d, err = readDefinition(r.file); err != nil {
		return err
	}
	if r.maxCost != "" {
		usd, err := price.ParseUSD(r.maxCost)
		if err != nil || usd <= 0 {
			return fmt.Errorf("--max-cost %q is no amount of dollars above 0", r.maxCost)
		}
		r.d.MaxCost = &usd
	}
	if r.c, err = newClient(cmd); err != nil {
		return err
	}
	r.s = newScreen(cmd)
	r.dir = runsBeside(r.file, r.dir)
	runner, err := r.open(ctx)
	if err != nil {
		return err
	}
	if runner.Journal != nil {
		defer runner.Journal.Close()
	}
	if on, err := r.estimate(cmd, runner); err != nil || !on {
		return err
	}
	if runner.Journal == nil {
		if runner.Journal, err = eval.CreateJournal(r.dir, &runner.Run, runner.Items); err != nil {
			return err
		}
		defer runner.Journal.Close()
	}
	endKey, err := r.targets(ctx, runner)
	if err != nil {
		return err
	}
	defer endKey()
	endJudges, err := r.judges(ctx, runner)
	if err != nil {
		return err
	}
	defer endJudges()
	r.keep = newRunStore(r.c, r.local, r.needsServer())
	note, err := r.keep.begin(ctx, &runner.Run)
	if err != nil {
		return err
	}
	if note != "" {
		r.s.note("the run is kept in %s, and not in the running weir: %s", r.dir, note)
	}
	r.s.note("run %s: %s, %s, %s; kept in %s", runner.Run.ID, noun(len(runner.Items), "item"), noun(len(r.d.Targets), "target"), noun(len(r.d.Scorers), "scorer"), filepath.Join(r.dir, runner.Run.ID))
	tracker, done := progressBar(cmd, "evaluating", int64(len(runner.Items)*len(r.d.Targets)*r.d.Repeat))
	watched := r.keep.watch(ctx, runner)
	runner.Observe = func(p eval.Progress, one *eval.Result) {
		showProgress(tracker, p)
		r.keep.observe(p, one)
	}
	results, run, err := runner.Do(ctx)
	watched()
	done()
	if err != nil {
		return fmt.Errorf("run %s: %w; weir eval run %s --resume %s goes on", run.ID, err, r.file, run.ID)
	}
	if b, err := readBaseline(besides(r.file, run.Definition.Baseline)); err == nil && b != nil {
		run.Baseline = b.Of(run.Definition.Gate)
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute) // what is done is stored, though somebody is in a hurry
	defer cancel()
	if err := r.keep.end(late, &run, results); err != nil {
		r.s.note("the run is kept in %s, and not in the running weir: %v", r.dir, err)
	}
	return r.tell(cmd, &run, runner.Stopped)
}

// showProgress moves the bar.
func showProgress(t *progress.Tracker, p eval.Progress) {
	t.SetValue(int64(p.Done))
	message := "evaluating"
	if p.Known {
		message = fmt.Sprintf("evaluating, %s spent, about %s to come", p.Spent, p.ToCome)
	}
	if p.Failed > 0 {
		message += fmt.Sprintf(", %d without an answer", p.Failed)
	}
	t.UpdateMessage(message)
}

func (r *evalRun) needsServer() bool {
	for i := range r.d.Targets {
		if kind := r.d.Targets[i].Kind(); kind == "model" || kind == "rag" {
			return true
		}
	}
	return r.scoresByModels()
}

// open makes a run, whose journal is to be made, or takes one up again.
func (r *evalRun) open(ctx context.Context) (*eval.Runner, error) {
	if r.resume != "" {
		return r.reopen()
	}
	snapshot, err := r.dataset(ctx)
	if err != nil {
		return nil, err
	}
	items, err := snapshot.Part(r.d.Split)
	if err != nil {
		return nil, err
	}
	if r.d.Limit > 0 {
		items = items[:min(r.d.Limit, len(items))]
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	run := eval.Run{
		ID: llm.NewID(now), Name: r.d.Name, State: eval.Running, Snapshot: snapshot.Hash, Items: len(items), Definition: r.d, CreatedAt: now, UpdatedAt: now,
		Summary: eval.Summary{Targets: []eval.TargetSummary{}},
	}
	return &eval.Runner{Run: run, Items: items, Grace: evalGrace}, nil
}

// reopen takes up a run. What it asks, and of which items, is as it was; how much it may cost, and how quickly, may have changed.
func (r *evalRun) reopen() (*eval.Runner, error) {
	journal, was, err := eval.OpenJournal(r.dir, r.resume)
	if err != nil {
		return nil, fmt.Errorf("%w in %s", err, r.dir)
	}
	run := was.Run
	now := r.d
	r.d = run.Definition
	r.d.MaxCost, r.d.Concurrency, r.d.Retries, r.d.Timeout = now.MaxCost, now.Concurrency, now.Retries, now.Timeout
	run.Definition, run.State, run.Reason, run.UpdatedAt = r.d, eval.Running, "", time.Now().UTC()
	return &eval.Runner{Run: run, Items: was.Items, Journal: journal, Past: was, Again: r.again, Grace: evalGrace}, nil
}

// dataset reads the items: a file beside the run's, or a stored dataset.
func (r *evalRun) dataset(ctx context.Context) (eval.Snapshot, error) {
	ext := filepath.Ext(r.d.Dataset)
	if ext != ".jsonl" && ext != ".csv" && ext != ".parquet" {
		return fetchDataset(ctx, r.c, r.d.Dataset)
	}
	file := r.d.Dataset
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(r.file), file)
	}
	items, err := readItems(file, r.d.Columns)
	if err != nil {
		return eval.Snapshot{}, err
	}
	return eval.NewSnapshot(items, r.d.Splits...)
}

// readItems reads a dataset's file by its suffix.
func readItems(file string, as eval.Columns) ([]eval.Item, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read the dataset: %w", err)
	}
	defer f.Close()
	switch filepath.Ext(file) {
	case ".csv":
		return eval.ReadCSV(file, f, as)
	case ".jsonl":
		return eval.ReadJSONL(file, f)
	case ".parquet":
		return readParquet(file, f, as)
	}
	return nil, fmt.Errorf("the dataset %s ends in none of .jsonl, .csv and .parquet", file)
}

// targets makes what answers. endKey ends the key that was made for the run, if one was.
func (r *evalRun) targets(ctx context.Context, runner *eval.Runner) (endKey func(), err error) {
	runner.Targets = map[string]eval.Target{}
	timeout, client := time.Duration(r.d.Timeout), &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	endKey = func() {}
	gateway := r.entered
	for _, t := range r.d.Targets {
		switch t.Kind() {
		case "command":
			runner.Targets[t.Name] = eval.NewCommand(t.Command, timeout)
		case "http":
			if runner.Targets[t.Name], err = eval.NewHTTP(t, client, timeout); err != nil {
				return endKey, err
			}
		default:
			if gateway == nil {
				if gateway, endKey, err = r.enter(ctx, &runner.Run, client); err != nil {
					return endKey, err
				}
				r.entered = gateway
			}
			runner.Targets[t.Name] = eval.NewModel(t, *gateway, timeout)
		}
	}
	return endKey, nil
}

// enter finds the way into the gateway.
func (r *evalRun) enter(ctx context.Context, run *eval.Run, client *http.Client) (*eval.Gateway, func(), error) {
	base := r.c.base.JoinPath("v1").String()
	if r.gateway != "" {
		base = strings.TrimSuffix(strings.TrimSuffix(r.gateway, "/"), "/v1") + "/v1"
	}
	g := &eval.Gateway{URL: base, Key: os.Getenv("WEIR_KEY"), Client: client, Recorded: recordedAnswer(r.c)}
	if g.Key != "" {
		return g, func() {}, nil
	}
	in := map[string]any{"name": "eval-" + run.ID, "expires_at": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)}
	if r.d.Project != "" {
		in["project"] = r.d.Project
	}
	if r.resume != "" {
		in["name"] = fmt.Sprintf("eval-%s-%d", run.ID, time.Now().Unix())
	}
	var made struct{ ID, Key string }
	if _, err := r.c.do(ctx, http.MethodPost, "keys", nil, in, &made); err != nil {
		return nil, func() {}, fmt.Errorf("make a key for the run (or set WEIR_KEY to one): %w", err)
	}
	g.Key = made.Key
	return g, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if _, err := r.c.do(late, http.MethodDelete, "keys/"+made.ID, nil, nil, nil); err != nil {
			r.s.note("the run's key could not be ended, and ends by itself within a day: %v", err)
		}
	}, nil
}

// tell prints what came of the run.
func (r *evalRun) tell(cmd *cobra.Command, run *eval.Run, stopped error) error {
	if asJSON(cmd) {
		if err := r.s.line(struct {
			Run     string        `json:"run"`
			State   eval.RunState `json:"state"`
			Reason  string        `json:"reason"`
			Summary eval.Summary  `json:"summary"`
		}{run.ID, run.State, run.Reason, run.Summary}); err != nil {
			return err
		}
	} else if err := r.s.summary(run); err != nil {
		return err
	}
	if run.State == eval.Done {
		return nil
	}
	if errors.Is(stopped, eval.ErrSpent) {
		return sayNo("run %s has stopped: %s; weir eval run %s --resume %s goes on", run.ID, run.Reason, r.file, run.ID)
	}
	return fmt.Errorf("run %s has stopped: %s; weir eval run %s --resume %s goes on", run.ID, run.Reason, r.file, run.ID)
}

// summary prints a run's figures, a row for each target and scorer.
func (s *screen) summary(run *eval.Run) error {
	s.facts("run", run.ID, "name", run.Name, "state", strings.TrimSpace(string(run.State)+" "+run.Reason), "items", count(int64(run.Items)), "snapshot", run.Snapshot[:min(12, len(run.Snapshot))])
	fmt.Fprintln(s.out)
	sh := sheet{columns: []column{
		{name: "target", flex: true},
		{name: "scorer", flex: true},
		{name: "mean", right: true},
		{name: "95 %", right: true, drop: 2},
		{name: "sd", right: true, drop: 3},
		{name: "passed", right: true},
		{name: "scored", right: true},
		{name: "failed", right: true, drop: 1},
		{name: "unscorable", right: true, drop: 1},
		{name: "coverage", right: true},
	}}
	for _, t := range run.Summary.Targets {
		for _, c := range t.Scores {
			mean := c.Mean
			if c.Corpus != nil {
				mean = c.Corpus
			}
			sh.rows = append(sh.rows, []string{
				t.Target, c.Scorer, scoreText(mean), intervalText(&c), scoreText(c.SD), rate(c.PassRate), count(int64(c.Scored)), count(int64(c.Failed)), count(int64(c.Unscorable)), rate(&c.Coverage),
			})
		}
	}
	if err := s.table(sh); err != nil {
		return err
	}
	for _, t := range run.Summary.Targets {
		cost := "unknown"
		if t.Priced > 0 {
			cost = t.Cost.String()
		}
		judged := ""
		if t.ScoreCost > 0 {
			judged = ", its scores " + t.ScoreCost.String()
		}
		fmt.Fprintf(s.out, "\n%s: %s asked, %s without an answer, %s not asked; cost %s%s, latency p50 %.0f ms, p95 %.0f ms\n",
			clean(t.Target), count(int64(t.Asked)), count(int64(t.Failed)), count(int64(t.Missing)), cost, judged, t.LatencyP50, t.LatencyP95)
		for reason, n := range t.Reasons {
			fmt.Fprintf(s.out, "  %s: %s\n", noun(n, "time"), clean(reason))
		}
		for _, c := range t.Scores {
			for reason, n := range c.Reasons {
				fmt.Fprintf(s.out, "  %s, %s: %s\n", clean(c.Scorer), noun(n, "time"), clean(reason))
			}
			if v := c.Variance; v != nil {
				fmt.Fprintf(s.out, "  %s: %s\n", clean(c.Scorer), eval.VarianceText(v))
			}
			if c.Signature != "" {
				fmt.Fprintf(s.out, "  %s: %s\n", clean(c.Scorer), clean(c.Signature))
			}
		}
	}
	return nil
}

// scoreText is a number for people, - for none.
func scoreText(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4g", *v)
}

// intervalText is the interval of a mean; "" where the figure is not the mean, or has none.
func intervalText(c *eval.ScoreSummary) string {
	if c.Interval == nil || c.Corpus != nil {
		return "-"
	}
	return fmt.Sprintf("%.4g to %.4g", c.Interval.Low, c.Interval.High)
}

// rate is a share for people.
func rate(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100**v)
}
