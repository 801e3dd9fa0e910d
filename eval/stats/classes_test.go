package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// spell writes counts of classes as values.
func spell(counts []int64) []float64 {
	var out []float64
	for class, n := range counts {
		for range n {
			out = append(out, float64(class))
		}
	}
	return out
}

// Of counts and of the values that they count the same is said.
func TestCountsAgreeWithValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SliceOfN(rapid.Int64Range(0, 9), 1, 12)
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		x, y := spell(a), spell(b)
		near := func(what string, got, want float64) {
			if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
				t.Fatalf("%s is %v, of values %v", what, got, want)
			}
		}
		r, ok := RankSumOfCounts(a, b)
		want, wantOK := MannWhitney(x, y)
		if ok != wantOK {
			t.Fatalf("the rank sum is known: %v, of values %v", ok, wantOK)
		}
		near("U", r.U, want.U)
		near("z", r.Z, want.Z)
		d, ok := DistanceOfCounts(a, b)
		far, wantOK := KolmogorovSmirnov(x, y)
		if ok != wantOK {
			t.Fatalf("the distance is known: %v, of values %v", ok, wantOK)
		}
		near("the distance", d.D, far.D)
		near("its p", d.P, far.P)
	})
}

func TestPooled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.Int64Range(0, 50), 1, 60).Draw(t, "counts")
		groups := rapid.IntRange(1, 12).Draw(t, "groups")
		ends := Pooled(counts, groups)
		if len(ends) > groups-1 {
			t.Fatalf("%d ends of %d groups", len(ends), groups)
		}
		sum := int64(0)
		for _, v := range Pool(counts, ends) {
			sum += v
		}
		want := int64(0)
		for _, v := range counts {
			want += v
		}
		if sum != want {
			t.Fatalf("the groups hold %d of %d", sum, want)
		}
	})
	equal := make([]int64, 100)
	for i := range equal {
		equal[i] = 10
	}
	for i, v := range Pool(equal, Pooled(equal, 10)) {
		if v != 100 {
			t.Errorf("group %d holds %d, want a tenth", i, v)
		}
	}
}

func TestPSIOfCounts(t *testing.T) {
	got, ok := PSIOfCounts([]int64{50, 50, 0}, []int64{80, 20, 0})
	if want := 0.3*math.Log(0.8/0.5) - 0.3*math.Log(0.2/0.5); !ok || math.Abs(got.PSI-want) > 1e-12 || got.Bins != 2 {
		t.Errorf("PSI %+v, want %v over 2 bins", got, want)
	}
	if _, ok := PSIOfCounts([]int64{1}, []int64{0}); ok {
		t.Error("of nothing there is a PSI")
	}
}

// A worked table: 2×3, χ² = 2·(10²/40 + 0 + 10²/40) with 40, 40, 40 expected of each class.
func TestHomogeneity(t *testing.T) {
	got, ok := HomogeneityOfCounts([]int64{50, 40, 30}, []int64{30, 40, 50})
	if !ok || got.Freedom != 2 || math.Abs(got.ChiSquare-10) > 1e-12 || math.Abs(got.P-math.Exp(-5)) > 1e-12 {
		t.Errorf("%+v, want χ² 10 of 2 degrees and p = e^-5", got)
	}
	// Rare classes are one, and go with another where they are too few alone.
	got, ok = HomogeneityOfCounts([]int64{500, 490, 1, 0, 1}, []int64{490, 500, 0, 1, 1})
	if !ok || got.Freedom != 1 {
		t.Errorf("rare classes: %+v, %v", got, ok)
	}
	if _, ok := HomogeneityOfCounts([]int64{100, 0}, []int64{100, 1}); ok {
		t.Error("a class of one alone is compared")
	}
}

// Newcombe (1998), table II, method 10: 56/70 − 48/80.
func TestRiskDifference(t *testing.T) {
	d, within, ok := RiskDifference(48, 80, 56, 70, 0.95)
	if !ok || math.Abs(d-0.2) > 1e-12 || math.Abs(within.Low-0.0524) > 5e-5 || math.Abs(within.High-0.3339) > 5e-5 {
		t.Errorf("%v %+v, want 0.2 between 0.0524 and 0.3339", d, within)
	}
	if _, _, ok := RiskDifference(0, 0, 1, 2, 0); ok {
		t.Error("of nothing there is a share")
	}
}

func TestLocationShift(t *testing.T) {
	a, b := make([]int64, 40), make([]int64, 40)
	for i := range 20 {
		n := int64(200 * math.Exp(-math.Pow(float64(i)-10, 2)/20))
		a[i], b[i+3] = n, n
	}
	d, within, ok := LocationShift(a, b, 1, 0.95)
	if !ok || math.Abs(d-3) > 1e-6 || within.Low > 3 || within.High < 3 || within.High-within.Low > 1 {
		t.Errorf("%v %+v, want 3 and around it", d, within)
	}
	_, wider, _ := LocationShift(a, b, 4, 0.95)
	if ratio := (wider.High - wider.Low) / (within.High - within.Low); math.Abs(ratio-2) > 0.05 {
		t.Errorf("four times the variance makes the interval %v times as wide, want twice", ratio)
	}
	if _, _, ok := LocationShift(nil, b, 1, 0); ok {
		t.Error("of nothing there is a place")
	}
}

// From tables of the distributions.
func TestTails(t *testing.T) {
	for _, c := range []struct {
		x       float64
		freedom int
		want    float64
	}{{3.841459, 1, 0.05}, {5.991465, 2, 0.05}, {18.307038, 10, 0.05}, {29.588298, 10, 0.001}, {0.010025, 2, 0.995}, {124.342113, 100, 0.05}} {
		if got := ChiSquareTail(c.x, c.freedom); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("chi-square %v of %d: %v, want %v", c.x, c.freedom, got, c.want)
		}
	}
	for _, c := range []struct {
		t       float64
		freedom int
		want    float64
	}{{2.776445, 4, 0.05}, {2.306004, 8, 0.05}, {2.178813, 12, 0.05}, {4.317791, 12, 0.001}, {0, 12, 1}} {
		if got := StudentTail(c.t, c.freedom); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("t %v of %d: %v, want %v", c.t, c.freedom, got, c.want)
		}
	}
	for _, p := range []float64{1, 0.5, 0.05, 1e-6, 1e-11, 1e-40, 1e-200} {
		if got := NormalTail(NormalOf(p)); math.Abs(got-p) > 1e-6*p {
			t.Errorf("NormalOf(%v) = %v, whose tail is %v", p, NormalOf(p), got)
		}
	}
	if got := NormalOf(0); got != 38 {
		t.Errorf("NormalOf(0) = %v", got)
	}
}
