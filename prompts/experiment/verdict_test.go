package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/prompts/experiment/stats"
)

// known is a reader of sums that are given. It answers the same whatever is asked, by metric.
type known struct {
	units map[string]int64                 // by arm
	sums  map[string]map[string][3]float64 // metric → arm → units, mean, variance
}

func (k known) Growth(_ context.Context, q Query, step time.Duration) ([]Growth, error) {
	var out []Growth
	for _, arm := range []string{"a", "b", "c"} {
		if n := k.units[arm]; n > 0 {
			out = append(out, Growth{Time: q.Since.Truncate(step), Epoch: 1, Arm: arm, Units: n, Calls: 3 * n})
		}
	}
	return out, nil
}

func (k known) Moments(_ context.Context, _ Query, measures []Measure) ([]Cell, error) {
	var out []Cell
	for i, m := range measures {
		for arm, s := range k.sums[m.Metric] {
			n, mean, variance := s[0], s[1], s[2]
			if m.Log {
				mean, variance = math.Log(mean), 0.5
			}
			moments := stats.Moments{N: int64(n), Y: n * mean, YY: (n-1)*variance + n*mean*mean}
			if m.Per == PerCall {
				moments.X, moments.XX, moments.XY = n, n, n*mean
			}
			out = append(out, Cell{Epoch: 1, Arm: arm, Measure: i, Moments: moments})
		}
	}
	return out, nil
}

type sums = map[string]map[string][3]float64

func arms(a, b [3]float64) map[string][3]float64 { return map[string][3]float64{"a": a, "b": b} }

// decide looks at an experiment a day after its start.
func decide(t *testing.T, e Experiment, k known) (*Analysis, Verdict) {
	t.Helper()
	a, err := Analyse(t.Context(), k, &e, Options{Now: began.Add(24 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(a); err != nil {
		t.Errorf("the analysis cannot be written down: %v", err)
	}
	v := Decide(&e, a)
	if _, err := json.Marshal(v); err != nil {
		t.Errorf("the verdict cannot be written down: %v", err)
	}
	return a, v
}

func TestVerdicts(t *testing.T) {
	many := map[string]int64{"a": 2000, "b": 2000}
	cheap := arms([3]float64{2000, 0.010, 0.0001}, [3]float64{2000, 0.010, 0.0001})
	pass := func(n, a, b float64) map[string][3]float64 {
		return arms([3]float64{n, a, a * (1 - a)}, [3]float64{n, b, b * (1 - b)})
	}
	for name, tt := range map[string]struct {
		change func(*Experiment)
		k      known
		want   State
		says   []string
	}{
		"better, guardrail shown": {
			nil,
			known{many, sums{"score:good": pass(2000, 0.7, 0.8), "cost": arms([3]float64{2000, 0.010, 0.000001}, [3]float64{2000, 0.010, 0.000001})}},
			Ship,
			[]string{`Ship "b": better on score "good" per call: 0.8 against 0.7, +14.3 %`, "no guardrail is worse"},
		},
		"better, guardrail open": {
			nil,
			known{many, sums{"score:good": pass(2000, 0.7, 0.8), "cost": cheap}},
			KeepGoing,
			[]string{"Keep going", "not yet shown to be within the margin on cost per unit", "more are needed"},
		},
		"better, guardrail broken": {
			nil,
			known{many, sums{"score:good": pass(2000, 0.7, 0.8), "cost": arms([3]float64{2000, 0.010, 0.000001}, [3]float64{2000, 0.012, 0.000001})}},
			StopForHarm,
			[]string{`Stop "b" and go back to "a": worse than the margin on cost per unit: $0.012 against $0.01, +20.0 %`},
		},
		"worse": {nil, known{many, sums{"score:good": pass(2000, 0.8, 0.7), "cost": cheap}}, StopForHarm, []string{"worse on score"}},
		"open":  {nil, known{many, sums{"score:good": pass(2000, 0.7, 0.72), "cost": cheap}}, KeepGoing, []string{"not yet shown to be better or worse on score", "at the present pace until 2026-11-"}},
		"no gain worth having": {
			func(e *Experiment) { e.Worth = &Amount{Value: 0.05} },
			known{many, sums{"score:good": pass(2000, 0.7, 0.695), "cost": cheap}},
			NoDifference,
			[]string{"No difference worth having", "smaller than 0.05"},
		},
		"no relative gain worth having": {func(e *Experiment) { e.Worth = &Amount{0.08, true} }, known{many, sums{"score:good": pass(2000, 0.7, 0.695), "cost": cheap}}, NoDifference, []string{"smaller than 8%"}},
		"planned units are there":       {func(e *Experiment) { e.PlannedUnits = 4000 }, known{many, sums{"score:good": pass(2000, 0.7, 0.705), "cost": cheap}}, NoDifference, []string{"the planned units are there"}},
		"few units": {
			nil,
			known{map[string]int64{"a": 99, "b": 110}, sums{"score:good": pass(99, 0.1, 0.9), "cost": cheap}},
			Waiting,
			[]string{`"a" has 99 users, and each arm needs 100`},
		},
		"nobody": {nil, known{}, Waiting, []string{"Nobody has been assigned"}},
		"split": {
			nil,
			known{map[string]int64{"a": 2000, "b": 1600}, sums{"score:good": pass(1600, 0.7, 0.9), "cost": cheap}},
			Frozen,
			[]string{"a 2,000, b 1,600, planned 50 : 50 %"},
		},
		"no scores":              {nil, known{many, sums{"cost": cheap}}, NoData, []string{`score "good" per call has no values`, "send scores"}},
		"no prices":              {nil, known{many, sums{"score:good": pass(2000, 0.7, 0.8)}}, NoData, []string{"cost per unit has no values", "weir prices unpriced"}},
		"scores in one arm only": {nil, known{many, sums{"score:good": {"a": {2000, 0.7, 0.21}}, "cost": cheap}}, NoData, []string{"0 users and 2,000 users with one"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := decide(t, running(t, tt.change), tt.k)
			if got.State != tt.want {
				t.Errorf("got %s, want %s: %s", got.State, tt.want, got.Text)
			}
			for _, says := range tt.says {
				if !strings.Contains(got.Text, says) {
					t.Errorf("got %q, want it to say %q", got.Text, says)
				}
			}
		})
	}
}

// No failure among a hundred units is not yet a certainty of none.
func TestNoFailureYetIsNoCertainty(t *testing.T) {
	e := running(t, func(e *Experiment) {
		e.Metrics.Guardrails = []Metric{{Metric: "errors", Direction: Lower, Margin: &Amount{Value: 0.01}}}
	})
	for n, want := range map[int64]State{100: KeepGoing, 3000: Ship} {
		_, got := decide(t, e, known{map[string]int64{"a": n, "b": n}, sums{
			"score:good": arms([3]float64{float64(n), 0.2, 0.16}, [3]float64{float64(n), 0.9, 0.09}),
			"errors":     arms([3]float64{float64(n), 0, 0}, [3]float64{float64(n), 0, 0}),
		}})
		if got.State != want {
			t.Errorf("%d units without a failure: got %s, want %s: %s", n, got.State, want, got.Text)
		}
	}
}

func TestMoneyAtStake(t *testing.T) {
	e := running(t, func(e *Experiment) {
		e.Metrics = Metrics{Primary: &Metric{Metric: "cost", Direction: Lower}}
	})
	a, got := decide(t, e, known{map[string]int64{"a": 2000, "b": 2000}, sums{"cost": arms([3]float64{2000, 0.02, 0.0001}, [3]float64{2000, 0.01, 0.0001})}})
	if got.State != Ship || len(a.Money) != 1 {
		t.Fatalf("got %s: %s, money %v", got.State, got.Text, a.Money)
	}
	m := a.Money[0]
	if want := 12_000 * 365.25 / 12; math.Abs(m.CallsPerMonth-want) > 1e-6 || math.Abs(m.PerMonth.Value+0.01*want) > 1e-6 {
		t.Errorf("got %+v, want %g calls a month", m, want)
	}
	if !strings.HasPrefix(got.Meaning, `Serving "b" to all would save $3,65`) || !strings.HasSuffix(got.Meaning, "at 365,250 calls a month.") {
		t.Errorf("got %q", got.Meaning)
	}
	if f := a.Effects[0]; f.Geometric == nil || math.Abs(f.Geometric.Value-0.5) > 1e-9 || f.Geometric.Low >= 0.5 || f.Geometric.High <= 0.5 {
		t.Errorf("got geometric ratio %+v, want a half", f.Geometric)
	}
}

func TestSeveralChallengers(t *testing.T) {
	change := func(correction Correction) func(*Experiment) {
		return func(e *Experiment) {
			e.Arms = append(e.Arms, Arm{Name: "c", Prompt: "greet@5"})
			for i := range e.Arms {
				e.Arms[i].Weight = 0
			}
			e.Metrics.Guardrails, e.Correction = nil, correction
		}
	}
	k := known{map[string]int64{"a": 2000, "b": 2000, "c": 2000}, sums{"score:good": {"a": {2000, 0.7, 0.21}, "b": {2000, 0.8, 0.16}, "c": {2000, 0.6, 0.24}}}}
	_, got := decide(t, running(t, change(Bonferroni)), k)
	if got.State != Ship || got.Arm != "b" || len(got.Arms) != 2 || got.Arms[1].State != StopForHarm {
		t.Errorf("got %+v", got)
	}
	// Each of two challengers by itself has not enough evidence for α/2, but e-BH finds both.
	k.sums["score:good"]["b"], k.sums["score:good"]["c"] = [3]float64{2000, 0.7447, 0.19}, [3]float64{2000, 0.7447, 0.19}
	a, strict := decide(t, running(t, change(Bonferroni)), k)
	if e := a.Effects[0].LogE; e < math.Log(20) || e > math.Log(40) {
		t.Fatalf("log e is %g: the case shows nothing", e)
	}
	_, loose := decide(t, running(t, change(EBH)), k)
	if strict.State == Ship || loose.State != Ship {
		t.Errorf("got %s by Bonferroni, %s by e-BH", strict.State, loose.State)
	}
}

func TestUtility(t *testing.T) {
	e := running(t, func(e *Experiment) {
		e.Metrics = Metrics{Utility: []Term{{Metric: "score:good", Weight: 1}, {Metric: "cost", Weight: -10}}}
	})
	_, got := decide(t, e, known{map[string]int64{"a": 2000, "b": 2000}, sums{Utility: arms([3]float64{2000, 0.5, 0.2}, [3]float64{2000, 0.7, 0.2})}})
	if got.State != Ship || !strings.Contains(got.Text, "better on the utility") {
		t.Errorf("got %s: %s", got.State, got.Text)
	}
}

func TestAnalysisByAnotherUnitIsRefused(t *testing.T) {
	e := running(t, nil)
	for by, says := range map[string]string{"call": "calls of one user are alike", "request": "count by user", "session": "arms were given by user"} {
		_, err := Analyse(t.Context(), known{}, &e, Options{Now: began, By: by})
		if !errors.Is(err, ErrUnit) || !strings.Contains(err.Error(), says) {
			t.Errorf("by %s: got %v, want it to say %q", by, err, says)
		}
	}
	if _, err := Analyse(t.Context(), known{}, &e, Options{Now: began, By: "user"}); err != nil {
		t.Errorf("by its own unit: %v", err)
	}
}

func TestNotStarted(t *testing.T) {
	_, got := decide(t, valid(t), known{})
	if got.State != Waiting || got.Text != "The experiment has not started." {
		t.Errorf("got %+v", got)
	}
}

// With unpriced models and constant values nothing is infinite.
func TestConstantValues(t *testing.T) {
	e := running(t, func(e *Experiment) { e.Metrics = Metrics{Primary: &Metric{Metric: "cost", Direction: Lower}} })
	n := map[string]int64{"a": 500, "b": 500}
	for b, want := range map[float64]State{0.02: KeepGoing, 0.01: Ship} {
		if _, got := decide(t, e, known{n, sums{"cost": arms([3]float64{500, 0.02, 0}, [3]float64{500, b, 0})}}); got.State != want {
			t.Errorf("$0.02 against $%g, always: got %s, want %s: %s", b, got.State, want, got.Text)
		}
	}
}
