package stats

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/weir-dev/weir/internal/testutil/race"
)

// noisy makes paired scores: items of unlike difficulty, a candidate that is worse by drop, and differences of deviation sd.
type noisy func(random *rand.Rand, n int, drop, sd float64) (baseline, candidate []float64)

// normal has scores that vary freely.
func normal(random *rand.Rand, n int, drop, sd float64) (baseline, candidate []float64) {
	for range n {
		item := 0.6 + 0.2*random.NormFloat64()
		// Each run adds noise of its own: the deviation of the difference is sd.
		baseline = append(baseline, item+sd/math.Sqrt2*random.NormFloat64())
		candidate = append(candidate, item-drop+sd/math.Sqrt2*random.NormFloat64())
	}
	return baseline, candidate
}

// likert has grades of 0, 0.25, … 1 whose differences are skewed and mostly zero.
func likert(random *rand.Rand, n int, drop, sd float64) (baseline, candidate []float64) {
	grade := func(x float64) float64 { return min(1, max(0, math.Round(x*4)/4)) }
	for range n {
		item := 0.2 + 0.6*random.Float64()
		baseline = append(baseline, grade(item+sd/math.Sqrt2*(random.ExpFloat64()-1)))
		candidate = append(candidate, grade(item-drop+sd/math.Sqrt2*(random.ExpFloat64()-1)))
	}
	return baseline, candidate
}

// passes has passes and failures: sd² is about the share of items that change sides.
func passes(random *rand.Rand, n int, drop, sd float64) (baseline, candidate []float64) {
	change := sd*sd + drop*drop
	for range n {
		b, c := 0.0, 0.0
		if random.Float64() < 0.7 {
			b, c = 1, 1
		}
		if u := random.Float64(); u < (change+drop)/2 {
			b, c = 1, 0
		} else if u < change {
			b, c = 0, 1
		}
		baseline, candidate = append(baseline, b), append(candidate, c)
	}
	return baseline, candidate
}

// failures runs gates and counts those that failed.
func failures(t *testing.T, gate Gate, scores noisy, gates, n int, drop, sd float64) int {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(gates), uint64(n)))
	failed := 0
	for seed := range uint64(gates) {
		baseline, candidate := scores(random, n, drop, sd)
		gate.Seed = seed
		v, err := gate.Scores(baseline, candidate)
		if err != nil {
			t.Fatal(err)
		}
		if v.Regressed {
			failed++
		}
	}
	return failed
}

// gates is how many gates a simulation runs.
func gates() int {
	if race.Enabled {
		return 300
	}
	return 2000
}

// atMost is the largest count that n trials of probability p reach with probability 99.9 %.
func atMost(n int, p float64) int {
	for k := range n {
		if BinomialTail(k, n, p) >= 0.999 {
			return k
		}
	}
	return n
}

// TestGateSeldomFailsFalsely: nothing changed, so at most α of the gates may fail.
func TestGateSeldomFailsFalsely(t *testing.T) {
	for name, scores := range map[string]noisy{"normal": normal, "grades": likert, "passes": passes} {
		for _, n := range []int{20, 400} {
			gate := Gate{Trials: 2000}
			failed := failures(t, gate, scores, gates(), n, 0, 0.3)
			if bound := atMost(gates(), 0.05); failed > bound {
				t.Errorf("%s, %d items: %d of %d gates failed falsely, at most %d may", name, n, failed, gates(), bound)
			}
			// A gate that never fails would pass the bound as well. (With 20 passes hardly two change sides: too few for α.)
			if failed == 0 && n == 400 {
				t.Errorf("%s, %d items: none of %d gates failed: the test is not at its level", name, n, gates())
			}
		}
	}
}

// TestGateCatchesADrop: 5 points at 400 items and a paired deviation of 0.30 are caught in 90 of 100 gates.
func TestGateCatchesADrop(t *testing.T) {
	for name, scores := range map[string]noisy{"normal": normal, "passes": passes} {
		caught := failures(t, Gate{Trials: 2000, MinEffect: 0.01}, scores, gates(), 400, 0.05, 0.3)
		if float64(caught) < 0.9*float64(gates()) {
			t.Errorf("%s: %d of %d drops were caught", name, caught, gates())
		}
		t.Logf("%s: %d of %d caught", name, caught, gates())
	}
}

// TestGateSaysWhatItCannotSee: with more noise the drop is missed, and the verdict says how large it would have to be; a drop of
// that size is then caught with the power it says.
func TestGateSaysWhatItCannotSee(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 9))
	baseline, candidate := normal(random, 400, 0, 0.6)
	for _, minimum := range []float64{0, 0.1} {
		gate := Gate{Trials: 2000, MinEffect: minimum}
		v, err := gate.Scores(baseline, candidate)
		if err != nil {
			t.Fatal(err)
		}
		if v.Regressed || v.Detectable == nil || *v.Detectable <= 0.05 {
			t.Fatalf("got %+v, want no regression and a detectable drop above 0.05", v)
		}
		if !strings.Contains(v.String(), "would have been missed") {
			t.Errorf("the verdict does not say what it could not see: %s", v)
		}
		caught := failures(t, gate, normal, gates(), 400, *v.Detectable, *v.SD)
		if share := float64(caught) / float64(gates()); share < 0.87 || share > 0.94 {
			t.Errorf("minimum %v: a drop of the detectable %v was caught in %v of gates, want 0.9", minimum, *v.Detectable, share)
		}
	}
}

func TestGateMinimumEffect(t *testing.T) {
	var baseline, candidate []float64
	for i := range 400 {
		noise := float64(i%7) / 1000
		baseline, candidate = append(baseline, 0.8), append(candidate, 0.79+noise-0.003)
	}
	certain, err := Gate{}.Scores(baseline, candidate)
	if err != nil {
		t.Fatal(err)
	}
	if !certain.Regressed {
		t.Errorf("a certain drop of a point: %s", certain)
	}
	small, err := Gate{MinEffect: 0.02}.Scores(baseline, candidate)
	if err != nil {
		t.Fatal(err)
	}
	if small.Regressed {
		t.Errorf("a certain drop of a point where two matter: %s", small)
	}
	better, err := Gate{}.Scores(candidate, baseline)
	if err != nil || better.Regressed || better.P < 0.99 {
		t.Errorf("a better candidate: %s, %v", better, err)
	}
	if better.Effect == nil || *better.Effect <= 0 || !better.Interval.Contains(better.Drop) {
		t.Errorf("effect and interval of a better candidate: %+v", better)
	}
}

func TestGateRefuses(t *testing.T) {
	scores := []float64{0.5, 0.6}
	for what, f := range map[string]func() (Verdict, error){
		"nothing":          func() (Verdict, error) { return Gate{}.Scores(nil, nil) },
		"no outcomes":      func() (Verdict, error) { return Gate{}.Passes(nil, nil) },
		"unequal":          func() (Verdict, error) { return Gate{}.Scores(scores, scores[:1]) },
		"unequal outcomes": func() (Verdict, error) { return Gate{}.Scores([]float64{0, 1}, []float64{1}) },
		"not a number":     func() (Verdict, error) { return Gate{}.Scores(scores, []float64{0.5, math.NaN()}) },
		"minimum":          func() (Verdict, error) { return Gate{MinEffect: -1}.Scores(scores, scores) },
		"alpha":            func() (Verdict, error) { return Gate{Alpha: 2}.Scores(scores, scores) },
	} {
		if got, err := f(); err == nil || got.Regressed {
			t.Errorf("%s: got %+v, want an error", what, got)
		}
	}
	one, err := Gate{}.Scores([]float64{1}, []float64{0})
	if err != nil || one.Regressed || one.SD != nil || one.Detectable != nil {
		t.Errorf("a single pair: got %+v, %v", one, err)
	}
}
