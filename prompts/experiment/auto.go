package experiment

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// Automation says what may be done without asking. The zero value does nothing.
type Automation struct {
	StopForHarm bool  `json:"stop_for_harm,omitempty"`
	Promote     bool  `json:"promote,omitempty"` // the winner, through the guarded label
	Ramp        *Ramp `json:"ramp,omitempty"`
}

// Ramp raises the traffic step by step. Times are in hours. What is zero is filled in.
type Ramp struct {
	Steps    []float64 `json:"steps,omitempty"`     // of traffic each arm holds in the mean, ascending, to at most 1/arms; empty: 1, 5, 25, 50 % (two arms)
	MinUnits int64     `json:"min_units,omitempty"` // each arm must have in the step; 0: MinUnits
	MinHours float64   `json:"min_hours,omitempty"` // a step lasts at least; 0: one
}

// DefaultSteps are the shares that each of two arms holds, one after the other.
var DefaultSteps = []float64{0.01, 0.05, 0.25, 0.5}

func (a *Automation) check(f *faults) {
	r := a.Ramp
	if r == nil {
		return
	}
	for i, s := range r.Steps {
		f.when(!(s > 0 && s <= 0.5) || i > 0 && s <= r.Steps[i-1], "auto: ramp: steps: want ascending shares of each arm, more than 0, at most 0.5")
	}
	f.when(r.MinUnits < 0 || !(r.MinHours >= 0), "auto: ramp: min_units and min_hours: below zero")
}

// Action is one thing to do.
type Action struct {
	Do      Do        `json:"do"`
	Arm     string    `json:"arm,omitempty"`
	Prompt  string    `json:"prompt,omitempty"`  // of the winner, for Promote
	Traffic float64   `json:"traffic,omitempty"` // for Raise: as Shift takes it
	Weights []float64 `json:"weights,omitempty"` // for TakeOut: as Shift takes them
	Reason  string    `json:"reason"`
}

// Do is what an action does.
type Do string

// Stop halts the experiment. TakeOut gives an arm's share to the rest. Raise goes on to the next step of the ramp. Promote asks
// for the winner's version to be served to all.
const (
	Stop    Do = "stop"
	TakeOut Do = "take_out"
	Raise   Do = "raise"
	Promote Do = "promote"
)

// Next says what is to be done now by itself: at most one thing, and none while the verdict is frozen. It does nothing itself; ask
// again after the next look.
func Next(e *Experiment, a *Analysis, v *Verdict) (Action, bool) {
	if e.Status != Running {
		return Action{}, false
	}
	switch v.State {
	case Frozen, NoData:
		return Action{}, false
	case StopForHarm:
		if !e.Auto.StopForHarm {
			return Action{}, false
		}
		return e.outOfHarm(v)
	case Ship:
		if !e.Auto.Promote {
			return Action{}, false
		}
		if arm := e.Arm(v.Arm); arm != nil && arm.Prompt != "" {
			return Action{Do: Promote, Arm: v.Arm, Prompt: arm.Prompt, Reason: v.Text}, true
		}
		return Action{}, false
	case NoDifference:
		return Action{}, false
	}
	if harmed, ok := v.harmed(); ok && e.Auto.StopForHarm {
		return e.outOfHarm(harmed)
	}
	return e.raise(a)
}

// harmed is the verdict on a challenger that does harm while others are open.
func (v *Verdict) harmed() (*Verdict, bool) {
	for _, arm := range v.Arms {
		if arm.State == StopForHarm {
			return &Verdict{State: StopForHarm, Arm: arm.Arm, Text: fmt.Sprintf("%q does harm: %s", arm.Arm, strings.Join(arm.Reasons, "; "))}, true
		}
	}
	return nil, false
}

// outOfHarm stops the experiment, or takes the harmful arm out of it when another challenger is left.
func (e *Experiment) outOfHarm(v *Verdict) (Action, bool) {
	epoch := e.Epoch()
	weights := make([]float64, len(epoch.Weights))
	var left float64
	challengers := 0
	for i, w := range epoch.Weights {
		if e.Arms[i].Name == v.Arm {
			if w == 0 {
				return Action{}, false // it is out already
			}
			continue
		}
		weights[i] = w
		left += w
		if i > 0 && w > 0 {
			challengers++
		}
	}
	if challengers == 0 {
		return Action{Do: Stop, Arm: v.Arm, Reason: v.Text}, true
	}
	for i := range weights {
		weights[i] /= left
	}
	return Action{Do: TakeOut, Arm: v.Arm, Weights: weights, Reason: v.Text}, true
}

// raise is the next step of the ramp, when this one has lasted and every arm has units enough in it.
func (e *Experiment) raise(a *Analysis) (Action, bool) {
	r := e.Auto.Ramp
	if r == nil {
		return Action{}, false
	}
	epoch := e.Epoch()
	hours := r.MinHours
	if hours == 0 {
		hours = 1
	}
	if a.At.Sub(epoch.Start) < time.Duration(hours*float64(time.Hour)) {
		return Action{}, false
	}
	least := r.MinUnits
	if least == 0 {
		least = MinUnits
	}
	for i, n := range a.SRM.Counts {
		if n < least && epoch.Weights[i] > 0 {
			return Action{}, false
		}
	}
	if traffic, ok := e.NextStep(); ok {
		return Action{Do: Raise, Traffic: traffic, Reason: fmt.Sprintf("each arm had at least %d units in %s at %g %% of the traffic, and none does harm",
			least, a.At.Sub(epoch.Start).Round(time.Minute), epoch.Traffic*100)}, true
	}
	return Action{}, false
}

// NextStep is the traffic of the next step of the ramp, whether or not it is time for it; false when there is none.
func (e *Experiment) NextStep() (float64, bool) {
	epoch := e.Epoch()
	if epoch == nil {
		return 0, false
	}
	ramp := cmp.Or(e.Auto.Ramp, &Ramp{})
	for _, step := range ramp.steps() {
		if traffic := min(1, step*float64(len(e.Arms))); traffic > epoch.Traffic+1e-12 {
			return traffic, true
		}
	}
	return 0, false
}

func (r *Ramp) steps() []float64 {
	if len(r.Steps) == 0 {
		return DefaultSteps
	}
	return r.Steps
}
