package stats

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestRandomiseIsNearTheExactTest compares with all 2^n swaps.
func TestRandomiseIsNearTheExactTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 13).Draw(t, "n")
		score := rapid.Map(rapid.IntRange(0, 1000), func(i int) float64 { return float64(i) / 1000 })
		if rapid.Bool().Draw(t, "coarse") { // many ties
			score = rapid.Map(rapid.IntRange(0, 2), func(i int) float64 { return float64(i) / 2 })
		}
		a := rapid.SliceOfN(score, n, n).Draw(t, "a")
		b := rapid.SliceOfN(score, n, n).Draw(t, "b")
		got, err := RandomiseMeans(a, b, Randomisation{Seed: 5})
		if err != nil {
			t.Fatal(err)
		}
		var observed float64
		for i := range a {
			observed += b[i] - a[i]
		}
		var both, less, greater float64
		for swaps := range 1 << n {
			var delta float64
			for i := range a {
				if swaps>>i&1 == 1 {
					delta += a[i] - b[i]
				} else {
					delta += b[i] - a[i]
				}
			}
			share := 1 / float64(int(1)<<n)
			if math.Abs(delta) >= math.Abs(observed)-1e-9 {
				both += share
			}
			if delta <= observed+1e-9 {
				less += share
			}
			if delta >= observed-1e-9 {
				greater += share
			}
		}
		// Five standard deviations of 10,000 trials.
		for what, p := range map[string][2]float64{"two-sided": {got.P, both}, "less": {got.PLess, less}, "greater": {got.PGreater, greater}} {
			if math.Abs(p[0]-p[1]) > 5*math.Sqrt(p[1]*(1-p[1])/10000)+1e-3 {
				t.Fatalf("%s: got %v, want %v", what, p[0], p[1])
			}
		}
	})
}

func TestRandomiseEqualSystems(t *testing.T) {
	a := []float64{0.1, 0.2, 0.7, 1, 0, 0.3, 0.3, 0.9, 0.5}
	got, err := RandomiseMeans(a, a, Randomisation{Trials: 99})
	if err != nil {
		t.Fatal(err)
	}
	if got.P != 1 || got.PLess != 1 || got.PGreater != 1 || got.Delta != 0 || got.N != 9 {
		t.Errorf("got %+v, want p = 1", got)
	}
	if got.PStrict != 0.01 {
		t.Errorf("strict: got %v, want that of sacreBLEU, 0.01", got.PStrict)
	}
}

func TestRandomiseKeepsItsSeed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	a, b := make([]float64, 300), make([]float64, 300)
	for i := range a {
		a[i], b[i] = random.Float64(), random.Float64()
	}
	first, err := RandomiseMeans(a, b, Randomisation{Trials: 500, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	again, _ := RandomiseMeans(a, b, Randomisation{Trials: 500, Seed: 7})
	other, _ := RandomiseMeans(a, b, Randomisation{Trials: 500, Seed: 8})
	if first != again {
		t.Errorf("the same seed: got %+v and %+v", first, again)
	}
	if first == other {
		t.Errorf("another seed: got the same %+v", other)
	}
	// Sides exchanged: the same test seen from the other side.
	back, _ := RandomiseMeans(b, a, Randomisation{Trials: 500, Seed: 7})
	if back.P != first.P || back.PLess != first.PGreater {
		t.Errorf("sides exchanged: got %+v and %+v", first, back)
	}
}

func TestPairsAreChecked(t *testing.T) {
	ok := Rows{{1, 2}, {3, 4}}
	for what, pair := range map[string][2]Rows{
		"nothing":        {},
		"unequal number": {ok, ok[:1]},
		"unequal width":  {ok, {{1, 2}, {3}}},
		"other metric":   {ok, {{1}, {3}}},
		"not a number":   {ok, {{1, math.NaN()}, {3, 4}}},
		"infinite":       {{{1, math.Inf(1)}, {3, 4}}, ok},
		"no statistics":  {{{}, {}}, {{}, {}}},
	} {
		if got, err := Randomise(pair[0], pair[1], MeanMetric, Randomisation{Trials: 10}); err == nil {
			t.Errorf("%s: got %+v, want an error", what, got)
		}
		if got, err := BootstrapPaired(pair[0], pair[1], MeanMetric, Resampling{Samples: 10}); err == nil {
			t.Errorf("%s: bootstrap: got %+v, want an error", what, got)
		}
	}
	undefined := func([]float64, int) float64 { return math.NaN() }
	if got, err := Randomise(ok, ok, undefined, Randomisation{Trials: 10}); err == nil {
		t.Errorf("undefined metric: got %+v, want an error", got)
	}
}

// TestBootstrapCovers counts how often the interval of a mean holds the true mean.
func TestBootstrapCovers(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const runs = 400
	covered := 0
	for seed := range uint64(runs) {
		x := make([]float64, 60)
		for i := range x {
			x[i] = 0.6 + 0.3*random.NormFloat64()
		}
		in, err := BootstrapMean(x, Resampling{Samples: 400, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if in.Contains(0.6) {
			covered++
		}
	}
	// 95 % and about two points less, which the percentile bootstrap is known for at this size; 99.9 % bounds.
	if covered < 354 || covered > 393 {
		t.Errorf("the interval held the truth in %d of %d runs", covered, runs)
	}
}

func TestBootstrapItems(t *testing.T) {
	never := func([]int) (float64, bool) { return 0, false }
	if got, ok := BootstrapItems(10, never, Resampling{}); ok {
		t.Errorf("never defined: got %v", got)
	}
	if got, ok := BootstrapItems(0, never, Resampling{}); ok {
		t.Errorf("no items: got %v", got)
	}
	constant := func(items []int) (float64, bool) { return float64(len(items)), true }
	got, ok := BootstrapItems(10, constant, Resampling{Samples: 7, Level: 0.5})
	if want := (Interval{Low: 10, High: 10, Level: 0.5}); !ok || got != want {
		t.Errorf("got %v, %v, want %v", got, ok, want)
	}
}

func TestSubsets(t *testing.T) {
	a := Rows{{1, 0}, {5, 5}, {2, 3}}
	b := Rows{{4, 1}, {5, 5}, {0, 8}}
	table := make([]float64, 8*2)
	if !subsets(table, a, b, 2) {
		t.Fatal("no difference seen")
	}
	for set := range uint(8) {
		var want [2]float64
		for rest := set; rest != 0; rest &= rest - 1 {
			i := bits.TrailingZeros(rest)
			want[0] += b[i][0] - a[i][0]
			want[1] += b[i][1] - a[i][1]
		}
		if got := [2]float64(table[set*2 : set*2+2]); got != want {
			t.Errorf("subset %b: got %v, want %v", set, got, want)
		}
	}
}

func BenchmarkRandomiseMeans(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	x, y := make([]float64, 400), make([]float64, 400)
	for i := range x {
		x[i], y[i] = random.Float64(), random.Float64()
	}
	for b.Loop() {
		if _, err := RandomiseMeans(x, y, Randomisation{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestWhyNotTheBootstrapsP: of pairs that do not differ, the bootstrap's p-value rejects more than twice as many as it says, the
// randomisation's no more.
func TestWhyNotTheBootstrapsP(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	const runs, n = 600, 100
	var bootstrap, randomised int
	a, b := make([]float64, n), make([]float64, n)
	for seed := range uint64(runs) {
		for i := range a {
			a[i], b[i] = random.NormFloat64(), random.NormFloat64()
		}
		pair, err := BootstrapPaired(Scores(a), Scores(b), MeanMetric, Resampling{Samples: 500, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		test, err := RandomiseMeans(a, b, Randomisation{Trials: 1000, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if pair.P < 0.05 {
			bootstrap++
		}
		if test.P < 0.05 {
			randomised++
		}
	}
	t.Logf("rejected at 5 %%: bootstrap %.3f, randomisation %.3f", float64(bootstrap)/runs, float64(randomised)/runs)
	if bound := atMost(runs, 0.05); randomised > bound || bootstrap <= bound {
		t.Errorf("of %d, randomisation rejected %d and the bootstrap %d: at most %d are within chance", runs, randomised, bootstrap, bound)
	}
}
