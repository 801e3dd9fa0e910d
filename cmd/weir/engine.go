package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/clickhouse/engine"
)

// engineCommand is the embedded ClickHouse engine's own process, started by serve, and the fetching of its library.
func engineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:                "engine",
		Short:              "The embedded ClickHouse engine (started by serve)",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return engine.Main(cmd.Context(), args)
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "fetch",
		Short: "Fetch the engine's library into the user's cache directory",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := engine.Fetch(cmd.Context(), cmd.ErrOrStderr())
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
			}
			return err
		},
	})
	return cmd
}
