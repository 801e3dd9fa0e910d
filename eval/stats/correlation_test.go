package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The figures are NumPy's: corrcoef of the numbers, and of their mean ranks.
func TestCorrelations(t *testing.T) {
	x := []float64{1, 2, 2, 4, 5, 6, 7.5}
	y := []float64{2, 1, 3, 3, 6, 5, 9}
	near := func(name string, got float64, ok bool, want float64) {
		t.Helper()
		if !ok || math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %.15f, %v, want %.15f", name, got, ok, want)
		}
	}
	got, ok := Pearson(x, y)
	near("Pearson", got, ok, 0.9079914607232271)
	got, ok = Spearman(x, y)
	near("Spearman", got, ok, 0.8818181818181818)
	in, ok := SpearmanInterval(x, y, 0)
	if !ok || !in.Contains(got) || in.Low < -1 || in.High > 1 || in.HalfWidth() < 0.05 {
		t.Errorf("%+v", in)
	}
	for name, pair := range map[string][2][]float64{"no spread": {{1, 1, 1}, {1, 2, 3}}, "one": {{1}, {1}}, "unequal": {{1, 2}, {1}}} {
		if _, ok := Pearson(pair[0], pair[1]); ok {
			t.Errorf("%s has a correlation", name)
		}
		if _, ok := SpearmanInterval(pair[0], pair[1], 0.9); ok {
			t.Errorf("%s has an interval", name)
		}
	}
}

// An interval of 95 % holds the truth about as often: here a correlation of 0.6 in 300 samples of 60.
func TestIntervalsOfCorrelationsHoldTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // samples
	const rho = 0.6
	rank := 6 / math.Pi * math.Asin(rho/2) // Spearman's of two normal ones
	held := [2]int{}
	x, y := make([]float64, 60), make([]float64, 60)
	for s := range 300 {
		for i := range x {
			x[i] = random.NormFloat64()
			y[i] = rho*x[i] + math.Sqrt(1-rho*rho)*random.NormFloat64()
		}
		if in, ok := PearsonInterval(x, y, Resampling{Samples: 300, Seed: uint64(s)}); ok && in.Contains(rho) {
			held[0]++
		}
		if in, ok := SpearmanInterval(x, y, 0.95); ok && in.Contains(rank) {
			held[1]++
		}
	}
	for i, n := range held {
		if n < 270 || n > 298 {
			t.Errorf("interval %d holds the truth %d times of 300", i, n)
		}
	}
}

func TestKappaOfTableIsKappa(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // samples
	for range 50 {
		a, b := make([]int, 40), make([]int, 40)
		table := [][]int{make([]int, 4), make([]int, 4), make([]int, 4), make([]int, 4)}
		for i := range a {
			a[i], b[i] = random.IntN(4), random.IntN(4)
			table[a[i]][b[i]]++
		}
		for _, w := range []Weighting{Unweighted, Linear, Quadratic} {
			want, ok1 := Kappa(a, b, w)
			got, ok2 := KappaOfTable(table, w)
			if ok1 != ok2 || math.Abs(want-got) > 1e-12 {
				t.Fatalf("%s: %v %v, want %v %v", w, got, ok2, want, ok1)
			}
			wantIn, _ := KappaInterval(a, b, w, Resampling{Samples: 200})
			gotIn, _ := KappaTableInterval(a, b, 4, w, Resampling{Samples: 200})
			if math.Abs(wantIn.Low-gotIn.Low) > 1e-12 || math.Abs(wantIn.High-gotIn.High) > 1e-12 {
				t.Fatalf("%s: %+v, want %+v", w, gotIn, wantIn)
			}
		}
	}
	if _, ok := KappaOfTable([][]int{{5, 0}, {0, 0}}, Unweighted); ok {
		t.Error("all of one class has a kappa")
	}
}
