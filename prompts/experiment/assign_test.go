package experiment

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var began = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// valid is a small experiment on two versions of a prompt.
func valid(tb testing.TB) Experiment {
	tb.Helper()
	e, err := Parse([]byte(`{"id": "exp-1", "name": "tone", "unit": "user", "prompt": "greet",
		"arms": [{"name": "a", "prompt": "greet@3", "weight": 50}, {"name": "b", "prompt": "greet@4", "weight": 50}],
		"metrics": {"primary": {"metric": "score:good", "direction": "higher"},
			"guardrails": [{"metric": "cost", "direction": "lower", "margin": "5%"}]}}`))
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func running(tb testing.TB, change func(*Experiment)) Experiment {
	tb.Helper()
	e := valid(tb)
	if change != nil {
		change(&e)
	}
	if err := e.Check(); err != nil {
		tb.Fatal(err)
	}
	e, err := e.Begin(began, "r1")
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func assigner(tb testing.TB, e Experiment) *Assigner {
	tb.Helper()
	a, err := NewAssigner(e)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// These arms are for ever: a change of the hash would move everyone in every running experiment.
func TestAssignmentIsForEver(t *testing.T) {
	for unit, want := range map[string]float64{
		"u1": 0.740390185467806, "u2": 0.8423904058025146, "": 0.21893931461645666, "ünï": 0.7664574774532343,
	} {
		if got := Bucket("exp-1", unit); got != want {
			t.Errorf("%q: got %.16g, want %.16g", unit, got, want)
		}
	}
}

// Another process that reads the same experiment gives the same arms.
func TestStickyOverRestarts(t *testing.T) {
	e := running(t, nil)
	raw := mustJSON(t, e)
	again, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	before, after := assigner(t, e), assigner(t, again)
	for i := range 10_000 {
		s := &Subject{User: fmt.Sprintf("user-%d", i)}
		x, _ := before.Assign(s)
		y, _ := after.Assign(s)
		if x.Arm != y.Arm || x.Arm == "" || !x.InAnalysis {
			t.Fatalf("%s: got %+v, then %+v", s.User, x, y)
		}
	}
}

// Shares are what they should be, within what chance allows once in ten thousand runs.
func TestSharesWithinBinomialBounds(t *testing.T) {
	const n = 50_000
	for _, hash := range []Hash{SHA256, GrowthBook} {
		e := running(t, func(e *Experiment) {
			e.Hash, e.Traffic = hash, 0.6
			e.Arms = append(e.Arms, Arm{Name: "c", Prompt: "greet@5", Weight: 20})
			e.Arms[0].Weight, e.Arms[1].Weight = 50, 30
		})
		a := assigner(t, e)
		counts := map[string]int{}
		for i := range n {
			got, ok := a.Assign(&Subject{User: fmt.Sprintf("u%d", i)})
			if !ok {
				t.Fatal("a unit was left out")
			}
			name := got.Arm
			if !got.InAnalysis {
				name = "outside"
				if got.Arm != "a" || got.Propensity != 0 {
					t.Fatalf("outside the analysis got %+v, want the control", got)
				}
			} else if math.Abs(got.Propensity-0.6*map[string]float64{"a": 0.5, "b": 0.3, "c": 0.2}[got.Arm]) > 1e-9 {
				t.Fatalf("got propensity %g for %s", got.Propensity, got.Arm)
			}
			counts[name]++
		}
		for name, share := range map[string]float64{"a": 0.3, "b": 0.18, "c": 0.12, "outside": 0.4} {
			if got, sd := float64(counts[name]), math.Sqrt(n*share*(1-share)); math.Abs(got-n*share) > 3.9*sd {
				t.Errorf("%s: %s has %g units, want %g ± %.0f", hash, name, got, n*share, 3.9*sd)
			}
		}
	}
}

func TestUnits(t *testing.T) {
	subject := &Subject{User: "u", Session: "s", Key: "k", Header: func(name string) string { return map[string]string{"X-Team": "t"}[name] }}
	for unit, want := range map[Unit]string{User: "u", Session: "s", Key: "k", "header:X-Team": "t"} {
		a := assigner(t, running(t, func(e *Experiment) { e.Unit = unit }))
		if got, ok := a.Assign(subject); !ok || got.Unit != want {
			t.Errorf("%s: got %q, %v, want %q", unit, got.Unit, ok, want)
		}
		if got, ok := a.Assign(&Subject{}); ok {
			t.Errorf("%s: a call without it got %+v", unit, got)
		}
	}
}

func TestTargetAndOverrides(t *testing.T) {
	a := assigner(t, running(t, func(e *Experiment) {
		e.Target = `project == "shop" and tags.plan != "free"`
		e.Overrides = map[string]string{"tester": "b"}
	}))
	for name, tt := range map[string]struct {
		subject Subject
		in      bool
	}{
		"in":           {Subject{User: "u", Project: "shop", Tags: map[string]string{"plan": "pro"}}, true},
		"no tags":      {Subject{User: "u", Project: "shop"}, true},
		"not this tag": {Subject{User: "u", Project: "shop", Tags: map[string]string{"plan": "free"}}, false},
		"not here":     {Subject{User: "u", Project: "other"}, false},
	} {
		if _, ok := a.Assign(&tt.subject); ok != tt.in {
			t.Errorf("%s: got %v, want %v", name, ok, tt.in)
		}
	}
	got, ok := a.Assign(&Subject{User: "tester", Project: "other"})
	want := Assignment{Experiment: "tone", ID: "exp-1", Arm: "b", Epoch: 1, Unit: "tester", Served: got.Served}
	if diff := cmp.Diff(got, want); !ok || diff != "" || got.Served.Prompt != "greet@4" {
		t.Errorf("an override (-got +want):\n%s", diff)
	}
}

// Experiments of one layer never share a unit, and together they have their parts of all.
func TestLayersExclude(t *testing.T) {
	make := func(id string, from, to float64) *Assigner {
		return assigner(t, running(t, func(e *Experiment) { e.ID, e.Name, e.Layer = id, id, &Layer{"checkout", from, to} }))
	}
	x, y := make("x", 0, 0.5), make("y", 0.5, 0.8)
	counts := map[[2]bool]float64{}
	const n = 20_000
	for i := range n {
		s := &Subject{User: fmt.Sprint("u", i)}
		_, inX := x.Assign(s)
		_, inY := y.Assign(s)
		counts[[2]bool{inX, inY}]++
	}
	if counts[[2]bool{true, true}] > 0 {
		t.Errorf("%g units are in both", counts[[2]bool{true, true}])
	}
	for pair, share := range map[[2]bool]float64{{true, false}: 0.5, {false, true}: 0.3, {false, false}: 0.2} {
		if got := counts[pair]; math.Abs(got-n*share) > 4*math.Sqrt(n*share*(1-share)) {
			t.Errorf("%v: got %g of %d", pair, got, n)
		}
	}
}

func TestSet(t *testing.T) {
	set, err := NewSet([]Experiment{valid(t), running(t, nil), running(t, func(e *Experiment) {
		e.ID, e.Name, e.Prompt = "exp-2", "models", ""
		e.Arms = []Arm{{Name: "a"}, {Name: "small", Model: "fast"}}
		e.Target = `model == "slow"`
	})})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := set.Assign("greet", &Subject{User: "u"}); !ok || got.Experiment != "tone" {
		t.Errorf("got %+v, %v", got, ok)
	}
	if got, ok := set.Assign("", &Subject{User: "u", Model: "slow"}); !ok || got.Experiment != "models" {
		t.Errorf("got %+v, %v", got, ok)
	}
	if got, ok := set.Assign("other", &Subject{User: "u"}); ok {
		t.Errorf("got %+v", got)
	}
	if _, ok := (*Set)(nil).Assign("greet", &Subject{User: "u"}); ok {
		t.Error("no set assigned")
	}
	if _, err := NewAssigner(valid(t)); err == nil {
		t.Error("a draft assigns")
	}
}

func TestApply(t *testing.T) {
	arm := Arm{Model: "fast", Parameters: rawParameters(`{"temperature": 0.2, "reasoning": {"effort": "low"}}`)}
	body := []byte(`{"model":"slow","temperature":1,"messages":[]}`)
	got := string(arm.Apply(body))
	want := `{"model":"fast","temperature":0.2,"messages":[],"reasoning":{"effort": "low"}}`
	if got != want && got != `{"reasoning":{"effort": "low"},"model":"fast","temperature":0.2,"messages":[]}` {
		t.Errorf("got %s, want %s", got, want)
	}
	if string(body) != `{"model":"slow","temperature":1,"messages":[]}` {
		t.Error("the body given was changed")
	}
}

// Both forms of the hash take less than two microseconds and allocate nothing; a target costs its values.
func TestAssignAllocations(t *testing.T) {
	for name, change := range map[string]func(*Experiment){
		"plain": nil, "layer": func(e *Experiment) { e.Layer = &Layer{"l", 0, 1} },
	} {
		a := assigner(t, running(t, change))
		s := &Subject{User: "user-1234567890"}
		if n := testing.AllocsPerRun(100, func() { a.Assign(s) }); n > 0 {
			t.Errorf("%s: %g allocations", name, n)
		}
	}
}

func BenchmarkAssign(b *testing.B) {
	for name, change := range map[string]func(*Experiment){
		"plain":      nil,
		"layer":      func(e *Experiment) { e.Layer = &Layer{"l", 0, 1} },
		"growthbook": func(e *Experiment) { e.Hash = GrowthBook },
		"target":     func(e *Experiment) { e.Target = `project == "shop" and tags.plan != "free"` },
	} {
		b.Run(name, func(b *testing.B) {
			a := assigner(b, running(b, change))
			s := &Subject{User: "user-1234567890", Project: "shop", Tags: map[string]string{"plan": "pro"}}
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := a.Assign(s); !ok {
					b.Fatal("left out")
				}
			}
		})
	}
}
