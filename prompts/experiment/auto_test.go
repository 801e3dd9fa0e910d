package experiment

import (
	"math"
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	auto := Automation{StopForHarm: true, Promote: true, Ramp: &Ramp{}}
	e := running(t, func(e *Experiment) { e.Auto, e.Traffic = auto, 0 })
	if got := e.Epoch().Traffic; got != 0.02 {
		t.Fatalf("the ramp begins with traffic %g, want 0.02: 1 %% an arm", got)
	}
	day := began.Add(24 * time.Hour)
	enough := &Analysis{At: day, SRM: SRM{Counts: []int64{100, 100}}}
	for name, tt := range map[string]struct {
		e       Experiment
		a       *Analysis
		v       Verdict
		want    Do
		traffic float64
	}{
		"raise":         {e, enough, Verdict{State: KeepGoing}, Raise, 0.1},
		"few units":     {e, &Analysis{At: day, SRM: SRM{Counts: []int64{100, 99}}}, Verdict{State: KeepGoing}, "", 0},
		"too soon":      {e, &Analysis{At: began.Add(time.Minute), SRM: SRM{Counts: []int64{900, 900}}}, Verdict{State: KeepGoing}, "", 0},
		"frozen":        {e, enough, Verdict{State: Frozen}, "", 0},
		"no data":       {e, enough, Verdict{State: NoData}, "", 0},
		"no difference": {e, enough, Verdict{State: NoDifference}, "", 0},
		"harm":          {e, enough, Verdict{State: StopForHarm, Arm: "b"}, Stop, 0},
		"winner":        {e, enough, Verdict{State: Ship, Arm: "b"}, Promote, 0},
		"not allowed":   {running(t, nil), enough, Verdict{State: StopForHarm, Arm: "b"}, "", 0},
		"not to ship":   {running(t, nil), enough, Verdict{State: Ship, Arm: "b"}, "", 0},
		"draft":         {valid(t), enough, Verdict{State: StopForHarm, Arm: "b"}, "", 0},
	} {
		got, ok := Next(&tt.e, tt.a, &tt.v)
		if got.Do != tt.want || ok != (tt.want != "") || got.Traffic != tt.traffic {
			t.Errorf("%s: got %+v, %v, want %s, %g", name, got, ok, tt.want, tt.traffic)
		}
		if got.Do == Promote && got.Prompt != "greet@4" {
			t.Errorf("got %q", got.Prompt)
		}
	}
}

// The ramp goes 1, 5, 25, 50 % an arm, and then no further.
func TestRampSteps(t *testing.T) {
	e := running(t, func(e *Experiment) { e.Auto, e.Traffic = Automation{Ramp: &Ramp{MinHours: 2}}, 0 })
	at := began
	var shares []float64
	for {
		shares = append(shares, e.Epoch().Traffic/2)
		at = at.Add(2 * time.Hour)
		next, ok := Next(&e, &Analysis{At: at, SRM: SRM{Counts: []int64{100, 100}}}, &Verdict{State: Waiting})
		if !ok {
			break
		}
		var err error
		if e, err = e.Shift(at, "", next.Traffic, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(shares) != 4 {
		t.Fatalf("got %v", shares)
	}
	for i, want := range DefaultSteps {
		if math.Abs(shares[i]-want) > 1e-12 {
			t.Errorf("got %v, want %v", shares, DefaultSteps)
		}
	}
}

// With another challenger left, a harmful arm is taken out and the rest goes on.
func TestHarmfulArmIsTakenOut(t *testing.T) {
	e := running(t, func(e *Experiment) {
		e.Auto.StopForHarm = true
		e.Arms = append(e.Arms, Arm{Name: "c", Prompt: "greet@5", Weight: 20})
		e.Arms[0].Weight, e.Arms[1].Weight = 50, 30
	})
	v := &Verdict{State: KeepGoing, Arm: "b", Arms: []ArmVerdict{{Arm: "b", State: KeepGoing}, {Arm: "c", State: StopForHarm, Reasons: []string{"worse"}}}}
	got, ok := Next(&e, &Analysis{At: began}, v)
	if !ok || got.Do != TakeOut || got.Arm != "c" || got.Weights[2] != 0 || math.Abs(got.Weights[0]-0.625) > 1e-12 {
		t.Fatalf("got %+v, %v", got, ok)
	}
	after, err := e.Shift(began.Add(time.Hour), "", 1, got.Weights)
	if err != nil {
		t.Fatal(err)
	}
	if again, ok := Next(&after, &Analysis{At: began}, v); ok {
		t.Errorf("it was taken out twice: %+v", again)
	}
}
