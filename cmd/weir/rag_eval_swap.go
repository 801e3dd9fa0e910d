package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval/retrieval"
)

// heldBySwap measures the collection that is to answer, the one of the present settings unless named, and says no when a gate is not
// kept. Gates on a difference compare it with the one that answers now.
func heldBySwap(cmd *cobra.Command, c *client, name, to, file string, gates []string) error {
	bounds, err := readBounds(gates, true)
	if err != nil {
		return err
	}
	questions, err := readQuestions(file)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	if to == "" {
		var p ragInfo
		if _, err := c.get(ctx, "rag/"+url.PathEscape(name), nil, &p); err != nil {
			return err
		}
		to = p.Target
	}
	e := &ragEval{parallel: 4, c: c, s: newScreen(cmd)}
	side, err := e.side(ctx, name, to)
	if err != nil {
		return err
	}
	metrics := retrieval.Metrics(nil, bounds)
	out := ragEvaluation{}
	if out.ragMeasured, err = e.measure(cmd, side, questions, metrics); err != nil {
		return err
	}
	for _, b := range bounds {
		if b.Delta && out.Differences == nil {
			if err := e.compare(cmd, name, &out, questions, metrics); err != nil {
				return err
			}
		}
	}
	out.hold(bounds)
	for _, g := range out.Gates {
		if g.Passed {
			e.s.note("%s: %s holds over %s", clean(to), g.Gate, noun(out.Questions, "question"))
		}
	}
	return out.verdict()
}
