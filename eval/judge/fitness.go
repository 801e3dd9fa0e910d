package judge

import (
	"fmt"
	"slices"
)

// DefaultFloor is the kappa that the lower end of a judge's interval must reach before it may gate.
const DefaultFloor = 0.6

// What a calibration must have before it says anything.
const (
	MinLabels   = 30  // cases that were scored
	MinCoverage = 0.9 // of the cases
)

// Standing is whether a judge may gate, and what hinders it.
type Standing string

// The standings. Only a Fit judge may gate.
const (
	Fit          Standing = "fit"
	Uncalibrated Standing = "uncalibrated" // nobody has compared it with people
	Stale        Standing = "stale"        // its prompt, model or parameters are not those that were compared
	TooFew       Standing = "too_few"      // fewer than MinLabels cases were scored
	LowCoverage  Standing = "low_coverage" // it could not score enough of them
	NotDefined   Standing = "not_defined"  // people or judge gave one label only: agreement cannot be measured
	BelowFloor   Standing = "below_floor"  // it agrees too little, or this is not sure enough
)

// Fitness is a judge's standing with its reason.
type Fitness struct {
	Standing Standing `json:"standing"`
	Floor    float64  `json:"floor"`
	Reason   string   `json:"reason"` // for people, with the remedy
}

// MayGate says whether a gate may rest on the judge.
func (f Fitness) MayGate() bool { return f.Standing == Fit }

// Fitness says whether a judge may gate by this calibration, which may be nil. floor 0 is DefaultFloor.
func (c *Calibration) Fitness(now Version, floor float64) Fitness {
	if floor == 0 {
		floor = DefaultFloor
	}
	answer := func(s Standing, format string, args ...any) Fitness {
		return Fitness{s, floor, fmt.Sprintf(format, args...)}
	}
	const again = "; run weir eval judge calibrate"
	switch {
	case c == nil:
		return answer(Uncalibrated, "the judge was never compared with people"+again)
	case c.Version.Hash != now.Hash:
		return answer(Stale, "%s changed since the judge was compared with people%s", changed(&c.Version, &now), again)
	case c.Scored < MinLabels:
		return answer(TooFew, "the judge was compared with people on %d cases: want %d at least", c.Scored, MinLabels)
	case c.Coverage < MinCoverage:
		return answer(LowCoverage, "the judge scored %.0f %% of the labelled cases: want %.0f %% at least", 100*c.Coverage, 100*MinCoverage)
	case c.Kappa == nil || c.Interval == nil:
		return answer(NotDefined, "people or the judge gave one label only, so their agreement says nothing: label cases of both kinds")
	case c.Interval.Low < floor:
		return answer(BelowFloor, "kappa is %.2f, and may be as low as %.2f (floor %.2f): mend the rubric, take another model, or label more cases", *c.Kappa, c.Interval.Low, floor)
	}
	return answer(Fit, "kappa is %.2f, at least %.2f (floor %.2f)", *c.Kappa, c.Interval.Low, floor)
}

// changed names what differs.
func changed(before, now *Version) string {
	switch {
	case before.Kind != now.Kind:
		return "the kind of judge"
	case !slices.Equal(before.Models, now.Models):
		return fmt.Sprintf("the model (%v to %v)", before.Models, now.Models)
	case before.Prompt != now.Prompt:
		return "the prompt or the rubric"
	case before.Params != now.Params:
		return "the parameters"
	}
	return "weir's way of judging"
}
