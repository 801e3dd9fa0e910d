package stats

import (
	"math"
	"testing"
)

func TestRankingEdges(t *testing.T) {
	graded := map[string]float64{"a": 2, "b": 1, "junk": 0, "worse": -3}
	for what, c := range map[string]struct {
		of   func(Ranking) (float64, bool)
		r    Ranking
		want *float64
	}{
		"a document twice counts once": {func(r Ranking) (float64, bool) { return r.Recall(0) }, Ranking{[]string{"a", "a", "a"}, graded}, new(0.5)},
		"precision, twice":             {func(r Ranking) (float64, bool) { return r.Precision(0) }, Ranking{[]string{"a", "a"}, graded}, new(0.5)},
		"grades below zero":            {func(r Ranking) (float64, bool) { return r.NDCG(2, LinearGain) }, Ranking{[]string{"worse", "junk"}, graded}, new(0.0)},
		"fewer than k retrieved":       {func(r Ranking) (float64, bool) { return r.Precision(10) }, Ranking{[]string{"a"}, graded}, new(0.1)},
		"nothing retrieved":            {func(r Ranking) (float64, bool) { return r.NDCG(10, ExponentialGain) }, Ranking{nil, graded}, new(0.0)},
		"nothing retrieved, precision": {func(r Ranking) (float64, bool) { return r.Precision(0) }, Ranking{nil, graded}, nil},
		"nothing relevant":             {func(r Ranking) (float64, bool) { return r.NDCG(10, LinearGain) }, Ranking{[]string{"a"}, nil}, nil},
		"nothing relevant, recall":     {func(r Ranking) (float64, bool) { return r.Recall(10) }, Ranking{[]string{"a"}, map[string]float64{"a": 0}}, nil},
		"best order, all of it":        {func(r Ranking) (float64, bool) { return r.NDCG(0, ExponentialGain) }, Ranking{[]string{"a", "b"}, graded}, new(1.0)},
		"all found, average precision": {func(r Ranking) (float64, bool) { return r.AveragePrecision(0) }, Ranking{[]string{"a", "b"}, graded}, new(1.0)},
		"half found":                   {func(r Ranking) (float64, bool) { return r.AveragePrecision(0) }, Ranking{[]string{"a"}, graded}, new(0.5)},
		"a grade that is no number":    {func(r Ranking) (float64, bool) { return r.NDCG(0, LinearGain) }, Ranking{[]string{"x", "a"}, map[string]float64{"x": math.NaN(), "a": 1}}, new(1 / math.Log2(3))},
	} {
		got, ok := c.of(c.r)
		near(t, what, got, ok, c.want, 1e-12)
	}
}
