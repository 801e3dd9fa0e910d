package experiment

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/weir-dev/weir/prompts/experiment/stats"
)

// long repeats the simulations more often: go test ./prompts/experiment -run Simulat -long -v
var long = flag.Bool("long", false, "simulate 10,000 experiments in place of 1,000")

// The looks of all simulations: every 50 units an arm, from 100 to 5,000.
const (
	firstLook = 100
	lookEvery = 50
	lastLook  = 5000
)

func runs() int {
	if *long {
		return 10_000
	}
	return 1000
}

// outcome is what many simulated experiments came to.
type outcome struct {
	rejected float64 // share of runs
	right    float64 // share of runs that rejected in the direction of the effect
	median   float64 // units an arm at which those stopped
}

// simulate runs experiments whose units have the drawn values, and stops each at the first difference shown.
func simulate(t *testing.T, m Measure, planned float64, sign float64, draw func(r *rand.Rand, arm int) (y, x float64)) outcome {
	t.Helper()
	b := bounds{alpha: 0.05, planned: planned}
	bar := math.Log(1 / b.alpha)
	var stops []float64
	var rejected, right int
	for run := range runs() {
		r := rand.New(rand.NewPCG(uint64(run), 20261125))
		var s [1]stratum
		for n := 1; n <= lastLook; n++ {
			y, x := draw(r, 0)
			s[0].a.Add(y, x)
			y, x = draw(r, 1)
			s[0].b.Add(y, x)
			if n < firstLook || n%lookEvery != 0 {
				continue
			}
			s[0].all = s[0].a.Plus(s[0].b)
			if effect := effectOf(m, s[:], b); effect.LogE > bar {
				rejected++
				if effect.Difference.Value*sign > 0 {
					right++
				}
				stops = append(stops, float64(n))
				break
			}
		}
	}
	out := outcome{rejected: float64(rejected) / float64(runs()), right: float64(right) / float64(runs())}
	if len(stops) > 0 {
		out.median = stats.Percentile(stops, 50)
	}
	return out
}

func pass(shares ...float64) func(*rand.Rand, int) (float64, float64) {
	return func(r *rand.Rand, arm int) (float64, float64) {
		if r.Float64() < shares[arm] {
			return 1, 0
		}
		return 0, 0
	}
}

// cost is log-normal with σ 1.2.
func cost(factors ...float64) func(*rand.Rand, int) (float64, float64) {
	return func(r *rand.Rand, arm int) (float64, float64) {
		return factors[arm] * math.Exp(1.2*r.NormFloat64()), 0
	}
}

func logged(draw func(*rand.Rand, int) (float64, float64)) func(*rand.Rand, int) (float64, float64) {
	return func(r *rand.Rand, arm int) (float64, float64) {
		y, x := draw(r, arm)
		return math.Log(y), x
	}
}

var (
	scoreMeasure = Measure{Metric: "score:good", Per: PerUnit, Covariate: NoCovariate}
	costMeasure  = Measure{Metric: "cost", Per: PerUnit, Covariate: NoCovariate}
)

// With no difference, looking 99 times finds one in at most α of the experiments.
func TestSimulatedAA(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		m       Measure
		planned float64
		draw    func(*rand.Rand, int) (float64, float64)
	}{
		{"pass rate 0.70, tuned for 5,000", scoreMeasure, 5000, pass(0.7, 0.7)},
		{"pass rate 0.70, tuned for the 10,000 planned", scoreMeasure, 10_000, pass(0.7, 0.7)},
		{"log-normal cost, tuned for 5,000", costMeasure, 5000, cost(1, 1)},
		{"log-normal cost, tuned for the 10,000 planned", costMeasure, 10_000, cost(1, 1)},
	} {
		got := simulate(t, tt.m, tt.planned, 1, tt.draw)
		t.Logf("%s: rejects %.2f %%", tt.name, got.rejected*100)
		if got.rejected > 0.05 {
			t.Errorf("%s: rejects %.3f, more than alpha", tt.name, got.rejected)
		}
		if got.rejected == 0 {
			t.Errorf("%s: rejects nothing in %d runs: the interval is too wide to be of use", tt.name, runs())
		}
	}
}

// Power and median stopping time are within a tenth of the reference table.
func TestSimulatedPower(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		m             Measure
		planned       float64
		sign          float64
		draw          func(*rand.Rand, int) (float64, float64)
		power, median float64
	}{
		{"0.70 against 0.75, tuned for 5,000", scoreMeasure, 5000, 1, pass(0.7, 0.75), 0.99, 1300},
		{"0.70 against 0.75, tuned for 10,000", scoreMeasure, 10_000, 1, pass(0.7, 0.75), 0.99, 1500},
		{"cost −15 %, tuned for 5,000", costMeasure, 5000, -1, cost(1, 0.85), 0.96, 1800},
		{"cost −15 %, tuned for 10,000", costMeasure, 10_000, -1, cost(1, 0.85), 0.96, 1950},
		{"log cost −15 %, tuned for 5,000", costMeasure, 5000, -1, logged(cost(1, 0.85)), 1, 950},
		{"log cost −15 %, tuned for 10,000", costMeasure, 10_000, -1, logged(cost(1, 0.85)), 1, 1150},
	} {
		got := simulate(t, tt.m, tt.planned, tt.sign, tt.draw)
		t.Logf("%s: right in %.1f %%, wrong in %.2f %%, median stop %.0f units an arm", tt.name, got.right*100, (got.rejected-got.right)*100, got.median)
		if math.Abs(got.right-tt.power) > 0.1*tt.power {
			t.Errorf("%s: power %.3f, want %.2f within a tenth", tt.name, got.right, tt.power)
		}
		if math.Abs(got.median-tt.median) > 0.1*tt.median {
			t.Errorf("%s: median stop %.0f, want %.0f within a tenth", tt.name, got.median, tt.median)
		}
	}
}

// Calls of one unit are alike. Counted as if they were independent they find differences that are not there; by unit they do not.
func TestSimulatedCallsAreNotUnits(t *testing.T) {
	t.Parallel()
	const users, callsEach = 200, 20
	b := bounds{alpha: 0.05, planned: 2 * users}
	perCall := Measure{Metric: "score:good", Per: PerCall, Covariate: NoCovariate}
	var byCall, byUnit, byUnitMean int
	n := runs() / 2
	for run := range n {
		r := rand.New(rand.NewPCG(uint64(run), 7))
		var calls, ratios, means stratum
		for user := range 2 * users {
			call, ratio, mean := &calls.a, &ratios.a, &means.a
			if user%2 == 1 {
				call, ratio, mean = &calls.b, &ratios.b, &means.b
			}
			level := math.Sqrt(0.3) * r.NormFloat64() // intraclass correlation 0.3
			var sum float64
			for range callsEach {
				y := level + math.Sqrt(0.7)*r.NormFloat64()
				sum += y
				call.Add(y, 0)
			}
			ratio.Add(sum, callsEach)
			mean.Add(sum/callsEach, 0)
		}
		if w := stats.Welch(calls.a, calls.b, false, 0.05); w.P < 0.05 {
			byCall++
		}
		if effect := effectOf(perCall, []stratum{ratios}, b); effect.P < 0.05 {
			byUnit++
		}
		if w := stats.Welch(means.a, means.b, false, 0.05); w.P < 0.05 {
			byUnitMean++
		}
	}
	share := func(k int) float64 { return float64(k) / float64(n) }
	t.Logf("one look at no difference: by call %.1f %%, by unit %.1f %%, by unit with the always-valid interval %.1f %%",
		share(byCall)*100, share(byUnitMean)*100, share(byUnit)*100)
	if share(byCall) < 0.3 {
		t.Errorf("counting calls rejects %.3f: the case shows nothing", share(byCall))
	}
	if share(byUnitMean) > 0.08 || share(byUnit) > 0.05 {
		t.Errorf("by unit rejects %.3f once, %.3f always-valid", share(byUnitMean), share(byUnit))
	}
}

// A covariate that explains half of the variance halves the units needed, and rejects no more when there is no difference.
func TestSimulatedCovariate(t *testing.T) {
	t.Parallel()
	draw := func(gain float64) func(*rand.Rand, int) (float64, float64) {
		return func(r *rand.Rand, arm int) (float64, float64) {
			x := r.NormFloat64()
			return x + r.NormFloat64() + gain*float64(arm), x
		}
	}
	adjusted := costMeasure
	adjusted.Covariate = OwnText
	plain, better := simulate(t, costMeasure, 10_000, 1, draw(0.2)), simulate(t, adjusted, 10_000, 1, draw(0.2))
	null := simulate(t, adjusted, 10_000, 1, draw(0))
	t.Logf("median stop %.0f units an arm without, %.0f with the covariate; no difference rejects %.2f %%", plain.median, better.median, null.rejected*100)
	if better.median > 0.65*plain.median {
		t.Errorf("got %.0f units with the covariate, %.0f without", better.median, plain.median)
	}
	if null.rejected > 0.05 {
		t.Errorf("no difference rejects %.3f", null.rejected)
	}
}

// A split as planned freezes at most one experiment in a thousand, however often one looks; a broken one is caught.
func TestSimulatedSampleRatio(t *testing.T) {
	t.Parallel()
	frozen := func(seed uint64, share float64) (caught float64, median float64) {
		var at []float64
		for run := range runs() {
			r := rand.New(rand.NewPCG(uint64(run), seed))
			counts := []int64{0, 0}
			for n := 1; n <= 2*lastLook; n++ {
				if r.Float64() < share {
					counts[0]++
				} else {
					counts[1]++
				}
				if n%lookEvery == 0 && stats.SRMLogE(counts, []float64{0.5, 0.5}) >= math.Log(1/srmAlpha) {
					at = append(at, float64(n))
					break
				}
			}
		}
		return float64(len(at)) / float64(runs()), stats.Percentile(at, 50)
	}
	good, _ := frozen(1, 0.5)
	bad, median := frozen(2, 0.47)
	t.Logf("frozen: %.2f %% as planned; %.1f %% at 47 : 53, in the median after %.0f units", good*100, bad*100, median)
	if good > 0.004 || bad < 0.9 {
		t.Errorf("froze %.4f as planned, %.3f at 47 : 53", good, bad)
	}
}

// The table of docs/experiments.md, with what other rules do on the same units.
func TestSimulatedRivals(t *testing.T) {
	if !*long {
		t.Skip("with -long only")
	}
	for name, draw := range map[string]func(*rand.Rand, int) (float64, float64){
		"A/A pass rate 0.70": pass(0.7, 0.7), "A/A log-normal cost": cost(1, 1), "0.70 against 0.75": pass(0.7, 0.75), "cost −15 %": cost(1, 0.85),
	} {
		stops := map[string][]float64{}
		for run := range runs() {
			r := rand.New(rand.NewPCG(uint64(run), 5))
			var a, b stats.Moments
			seen := map[string]bool{}
			stop := func(rule string, n int, is bool) {
				if is && !seen[rule] {
					seen[rule] = true
					stops[rule] = append(stops[rule], float64(n))
				}
			}
			for n := 1; n <= lastLook; n++ {
				y, _ := draw(r, 0)
				a.Add(y, 0)
				y, _ = draw(r, 1)
				b.Add(y, 0)
				if n < firstLook || n%lookEvery != 0 {
					continue
				}
				d := stats.Mean(b).Minus(stats.Mean(a))
				z := math.Abs(d.Delta) / d.SE()
				stop("z, peeking", n, z > 1.959964)
				stop("z, once", n, n == lastLook && z > 1.959964)
				_, _, half := stats.StatsigMSPRT(d, a.VarY(), b.VarY(), float64(a.N), float64(b.N), 0.05)
				stop("mSPRT", n, math.Abs(d.Delta) > half)
				_, _, glr := stats.GLRStop([]float64{a.MeanY(), b.MeanY()}, []float64{a.VarY(), b.VarY()}, []int64{a.N, b.N}, 0, 0.05)
				stop("GLR", n, glr)
				rho := stats.Rho(0.05, 100)
				bands := stats.MeanBand(a.VarY(), float64(n), 0.05, rho/math.Sqrt(a.VarY())) + stats.MeanBand(b.VarY(), float64(n), 0.05, rho/math.Sqrt(b.VarY()))
				stop("disjoint bands", n, math.Abs(d.Delta) > bands)
			}
		}
		for rule, at := range stops {
			slices.Sort(at)
			t.Logf("%s: %s stops %.1f %%, in the median at %.0f", name, rule, 100*float64(len(at))/float64(runs()), stats.Percentile(at, 50))
		}
	}
}
