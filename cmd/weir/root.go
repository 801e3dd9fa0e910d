package main

import (
	"github.com/spf13/cobra"
)

// rootCommand lists the verbs.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "weir",
		Short: "An OpenAI-compatible proxy that records every call with its exact tokens and cost",
		Long: `weir stands in front of language models. Point a client's base_url at it, and every call is traced, metered
and priced in ClickHouse, to be seen in the console, the API and Grafana.

  weir demo     the whole product with a simulated provider: no key needed
  weir serve    the service`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().String("config", "", "configuration file (WEIR_CONFIG)")
	root.AddCommand(
		serveCommand(), demoCommand(), simulateCommand(),
		keysCommand(), callsCommand(), tracesCommand(), sessionsCommand(), costsCommand(), pricesCommand(), reconcileCommand(), budgetsCommand(), alertsCommand(), reportCommand(), driftCommand(), promptsCommand(), experimentsCommand(), membersCommand(), spoolCommand(), cacheCommand(), scoresCommand(), annotationsCommand(), datasetsCommand(), evalCommand(), ragCommand(), doctorCommand(),
		engineCommand(),
	)
	return root
}
