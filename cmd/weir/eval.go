package main

import "github.com/spf13/cobra"

// evalCommand scores what models say.
func evalCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "eval",
		Short: "Evaluation: runs, comparisons, gates, and metrics of texts",
		Example: `  weir eval run eval.yaml
  weir eval compare 01kb2… 01kb3…
  weir eval gate --run 01kb3… eval.yaml
  weir eval score --metric bleu --hyp out.txt --ref ref.txt
  weir eval score --metric bleu,chrf,rouge --hyp out.jsonl --ref a.jsonl --ref b.jsonl --json`,
	})
	cmd.PersistentFlags().Bool("json", false, "print JSON")
	cmd.AddCommand(evalScoreCommand(), evalRunCommand(), evalCompareCommand(), evalGateCommand(), evalScorersCommand(), evalOnlineCommand(), judgeCommand())
	return cmd
}
