package eval

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weir-dev/weir/price"
)

// system makes a run of one target with these scores, cost and latency of an ask.
func system(id, target string, cost price.USD, latency float64, scores []float64) Compared {
	d := Definition{Name: "n", Repeat: 1, Targets: []TargetConfig{{Name: target}}, Scorers: []ScorerConfig{{Name: "speed", Metric: "latency"}, {Name: "s", Metric: "levenshtein"}}}
	var items []Item
	var results []Result
	for i, v := range scores {
		it := Item{ID: fmt.Sprintf("i%04d", i), Input: []byte("1")}
		items = append(items, it)
		a := Answer{LatencyMS: latency}
		if cost >= 0 {
			a.Cost = &cost
		}
		results = append(results, Result{Key: Key{target, it.ID, 1}, ItemHash: it.Hash(), Answer: a, Scores: map[string]Score{"speed": scored(latency), "s": scored(v)}})
	}
	return Compared{Run{ID: id, Name: "n", State: Done, Snapshot: "x", Items: len(items), Definition: d, Summary: Summarise(&d, items, results)}, results}
}

func TestCompare(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	n := 300
	base, near, low := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		base[i] = 0.5 + rng.NormFloat64()*0.1
		near[i] = base[i] + rng.NormFloat64()*0.05
		low[i] = base[i] - 0.1 + rng.NormFloat64()*0.05
	}
	list := []Compared{system("run-000001", "large", 9_000_000, 900, base), system("run-000002", "small", 1_000_000, 500, near), system("run-000003", "tiny", 100_000, 100, low), system("run-000004", "waste", 20_000_000, 2000, low)}
	c, err := Compare(list)
	if err != nil {
		t.Fatal(err)
	}
	pairs := c.Scorers[1].Pairs
	if len(pairs) != 3 || pairs[0].Verdict != "no difference shown" || pairs[1].Verdict != "worse" || pairs[1].N != n || pairs[1].Delta > -0.09 || pairs[1].P > 0.01 || *pairs[1].Detectable > 0.02 {
		t.Errorf("%+v", pairs)
	}
	if i := pairs[1].Interval; i == nil || i.Low > pairs[1].Delta || i.High < pairs[1].Delta || i.High > 0 {
		t.Errorf("interval %+v of %v", i, pairs[1].Delta)
	}
	fronts := ""
	for _, s := range c.Systems {
		fronts += fmt.Sprint(s.Front, " ")
	}
	if fronts != "true true true false " && fronts != "false true true false " {
		t.Errorf("front: %s", fronts)
	}
	if c.Advice.System != "small (000002)" || c.Advice.Scorer != "s" || !strings.Contains(strings.Join(c.Advice.Reason, "\n"), "on the front of quality, cost and latency") {
		t.Errorf("%+v", c.Advice)
	}
	if again, err := Compare(list); err != nil || again.Scorers[1].Pairs[0].P != pairs[0].P {
		t.Errorf("the same runs compare otherwise: %v", err)
	}
}

func TestCompareOnlyWhatSaysTheSame(t *testing.T) {
	a, b := system("a", "t", -1, 1, []float64{1, 1, 1, 0}), system("b", "t", -1, 1, []float64{1, 0, 0, 0})
	b.Results[3].ItemHash = "another"
	b.Run.Snapshot = "y"
	b.Run.State = Stopped
	c, err := Compare([]Compared{a, b})
	if err != nil {
		t.Fatal(err)
	}
	p := c.Scorers[1].Pairs[0]
	if p.N != 3 || p.Test != "mcnemar" || p.Lost != 2 || p.Tied != 1 || p.P != 0.5 {
		t.Errorf("%+v", p)
	}
	notes := strings.Join(c.Notes, "\n")
	if !strings.Contains(notes, "different snapshots") || !strings.Contains(notes, "run b is stopped") {
		t.Errorf("%s", notes)
	}
	if c.Systems[0].Cost != nil || !strings.Contains(strings.Join(c.Advice.Reason, "\n"), "what they cost is not known") {
		t.Errorf("%+v", c.Advice)
	}
	if _, err := Compare([]Compared{{}}); err == nil {
		t.Error("a run without targets is compared")
	}
}

// Names are other people's: the report runs nothing and loads nothing.
func TestReportIsOneHarmlessFile(t *testing.T) {
	hostile := `<script>alert(1)</script>"onload=`
	a, b := system("a", hostile, 1000, 5, []float64{1, 0, 1}), system("b", "t|x", 2000, 9, []float64{0, 0, 1})
	c, err := Compare([]Compared{a, b})
	if err != nil {
		t.Fatal(err)
	}
	page, err := c.HTML()
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, bad := range []string{"<script", "http://", "https://", "src=", "url(", hostile} {
		if strings.Contains(text, bad) {
			t.Errorf("the report has %q", bad)
		}
	}
	for _, want := range []string{"default-src 'none'", "&lt;script&gt;", "<svg", "detectable"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report has no %q", want)
		}
	}
	if got := c.Markdown(); strings.Contains(got, "<script") || strings.Contains(got, "t|x") || !strings.Contains(got, "| target | quality |") {
		t.Errorf("%s", got)
	}
}

func TestHolm(t *testing.T) {
	pairs := []Pair{{P: 0.04}, {P: 0.01}, {P: 0.03}}
	holm(pairs)
	for i, want := range []float64{0.06, 0.03, 0.06} {
		if got := pairs[i].Adjusted; got < want-1e-12 || got > want+1e-12 {
			t.Errorf("p %v: got %v, want %v", pairs[i].P, got, want)
		}
	}
}
