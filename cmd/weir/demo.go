package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
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
		demoConfig(cfg)
	})
	if err != nil {
		return err
	}
	hello := greet(cmd, cfg)
	return run(ctx, cfg, log, func(s *service) {
		if err := seedDemo(ctx, cmd, s, opts, log); err != nil && ctx.Err() == nil {
			log.Error("the demo is not all there", "error", err)
		}
		hello(s)
	}, func(ctx context.Context, s *service) error {
		if opts.rate <= 0 {
			return nil
		}
		return liveTraffic(ctx, s, opts, log)
	})
}

// demoConfig completes a configuration whose last provider is the simulated one.
func demoConfig(cfg *Config) {
	demoPipelines(cfg)
}

// seedDemo writes what the demo shows, beside the live traffic, into a weir that has just started. A second call adds nothing; one that
// was cut short is gone on with.
func seedDemo(ctx context.Context, cmd *cobra.Command, s *service, opts demoOptions, log *slog.Logger) error {
	story, err := openStory(cmd, s, opts, log)
	if err != nil {
		return err
	}
	var all []error
	for _, write := range []func() error{
		func() error { return story.tell(ctx, slices.Clone(chapters)...) },
		func() error { return errors.Join(seedHandbook(ctx, cmd, s), seedHandbookRule(ctx, s)) },
		func() error { return story.tell(ctx, asking) },
		func() error { return seedReports(ctx, s.reports) },
		func() error { return endRuns(ctx, s) },
	} {
		all = append(all, write())
	}
	return errors.Join(all...)
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

// demoKey makes the key that a project's live traffic uses, anew at each start: nobody keeps its secret.
func demoKey(ctx context.Context, s *service, project string) (account.Secret, error) {
	const name = "live-traffic"
	list, err := s.keys.ListKeys(ctx)
	if err != nil {
		return account.Secret{}, err
	}
	id, text, hash := account.Mint()
	k := account.Key{ID: id, Project: project, Name: name, Hash: hash, CreatedAt: time.Now()}
	for _, old := range list {
		if old.Project == project && old.Name == name && old.RevokedAt.IsZero() {
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
