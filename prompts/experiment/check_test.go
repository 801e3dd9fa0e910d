package experiment

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func rawParameters(text string) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		panic(err)
	}
	return out
}

func TestParseFills(t *testing.T) {
	got, err := Parse([]byte(`{"name": "tone", "unit": "user", "prompt": "greet",
		"arms": [{"name": "a", "prompt": "greet@3"}, {"name": "b", "prompt": "greet@staging"}],
		"metrics": {"primary": {"metric": "cost", "direction": "lower"}, "guardrails": []}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Experiment{
		Name: "tone", Unit: User, Prompt: "greet",
		Arms:    []Arm{{Name: "a", Prompt: "greet@3"}, {Name: "b", Prompt: "greet@staging"}},
		Metrics: Metrics{Primary: &Metric{Metric: "cost", Direction: Lower, Per: PerUnit, Covariate: OwnText}, Guardrails: []Metric{}},
		Traffic: 1, Hash: SHA256, PlannedUnits: 10_000, Alpha: 0.05, Correction: Bonferroni, Status: Draft,
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	again, err := Parse(mustJSON(t, running(t, func(e *Experiment) { e.Worth = &Amount{0.05, true} })))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again, running(t, func(e *Experiment) { e.Worth = &Amount{0.05, true} })); diff != "" {
		t.Errorf("through JSON (-got +want):\n%s", diff)
	}
}

// Weights are shares of 1 or of 100; none at all, or 1 for each, is the same for all.
func TestWeights(t *testing.T) {
	for text, want := range map[string][]float64{
		"[0.2, 0.8]": {0.2, 0.8}, "[20, 80]": {0.2, 0.8}, "[0, 0]": {0.5, 0.5}, "[1, 1]": {0.5, 0.5},
		"[0.5, 0.6]": nil, "[50, 60]": nil, "[9, 1]": nil, "[100, 0]": nil, "[-1, 2]": nil,
	} {
		var w [2]float64
		if err := json.Unmarshal([]byte(text), &w); err != nil {
			t.Fatal(err)
		}
		e := valid(t)
		e.Arms[0].Weight, e.Arms[1].Weight = w[0], w[1]
		err := e.Check()
		if (err == nil) != (want != nil) {
			t.Errorf("%s: got %v", text, err)
		}
		if err == nil {
			if diff := cmp.Diff(e.weights(), want); diff != "" {
				t.Errorf("%s: %s", text, diff)
			}
		}
	}
}

// Each fault says what to do, and all are said at once.
func TestFaults(t *testing.T) {
	good := func(e *Experiment) *Metric { return &e.Metrics.Guardrails[0] }
	for want, change := range map[string]func(*Experiment){
		"want 1 to 100 letters":             func(e *Experiment) { e.Name = " " },
		"arms: 1: want at least two":        func(e *Experiment) { e.Arms = e.Arms[:1] },
		`"a" is there twice`:                func(e *Experiment) { e.Arms[1].Name = "a" },
		"are the same in all but name":      func(e *Experiment) { e.Arms[1].Prompt = "greet@3" },
		"the weights sum to 110":            func(e *Experiment) { e.Arms[1].Weight = 60 },
		`want name@version`:                 func(e *Experiment) { e.Arms[1].Prompt = "greet" },
		`is not of "greet"`:                 func(e *Experiment) { e.Arms[1].Prompt = "leave@1" },
		"name the prompt":                   func(e *Experiment) { e.Prompt = ""; e.Arms[1].Prompt = "leave@1" },
		"want 1 to 60 letters":              func(e *Experiment) { e.Arms[1].Name = "b b" },
		"user may not differ":               func(e *Experiment) { e.Arms[1].Parameters = rawParameters(`{"user": "x"}`) },
		"use the arm's model":               func(e *Experiment) { e.Arms[1].Parameters = rawParameters(`{"model": "x"}`) },
		"not JSON":                          func(e *Experiment) { e.Arms[1].Parameters = map[string]json.RawMessage{"n": []byte("{")} },
		`unit: "team" is none of`:           func(e *Experiment) { e.Unit = "team" },
		`unit: "header:" is none of`:        func(e *Experiment) { e.Unit = "header:" },
		"primary is missing":                func(e *Experiment) { e.Metrics.Primary = nil },
		"decide by one of them":             func(e *Experiment) { e.Metrics.Utility = []Term{{Metric: "cost", Weight: -1}} },
		`"speed" is no metric`:              func(e *Experiment) { e.Metrics.Primary.Metric = "speed" },
		`primary: "score:" is no metric`:    func(e *Experiment) { e.Metrics.Primary.Metric = "score:" },
		"primary: direction is missing":     func(e *Experiment) { e.Metrics.Primary.Direction = "" },
		"is neither lower nor higher":       func(e *Experiment) { e.Metrics.Primary.Direction = "up" },
		"has no margin":                     func(e *Experiment) { good(e).Margin = nil },
		"margin 0: want more than 0":        func(e *Experiment) { good(e).Margin = &Amount{} },
		"a margin is for guardrails":        func(e *Experiment) { e.Metrics.Primary.Margin = &Amount{Value: 1} },
		"latency needs the milliseconds":    func(e *Experiment) { good(e).Metric = "latency" },
		"others have none":                  func(e *Experiment) { good(e).SLO = 3 },
		"calls per call":                    func(e *Experiment) { good(e).Metric, good(e).Per, good(e).Covariate = "calls", PerCall, NoCovariate },
		"winsorize: 20":                     func(e *Experiment) { good(e).Winsorize = 20 },
		"winsorize is for per: unit":        func(e *Experiment) { e.Metrics.Primary.Winsorize = 99 },
		"covariate is for per: unit":        func(e *Experiment) { e.Metrics.Primary.Covariate = OwnText },
		"covariate: \"age\"":                func(e *Experiment) { good(e).Covariate = "age" },
		`guardrail "cost" is there twice`:   func(e *Experiment) { e.Metrics.Guardrails = append(e.Metrics.Guardrails, *good(e)) },
		"target: line 1, column 9":          func(e *Experiment) { e.Target = `project = "a"` },
		"target: line 1, column 1: unknown": func(e *Experiment) { e.Target = `team == "a"` },
		"target: expected bool":             func(e *Experiment) { e.Target = `project + "a"` },
		"layer: from 0.6 to 0.5":            func(e *Experiment) { e.Layer = &Layer{"l", 0.6, 0.5} },
		`"c", which is no arm`:              func(e *Experiment) { e.Overrides = map[string]string{"u": "c"} },
		"traffic: 2":                        func(e *Experiment) { e.Traffic = 2 },
		"planned_units: 20":                 func(e *Experiment) { e.PlannedUnits = 20 },
		"alpha: 0.5":                        func(e *Experiment) { e.Alpha = 0.5 },
		"worth: want more":                  func(e *Experiment) { e.Worth = &Amount{Value: -1} },
		`hash: "md5"`:                       func(e *Experiment) { e.Hash = "md5" },
		`correction: "none"`:                func(e *Experiment) { e.Correction = "none" },
		`status: "paused"`:                  func(e *Experiment) { e.Status = "paused" },
		"ramp: steps":                       func(e *Experiment) { e.Auto.Ramp = &Ramp{Steps: []float64{0.2, 0.1}} },
	} {
		e := valid(t)
		change(&e)
		err := e.Check()
		if !errors.Is(err, ErrExperiment) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
	e := Experiment{Unit: "x", Target: "1 +"}
	err := e.Check()
	for _, section := range []string{"name:", "unit:", "arms:", "metrics:", "target:"} {
		if !strings.Contains(err.Error(), section) {
			t.Errorf("%s is missing in %v", section, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"name": "x", "colour": 1}`: "colour",
		`{"name": "x"} {}`:           "more after its end",
		`[]`:                         "cannot unmarshal",
		`{"worth": "lots"}`:          "is no amount",
		`{"worth": "NaN"}`:           "is no amount",
		`{"name": "` + strings.Repeat("x", MaxJSON) + `"}`:    "at most",
		`{"metrics": {"guardrails": [{"margin": {"a": 1}}]}}`: "is no amount",
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrExperiment) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want it to say %q", text, err, want)
		}
	}
}

func TestOverlaps(t *testing.T) {
	other := func(change func(*Experiment)) []Experiment {
		return []Experiment{running(t, func(e *Experiment) {
			e.ID, e.Name, e.Prompt = "exp-2", "other", "leave"
			e.Arms = []Arm{{Name: "a", Prompt: "leave@1"}, {Name: "b", Prompt: "leave@2"}}
			e.Layer = &Layer{"l", 0, 0.5}
			change(e)
		})}
	}
	for name, tt := range map[string]struct {
		change func(*Experiment) // of the other
		own    *Layer
		want   string
	}{
		"apart":          {func(*Experiment) {}, &Layer{"l", 0.5, 1}, ""},
		"another layer":  {func(*Experiment) {}, &Layer{"m", 0, 1}, ""},
		"no layer":       {func(*Experiment) {}, nil, ""},
		"overlapping":    {func(*Experiment) {}, &Layer{"l", 0.4, 1}, `holds 0 to 0.5 of "l"`},
		"another unit":   {func(e *Experiment) { e.Unit = Session }, &Layer{"l", 0.5, 1}, "one kind of unit only"},
		"name":           {func(e *Experiment) { e.Name = "tone" }, nil, "is taken"},
		"the same again": {func(e *Experiment) { e.ID = "exp-1" }, &Layer{"l", 0, 1}, ""},
	} {
		e := valid(t)
		e.Layer = tt.own
		err := Overlaps(&e, other(tt.change))
		if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, ErrExperiment) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	halted := other(func(*Experiment) {})
	halted[0].Status = Halted
	e := valid(t)
	e.Layer = &Layer{"l", 0, 1}
	if err := Overlaps(&e, halted); err != nil {
		t.Errorf("a stopped one is in the way: %v", err)
	}
	e.Layer = nil
	if err := Overlaps(&e, []Experiment{running(t, func(e *Experiment) { e.ID, e.Name = "exp-2", "other" })}); err == nil || !strings.Contains(err.Error(), "one version only") {
		t.Errorf("two on one prompt: got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"name": "tone", "unit": "user", "arms": [{"name": "a", "prompt": "g@3"}, {"name": "b", "model": "m"}], "worth": "5%"}`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse([]byte(text))
		if err != nil {
			if !errors.Is(err, ErrExperiment) {
				t.Errorf("got %v", err)
			}
			return
		}
		e.ID = "x"
		if e.Status != Running && e.Status != Concluded && len(e.Epochs) == 0 {
			if e, err = e.Begin(began, ""); err != nil {
				t.Fatal(err)
			}
			if _, err := NewAssigner(e); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	})
}
