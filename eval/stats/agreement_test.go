package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// krippendorff is the worked example of "Computing Krippendorff's Alpha-Reliability" (2011), section D: a row a coder, 0 missing.
var krippendorff = [4][12]float64{
	{1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0},
	{1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3},
	{0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0},
	{1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0},
}

func TestAlpha(t *testing.T) {
	ratings := make([][]float64, 12)
	for i := range ratings {
		for _, coder := range krippendorff {
			v := coder[i]
			if v == 0 {
				v = Missing()
			}
			ratings[i] = append(ratings[i], v)
		}
	}
	for scale, want := range map[Scale]float64{Nominal: 0.743, Ordinal: 0.815, Metrical: 0.849} {
		got, ok := Alpha(ratings, scale)
		near(t, string(scale), got, ok, &want, 5e-4)
		in, ok := AlphaInterval(ratings, scale, Resampling{Seed: 3})
		if !ok || !in.Contains(got) || in.Low >= in.High {
			t.Errorf("%s: the interval is %v, %v around %v", scale, in, ok, got)
		}
	}
	for what, ratings := range map[string][][]float64{
		"nothing":   nil,
		"one class": {{2, 2}, {2, 2}},
		"one rater": {{1}, {2}, {3}},
		"missing":   {{1, Missing()}, {Missing(), 2}},
	} {
		if got, ok := Alpha(ratings, Nominal); ok {
			t.Errorf("%s: got %v, want it undefined", what, got)
		}
	}
}

// TestAlphaIsItsDefinition computes alpha from the coincidence matrix, the other way to write it.
func TestAlphaIsItsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ratings := make([][]float64, rapid.IntRange(1, 12).Draw(t, "items"))
		const k = 4
		var coincidence [k][k]float64
		for i := range ratings {
			ratings[i] = rapid.SliceOfN(rapid.SampledFrom([]float64{0, 1, 2, 3, math.NaN()}), 0, 5).Draw(t, "ratings")
			var given []int
			for _, v := range ratings[i] {
				if !math.IsNaN(v) {
					given = append(given, int(v))
				}
			}
			for x := range given {
				for y := range given {
					if x != y {
						coincidence[given[x]][given[y]] += 1 / float64(len(given)-1)
					}
				}
			}
		}
		var margin [k]float64
		var total float64
		for i := range k {
			for j := range k {
				margin[i] += coincidence[i][j]
				total += coincidence[i][j]
			}
		}
		for scale, distance := range map[Scale]func(i, j int) float64{
			Nominal:  func(i, j int) float64 { return float64(min(1, (i-j)*(i-j))) },
			Metrical: func(i, j int) float64 { return float64((i - j) * (i - j)) },
			Ordinal: func(i, j int) float64 {
				i, j = min(i, j), max(i, j)
				if i == j {
					return 0
				}
				d := -(margin[i] + margin[j]) / 2
				for g := i; g <= j; g++ {
					d += margin[g]
				}
				return d * d
			},
		} {
			var observed, expected float64
			for i := range k {
				for j := range k {
					observed += coincidence[i][j] * distance(i, j)
					expected += margin[i] * margin[j] * distance(i, j)
				}
			}
			got, ok := Alpha(ratings, scale)
			if expected < 1e-9 {
				if ok {
					t.Fatalf("%s: got %v, want it undefined", scale, got)
				}
				continue
			}
			if want := 1 - (total-1)*observed/expected; !ok || math.Abs(got-want) > 1e-9 {
				t.Fatalf("%s: got %v, %v, want %v", scale, got, ok, want)
			}
		}
	})
}

func TestFleissRefuses(t *testing.T) {
	for what, table := range map[string][][]int{
		"nothing":         nil,
		"one rating":      {{1, 0}},
		"unequal ratings": {{2, 0}, {2, 1}},
		"unequal width":   {{2, 0}, {2}},
		"below zero":      {{2, 0}, {3, -1}},
	} {
		if got, _, err := Fleiss(table); err == nil {
			t.Errorf("%s: got %v, want an error", what, got)
		}
	}
	if got, ok, err := Fleiss([][]int{{3, 0}, {3, 0}}); ok || err != nil {
		t.Errorf("one class: got %v, %v, %v, want it undefined", got, ok, err)
	}
}

func TestKappaRefuses(t *testing.T) {
	for what, pair := range map[string][2][]int{
		"nothing":    {},
		"unequal":    {{0, 1}, {0}},
		"below zero": {{0, -1}, {0, 1}},
		"one class":  {{1, 1}, {1, 1}},
	} {
		if got, ok := Kappa(pair[0], pair[1], Quadratic); ok {
			t.Errorf("%s: got %v, want it undefined", what, got)
		}
		if got, ok := KappaInterval(pair[0], pair[1], Quadratic, Resampling{}); ok {
			t.Errorf("%s: got the interval %v, want it undefined", what, got)
		}
	}
}

func TestConfusion(t *testing.T) {
	truth := []bool{true, true, true, false, false, true}
	judged := []bool{true, false, true, true, false, true}
	c := Confuse(truth, judged)
	if want := (Confusion{TruePass: 3, FalsePass: 1, FalseFail: 1, TrueFail: 1}); c != want {
		t.Fatalf("got %+v, want %+v", c, want)
	}
	for what, f := range map[string]struct {
		of   func() (float64, bool)
		want float64
	}{
		"agreement": {c.Agreement, 4.0 / 6}, "base rate": {c.BaseRate, 4.0 / 6}, "pass rate": {c.PassRate, 4.0 / 6},
		"sensitivity": {c.Sensitivity, 0.75}, "specificity": {c.Specificity, 0.5},
	} {
		got, ok := f.of()
		near(t, what, got, ok, &f.want, 1e-12)
	}
	if got, ok := (Confusion{}).Sensitivity(); ok {
		t.Errorf("nothing counted: got %v, want it undefined", got)
	}
}

func TestRoganGladen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		truth := rapid.Float64Range(0, 1).Draw(t, "truth")
		sens := rapid.Float64Range(0.55, 1).Draw(t, "sens")
		spec := rapid.Float64Range(0.55, 1).Draw(t, "spec")
		observed := truth*sens + (1-truth)*(1-spec)
		got, ok := RoganGladen(observed, sens, spec)
		if !ok || math.Abs(got-truth) > 1e-9 {
			t.Fatalf("got %v, %v, want %v", got, ok, truth)
		}
	})
	if got, ok := RoganGladen(0.5, 0.5, 0.5); ok {
		t.Errorf("a judge that guesses: got %v, want it undefined", got)
	}
	if got, _ := RoganGladen(0.01, 0.9, 0.9); got != 0 {
		t.Errorf("below what mistakes alone give: got %v, want 0", got)
	}
	if got, ok := RoganGladen(math.NaN(), 0.9, 0.9); ok && !math.IsNaN(got) {
		t.Errorf("not a number: got %v", got)
	}
}
