package main

import "github.com/spf13/cobra"

// evalCommand scores what models say.
func evalCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "eval",
		Short: "Evaluation: metrics of texts",
		Example: `  weir eval score --metric bleu --hyp out.txt --ref ref.txt
  weir eval score --metric bleu,chrf,rouge --hyp out.jsonl --ref a.jsonl --ref b.jsonl --json`,
	})
	cmd.PersistentFlags().Bool("json", false, "print JSON")
	cmd.AddCommand(evalScoreCommand())
	return cmd
}
