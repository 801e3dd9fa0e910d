package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/internal/simulator"
)

// simulateCommand is the simulated provider alone.
func simulateCommand() *cobra.Command {
	var (
		address string
		cfg     simulator.Config
	)
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run the simulated provider alone: OpenAI-compatible and deterministic by seed",
		Example: `  weir simulate --listen 127.0.0.1:4100
  weir simulate --listen 127.0.0.1:4100 --seed 7 --delay 0 --error-rate 0.05`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := listen(cmd.Context(), address)
			if err != nil {
				return err
			}
			log := newLogger(cmd)
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "simulated provider at http://%s/v1 (any key opens it)\n", l.Addr()); err != nil {
				return err
			}
			return serve(cmd.Context(), map[net.Listener]*http.Server{l: newServer(simulator.New(cfg), TimeoutConfig{}, log)}, 5*time.Second, log)
		},
	}
	cmd.Flags().StringVar(&address, "listen", "127.0.0.1:4100", "address to listen on")
	cmd.Flags().Uint64Var(&cfg.Seed, "seed", 1, "the same seed gives the same answers")
	cmd.Flags().Float64Var(&cfg.Speed, "delay", 1, "multiplies every wait: 1 is as slow as real models, 0.1 ten times faster, 0 does not wait")
	cmd.Flags().Float64Var(&cfg.ErrorRate, "error-rate", 0, "share of requests that fail, 0 to 1")
	cmd.Flags().StringVar(&cfg.APIKey, "api-key", "", "the only key that opens it; empty: every key does")
	cmd.Flags().String("log-level", "info", "debug, info, warn or error")
	cmd.Flags().String("log-format", "text", "text or json")
	return cmd
}
