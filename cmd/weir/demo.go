package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/trace"
)

// demoProject keeps the demonstration apart from real calls.
const demoProject = "demo"

// demoOptions are the flags of demo.
type demoOptions struct {
	seed        uint64
	days        int
	callsPerDay int
	rate        float64 // live calls a second
}

// demoCommand is serve beside the simulated provider.
func demoCommand() *cobra.Command {
	var opts demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show everything with a simulated provider, a believable history and live traffic: no key needed",
		Long: `demo is serve with a simulated provider beside it. At the first start it writes a month of history into the project
"demo"; then it sends live traffic through the gateway. Providers whose keys are in the environment are live and can be
called as usual.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd, opts)
		},
	}
	cmd.Flags().Uint64Var(&opts.seed, "seed", 1, "the same seed gives the same history, answers and traffic")
	cmd.Flags().IntVar(&opts.days, "days", 30, "days of history; 0 writes none")
	cmd.Flags().IntVar(&opts.callsPerDay, "calls-per-day", 4000, "calls of history on an average weekday")
	cmd.Flags().Float64Var(&opts.rate, "rate", 2, "live calls a second; 0 sends none")
	serviceFlags(cmd)
	return cmd
}

func demo(cmd *cobra.Command, opts demoOptions) error {
	ctx := cmd.Context()
	log := newLogger(cmd)
	provider, stop, err := startSimulator(ctx, opts.seed, log)
	if err != nil {
		return err
	}
	defer stop()
	cfg, err := configOf(cmd, func(cfg *Config) {
		cfg.Providers = append(cfg.Providers, provider)
		demoPipelines(cfg)
	})
	if err != nil {
		return err
	}
	hello := greet(cmd, cfg)
	return run(ctx, cfg, log, func(s *service) {
		if err := seedHistory(ctx, cmd, s, opts, log); err != nil && ctx.Err() == nil {
			log.Error("history of the demo not written", "error", err)
		}
		if err := seedAlerts(ctx, s.alerts); err != nil && ctx.Err() == nil {
			log.Error("alerts of the demo not all written", "error", err)
		}
		if err := seedHandbook(ctx, cmd, s); err != nil && ctx.Err() == nil {
			log.Error("the demo's handbook not indexed", "error", err)
		} else if err := seedQuestions(ctx, s, opts); err != nil && ctx.Err() == nil {
			log.Error("questions of the demo's past not written", "error", err)
		}
		hello(s)
	}, func(ctx context.Context, s *service) error {
		if opts.rate <= 0 {
			return nil
		}
		return liveTraffic(ctx, s, opts, log)
	})
}

// startSimulator runs the simulated provider on a free port of this machine.
func startSimulator(ctx context.Context, seed uint64, log *slog.Logger) (ProviderConfig, func(), error) {
	l, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return ProviderConfig{}, nil, fmt.Errorf("start the simulated provider: %w", err)
	}
	key := account.MintToken() // nobody else on this machine need use it
	srv := newServer(simulator.New(simulator.Config{Seed: seed, Speed: 1, ErrorRate: 0.01, APIKey: key.Reveal()}), TimeoutConfig{}, log)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the simulated provider stopped", "error", err)
		}
	}()
	stop := func() {
		_ = srv.Close() // its connections are this process's own
		<-done
	}
	return ProviderConfig{
		Name: "simulated", Kind: "compatible", Preset: "simulated", BaseURL: "http://" + l.Addr().String() + "/v1",
		APIKey: secretText{Secret: key}, Models: []string{"*"}, // after every live provider's own patterns
	}, stop, nil
}

// seedHistory writes the month before the first start. It can be killed and run again: batches have their own tokens.
func seedHistory(ctx context.Context, cmd *cobra.Command, s *service, opts demoOptions, log *slog.Logger) error {
	if opts.days <= 0 {
		return nil
	}
	page, err := s.reader.Calls(ctx, trace.Filter{Project: demoProject, Until: time.Now().Add(-24 * time.Hour)}, 1, "")
	if err != nil {
		return fmt.Errorf("look for history: %w", err)
	}
	if len(page.Calls) > 0 {
		return nil
	}
	total := int64(opts.days * opts.callsPerDay * 5 / 6) // weekends are quieter; the bar need not be exact
	if !onTerminal(cmd) {
		log.Info("writing the demo's history, once", "days", opts.days)
	}
	bar, done := progressBar(cmd, "writing a month of history", total)
	defer done()
	now := time.Now().UTC().Truncate(time.Minute)
	const batchSize = 10_000
	var batch []trace.Record
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		first, last := batch[0].Call.ID, batch[len(batch)-1].Call.ID
		err := s.writer.Write(ctx, trace.Batch{Token: "demo-" + first + "-" + last, Records: trace.Slice(batch)})
		bar.Increment(int64(len(batch)))
		batch = nil
		return err
	}
	for r := range simulator.History(simulator.HistoryConfig{
		Seed: opts.seed, Now: now, Days: opts.days, CallsPerDay: opts.callsPerDay, Book: s.book.Current(), Project: demoProject,
	}) {
		if batch = append(batch, r); len(batch) == batchSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	err = flush()
	debug.FreeOSMemory() // a month was made here; serving needs a fraction of it
	return err
}

// progressBar shows long work on a terminal, and nothing elsewhere.
func progressBar(cmd *cobra.Command, what string, total int64) (*progress.Tracker, func()) {
	tracker := &progress.Tracker{Message: what, Total: total, Units: progress.UnitsDefault}
	return tracker, drawProgress(cmd, tracker)
}

// drawProgress draws a tracker on a terminal until the function it gives is called.
func drawProgress(cmd *cobra.Command, tracker *progress.Tracker) func() {
	if !onTerminal(cmd) {
		return func() {}
	}
	pw := progress.NewWriter()
	pw.SetOutputWriter(os.Stderr)
	pw.SetAutoStop(false)
	pw.SetUpdateFrequency(100 * time.Millisecond)
	pw.Style().Visibility.ETA = true
	pw.Style().Visibility.Speed = true
	pw.AppendTracker(tracker)
	go pw.Render()
	return func() {
		tracker.MarkAsDone()
		pw.Stop() // draws what is left and returns
	}
}

// demoKey makes the key that live traffic uses, anew at each start: nobody keeps its secret.
func demoKey(ctx context.Context, s *service) (account.Secret, error) {
	const name = "live-traffic"
	list, err := s.keys.ListKeys(ctx)
	if err != nil {
		return account.Secret{}, err
	}
	id, text, hash := account.Mint()
	k := account.Key{ID: id, Project: demoProject, Name: name, Hash: hash, CreatedAt: time.Now()}
	for _, old := range list {
		if old.Project == demoProject && old.Name == name && old.RevokedAt.IsZero() {
			if err := s.keys.ReplaceKey(ctx, old.ID, k, time.Now()); err != nil {
				return account.Secret{}, err
			}
			return text, s.ring.Refresh(ctx)
		}
	}
	if err := s.keys.CreateKey(ctx, k); err != nil {
		return account.Secret{}, err
	}
	return text, s.ring.Refresh(ctx)
}
