// Package retrieval measures how well passages are found: labelled questions, and where what answers them stands after each stage
// of a search.
package retrieval

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-dev/weir/eval/stats"
)

// Stage is a point on a passage's way from the index to the answer.
type Stage string

// The stages, in their order.
const (
	Dense    Stage = "dense"    // the list by meaning
	Sparse   Stage = "sparse"   // the list by words
	Fused    Stage = "fused"    // both joined, and cut to the limit
	MMR      Stage = "mmr"      // picked to be unlike each other
	Reranked Stage = "reranked" // ordered by a model
	Packed   Stage = "packed"   // given to the answering model
)

// Stages are all of them, in their order.
var Stages = []Stage{Dense, Sparse, Fused, MMR, Reranked, Packed}

// Metric is a measure of one list for one question, over its first K places.
type Metric struct {
	Name string // recall, hit, mrr or ndcg
	K    int
}

// MetricNames are the names of metrics.
var MetricNames = []string{"recall", "hit", "mrr", "ndcg"}

// String is recall@5.
func (m Metric) String() string { return m.Name + "@" + strconv.Itoa(m.K) }

// MarshalText writes a metric as it is read.
func (m Metric) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// ParseMetric reads recall@5.
func ParseMetric(text string) (Metric, error) {
	name, number, ok := strings.Cut(text, "@")
	k, err := strconv.Atoi(number)
	if !ok || err != nil || k < 1 || !slices.Contains(MetricNames, name) {
		return Metric{}, fmt.Errorf("%q is no metric: want recall@5, hit@5, mrr@10 or ndcg@10", text)
	}
	return Metric{name, k}, nil
}

// Metrics are the ones of some depths, recall, hits and nDCG at each and the reciprocal rank at the deepest, with those that bounds
// are on. The last one is nDCG at the deepest.
func Metrics(depths []int, bounds []Bound) []Metric {
	var out []Metric
	for _, k := range depths {
		out = append(out, Metric{"recall", k}, Metric{"hit", k}, Metric{"ndcg", k})
	}
	if len(depths) > 0 {
		out = append(out, Metric{"mrr", slices.Max(depths)})
	}
	for _, b := range bounds {
		out = append(out, b.Metric)
	}
	slices.SortFunc(out, func(a, b Metric) int {
		return cmp.Or(cmp.Compare(slices.Index(MetricNames, a.Name), slices.Index(MetricNames, b.Name)), cmp.Compare(a.K, b.K))
	})
	return slices.Compact(out)
}

// of is the metric's value of a ranking, which has something relevant. The gain of nDCG is the grade itself, as in trec_eval.
func (m Metric) of(r stats.Ranking) float64 {
	var v float64
	switch m.Name {
	case "recall":
		v, _ = r.Recall(m.K)
	case "hit":
		v, _ = r.Hit(m.K)
	case "mrr":
		v, _ = r.ReciprocalRank(m.K)
	case "ndcg":
		v, _ = r.NDCG(m.K, stats.LinearGain)
	}
	return v
}
