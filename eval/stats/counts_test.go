package stats

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestWilson(t *testing.T) {
	// Newcombe, Statistics in Medicine 17 (1998), table I: 81/263, 15/148, 0/20, 1/29.
	for _, c := range []struct {
		successes, n int
		low, high    float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}, {20, 20, 0.8389, 1}} {
		got, ok := Wilson(c.successes, c.n, 0)
		if !ok || math.Abs(got.Low-c.low) > 5e-5 || math.Abs(got.High-c.high) > 5e-5 {
			t.Errorf("%d of %d: got %v, want %v to %v", c.successes, c.n, got, c.low, c.high)
		}
	}
	for _, c := range [][2]int{{0, 0}, {-1, 4}, {5, 4}} {
		if got, ok := Wilson(c[0], c[1], 0); ok {
			t.Errorf("%d of %d: got %v, want it undefined", c[0], c[1], got)
		}
	}
}

func TestBinomialTailIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		numerator := rapid.Int64Range(1, 99).Draw(t, "p")
		p := big.NewRat(numerator, 100)
		q := new(big.Rat).Sub(big.NewRat(1, 1), p)
		total := new(big.Rat)
		for i := range k + 1 {
			term := new(big.Rat).SetInt(new(big.Int).Binomial(int64(n), int64(i)))
			for range i {
				term.Mul(term, p)
			}
			for range n - i {
				term.Mul(term, q)
			}
			total.Add(total, term)
		}
		want, _ := total.Float64()
		got := BinomialTail(k, n, float64(numerator)/100)
		if math.Abs(got-want) > 1e-11 {
			t.Fatalf("at most %d of %d: got %v, want %v", k, n, got, want)
		}
	})
}

func TestSignTest(t *testing.T) {
	for _, c := range []struct {
		plus, minus int
		want        float64
	}{{8, 2, 0.109375}, {2, 8, 0.109375}, {0, 0, 1}, {5, 5, 1}, {10, 0, 2.0 / 1024}, {5000, 5200, 0.04877}} {
		if got := SignTest(c.plus, c.minus); math.Abs(got-c.want) > 1e-4 {
			t.Errorf("%d to %d: got %v, want %v", c.plus, c.minus, got, c.want)
		}
	}
}

func TestMcNemar(t *testing.T) {
	// 10 discordant pairs, 9 of them lost by b.
	var a, b []bool
	add := func(n int, x, y bool) {
		for range n {
			a, b = append(a, x), append(b, y)
		}
	}
	add(20, true, true)
	add(9, true, false)
	add(1, false, true)
	add(5, false, false)
	got, err := McNemar(a, b)
	if err != nil {
		t.Fatal(err)
	}
	if got.BothPass != 20 || got.OnlyA != 9 || got.OnlyB != 1 || got.BothFail != 5 || got.Discordant != 10 {
		t.Errorf("counts: %+v", got)
	}
	near(t, "p", got.P, true, new(22.0/1024), 1e-12)
	near(t, "less", got.PLess, true, new(11.0/1024), 1e-12)
	near(t, "greater", got.PGreater, true, new(1023.0/1024), 1e-12)
	near(t, "odds", *got.OddsRatio, true, new(1.0/9), 1e-12)

	equal, err := McNemar(a, a)
	if err != nil || equal.P != 1 || equal.PLess != 1 || equal.OddsRatio != nil {
		t.Errorf("equal outcomes: %+v, %v", equal, err)
	}
	if _, err := McNemar(a, b[1:]); err == nil {
		t.Error("unequal numbers of outcomes passed")
	}
}

func TestFisher(t *testing.T) {
	for _, c := range []struct {
		passA, nA, passB, nB int
		want                 float64
	}{
		{3, 4, 1, 4, 0.48571428571}, // the lady tasting tea
		{8, 10, 1, 6, 0.0349650349650},
		{1, 10, 11, 14, 0.0027594561852},
		{0, 5, 0, 5, 1},
		{5, 5, 0, 5, 2.0 / 252},
	} {
		got, err := Fisher(c.passA, c.nA, c.passB, c.nB)
		if err != nil || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%+v: got %v, %v", c, got, err)
		}
	}
	for _, c := range [][4]int{{1, 0, 1, 2}, {3, 2, 1, 2}, {-1, 2, 1, 2}} {
		if got, err := Fisher(c[0], c[1], c[2], c[3]); err == nil {
			t.Errorf("%v: got %v, want an error", c, got)
		}
	}
}

func TestEffect(t *testing.T) {
	a, b := []float64{1, 2, 3, 4}, []float64{2, 2, 5, 5}
	// Differences 1 0 2 1: mean 1, SD sqrt(2/3).
	got, ok := CohenPaired(a, b)
	near(t, "d", got, ok, new(1/math.Sqrt(2.0/3)), 1e-12)
	if got, ok := CohenPaired(a, a); ok {
		t.Errorf("no differences: got %v, want it undefined", got)
	}
	odds, ok := OddsRatio(10, 20, 15, 20)
	near(t, "odds", odds, ok, new(3.0), 1e-12)
	if got, ok := OddsRatio(0, 20, 15, 20); ok {
		t.Errorf("nothing passed: got %v, want it undefined", got)
	}
}

func TestDesign(t *testing.T) {
	// Half a deviation, two-sided 5 %, power 80 %: (1.959964+0.841621)²/0.25 = 31.4.
	d := Design{SD: 1, Power: 0.8}
	if n, ok := d.PairsFor(0.5); !ok || n != 32 {
		t.Errorf("pairs: got %d, %v, want 32", n, ok)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := Design{
			N: rapid.IntRange(2, 5000).Draw(t, "n"), SD: rapid.Float64Range(0.01, 3).Draw(t, "sd"), OneSided: rapid.Bool().Draw(t, "one-sided"),
			Alpha: rapid.Float64Range(0.001, 0.2).Draw(t, "alpha"), Power: rapid.Float64Range(0.6, 0.99).Draw(t, "power"),
		}
		smallest, ok := d.Detectable()
		if !ok {
			t.Fatal("undefined")
		}
		power, ok := d.PowerOf(smallest)
		want := d.Power
		if !d.OneSided { // a difference is also found on the wrong side, now and then
			want += cumulative(-quantile(d.Power) - 2*d.critical())
		}
		if !ok || math.Abs(power-want) > 1e-9 {
			t.Fatalf("power at the smallest detectable drop: got %v, want %v", power, want)
		}
		pairs, ok := d.PairsFor(smallest)
		if !ok || pairs > d.N+1 || pairs < d.N {
			t.Fatalf("pairs: got %d, want %d", pairs, d.N)
		}
	})
	if got, ok := (Design{SD: 1}).Detectable(); ok {
		t.Errorf("no pairs: got %v, want it undefined", got)
	}
}
