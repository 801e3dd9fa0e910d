package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func ragSwapCommand() *cobra.Command {
	var to, questions string
	var back, force bool
	var gates []string
	var least float64
	var k int
	cmd := &cobra.Command{
		Use:   "swap NAME",
		Short: "Have the collection of the present settings answer, at once, after a test if questions are given",
		Long: `swap moves the pipeline from the collection that answers to the one that documents were indexed into with the present embedding model and
splitter. With --questions it first asks the new collection each of them and looks whether the passages that are labelled as relevant come back:
a line of the file is as weir rag eval reads it. Below --min-recall, or when a --gate is not kept, nothing is moved, and the exit code is 1: with
neither of them the recall is to be 0.8 or more among the best 10; with --gate alone that is not asked.
The collection that answered before is kept: swap --back moves to it again.`,
		Example: `  weir rag swap handbook --questions labelled.jsonl --min-recall 0.8
  weir rag swap handbook --questions labelled.jsonl --gate 'ndcg@10>=0.5' --gate 'delta.ndcg@10>=-0.02'
  weir rag swap handbook --back`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if back && (to != "" || questions != "") {
				return errors.New("--back goes to the collection before, and takes neither --to nor --questions")
			}
			if !(least >= 0 && least <= 1) || k < 1 {
				return errors.New("--min-recall is from 0 to 1, and --k 1 or more")
			}
			given := cmd.Flags().Changed
			recall := given("min-recall") || given("k")
			if questions == "" && (recall || len(gates) > 0) {
				return errors.New("--gate, --min-recall and --k need the questions to measure with: --questions FILE.jsonl")
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s, at := newScreen(cmd), "rag/"+url.PathEscape(args[0])
			if questions != "" {
				if recall || len(gates) == 0 {
					gates = append(gates, fmt.Sprintf("recall@%d>=%g", k, least))
				}
				if err := heldBySwap(cmd, c, args[0], to, questions, gates); err != nil {
					return err
				}
			}
			path, in := at+"/swap", any(map[string]any{"to": to, "force": force})
			if back {
				path, in = at+"/rollback", nil
			}
			var out struct {
				Collection, Previous string
				Points               int64
				Moved                bool
			}
			raw, err := c.do(cmd.Context(), http.MethodPost, path, nil, in, &out)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if !out.Moved {
				fmt.Fprintf(s.out, "%s answers already, with %s chunks\n", clean(out.Collection), count(out.Points))
				return nil
			}
			fmt.Fprintf(s.out, "%s answers now, with %s chunks; before: %s\n", clean(out.Collection), count(out.Points), clean(out.Previous))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "move to this one of the pipeline's collections")
	f.BoolVar(&back, "back", false, "move to the collection that answered before")
	f.BoolVar(&force, "force", false, "move though the collection is empty or far smaller than the one that answers")
	f.StringVar(&questions, "questions", "", "file of labelled questions to test the collection with before")
	f.StringArrayVar(&gates, "gate", nil, "a bound as of weir rag eval, beside --min-recall where that is given: ndcg@10>=0.5, or delta.ndcg@10>=-0.02 against what answers now")
	f.Float64Var(&least, "min-recall", 0.8, "the mean share of relevant passages that must come back")
	f.IntVar(&k, "k", 10, "among how many of the best chunks they are looked for")
	return cmd
}
