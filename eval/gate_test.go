package eval

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/eval/stats"
)

// runOf makes a run whose scores are given by item and repeat; NaN is none.
func runOf(metric string, bar *float64, scores map[string][]float64) (*Run, []Result) {
	repeat := 1
	var results []Result
	for id, values := range scores {
		repeat = max(repeat, len(values))
		for n, v := range values {
			s := Score{State: Scored, Value: v}
			if v != v {
				s = unscorable("no")
			} else if bar != nil {
				passed := v >= *bar
				s.Passed = &passed
			}
			results = append(results, Result{Key: Key{"t", id, n + 1}, ItemHash: "h" + id, Scores: map[string]Score{"s": s}})
		}
	}
	return &Run{ID: "r", Name: "n", State: Done, Snapshot: "x", Items: len(scores), Definition: Definition{
		Name: "n", Repeat: repeat, Targets: []TargetConfig{{Name: "t"}}, Scorers: []ScorerConfig{{Name: "s", Metric: metric, Pass: bar}},
	}}, results
}

func TestGate(t *testing.T) {
	nan := stats.Missing()
	for _, c := range []struct {
		name   string
		metric string
		scores map[string][]float64
		rule   Rule
		passed bool
		want   string // in the verdict
	}{
		{"a mean that holds", "exact", map[string][]float64{"a": {1}, "b": {0.8}}, Rule{MinMean: new(0.9)}, true, "mean 0.9, at least 0.9 wanted (2 of 2 scored)"},
		{"one that does not", "exact", map[string][]float64{"a": {1}, "b": {0.7}}, Rule{MinMean: new(0.9)}, false, "FAIL  t / s / min_mean: mean 0.85"},
		{"the least is best", "latency", map[string][]float64{"a": {1}, "b": {3}}, Rule{MaxMean: new(2.0), MaxCase: new(2.5)}, false, "FAIL  t / s / max_case_score: 1 item of 2 beyond 2.5, such as b with 3"},
		{"a mean is no pass rate", "exact", map[string][]float64{"a": {1}, "b": {0.9}}, Rule{MinMean: new(0.9), MinPassRate: new(0.6)}, false, "FAIL  t / s / min_pass_rate: 50 % pass, at least 60 % wanted"},
		{"each case", "exact", map[string][]float64{"a": {1}, "b": {0.4}, "c": {0.3}}, Rule{MinCase: new(0.5)}, false, "2 items of 3 beyond 0.5, such as c with 0.3"},
		{"coverage fails closed", "exact", map[string][]float64{"a": {1}, "b": {nan}}, Rule{MinMean: new(0.9)}, false, "FAIL  t / s / coverage: 1 of 2 asks have a score (50 %), 100 % wanted"},
		{"coverage that was asked for", "exact", map[string][]float64{"a": {1}, "b": {nan}}, Rule{MinMean: new(0.9), Coverage: new(0.5)}, true, "coverage"},
		{"no score at all", "exact", map[string][]float64{"a": {nan}}, Rule{MinMean: new(0.0), Coverage: new(0.0)}, true, "0 of 1 asks"},
		{"quarantine does not count", "exact", map[string][]float64{"a": {1}, "b": {0}}, Rule{MinMean: new(1.0), MinCase: new(1.0), Quarantine: []string{"b"}}, true, "1 of 1 scored"},
		{"all in quarantine", "exact", map[string][]float64{"a": {1}}, Rule{Quarantine: []string{"a"}}, false, "no item counts"},
		{"a flake", "exact", map[string][]float64{"a": {1, 0, 1}, "b": {1, 1, 1}}, Rule{MinPassRate: new(1.0), Flakes: &Flakes{Pass: 2}}, true, "2 of 3 repeats, 1 did so and failed others"},
		{"more than a flake", "exact", map[string][]float64{"a": {1, 0, 0}, "b": {1, 1, 1}}, Rule{MinPassRate: new(1.0), MinCase: new(1.0), Flakes: &Flakes{Pass: 2}}, false, "50 % pass"},
		{"no baseline", "exact", map[string][]float64{"a": {1}}, Rule{MaxRegression: new(0.0)}, false, "there is no baseline"},
	} {
		run, results := runOf(c.metric, new(1.0), c.scores)
		v, err := Judge(run, results, Gate{"s": c.rule}, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if v.Passed != c.passed || !strings.Contains(v.Text(), c.want) {
			t.Errorf("%s: passed %v, want %v and %q in\n%s", c.name, v.Passed, c.passed, c.want, v.Text())
		}
	}
	run, results := runOf("exact", nil, map[string][]float64{"a": {1}})
	for name, g := range map[string]Gate{"none": nil, "of another scorer": {"other": {}}} {
		if _, err := Judge(run, results, g, nil); err == nil {
			t.Errorf("a gate that is %s is judged", name)
		}
	}
	run.Items = 2 // the run has not come to the other
	if v, err := Judge(run, results, Gate{"s": {MinMean: new(1.0)}}, nil); err != nil || v.Passed {
		t.Errorf("half a run passes: %+v, %v", v, err)
	}
}

func TestRegression(t *testing.T) {
	good, bad := map[string][]float64{}, map[string][]float64{}
	for i := range 50 {
		id := fmt.Sprintf("i%02d", i)
		good[id], bad[id] = []float64{0.5 + float64(i%5)/10}, []float64{0.3 + float64(i%5)/10}
	}
	was, old := runOf("levenshtein", nil, good)
	file := filepath.Join(t.TempDir(), "base.json")
	b := NewBaseline(was, old, time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))
	if err := b.Write(file); err != nil {
		t.Fatal(err)
	}
	base, err := ReadBaseline(file)
	if err != nil {
		t.Fatal(err)
	}
	judge := func(scores map[string][]float64, metric string, rule Rule) Verdict {
		t.Helper()
		run, results := runOf(metric, nil, scores)
		v, err := Judge(run, results, Gate{"s": rule}, base)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := judge(good, "levenshtein", Rule{MaxRegression: new(0.0)}); !v.Passed {
		t.Errorf("the same run fails:\n%s", v.Text())
	}
	if v := judge(bad, "levenshtein", Rule{MaxRegression: new(0.05)}); v.Passed || v.Checks[1].Test.Drop < 0.19 || !strings.Contains(v.Text(), "0.2 worse than the baseline's on 50 items") {
		t.Errorf("a drop of 0.2 passes:\n%s", v.Text())
	}
	if v := judge(bad, "levenshtein", Rule{MaxRegression: new(0.25)}); !v.Passed {
		t.Errorf("a drop that is allowed fails:\n%s", v.Text())
	}
	if v := judge(bad, "latency", Rule{MaxRegression: new(0.0)}); !v.Passed {
		t.Errorf("of latency less is better:\n%s", v.Text())
	}
	if v := judge(map[string][]float64{"i00": {1}, "new": {1}}, "levenshtein", Rule{MaxRegression: new(0.0)}); v.Passed || !strings.Contains(v.Text(), "write a new one") {
		t.Errorf("a baseline of other items is taken:\n%s", v.Text())
	}
	if got := b.Of(Gate{"s": {MinMean: new(1.0)}}); got != nil {
		t.Errorf("a gate without max_regression keeps %+v", got)
	}
}

// The gate's promise, on the whole way from scores to verdict: noise alone closes it as rarely as alpha says, and a drop of 5 points at 400 items
// is caught nine times in ten while the scores of one item differ by 0.30.
func TestGateProof(t *testing.T) {
	const (
		items = 400
		alpha = 0.05
	)
	trials := 2000
	if testing.Short() {
		trials = 200
	}
	mostFalse := 0 // the 99.9 % point of the binomial
	for stats.BinomialTail(mostFalse, trials, alpha) < 0.999 {
		mostFalse++
	}
	rng := rand.New(rand.NewPCG(20, 400))
	gate := Gate{"s": {MaxRegression: new(0.0), Alpha: alpha}}
	closed := func(drop float64) int {
		n := 0
		for range trials {
			was, is := map[string][]float64{}, map[string][]float64{}
			for i := range items {
				id := fmt.Sprintf("i%03d", i)
				level := rng.NormFloat64() * 0.5
				was[id], is[id] = []float64{level + rng.NormFloat64()*0.2121}, []float64{level - drop + rng.NormFloat64()*0.2121}
			}
			before, old := runOf("levenshtein", nil, was)
			b := NewBaseline(before, old, time.Time{})
			run, results := runOf("levenshtein", nil, is)
			v, err := Judge(run, results, gate, &b)
			if err != nil {
				t.Fatal(err)
			}
			if !v.Passed {
				n++
			}
		}
		return n
	}
	falsely, caught := closed(0), closed(0.05)
	t.Logf("of %d gates noise closed %d, a drop of 5 points %d", trials, falsely, caught)
	if falsely > mostFalse {
		t.Errorf("noise alone closed %d of %d gates, at most %d allowed", falsely, trials, mostFalse)
	}
	if caught < trials*9/10 {
		t.Errorf("a drop of 5 points was caught %d times of %d", caught, trials)
	}
}

func TestFewItemsAreToldOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	was, is := map[string][]float64{}, map[string][]float64{}
	for i := range 12 {
		id := fmt.Sprint(i)
		was[id], is[id] = []float64{rng.Float64()}, []float64{rng.Float64()}
	}
	before, old := runOf("levenshtein", nil, was)
	b := NewBaseline(before, old, time.Time{})
	run, results := runOf("levenshtein", nil, is)
	v, err := Judge(run, results, Gate{"s": {MaxRegression: new(0.02)}}, &b)
	if err != nil || len(v.Notes) != 1 || !strings.Contains(v.Notes[0], "12 items are few: a drop below") {
		t.Errorf("%+v, %v", v, err)
	}
}

// What is reported was written by others: none of it is markup where it arrives.
func TestReportsOfAGateAreHarmless(t *testing.T) {
	run, results := runOf("exact", new(1.0), map[string][]float64{"<b>&\n::error::x|`@you`": {0}})
	run.Name = "n <script> | x"
	v, err := Judge(run, results, Gate{"s": {MinCase: new(1.0)}}, nil)
	if err != nil || v.Passed {
		t.Fatalf("%+v, %v", v, err)
	}
	text, err := v.JUnit(run)
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Suite junitSuite `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text, &back); err != nil || back.Suite.Tests != 2 || back.Suite.Failures != 1 || !strings.Contains(string(text), "&lt;script&gt;") {
		t.Errorf("%v\n%s", err, text)
	}
	v.Checks[1].Detail = "100 %\r\n::warning::y"
	if got := v.GitHub("a:b,c\nd.yaml"); got != "::error file=a%3Ab%2Cc%0Ad.yaml,title=t s min_case_score::100 %25%0D%0A::warning::y\n" {
		t.Errorf("%q", got)
	}
	if got := v.Markdown(run); strings.Contains(got, "<script>") || strings.Contains(got, " | x") || strings.Contains(got, "\n::warning") {
		t.Errorf("%s", got)
	}
}
