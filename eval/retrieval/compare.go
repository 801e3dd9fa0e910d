package retrieval

import (
	"fmt"

	"github.com/weir-dev/weir/eval/stats"
)

// Difference is what a metric is of two searches for the same questions, after the last stage of ranking of each.
type Difference struct {
	Metric Metric  `json:"metric"`
	A      float64 `json:"a"`
	B      float64 `json:"b"`
	Delta  float64 `json:"delta"` // B-A
	Low    float64 `json:"low"`   // of its paired bootstrap interval, 95 %
	High   float64 `json:"high"`
	P      float64 `json:"p"`      // two-sided, of the paired randomisation test
	Better int     `json:"better"` // questions that are better in B
	Worse  int     `json:"worse"`
}

// Compare compares two reports of the same questions and metrics, question by question.
func Compare(a, b *Report) ([]Difference, error) {
	x, y := a.answered(), b.answered()
	if len(x) != len(y) || len(x) == 0 {
		return nil, fmt.Errorf("compare: there are %d questions with an answer on one side and %d on the other", len(x), len(y))
	}
	var out []Difference
	for i, m := range a.Metrics {
		left, right := column(x, a.Final, i), column(y, b.Final, i)
		pair, err := stats.BootstrapPaired(stats.Scores(left), stats.Scores(right), stats.MeanMetric, stats.Resampling{})
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", m, err)
		}
		test, err := stats.Randomise(stats.Scores(left), stats.Scores(right), stats.MeanMetric, stats.Randomisation{})
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", m, err)
		}
		d := Difference{Metric: m, A: test.A, B: test.B, Delta: test.Delta, Low: pair.Low, High: pair.High, P: test.P}
		for j := range left {
			switch {
			case right[j] > left[j]:
				d.Better++
			case right[j] < left[j]:
				d.Worse++
			}
		}
		out = append(out, d)
	}
	return out, nil
}

func (r *Report) answered() []*Result {
	var out []*Result
	for i := range r.Results {
		if !r.Results[i].Question.Unanswerable {
			out = append(out, &r.Results[i])
		}
	}
	return out
}
