package stats

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func closeTo(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// The values are worked out by hand from the formulas: U counts pairs, ties are one group of two.
func TestMannWhitney(t *testing.T) {
	a, b := []float64{1, 2, 3, 4}, []float64{3, 5, 6, 7, 8}
	got, ok := MannWhitney(a, b)
	if !ok {
		t.Fatal("no test")
	}
	closeTo(t, "U", got.U, 18.5, 0) // 20 pairs, of which 3<4 is lost and 3=3 is half
	closeTo(t, "the share", got.Larger, 18.5/20, 1e-12)
	sigma := math.Sqrt(20.0 / 12 * (10 - 6.0/72))
	closeTo(t, "z", got.Z, (8.5-0.5)/sigma, 1e-12)
	closeTo(t, "p", got.P, math.Erfc(8/sigma/math.Sqrt2), 1e-12)
	back, _ := MannWhitney(b, a)
	closeTo(t, "z the other way round", back.Z, -got.Z, 1e-12)
	for name, x := range map[string][2][]float64{"empty": {nil, b}, "one value": {{2, 2}, {2, 2}}, "NaN": {{math.NaN()}, b}} {
		if _, ok := MannWhitney(x[0], x[1]); ok {
			t.Errorf("%s has a test", name)
		}
	}
}

func TestKolmogorovSmirnov(t *testing.T) {
	got, ok := KolmogorovSmirnov([]float64{1, 2, 3, 4}, []float64{3, 4, 5, 6})
	if !ok {
		t.Fatal("no test")
	}
	closeTo(t, "D", got.D, 0.5, 1e-12)
	closeTo(t, "scaled", got.Scaled, 0.5*math.Sqrt2, 1e-12)
	closeTo(t, "the chance at 1.36, which tables give as 5 %", KolmogorovTail(1.3581), 0.05, 1e-4)
	closeTo(t, "the chance at 1.63, which tables give as 1 %", KolmogorovTail(1.6276), 0.01, 1e-4)
	if same, _ := KolmogorovSmirnov([]float64{1, 1, 2}, []float64{2, 1, 1}); same.D != 0 || same.P != 1 {
		t.Errorf("equal samples differ: %+v", same)
	}
}

func TestPSI(t *testing.T) {
	var ref, sample []float64
	for i := range 100 {
		ref = append(ref, float64(i%2))
		v := 0.0
		if i < 80 {
			v = 1
		}
		sample = append(sample, v)
	}
	got, ok := PSI(ref, sample, 10)
	if !ok || got.Bins != 2 {
		t.Fatalf("PSI of yes and no is %+v, want two bins", got)
	}
	closeTo(t, "PSI", got.PSI, 0.3*math.Log(0.8/0.5)+-0.3*math.Log(0.2/0.5), 1e-12)
	closeTo(t, "what is expected", got.Expected, 0.02, 1e-12)
	for name, x := range map[string][2][]float64{
		"a constant that stays": {{1, 1, 1, 1}, {1, 1, 1, 1}}, "the same values": {ref, ref}, "rare others": {{0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
	} {
		if s, ok := PSI(x[0], x[1], 10); !ok || s.PSI != 0 {
			t.Errorf("PSI of %s is %+v, want 0", name, s)
		}
	}
	if s, _ := PSI([]float64{1, 1, 1, 1}, []float64{0, 0, 2, 1}, 10); s.PSI < 0.5 {
		t.Errorf("PSI of a constant that was left is %+v, want much", s)
	}
}

func TestPSIIsExpectedUnderNoChange(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var sum, expected float64
	const rounds = 200
	for range rounds {
		ref, sample := make([]float64, 800), make([]float64, 300)
		for i := range ref {
			ref[i] = random.NormFloat64()
		}
		for i := range sample {
			sample[i] = random.NormFloat64()
		}
		s, _ := PSI(ref, sample, 10)
		sum, expected = sum+s.PSI/rounds, s.Expected
	}
	closeTo(t, "the mean PSI", sum/expected, 1, 0.15)
}

func TestTwoSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Float64Range(-5, 5)
		if rapid.Bool().Draw(t, "coarse") {
			value = rapid.Map(rapid.IntRange(0, 4), func(i int) float64 { return float64(i) })
		}
		a, b := rapid.SliceOfN(value, 2, 60).Draw(t, "a"), rapid.SliceOfN(value, 2, 60).Draw(t, "b")
		ks, ok := KolmogorovSmirnov(a, b)
		if !ok || ks.D < 0 || ks.D > 1 || ks.P < 0 || ks.P > 1 {
			t.Fatalf("KS %+v %v", ks, ok)
		}
		if mw, ok := MannWhitney(a, b); ok && (mw.P < 0 || mw.P > 1 || mw.Larger < 0 || mw.Larger > 1) {
			t.Fatalf("Mann–Whitney %+v", mw)
		}
		if s, ok := PSI(a, b, 10); !ok || s.PSI < 0 || math.IsInf(s.PSI, 0) || math.IsNaN(s.PSI) || s.Bins < 2 || s.Bins > 10 {
			t.Fatalf("PSI %+v %v", s, ok)
		}
		if d, ok := DifferenceOfMeans(a, b, 0.95); !ok || !d.Contains(d.Difference) {
			t.Fatalf("means %+v %v", d, ok)
		}
	})
}

func TestBenjaminiHochberg(t *testing.T) {
	got := BenjaminiHochberg([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.02, 0.04, 0.04, 0.02} {
		closeTo(t, "adjusted p", got[i], want, 1e-12)
	}
	if got := BenjaminiHochberg(nil); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}
