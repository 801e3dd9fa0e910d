package eval

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weir-dev/weir/price"
)

// A run whose answers and judge vary by known amounts is told apart in its summary; what judges cost stands beside what answers cost.
func TestSummarySplitsVariance(t *testing.T) {
	const answers, judges = 0.15, 0.05
	random := rand.New(rand.NewPCG(7, 7))
	d := Definition{Repeat: 6, Targets: []TargetConfig{{Name: "t", Model: "m"}}, Scorers: []ScorerConfig{{Name: "right", Metric: "judge"}, {Name: "exact", Metric: "exact"}}}
	items := manyItems(t, 150)
	var results []Result
	for i := range items {
		level := 0.5 + 0.2*random.NormFloat64()
		for n := 1; n <= d.Repeat; n++ {
			answer, cost := level+answers*random.NormFloat64(), price.USD(3)
			s := Score{State: Scored, Cost: new(price.USD(5))}
			for range 3 {
				s.Votes = append(s.Votes, answer+judges*random.NormFloat64())
			}
			s.Value = s.Votes[0]
			results = append(results, Result{Key: Key{"t", items[i].ID, n}, Answer: Answer{Text: "x", Cost: &cost}, Scores: map[string]Score{"right": s, "exact": yes(n%2 == 0)}})
		}
	}
	sum := Summarise(&d, items, results)
	right, exact := sum.Of("t", "right"), sum.Of("t", "exact")
	v := right.Variance
	if v == nil || math.Abs(*v.Generation-answers) > 0.01 || math.Abs(*v.Judge-judges) > 0.003 || math.Abs(*v.JudgeShare-0.1) > 0.02 || v.Answers != 900 || v.Votes != 2700 {
		t.Errorf("got %+v", v)
	}
	c, err := Compare([]Compared{{Run: Run{ID: "r1", State: Done, Items: len(items), Definition: d, Summary: sum}, Results: results}})
	if err != nil {
		t.Fatal(err)
	}
	if page, err := c.HTML(); err != nil || !strings.Contains(string(page), "within an item the judge varies by") || !strings.Contains(c.Markdown(), "of the variance is the judge") {
		t.Errorf("the reports do not say it: %v", err)
	}
	if exact.Variance != nil || exact.Cost != nil || exact.Repeats == nil {
		t.Errorf("a metric that is sure of itself: %+v", exact)
	}
	if got := sum.Targets[0]; got.Cost != 2700 || got.ScoreCost != 4500 || *right.Cost != 4500 {
		t.Errorf("answers cost %s, scores %s", got.Cost, got.ScoreCost)
	}
	// Repeats are one value: of 150 items whose half is right each time, the interval is of 150 values that are all 0.5.
	if exact.Interval == nil || exact.Interval.Low != 0.5 || exact.Interval.High != 0.5 || exact.Interval.Method != "bootstrap" {
		t.Errorf("interval %+v", exact.Interval)
	}
	if in := right.Interval; in == nil || in.Low >= *right.Mean || in.High <= *right.Mean || in.High-in.Low > 0.1 {
		t.Errorf("interval %+v of %v", in, *right.Mean)
	}
}

func TestIntervals(t *testing.T) {
	many := map[string][]float64{}
	for i := range bootstrapped + 1 {
		many[string(rune('a'+i%26))+string(rune('0'+i/26))] = []float64{float64(i % 5)}
	}
	for name, c := range map[string]struct {
		of     map[string][]float64
		method string
	}{
		"none": {nil, ""}, "one item": {map[string][]float64{"a": {1, 0}}, ""}, "right or wrong": {map[string][]float64{"a": {1}, "b": {0}, "c": {1, 1}}, "wilson"},
		"figures": {map[string][]float64{"a": {0.3}, "b": {0.9}}, "bootstrap"}, "many": {many, "normal"},
	} {
		got := intervalOf(c.of)
		if (got == nil) != (c.method == "") || got != nil && (got.Method != c.method || got.Low > got.High || got.Level != 0.95) {
			t.Errorf("%s: got %+v, want %q", name, got, c.method)
		}
	}
}
