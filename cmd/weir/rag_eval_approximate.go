package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/eval/retrieval"
	"github.com/weir-dev/weir/eval/stats"
	"github.com/weir-dev/weir/rag"
)

// ragApproximate is how much of what is nearest by meaning the approximate index finds.
type ragApproximate struct {
	Pipeline   string            `json:"pipeline"`
	Collection string            `json:"collection"`
	Questions  int               `json:"questions"`
	Recall     []ragApproximated `json:"recall"`
	Exact      ragTook           `json:"exact"`
	Approx     ragTook           `json:"approximate"`
}

// ragApproximated is the share of the k nearest passages that are among the k that the approximate index finds.
type ragApproximated struct {
	K       int     `json:"k"`
	Value   float64 `json:"value"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Perfect int     `json:"perfect"` // questions for which it finds them all
}

// ragTook is how long searches took, in milliseconds.
type ragTook struct {
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
}

// approximately asks every question twice, by meaning alone.
func (e *ragEval) approximately(cmd *cobra.Command, side *ragSide, questions []retrieval.Question) error {
	n := len(questions)
	bar, done := progressBar(cmd, "asking twice", int64(2*n))
	defer done()
	lists, took := [2][][]string{make([][]string, n), make([][]string, n)}, [2][]float64{make([]float64, n), make([]float64, n)}
	err := each(cmd.Context(), n, e.parallel, func(ctx context.Context, i int) error {
		for way, exact := range []bool{true, false} {
			said, err := side.ask(ctx, questions[i].Question, map[string]any{"exact": exact, "lists": []rag.Step{rag.StepDense}})
			if err != nil {
				return fmt.Errorf("question %s: %w", questions[i].ID, err)
			}
			lists[way][i] = foundOf(said).IDs(retrieval.Dense)
			for _, st := range said.Stages {
				if st.Step == rag.StepSearch {
					took[way][i] = st.TookMS
				}
			}
			bar.Increment(1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	out := ragApproximate{Pipeline: side.name, Collection: side.collection, Questions: n, Exact: tookOf(took[0]), Approx: tookOf(took[1])}
	for _, k := range slices.Compact(slices.Sorted(slices.Values(e.depths))) {
		out.Recall = append(out.Recall, approximated(lists[0], lists[1], k))
	}
	if asJSON(cmd) {
		return e.s.line(out)
	}
	return e.s.approximate(&out)
}

// approximated compares lists, question by question. Questions for which there is nothing to find do not count.
func approximated(exact, approximate [][]string, k int) ragApproximated {
	out := ragApproximated{K: k}
	var values []float64
	for i := range exact {
		nearest := stats.Ranking{Retrieved: approximate[i], Relevant: map[string]float64{}}
		for _, id := range exact[i][:min(k, len(exact[i]))] {
			nearest.Relevant[id] = 1
		}
		if found, ok := nearest.Recall(k); ok {
			values = append(values, found)
			if found == 1 {
				out.Perfect++
			}
		}
	}
	if b, err := stats.BootstrapMean(values, stats.Resampling{}); err == nil {
		out.Value, out.Low, out.High = b.Value, b.Low, b.High
	}
	return out
}

func tookOf(ms []float64) ragTook {
	slices.Sort(ms)
	return ragTook{ms[len(ms)/2], ms[len(ms)*95/100]}
}

func (s *screen) approximate(a *ragApproximate) error {
	s.facts("pipeline", a.Pipeline, "collection", a.Collection, "questions", count(int64(a.Questions)),
		"search, exact", fmt.Sprintf("%.1f ms at the median, %.1f ms at the 95th percentile", a.Exact.P50, a.Exact.P95),
		"search, approximate", fmt.Sprintf("%.1f ms at the median, %.1f ms at the 95th percentile", a.Approx.P50, a.Approx.P95))
	s.title("of the nearest passages by meaning, the approximate index finds")
	sh := sheet{columns: []column{{name: "of the best", right: true}, {name: "share", right: true}, {name: "95 %"}, {name: "all of them", right: true}, {name: "", drop: 1}}}
	for _, r := range a.Recall {
		sh.rows = append(sh.rows, []string{strconv.Itoa(r.K), share(r.Value), share(r.Low) + "–" + share(r.High), noun(r.Perfect, "question"), gauge(r.Value, r.Low, r.High)})
	}
	return s.table(sh)
}
