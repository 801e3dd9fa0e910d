package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/eval/stats"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// labelled are cases whose output is the grade that the fake judge gives, with a person's label.
func labelled(pairs ...[2]int) []Labelled {
	var out []Labelled
	for i, p := range pairs {
		grade := float64(p[0])
		out = append(out, Labelled{ID: fmt.Sprint(i), Case: Case{Input: "q", Output: fmt.Sprintf("give %d (%d)", p[1], i)}, Label: Label{Grade: &grade}})
	}
	return out
}

// obedient grades as the output says; 0 is prose.
func obedient() *model {
	m := &model{}
	m.answer = func(a *asked) reply {
		_, rest, _ := strings.Cut(a.Messages[1].Content, "give ")
		if rest[0] == '0' {
			return reply{text: "no idea"}
		}
		return reply{text: fmt.Sprintf(`{"reason":"told so","score":%c}`, rest[0])}
	}
	return m
}

func calibrated(t *testing.T, c Config, set []Labelled) Calibration {
	t.Helper()
	got, err := Calibrate(t.Context(), made(t, c, asker(obedient())), set, Run{Concurrency: 3}, stats.Resampling{Samples: 500, Seed: 1}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestCalibrationOfGrades(t *testing.T) {
	set := labelled([2]int{1, 1}, [2]int{2, 2}, [2]int{3, 4}, [2]int{4, 4}, [2]int{5, 5}, [2]int{5, 3}, [2]int{5, 0}, [2]int{5, 5})
	got := calibrated(t, Config{Rubric: "helpfulness", Model: "m"}, set)
	if got.Cases != 8 || got.Scored != 7 || got.Unscorable != 1 || got.Coverage != 7.0/8 || got.Weighting != stats.Quadratic {
		t.Errorf("got %+v", got)
	}
	want, _ := stats.Kappa([]int{0, 1, 2, 3, 4, 4, 4}, []int{0, 1, 3, 3, 4, 2, 4}, stats.Quadratic)
	if got.Kappa == nil || math.Abs(*got.Kappa-want) > 1e-12 || got.Interval == nil || !got.Interval.Contains(want) {
		t.Errorf("kappa %v, %v, want %v", got.Kappa, got.Interval, want)
	}
	if *got.Agreement != 5.0/7 || *got.BaseRate != 3.0/7 {
		t.Errorf("agreement %v beside the base rate %v", *got.Agreement, *got.BaseRate)
	}
	if diff := cmp.Diff(got.Matrix, [][]int{{1, 0, 0, 0, 0}, {0, 1, 0, 0, 0}, {0, 0, 0, 1, 0}, {0, 0, 0, 1, 0}, {0, 0, 1, 0, 2}}); diff != "" {
		t.Errorf("matrix:\n%s", diff)
	}
	// helpfulness passes from 4: people passed 4, 5, 5, 5; the judge passed a 3 and failed a 5.
	if diff := cmp.Diff(got.Passes, stats.Confusion{TruePass: 3, FalsePass: 1, FalseFail: 1, TrueFail: 2}); diff != "" {
		t.Errorf("passes:\n%s", diff)
	}
	if *got.Sensitivity != 0.75 || math.Abs(*got.Specificity-2.0/3) > 1e-12 || *got.PassRate != 4.0/7 || *got.HumanPassRate != 4.0/7 {
		t.Errorf("got %v, %v, %v, %v", *got.Sensitivity, *got.Specificity, *got.PassRate, *got.HumanPassRate)
	}
	// On the set itself the correction gives what people said.
	if v, ok := got.Correct(*got.PassRate); !ok || math.Abs(v-*got.HumanPassRate) > 1e-9 {
		t.Errorf("corrected to %v, %v", v, ok)
	}
	if got.Tally.Calls != 9 || got.Tally.Repairs != 1 || len(got.Items) != 8 || got.Items[6].State != Unscorable || got.Items[2].Agrees {
		t.Errorf("tally %+v, items %+v", got.Tally, got.Items)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var back Calibration
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(back, got); diff != "" {
		t.Errorf("written and read:\n%s", diff)
	}
}

func TestCalibrationOfPasses(t *testing.T) {
	yes, no := true, false
	set := labelled([2]int{1, 1}, [2]int{1, 5}, [2]int{5, 5}, [2]int{5, 4})
	for i := range set {
		set[i].Label = Label{Passed: &yes}
		if i < 2 {
			set[i].Label = Label{Passed: &no}
		}
	}
	got := calibrated(t, Config{Rubric: "helpfulness", Model: "m"}, set)
	if diff := cmp.Diff(got.Labels, []string{"fail", "pass"}); diff != "" || got.Weighting != stats.Unweighted || *got.Kappa != 0.5 || *got.Agreement != 0.75 || *got.BaseRate != 0.5 {
		t.Errorf("got %+v", got)
	}
}

func TestFitness(t *testing.T) {
	pairs := func(n int, wrong int) (out [][2]int) {
		for i := range n {
			people := 1 + 4*(i%2)
			judge := people
			if i < wrong {
				judge = 6 - people
			}
			out = append(out, [2]int{people, judge})
		}
		return out
	}
	config := Config{Rubric: "helpfulness", Model: "m"}
	version := made(t, config, asker(obedient())).Version()
	good := calibrated(t, config, labelled(pairs(60, 1)...))
	if f := good.Fitness(version, 0); !f.MayGate() || f.Floor != DefaultFloor {
		t.Errorf("a good judge: %+v", f)
	}
	unreadable := pairs(60, 0)
	for i := range 10 {
		unreadable[i][1] = 0
	}
	same := pairs(60, 0)
	for i := range same {
		same[i] = [2]int{5, 5}
	}
	for want, c := range map[Standing]*Calibration{
		Uncalibrated: nil,
		TooFew:       new(calibrated(t, config, labelled(pairs(MinLabels-1, 0)...))),
		BelowFloor:   new(calibrated(t, config, labelled(pairs(60, 20)...))),
		LowCoverage:  new(calibrated(t, config, labelled(unreadable...))),
		NotDefined:   new(calibrated(t, config, labelled(same...))),
	} {
		if f := c.Fitness(version, 0); f.Standing != want || f.MayGate() || f.Reason == "" {
			t.Errorf("got %+v, want %s", f, want)
		}
	}
	for what, changed := range map[string]Config{
		"the model":      {Rubric: "helpfulness", Model: "m-2"},
		"the prompt":     {Rubric: "helpfulness", Criteria: "other", Model: "m"},
		"the parameters": {Rubric: "helpfulness", Model: "m", MaxTokens: 9},
		"the kind":       {Kind: GEval, Rubric: "helpfulness", Model: "m"},
	} {
		if f := good.Fitness(made(t, changed, asker(obedient())).Version(), 0); f.Standing != Stale || !strings.Contains(f.Reason, what) {
			t.Errorf("%s: got %+v, want it stale", what, f)
		}
	}
	if f := good.Fitness(version, 0.9999); f.Standing != BelowFloor {
		t.Errorf("a higher floor: %+v", f)
	}
}

func TestDrift(t *testing.T) {
	config := Config{Rubric: "helpfulness", Model: "m"}
	set := labelled([2]int{1, 1}, [2]int{5, 5}, [2]int{5, 1}, [2]int{3, 3})
	before := calibrated(t, config, set)
	worse, err := Calibrate(t.Context(), made(t, Config{Rubric: "helpfulness", Model: "m-2"}, asker(says(`{"reason":"x","score":1}`))), set, Run{}, stats.Resampling{Samples: 50}, noon)
	if err != nil {
		t.Fatal(err)
	}
	d, ok := Drift(&before, &worse)
	if !ok || d.OnlyA != 2 || d.OnlyB != 0 || d.BothPass != 1 || d.BothFail != 1 {
		t.Errorf("got %+v, %v", d, ok)
	}
	if _, ok := Drift(&before, nil); ok {
		t.Error("compared with nothing")
	}
	other := calibrated(t, config, set[:3])
	if _, ok := Drift(&before, &other); ok {
		t.Error("compared two sets")
	}
}

func TestLabels(t *testing.T) {
	for text, want := range map[string]string{`4`: "4", `true`: "true", `false`: "false", `"pass"`: "true", `"FAIL"`: "false"} {
		var l Label
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		if back, err := json.Marshal(l); err != nil || string(back) != want {
			t.Errorf("%s: got %s, %v", text, back, err)
		}
	}
	for _, text := range []string{`null`, `"good"`, `[1]`, `{}`} {
		var l Label
		if err := json.Unmarshal([]byte(text), &l); err == nil && (l.Grade != nil || l.Passed != nil) {
			t.Errorf("%s was read as %+v", text, l)
		}
	}
	yes := true
	j := made(t, Config{Rubric: "helpfulness", Model: "m"}, asker(obedient()))
	mixed := labelled([2]int{1, 1}, [2]int{5, 5})
	mixed[1].Label = Label{Passed: &yes}
	twice := labelled([2]int{1, 1}, [2]int{5, 5})
	twice[1].ID = "0"
	for want, set := range map[string][]Labelled{
		"want 1 to":    nil,
		"one kind":     mixed,
		"no label":     {{ID: "x", Case: aCase}},
		"no grade of":  labelled([2]int{7, 1}),
		"stands twice": twice,
	} {
		if _, err := Calibrate(t.Context(), j, set, Run{}, stats.Resampling{}, noon); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestPromptsOfARegistry(t *testing.T) {
	own := Template{{"system", "Judge by {{criteria}}."}, {"user", "{{output}} {{format}}"}}
	registry := func(_ context.Context, ref string) (Prompt, error) {
		if ref != "strict@live" {
			return nil, fmt.Errorf("there is no prompt %s", ref)
		}
		return own, nil
	}
	m := says(`{"reason":"x","score":5}`)
	j, err := New(t.Context(), Config{Rubric: "tone", Model: "m", Prompt: "strict@live"}, asker(m), registry)
	if err != nil {
		t.Fatal(err)
	}
	judged(t, j, aCase)
	a := m.asks()[0]
	if !strings.HasPrefix(a.Messages[0].Content, "Judge by Whether the output is polite") || strings.Contains(a.last(), "capital of France") || !strings.Contains(a.last(), "JSON Schema") {
		t.Errorf("asked %+v", a.Messages)
	}
	if builtin := made(t, Config{Rubric: "tone", Model: "m"}, asker(m)); builtin.Version().Hash == j.Version().Hash {
		t.Error("another prompt is the same version")
	}
	if _, err := New(t.Context(), Config{Rubric: "tone", Model: "m", Prompt: "gone@live"}, asker(m), registry); err == nil || !strings.Contains(err.Error(), "gone@live") {
		t.Errorf("a prompt that is not there: %v", err)
	}
	own = Template{{"user", "{{nonsense}}"}}
	j, err = New(t.Context(), Config{Rubric: "tone", Model: "m", Prompt: "strict@live"}, asker(m), registry)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Judge(t.Context(), aCase); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a prompt with an unknown name: %v", err)
	}
}
