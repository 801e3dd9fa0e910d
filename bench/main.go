// Command bench measures what weir adds to a call, beside a bare reverse proxy and no proxy at all, in one run that
// anyone can repeat. docs/benchmarks.md has the method.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// errNo says that the benchmark ran and the answer is no: records are missing, or answers were wrong.
var errNo = errors.New("the run is not valid")

// run is the program: 0 when all went well, 1 when records or answers are wrong, 2 when it could not be done.
func run(ctx context.Context, args []string, out, log io.Writer) int {
	err := func() error {
		if len(args) > 0 && args[0] == roleMock {
			return runMock(ctx, args[1:], os.Stdin, out)
		}
		if len(args) > 0 && args[0] == roleFloor {
			return runFloor(ctx, args[1:], os.Stdin, out)
		}
		o, err := parseOptions(args, log)
		if err != nil {
			return err
		}
		if o.Soak > 0 {
			return soak(ctx, o, out, log)
		}
		return benchmark(ctx, o, out, log)
	}()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errNo):
		fmt.Fprintln(log, "bench:", err)
		return 1
	}
	fmt.Fprintln(log, "bench:", err)
	return 2
}

// options are what the command line says.
type options struct {
	Weir       string        `json:"weir"` // program to measure; empty: built from this tree
	Scenarios  []string      `json:"scenarios"`
	Rounds     int           `json:"rounds"`      // cycles of direct, floor, weir
	Duration   time.Duration `json:"duration_ns"` // measured time of a round
	Warm       time.Duration `json:"warm_ns"`     // load before it
	Timeout    time.Duration `json:"timeout_ns"`  // of one request
	MaxForeign float64       `json:"max_foreign"` // share of all cores that others may take in a clean round
	SLO        time.Duration `json:"slo_ns"`      // p99 that a sustained rate keeps
	Searches   int           `json:"searches"`    // for the highest rate
	Short      bool          `json:"short"`
	Unguarded  bool          `json:"unguarded,omitempty"` // measure weir without budgets, limits and cache, too
	Out        string        `json:"-"`
	Keep       bool          `json:"-"`
	Soak       time.Duration `json:"soak_ns,omitempty"`   // > 0: no scenarios, but a moderate load for so long
	SoakRate   float64       `json:"soak_rate,omitempty"` // requests a second of it
	CSV        string        `json:"-"`                   // file for its samples
	Profiles   string        `json:"profiles,omitempty"`  // folder for weir's profiles
}

func parseOptions(args []string, log io.Writer) (options, error) {
	var o options
	var scenarios string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(log)
	f.StringVar(&o.Weir, "weir", "", "the weir program to measure (default: built from this tree)")
	f.StringVar(&scenarios, "scenarios", "", "which to run, with commas: "+strings.Join(scenarioNames(), ",")+" (default: all but embeddings)")
	f.IntVar(&o.Rounds, "rounds", 6, "rounds of direct, floor and weir in each scenario")
	f.DurationVar(&o.Duration, "duration", time.Second, "measured time of a round")
	f.DurationVar(&o.Warm, "warm", 300*time.Millisecond, "load before it that is not measured")
	f.DurationVar(&o.Timeout, "timeout", 10*time.Second, "of one request")
	f.Float64Var(&o.MaxForeign, "max-foreign", 0.10, "a round is repeated when other programs took a larger share of all cores")
	f.DurationVar(&o.SLO, "slo", 100*time.Millisecond, "p99 that the highest rate keeps")
	f.IntVar(&o.Searches, "searches", 3, "searches for the highest rate of each")
	f.BoolVar(&o.Short, "short", false, "two short rounds and no search for the highest rate: under a minute, and rough")
	f.BoolVar(&o.Unguarded, "unguarded", false, "measure weir without budgets, limits and cache too, in the same cycles")
	f.StringVar(&o.Out, "out", "", "file for all figures, as JSON")
	f.StringVar(&o.Profiles, "profiles", "", "folder for profiles of weir in each scenario, NAME.cpu and NAME.mem, which cost some percent themselves")
	f.DurationVar(&o.Soak, "soak", 0, "in place of scenarios: a moderate mixed load for so long, and a verdict whether memory, goroutines and files stay flat")
	f.Float64Var(&o.SoakRate, "soak-rate", 100, "requests a second of the soak")
	f.StringVar(&o.CSV, "csv", "", "file for the samples of the soak, as they are taken")
	f.BoolVar(&o.Keep, "keep", false, "leave weir's directory and log for a look")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("%q is not an option; see -help", f.Arg(0))
	}
	said := map[string]bool{}
	f.Visit(func(f *flag.Flag) { said[f.Name] = true })
	o.Scenarios = strings.FieldsFunc(scenarios, func(r rune) bool { return r == ',' || r == ' ' })
	if len(o.Scenarios) == 0 {
		o.Scenarios = defaultScenarios(o.Short)
	}
	if o.Short {
		if !said["rounds"] {
			o.Rounds = 2
		}
		if !said["duration"] {
			o.Duration = 500 * time.Millisecond
		}
		if !said["warm"] {
			o.Warm = 200 * time.Millisecond
		}
		if !said["searches"] {
			o.Searches = 1
		}
	}
	return o, o.check()
}

func (o *options) check() error {
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, name := range o.Scenarios {
		_, ok := findScenario(name)
		bad(!ok, "there is no scenario %q; there are %s", name, strings.Join(scenarioNames(), ", "))
	}
	bad(o.Rounds < 1 || o.Rounds > 1000, "-rounds %d: want 1 to 1000", o.Rounds)
	bad(o.Searches < 1 || o.Searches > 100, "-searches %d: want 1 to 100", o.Searches)
	bad(o.Duration < 100*time.Millisecond || o.Duration > 5*time.Minute, "-duration %v: want 100ms to 5m", o.Duration)
	bad(o.Warm < 0 || o.Warm > time.Minute, "-warm %v: want 0 to 1m", o.Warm)
	bad(o.Timeout < 100*time.Millisecond, "-timeout %v: want 100ms or more", o.Timeout)
	bad(o.MaxForeign <= 0, "-max-foreign %v: want more than 0", o.MaxForeign)
	bad(o.Soak != 0 && (o.Soak < 10*time.Second || o.Soak > 48*time.Hour), "-soak %v: want 10s to 48h", o.Soak)
	bad(o.SoakRate < 1 || o.SoakRate > 10_000, "-soak-rate %v: want 1 to 10000", o.SoakRate)
	bad(o.SLO <= 0, "-slo %v: want more than 0", o.SLO)
	return errors.Join(errs...)
}

// benchmark runs everything and prints what came of it.
func benchmark(ctx context.Context, o options, out, log io.Writer) (err error) {
	debug.SetGCPercent(400) // the load generator shares the machine: less collecting, less noise
	progress := func(format string, args ...any) { fmt.Fprintf(log, format+"\n", args...) }
	b, err := openBed(ctx, o, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	r := &report{Time: time.Now().UTC(), Machine: describeMachine(), Weir: b.weir.version, Options: o}
	for _, name := range o.Scenarios {
		s, _ := findScenario(name)
		progress("%s: %s", s.Name, s.Title)
		result, err := measure(ctx, b, s, o, progress)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		r.Scenarios = append(r.Scenarios, result)
	}
	progress("counting the records")
	if r.Ledger, err = b.ledger(ctx); err != nil {
		return err
	}
	r.markdown(out)
	if o.Out != "" {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return fmt.Errorf("write %s: %w", o.Out, err)
		}
		if err := os.WriteFile(o.Out, append(text, '\n'), 0o644); err != nil {
			return fmt.Errorf("write figures: %w", err)
		}
	}
	return r.verdict()
}
