package experimenttest

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/prompts/experiment/stats"
)

// Start is when the suite's experiment starts. Nothing in it is more than ten days away.
var Start = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const id = "exp-suite"

// TestReader checks a Reader against the contract. Load must return a reader that knows exactly these calls, each of them as recorded once.
func TestReader(t *testing.T, load func(t *testing.T, calls []Observation) experiment.Reader) {
	t.Run("first exposure", func(t *testing.T) { testFirstExposure(t, load) })
	t.Run("unknown is not zero", func(t *testing.T) { testUnknown(t, load) })
	t.Run("measures", func(t *testing.T) { testMeasures(t, load) })
	t.Run("growth", func(t *testing.T) { testGrowth(t, load) })
	t.Run("nothing", func(t *testing.T) { testNothing(t, load) })
	t.Run("as in memory", func(t *testing.T) { testRandom(t, load) })
}

func at(minutes int) time.Time { return Start.Add(time.Duration(minutes) * time.Minute) }

func query() experiment.Query {
	return experiment.Query{Experiment: id, Unit: experiment.User, Since: Start, Until: at(8 * 24 * 60)}
}

// cells asks for moments and orders the answer.
func cells(t *testing.T, r experiment.Reader, q experiment.Query, measures ...experiment.Measure) []experiment.Cell {
	t.Helper()
	got, err := r.Moments(t.Context(), q, measures)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b experiment.Cell) int {
		return cmp.Or(cmp.Compare(a.Measure, b.Measure), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Arm, b.Arm))
	})
	return got
}

func same(t *testing.T, got, want []experiment.Cell) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d cells, want %d:\n%v\n%v", len(got), len(want), got, want)
	}
	for i := range want {
		g, w := got[i], want[i]
		if g.Epoch != w.Epoch || g.Arm != w.Arm || g.Measure != w.Measure || g.N != w.N ||
			!near(g.Y, w.Y) || !near(g.YY, w.YY) || !near(g.X, w.X) || !near(g.XX, w.XX) || !near(g.XY, w.XY) {
			t.Errorf("cell %d: got %+v, want %+v", i, g, w)
		}
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// moments are the sums of pairs of y and x.
func moments(pairs ...[2]float64) stats.Moments {
	var m stats.Moments
	for _, p := range pairs {
		m.Add(p[0], p[1])
	}
	return m
}

var (
	costPerUnit = experiment.Measure{Metric: "cost", Per: experiment.PerUnit, Covariate: experiment.NoCovariate}
	costPerCall = experiment.Measure{Metric: "cost", Per: experiment.PerCall, Covariate: experiment.NoCovariate}
)

func testFirstExposure(t *testing.T, load func(*testing.T, []Observation) experiment.Reader) {
	call := func(minutes int, unit, arm string, epoch int, in bool, cost float64) Observation {
		return Observation{Time: at(minutes), Experiment: id, Unit: unit, Epoch: epoch, Arm: arm, InAnalysis: in, CostUSD: new(cost)}
	}
	other := call(6, "u1", "a", 1, true, 64)
	other.Experiment = "exp-other"
	late := call(9*24*60, "u1", "a", 1, true, 1024)
	r := load(t, []Observation{
		call(1, "u1", "a", 1, true, 1),
		call(2, "u1", "a", 1, true, 2),
		call(3, "u2", "b", 1, true, 4),
		call(4, "u3", "a", 1, false, 8), // an override, or control outside
		call(5, "u1", "a", 1, false, 16),
		other,
		call(20, "u1", "a", 2, true, 32),  // a later epoch: the unit stays with its first, and this call does not count
		call(21, "u4", "b", 2, true, 128), // its first exposure
		call(22, "u3", "b", 2, true, 256), // served before, but outside: this is its first exposure
		call(23, "u2", "a", 2, true, 512), // moved
		late,
		call(-5, "u5", "b", 1, true, 2048), // before the start
	})
	same(t, cells(t, r, query(), costPerUnit, costPerCall), []experiment.Cell{
		{Epoch: 1, Arm: "a", Measure: 0, Moments: moments([2]float64{3, 0})},
		{Epoch: 1, Arm: "b", Measure: 0, Moments: moments([2]float64{4, 0})},
		{Epoch: 2, Arm: "b", Measure: 0, Moments: moments([2]float64{128, 0}, [2]float64{256, 0})},
		{Epoch: 1, Arm: "a", Measure: 1, Moments: moments([2]float64{3, 2})},
		{Epoch: 1, Arm: "b", Measure: 1, Moments: moments([2]float64{4, 1})},
		{Epoch: 2, Arm: "b", Measure: 1, Moments: moments([2]float64{128, 1}, [2]float64{256, 1})},
	})
}

func testUnknown(t *testing.T, load func(*testing.T, []Observation) experiment.Reader) {
	call := func(minutes int, unit string, cost *float64, scores map[string]float64) Observation {
		return Observation{Time: at(minutes), Experiment: id, Unit: unit, Epoch: 1, Arm: "a", InAnalysis: true, CostUSD: cost, Scores: scores}
	}
	r := load(t, []Observation{
		call(1, "u1", nil, nil),
		call(2, "u1", new(0.5), map[string]float64{"good": 1}),
		call(3, "u2", nil, map[string]float64{"good": 0}),
		call(4, "u3", new(0.0), nil),
		call(5, "u1", new(0.25), map[string]float64{"good": 0, "other": 9}),
	})
	score := experiment.Measure{Metric: "score:good", Per: experiment.PerCall, Covariate: experiment.NoCovariate}
	mean := experiment.Measure{Metric: "score:good", Per: experiment.PerUnit, Covariate: experiment.NoCovariate}
	utility := experiment.Measure{
		Metric: experiment.Utility, Per: experiment.PerUnit, Covariate: experiment.NoCovariate,
		Terms: []experiment.Term{{Metric: "score:good", Weight: 2}, {Metric: "cost", Weight: -4}},
	}
	absent := experiment.Measure{Metric: "score:absent", Per: experiment.PerCall, Covariate: experiment.NoCovariate}
	same(t, cells(t, r, query(), costPerUnit, costPerCall, score, mean, utility, absent), []experiment.Cell{
		{Epoch: 1, Arm: "a", Measure: 0, Moments: moments([2]float64{0.75, 0}, [2]float64{0, 0})},
		{Epoch: 1, Arm: "a", Measure: 1, Moments: moments([2]float64{0.75, 2}, [2]float64{0, 1})},
		{Epoch: 1, Arm: "a", Measure: 2, Moments: moments([2]float64{1, 2}, [2]float64{0, 1})},
		{Epoch: 1, Arm: "a", Measure: 3, Moments: moments([2]float64{0.5, 0}, [2]float64{0, 0})},
		{Epoch: 1, Arm: "a", Measure: 4, Moments: moments([2]float64{2*0.5 - 4*0.375, 0})},
	})
}

func testMeasures(t *testing.T, load func(*testing.T, []Observation) experiment.Reader) {
	call := func(minutes int, unit string, cost, ms float64, failed bool, own int64) Observation {
		return Observation{
			Time: at(minutes), Experiment: id, Unit: unit, Epoch: 1, Arm: "a", InAnalysis: true,
			CostUSD: new(cost), LatencyMS: ms, Failed: failed, Input: 10, Output: 3, OwnText: own,
		}
	}
	before := Observation{Time: at(-30), Unit: "u1", CostUSD: new(8.0)}
	outside := call(1, "u2", 0.125, 1, false, 5)
	outside.InAnalysis = false
	r := load(t, []Observation{
		before, outside,
		call(2, "u1", 1, 100, false, 7),
		call(3, "u1", 3, 900, true, 99), // only the first exposed call's text counts
		call(4, "u2", 2, 500, false, 11),
		call(5, "u3", 40, 501, false, 13),
	})
	per := func(metric string, p experiment.Per) experiment.Measure {
		return experiment.Measure{Metric: metric, Per: p, Covariate: experiment.NoCovariate}
	}
	own, past, logged, cut := costPerUnit, costPerUnit, costPerUnit, costPerUnit
	own.Covariate, past.Covariate, logged.Log, cut.Winsorize = experiment.OwnText, experiment.PastCost, true, 75
	slow, slowUnit := per("latency", experiment.PerCall), per("latency", experiment.PerUnit)
	slow.SLO, slowUnit.SLO = 500, 500
	want := []stats.Moments{
		moments([2]float64{4, 7}, [2]float64{2, 11}, [2]float64{40, 13}),
		moments([2]float64{4, 8}, [2]float64{2, 0.125}, [2]float64{40, 0}),
		moments([2]float64{math.Log(4), 0}, [2]float64{math.Log(2), 0}, [2]float64{math.Log(40), 0}),
		moments([2]float64{4, 0}, [2]float64{2, 0}, [2]float64{22, 0}), // 75 % of 2, 4, 40 is 22
		moments([2]float64{1, 2}, [2]float64{0, 1}, [2]float64{1, 1}),
		moments([2]float64{0.5, 0}, [2]float64{0, 0}, [2]float64{1, 0}),
		moments([2]float64{1, 2}, [2]float64{0, 1}, [2]float64{0, 1}),
		moments([2]float64{26, 0}, [2]float64{13, 0}, [2]float64{13, 0}),
		moments([2]float64{20, 2}, [2]float64{10, 1}, [2]float64{10, 1}),
		moments([2]float64{6, 0}, [2]float64{3, 0}, [2]float64{3, 0}),
		moments([2]float64{2, 0}, [2]float64{1, 0}, [2]float64{1, 0}),
	}
	got := cells(t, r, query(), own, past, logged, cut, slow, slowUnit, per("errors", experiment.PerCall), per("tokens", experiment.PerUnit),
		per("input_tokens", experiment.PerCall), per("output_tokens", experiment.PerUnit), per("calls", experiment.PerUnit))
	var cellsWanted []experiment.Cell
	for i, m := range want {
		cellsWanted = append(cellsWanted, experiment.Cell{Epoch: 1, Arm: "a", Measure: i, Moments: m})
	}
	same(t, got, cellsWanted)
}

func testGrowth(t *testing.T, load func(*testing.T, []Observation) experiment.Reader) {
	call := func(minutes int, unit, arm string, epoch int, in bool) Observation {
		return Observation{Time: at(minutes), Experiment: id, Unit: unit, Epoch: epoch, Arm: arm, InAnalysis: in}
	}
	r := load(t, []Observation{
		call(0, "u1", "a", 1, true), call(1, "u1", "a", 1, true), call(59, "u2", "b", 1, true),
		call(60, "u3", "a", 1, false), call(61, "u1", "a", 1, true), call(150, "u1", "b", 2, true), call(179, "u4", "b", 2, true),
	})
	got, err := r.Growth(t.Context(), query(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(got, func(a, b experiment.Growth) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Arm, b.Arm))
	})
	want := []experiment.Growth{
		{Time: at(0), Epoch: 1, Arm: "a", Units: 1, Calls: 2},
		{Time: at(0), Epoch: 1, Arm: "b", Units: 1, Calls: 1},
		{Time: at(60), Epoch: 0, Arm: "", Calls: 1},
		{Time: at(60), Epoch: 1, Arm: "a", Calls: 1},
		{Time: at(120), Epoch: 2, Arm: "", Calls: 1},
		{Time: at(120), Epoch: 2, Arm: "b", Units: 1, Calls: 1},
	}
	compareGrowth(t, got, want)
}

func compareGrowth(t *testing.T, got, want []experiment.Growth) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d rows, want %d:\n%v\n%v", len(got), len(want), got, want)
	}
	for i := range want {
		g, w := got[i], want[i]
		if !g.Time.Equal(w.Time) || g.Epoch != w.Epoch || g.Arm != w.Arm || g.Units != w.Units || g.Calls != w.Calls {
			t.Errorf("row %d: got %+v, want %+v", i, g, w)
		}
	}
}

func testNothing(t *testing.T, load func(*testing.T, []Observation) experiment.Reader) {
	r := load(t, []Observation{{Time: at(1), Experiment: "exp-other", Unit: "u1", Epoch: 1, Arm: "a", InAnalysis: true}})
	if got := cells(t, r, query(), costPerUnit); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	got, err := r.Growth(t.Context(), query(), time.Hour)
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func testRandom(t *testing.T, load func(*testing.T, []Observation) experiment.Reader) {
	draw := rand.New(rand.NewPCG(7, 11))
	var calls []Observation
	for i := range 600 {
		unit := fmt.Sprintf("u%d", draw.IntN(120))
		o := Observation{
			Time: at(-60).Add(time.Duration(i) * 7 * time.Minute), Experiment: id, Unit: unit, Epoch: 1 + i/300, InAnalysis: draw.IntN(8) > 0,
			Arm: []string{"a", "b", "c"}[draw.IntN(3)], LatencyMS: float64(draw.IntN(2000)), Failed: draw.IntN(10) == 0,
			Input: draw.Int64N(900), Output: draw.Int64N(300), OwnText: draw.Int64N(200),
		}
		if draw.IntN(9) > 0 {
			o.CostUSD = new(math.Round(draw.ExpFloat64()*1e6) / 1e6)
		}
		if draw.IntN(3) > 0 {
			o.Scores = map[string]float64{"good": float64(draw.IntN(2))}
		}
		if draw.IntN(12) == 0 {
			o.Experiment, o.Epoch, o.Arm, o.InAnalysis = "", 0, "", false
		}
		calls = append(calls, o)
	}
	r, reference := load(t, calls), &Memory{Calls: calls}
	var measures []experiment.Measure
	for _, metric := range append(slices.Clone(experiment.MetricNames), "score:good") {
		for _, covariate := range []experiment.Covariate{experiment.NoCovariate, experiment.OwnText, experiment.PastCost} {
			measures = append(measures, experiment.Measure{Metric: metric, Per: experiment.PerUnit, Covariate: covariate, SLO: 700})
		}
		measures = append(measures, experiment.Measure{Metric: metric, Per: experiment.PerCall, Covariate: experiment.NoCovariate, SLO: 700})
	}
	measures = append(measures,
		experiment.Measure{Metric: "cost", Per: experiment.PerUnit, Covariate: experiment.OwnText, Winsorize: 95},
		experiment.Measure{Metric: "cost", Per: experiment.PerUnit, Covariate: experiment.NoCovariate, Log: true})
	same(t, cells(t, r, query(), measures...), cells(t, reference, query(), measures...))
	for _, step := range []time.Duration{time.Minute, time.Hour, 24 * time.Hour} {
		got, err := r.Growth(t.Context(), query(), step)
		if err != nil {
			t.Fatal(err)
		}
		want, err := reference.Growth(t.Context(), query(), step)
		if err != nil {
			t.Fatal(err)
		}
		compareGrowth(t, got, want)
	}
}
