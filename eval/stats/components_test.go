package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Simulated scores whose components are known: the estimate is right on average, with unequal numbers of votes too.
func TestSplitFindsWhatWasPutIn(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, want := range []struct{ judge, generation float64 }{{0.1, 0.3}, {0.3, 0.1}, {0.2, 0}, {0, 0.2}} {
		var judge, generation float64
		const rounds = 200
		for range rounds {
			items := make([][][]float64, 40)
			for i := range items {
				item := random.NormFloat64() * 2 // what items differ by is in neither component
				items[i] = make([][]float64, 3)
				for r := range items[i] {
					answer := item + random.NormFloat64()*want.generation
					for range 2 + random.IntN(4) {
						items[i][r] = append(items[i][r], answer+random.NormFloat64()*want.judge)
					}
				}
			}
			got := Split(items)
			judge += *got.Judge * *got.Judge / rounds
			generation += *got.Generation * *got.Generation / rounds
		}
		if math.Abs(judge-want.judge*want.judge) > 0.002 || math.Abs(generation-want.generation*want.generation) > 0.004 {
			t.Errorf("got variances %.4f of the judge and %.4f of generations, want %v² and %v²", judge, generation, want.judge, want.generation)
		}
	}
}

func TestSplitByHand(t *testing.T) {
	// One item, answers (1, 3) and (5, 7): MSW = (1+1+1+1)/2 = 2, MSB = 2·4+2·4 = 16, n₀ = (4 − 8/4)/1 = 2, generation² = (16−2)/2 = 7.
	got := Split([][][]float64{{{1, 3}, {5, 7}, {}}, {}})
	if got.Answers != 2 || got.Votes != 4 || math.Abs(*got.Judge-math.Sqrt2) > 1e-12 || math.Abs(*got.Generation-math.Sqrt(7)) > 1e-12 || math.Abs(*got.JudgeShare-2.0/9) > 1e-12 {
		t.Errorf("got %+v: judge %v, generation %v, share %v", got, *got.Judge, *got.Generation, *got.JudgeShare)
	}
	if got := Split([][][]float64{{{1}, {2}}}); got.Judge != nil || got.Generation != nil {
		t.Errorf("of one vote each nothing can be split: %+v", got)
	}
	if got := Split([][][]float64{{{1, 2}}}); got.Judge == nil || got.Generation != nil || got.JudgeShare != nil {
		t.Errorf("of one answer each there is a judge's part only: %+v", got)
	}
	if got := Split([][][]float64{{{1, 1}, {1, 1}}}); *got.Judge != 0 || *got.Generation != 0 || got.JudgeShare != nil {
		t.Errorf("where nothing varies there are no shares: %+v", got)
	}
}
