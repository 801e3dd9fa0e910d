package stats

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawMoments(t *rapid.T, name string) Moments {
	var m Moments
	for range rapid.IntRange(2, 40).Draw(t, name) {
		m.Add(rapid.Float64Range(-50, 50).Draw(t, "y"), rapid.Float64Range(0.1, 20).Draw(t, "x"))
	}
	return m
}

// Sums of parts are the sums of the whole: a store may add up by hour or by shard.
func TestMomentsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a, b, both Moments
		for i := range rapid.IntRange(0, 30).Draw(t, "units") {
			y, x := float64(rapid.IntRange(-99, 99).Draw(t, "y")), float64(rapid.IntRange(0, 99).Draw(t, "x"))
			both.Add(y, x)
			if i%3 == 0 {
				a.Add(y, x)
			} else {
				b.Add(y, x)
			}
		}
		if diff := cmp.Diff(a.Plus(b), both); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestIntervalAndEvidenceAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alpha := rapid.Float64Range(0.001, 0.2).Draw(t, "alpha")
		d := Difference{
			Delta: rapid.Float64Range(-3, 3).Draw(t, "delta"), Variance: rapid.Float64Range(1e-6, 5).Draw(t, "variance"),
			N: float64(rapid.IntRange(2, 100_000).Draw(t, "n")),
		}
		rho := Rho(alpha, rapid.Float64Range(100, 100_000).Draw(t, "planned"))
		gap := math.Abs(d.Delta) - HalfWidth(d, alpha, rho)
		if math.Abs(gap) > 1e-9 && (gap > 0) != (LogE(d, rho) > -math.Log(alpha)) {
			t.Fatalf("gap %g, log e %g", gap, LogE(d, rho))
		}
		gap = d.Delta - OneSided(d, alpha, rho)
		if math.Abs(gap) > 1e-9 && (gap > 0) != (LogEAbove(d, rho) > -math.Log(alpha)) {
			t.Fatalf("one-sided gap %g, log e %g", gap, LogEAbove(d, rho))
		}
		if one := OneSided(d, alpha, Rho(2*alpha, 5000)); one <= 0 {
			t.Fatalf("one-sided half-width %g", one)
		}
	})
}

func TestAdjustingNeverWidens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMoments(t, "units")
		if got := Adjust(m, Theta(m), m.MeanX()); got.Variance > Mean(m).Variance*(1+1e-9)+1e-12 {
			t.Fatalf("got variance %g, before it was %g", got.Variance, Mean(m).Variance)
		}
	})
}

func TestNeeded(t *testing.T) {
	d := Difference{Delta: 0.05, Variance: 0.4 / 1000, N: 1000}
	rho := Rho(0.05, 5000)
	n, ok := UnitsNeeded(d, 0.05, rho, 1e6)
	if !ok {
		t.Fatal("never")
	}
	at := func(n float64) Difference { return Difference{Delta: 0.05, Variance: 0.4 / n, N: n} }
	if HalfWidth(at(n), 0.05, rho) >= 0.05 || HalfWidth(at(n-2), 0.05, rho) < 0.05 {
		t.Errorf("%g units are not the fewest", n)
	}
	if _, ok := UnitsNeeded(Difference{Delta: 1e-9, Variance: 1, N: 10}, 0.05, rho, 1e6); ok {
		t.Error("no difference was to be found with a million units")
	}
	above, ok := UnitsNeededAbove(d, 0.05, Rho(0.1, 5000), 1e6)
	if !ok || above >= n {
		t.Errorf("got %g units for one side, %g for two", above, n)
	}
	mde := MinimumDetectable(d, 5000, 0.05, rho, 0.8)
	if half := HalfWidth(at(5000), 0.05, rho); mde <= half || mde > 1.5*half {
		t.Errorf("got %g detectable with 80 %%, half-width %g", mde, half)
	}
}

func TestStratifyAvoidsSimpson(t *testing.T) {
	arm := func(n int64, mean, variance float64) Estimate {
		return Estimate{Value: mean, Variance: variance / float64(n), N: n}
	}
	// On the second day all are worse, and B has most of the traffic. Within each day the arms are equal.
	days := []Pair{{A: arm(900, 0.8, 0.16), B: arm(100, 0.8, 0.16)}, {A: arm(100, 0.4, 0.24), B: arm(900, 0.4, 0.24)}}
	got := Stratify(days)
	within(t, "difference", got.B.Minus(got.A).Delta, 0, 1e-12)
	if plain := (0.8*100 + 0.4*900 - 0.8*900 - 0.4*100) / 1000; plain > -0.3 {
		t.Errorf("without strata the difference is %g: the case shows nothing", plain)
	}
	if got.A.N != 1000 || got.B.N != 1000 {
		t.Errorf("got %d and %d units", got.A.N, got.B.N)
	}
	alone := Stratify([]Pair{days[0], {A: arm(0, 0, 0), B: arm(50, 9, 1)}})
	if diff := cmp.Diff(alone, days[0]); diff != "" {
		t.Errorf("a day with one arm only counted (-got +want):\n%s", diff)
	}
}

func TestMultiple(t *testing.T) {
	logE := []float64{math.Log(70), math.Log(30), math.Log(1), math.Log(45)}
	if diff := cmp.Diff(Bonferroni(logE, 0.05), []bool{false, false, false, false}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Bonferroni([]float64{math.Log(81), 0, 0, 0}, 0.05), []bool{true, false, false, false}); diff != "" {
		t.Error(diff)
	}
	// Three are above 4/(0.05·3) = 26.7, though none but all together.
	if diff := cmp.Diff(EBH(logE, 0.05), []bool{true, true, false, true}); diff != "" {
		t.Error(diff)
	}
	if got := EBH(nil, 0.05); len(got) != 0 {
		t.Errorf("got %v of nothing", got)
	}
}

func TestPercentile(t *testing.T) {
	values := []float64{4, 1, 3, 2}
	for percent, want := range map[float64]float64{0: 1, 50: 2.5, 75: 3.25, 100: 4} {
		within(t, "percentile", Percentile(values, percent), want, 1e-12)
	}
	if values[0] != 4 || Percentile(nil, 50) != 0 || Winsorize(9, 4) != 4 {
		t.Error("the values were changed, or a bound is off")
	}
}

// Nothing known is neither evidence nor a certainty.
func TestEdges(t *testing.T) {
	none := Difference{}
	if !math.IsInf(HalfWidth(none, 0.05, 0.1), 1) || !math.IsInf(OneSided(none, 0.05, 0.1), 1) || LogE(none, 0.1) != 0 {
		t.Error("an empty difference says something")
	}
	if _, ok := Ratio(Moments{N: 3, Y: 1}); ok {
		t.Error("a ratio over nothing")
	}
	if _, ok := (Estimate{Value: 1}).Relative(Estimate{}); ok {
		t.Error("relative to nothing")
	}
	var same Moments
	for range 1000 {
		same.Add(0.0123, 7)
	}
	if got, _ := Ratio(same); same.VarY() != 0 || same.VarX() != 0 || Theta(same) != 0 || got.Variance != 0 {
		t.Errorf("equal values have variance %g", same.VarY())
	}
	if got := LogE(Difference{Delta: 1, N: 9}, 0.1); got != MaxLogE {
		t.Errorf("got %g", got)
	}
	if chi2, p := SRMChi2([]int64{5, 5, 1}, []float64{1, 1, 0}); !math.IsInf(chi2, 1) || p != 0 {
		t.Errorf("got %g, %g for a unit in an arm that has no share", chi2, p)
	}
	if got := SRMLogE([]int64{5, 5, 1}, []float64{1, 1, 0}); got != MaxLogE {
		t.Errorf("got %g", got)
	}
}
