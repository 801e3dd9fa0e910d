package experiment

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func epoch(traffic float64, weights ...float64) Epoch {
	return Epoch{Traffic: traffic, Weights: weights}
}

// drawEpochs is a history of a few changes.
func drawEpochs(t *rapid.T) []Epoch {
	arms := rapid.IntRange(2, 5).Draw(t, "arms")
	var out []Epoch
	for range rapid.IntRange(1, 6).Draw(t, "epochs") {
		weights := make([]float64, arms)
		var sum float64
		for i := range weights {
			weights[i] = float64(rapid.IntRange(1, 100).Draw(t, "weight"))
			sum += weights[i]
		}
		for i := range weights {
			weights[i] /= sum
		}
		out = append(out, epoch(float64(rapid.IntRange(1, 100).Draw(t, "traffic"))/100, weights...))
	}
	return out
}

// Every arm holds its share to a hair, the line is whole, and what is analysed belongs to an arm.
func TestLayoutHoldsShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		epochs := drawEpochs(t)
		arms := len(epochs[0].Weights)
		l := layOut(epochs, arms)
		last := epochs[len(epochs)-1]
		for i, w := range last.Weights {
			got := float64(l.held(i)) / float64(whole)
			if math.Abs(got-w*last.Traffic) > 1e-12 {
				t.Fatalf("arm %d holds %g, want %g", i, got, w*last.Traffic)
			}
		}
		analysed := make([]uint64, arms)
		var from uint64
		for _, s := range l.segments {
			if s.to <= from {
				t.Fatalf("a segment ends at %d and begins at %d", s.to, from)
			}
			if s.analysed && s.arm == none {
				t.Fatal("nobody's segment is analysed")
			}
			if s.analysed {
				analysed[s.arm] += s.to - from
			}
			from = s.to
		}
		if from != whole || !slices.Equal(analysed, l.analysed) {
			t.Fatalf("the line ends at %d; analysed %v, counted %v", from, l.analysed, analysed)
		}
	})
}

// A unit changes its arm only when the arm's share shrinks, and a unit that was analysed in one arm is never analysed in another.
func TestGrowthMovesNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		epochs := drawEpochs(t)
		arms := len(epochs[0].Weights)
		points := rapid.SliceOfN(rapid.Uint64Range(0, whole-1), 50, 50).Draw(t, "units")
		was := make([]segment, len(points))
		analysedIn := make([]int, len(points))
		for k := range points {
			was[k].arm, analysedIn[k] = none, none
		}
		for n := range epochs {
			l := layOut(epochs[:n+1], arms)
			for k, p := range points {
				now := l.segments[l.at(p)]
				if held := was[k].arm; held != none && now.arm != held {
					if share := func(i int) float64 { return epochs[i].Traffic * epochs[i].Weights[held] }; share(n) >= share(n-1)-1e-12 {
						t.Fatalf("epoch %d: a unit left arm %d, whose share went from %g to %g", n, held, share(n-1), share(n))
					}
				}
				if now.analysed {
					if analysedIn[k] != none && analysedIn[k] != now.arm {
						t.Fatalf("epoch %d: a unit is analysed in arm %d, and was in %d", n, now.arm, analysedIn[k])
					}
					if analysedIn[k] == none && was[k].arm != none && n > 0 && was[k].arm != now.arm {
						t.Fatalf("epoch %d: a unit that was served arm %d is newly analysed in %d", n, was[k].arm, now.arm)
					}
					analysedIn[k] = now.arm
				}
				was[k] = now
			}
		}
	})
}

// At share s each arm holds s at the beginning of its slot; the middle gets the control, outside the analysis.
func TestRampLayout(t *testing.T) {
	var epochs []Epoch
	for _, s := range []float64{0.01, 0.05, 0.25, 0.5} {
		epochs = append(epochs, epoch(2*s, 0.5, 0.5))
		l := layOut(epochs, 2)
		for u, want := range map[float64]int{0: 0, s - 1e-9: 0, 0.5: 1, 0.5 + s - 1e-9: 1} {
			got := l.segments[l.at(uint64(u*float64(whole)))]
			if got.arm != want || !got.analysed {
				t.Errorf("share %g: at %g got arm %d, analysed %v, want arm %d", s, u, got.arm, got.analysed, want)
			}
		}
		if s < 0.5 {
			for _, u := range []float64{s + 1e-9, 0.49999, 0.5 + s + 1e-9, 0.99999} {
				if got := l.segments[l.at(uint64(u*float64(whole)))]; got.arm != none || got.analysed {
					t.Errorf("share %g: at %g got arm %d, analysed %v, want nobody's", s, u, got.arm, got.analysed)
				}
			}
		}
	}
}

// One arm that grows alone is served to more, but the newcomers have no counterpart and stay out of the analysis.
func TestLonelyGrowthIsNotAnalysed(t *testing.T) {
	l := layOut([]Epoch{epoch(0.2, 0.5, 0.5), epoch(0.6, 1.0/6, 5.0/6)}, 2)
	if got := l.shares(); math.Abs(got[0]-0.1) > 1e-9 || math.Abs(got[1]-0.1) > 1e-9 {
		t.Errorf("got analysed shares %v, want 0.1 and 0.1", got)
	}
	if got := float64(l.held(1)) / float64(whole); math.Abs(got-0.5) > 1e-9 {
		t.Errorf("the arm holds %g, want 0.5", got)
	}
	both := layOut([]Epoch{epoch(0.2, 0.5, 0.5), epoch(0.5, 0.4, 0.6)}, 2)
	if got := both.shares(); math.Abs(got[0]-0.2) > 1e-9 || math.Abs(got[1]-0.2) > 1e-9 {
		t.Errorf("got analysed shares %v: both grew to 0.2 at least", got)
	}
}

func TestEpochsAreValues(t *testing.T) {
	e := valid(t)
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	first, err := e.Begin(now, "r1")
	if err != nil {
		t.Fatal(err)
	}
	second, err := first.Shift(now.Add(time.Hour), "r2", 1, []float64{30, 70})
	if err != nil {
		t.Fatal(err)
	}
	other, err := first.Shift(now.Add(2*time.Hour), "r3", 0.5, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Epochs) != 0 || len(first.Epochs) != 1 || second.Epoch().Revision != "r2" || other.Epoch().Revision != "r3" {
		t.Errorf("got %d, %d epochs, last %+v and %+v", len(e.Epochs), len(first.Epochs), second.Epoch(), other.Epoch())
	}
	if got := second.Epoch(); got.Number != 2 || !slices.Equal(got.Weights, []float64{0.3, 0.7}) {
		t.Errorf("got %+v", got)
	}
	if same, err := first.Shift(now, "r4", 1, []float64{0.5, 0.5}); err != nil || len(same.Epochs) != 1 {
		t.Errorf("no change made an epoch: %v, %v", same.Epochs, err)
	}
	for name, change := range map[string]func() (Experiment, error){
		"start twice":      func() (Experiment, error) { return first.Begin(now, "") },
		"shift a draft":    func() (Experiment, error) { return e.Shift(now, "", 1, nil) },
		"traffic":          func() (Experiment, error) { return first.Shift(now, "", 1.5, nil) },
		"sum":              func() (Experiment, error) { return first.Shift(now, "", 1, []float64{0.5, 0.6}) },
		"count":            func() (Experiment, error) { return first.Shift(now, "", 1, []float64{1}) },
		"below zero":       func() (Experiment, error) { return first.Shift(now, "", 1, []float64{-1, 2}) },
		"halt a draft":     func() (Experiment, error) { return e.Halt(now, "") },
		"conclude a draft": func() (Experiment, error) { return e.Conclude(now, "", "") },
		"unknown winner":   func() (Experiment, error) { return first.Conclude(now, "c", "") },
		"no id": func() (Experiment, error) {
			anonymous := e
			anonymous.ID = ""
			return anonymous.Begin(now, "")
		},
	} {
		if _, err := change(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	halted, err := first.Halt(now.Add(time.Hour), "lunch")
	if err != nil || halted.Status != Halted {
		t.Fatal(halted.Status, err)
	}
	again, err := halted.Begin(now.Add(2*time.Hour), "r5")
	if err != nil || again.Status != Running || !again.Started.Equal(now) || len(again.Epochs) != 2 {
		t.Errorf("got %+v, %v", again, err)
	}
	done, err := again.Conclude(now.Add(3*time.Hour), "b", "better")
	if err != nil || done.Winner != "b" {
		t.Errorf("got %+v, %v", done, err)
	}
	if _, err := done.Begin(now, ""); err == nil {
		t.Error("a concluded experiment started again")
	}
}
