package main

import (
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval"
)

func evalScorersCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "scorers",
		Short:   "List the metrics that scorers can have",
		Example: `  weir eval scorers --json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := newScreen(cmd)
			sh := sheet{columns: []column{{name: "metric"}, {name: "says", flex: true}}}
			type one struct {
				Metric string `json:"metric"`
				About  string `json:"about"`
			}
			var list []one
			for _, m := range eval.MetricNames() {
				sh.rows = append(sh.rows, []string{m[0], m[1]})
				list = append(list, one{m[0], m[1]})
			}
			if asJSON(cmd) {
				return s.encode(list)
			}
			return s.table(sh)
		},
	}
}
