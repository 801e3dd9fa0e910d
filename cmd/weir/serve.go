package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
)

// serveCommand is the service.
func serveCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the service: gateway, API and console on one port",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := configOf(cmd)
			if check {
				if errors.Is(err, errConfig) {
					return sayNo("%v", err)
				}
				if err == nil {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), "the configuration is good")
				}
				return err
			}
			if err != nil {
				return err
			}
			log := newLogger(cmd)
			return run(cmd.Context(), cfg, log, greet(cmd, cfg), nil)
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "check the configuration and exit: 0 when it is good, 1 with a list of its faults")
	serviceFlags(cmd)
	return cmd
}

// serviceFlags are those of serve and demo.
func serviceFlags(cmd *cobra.Command) {
	cmd.Flags().String("listen", "", "address to listen on (WEIR_LISTEN; 127.0.0.1:4000)")
	cmd.Flags().String("data", "", "directory for weir's files (WEIR_DATA; ./data)")
	cmd.Flags().String("log-level", "info", "debug, info, warn or error")
	cmd.Flags().String("log-format", "text", "text or json")
}

// configOf loads the configuration with the command's flags, and then more, over it.
func configOf(cmd *cobra.Command, more ...func(*Config)) (Config, error) {
	file, _ := cmd.Flags().GetString("config")
	flags := func(cfg *Config) {
		for flag, to := range map[string]*string{"listen": &cfg.Listen, "data": &cfg.Data} {
			if f := cmd.Flags().Lookup(flag); f != nil && f.Changed {
				*to = f.Value.String()
			}
		}
	}
	return loadConfig(file, append([]func(*Config){flags}, more...)...)
}

// newLogger writes to standard error as the flags say.
func newLogger(cmd *cobra.Command) *slog.Logger {
	var level slog.Level
	text, _ := cmd.Flags().GetString("log-level")
	if err := level.UnmarshalText([]byte(text)); err != nil {
		level = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: level}
	if format, _ := cmd.Flags().GetString("log-format"); format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, opts))
}
