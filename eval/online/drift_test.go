package online_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/trace"
)

var today = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

// history draws scores of days up to today: 0, 0.25 … 1, around a mean that is a little different each day.
func history(random *rand.Rand, days, perDay int, wobble, shift float64) (before []trace.ScoreValue, day []float64) {
	for d := days; d >= 0; d-- {
		mean := 3 + wobble*random.NormFloat64()
		if d == 0 {
			mean += shift
		}
		for i := range perDay {
			v := min(4, max(0, float64(int(mean+random.NormFloat64()+0.5)))) / 4
			if d == 0 {
				day = append(day, v)
				continue
			}
			before = append(before, trace.ScoreValue{At: today.AddDate(0, 0, -d).Add(time.Duration(i) * time.Second), Value: v})
		}
	}
	return before, day
}

func states(random *rand.Rand, rounds, perDay int, wobble, shift float64) map[online.State]int {
	out := map[online.State]int{}
	for range rounds {
		before, day := history(random, 28, perDay, wobble, shift)
		rows := []online.Drift{online.Compare(online.Drift{Rule: "r", Scorer: "s", Day: today}, before, day)}
		online.Judge(rows)
		out[rows[0].State]++
	}
	return out
}

func TestPlantedDriftIsFoundAndSteadinessIsNot(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, c := range []struct {
		what          string
		wobble, shift float64
		least, most   int // found of 100
	}{
		{"steady days", 0, 0, 0, 2},
		{"days that differ", 0.3, 0, 0, 6},
		{"a fall of a quarter grade", 0, -1, 97, 100},
		{"a fall among days that differ", 0.2, -1.2, 90, 100},
	} {
		if got := states(random, 100, 150, c.wobble, c.shift)[online.Drifted]; got < c.least || got > c.most {
			t.Errorf("%s: %d of 100 are said to have drifted, want %d to %d", c.what, got, c.least, c.most)
		}
	}
	// Many values make tiny differences sure; they are not called drift.
	if got := states(random, 4, 1500, 0, -0.1)[online.Drifted]; got != 0 {
		t.Errorf("a difference that does not matter is called drift %d times", got)
	}
}

func TestTooLittleToCompare(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	early, day := history(random, 3, 100, 0, -2)
	few, small := history(random, 20, 20, 0, -2)
	constant, same := []trace.ScoreValue{}, []float64{}
	for i := range 200 {
		constant = append(constant, trace.ScoreValue{At: today.AddDate(0, 0, -10+i/20), Value: 1})
		same = append(same, 1)
	}
	rows := []online.Drift{
		online.Compare(online.Drift{Day: today}, early, day), online.Compare(online.Drift{Day: today}, few, small), online.Compare(online.Drift{Day: today}, nil, nil),
		online.Compare(online.Drift{Day: today}, constant, same), online.Compare(online.Drift{Day: today}, constant, make([]float64, 100)),
	}
	online.Judge(rows)
	var got []online.State
	for _, d := range rows {
		got = append(got, d.State)
	}
	if want := []online.State{online.TooEarly, online.TooFew, online.TooEarly, online.Steady, online.Drifted}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("states %v, want %v", got, want)
	}
}

// A runner compares each day once, of the version of its rule.
func TestDriftIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		rule := online.Rule{Name: "r", Rate: 1, Scorers: []eval.ScorerConfig{contains}}
		w.set(rule)
		last := time.Now().UTC().Truncate(24 * time.Hour)
		random := rand.New(rand.NewPCG(5, 6))
		if err := rule.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		for d := range 20 {
			for i := range 40 {
				v := random.Float64()
				if d == 0 {
					v /= 3
				}
				at := last.AddDate(0, 0, -d).Add(time.Duration(i) * time.Minute)
				s := trace.Score{ID: fmt.Sprint(d, "-", i), CallStart: at, Name: "way", Kind: trace.NumberScore, Value: v, Config: rule.Version()}
				stranger := s
				stranger.ID, stranger.Config, stranger.Value = s.ID+"x", "another", 0
				if err := w.scores.PutScores(t.Context(), []trace.Score{s, stranger}); err != nil {
					t.Fatal(err)
				}
			}
		}
		time.Sleep(25*time.Hour + 5*time.Minute)
		w.work(time.Minute)
		rows, err := w.store.Drifts(t.Context(), last)
		if err != nil || len(rows) != 1 || rows[0].State != online.Drifted || !rows[0].Day.Equal(last) || rows[0].N != 40 || rows[0].ReferenceN != 19*40 {
			t.Fatalf("drift %+v %v, want one row that has drifted", rows, err)
		}
		if d := rows[0].Difference; d == nil || d.Low > d.Difference || d.Difference > d.High || d.Difference > -0.2 {
			t.Errorf("difference of the means %+v, want about -0.33", d)
		}
	})
}
