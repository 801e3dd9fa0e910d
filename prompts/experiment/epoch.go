package experiment

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Begin starts a draft, or a stopped experiment again.
func (e Experiment) Begin(now time.Time, revision string) (Experiment, error) {
	switch {
	case e.Status == Concluded:
		return e, fmt.Errorf("%w: %q is concluded; make a new one, whose units are assigned anew", ErrExperiment, e.Name)
	case e.Status == Running:
		return e, fmt.Errorf("%w: %q runs already", ErrExperiment, e.Name)
	case e.ID == "":
		return e, fmt.Errorf("%w: %q has no id, by which units are assigned; set it once and never change it", ErrExperiment, e.Name)
	}
	if e.Started.IsZero() {
		e.Started = now
	}
	e.Status, e.Stopped, e.Reason = Running, time.Time{}, ""
	if len(e.Epochs) == 0 {
		return e.turn(now, revision, e.Traffic, e.weights()), nil
	}
	last := e.Epoch()
	return e.turn(now, revision, last.Traffic, last.Weights), nil
}

// Shift changes traffic, weights (sum 1 or 100; nil: as they are) or both, in a new epoch. Units that hold an arm keep it as far
// as the arm's share does not shrink.
func (e Experiment) Shift(now time.Time, revision string, traffic float64, weights []float64) (Experiment, error) {
	last := e.Epoch()
	if e.Status != Running || last == nil {
		return e, fmt.Errorf("%w: %q is %s; start it first", ErrExperiment, e.Name, e.Status)
	}
	if !(traffic > 0 && traffic <= 1) {
		return e, fmt.Errorf("%w: traffic %g: want more than 0, at most 1", ErrExperiment, traffic)
	}
	if weights == nil {
		weights = last.Weights
	}
	if len(weights) != len(e.Arms) {
		return e, fmt.Errorf("%w: %d weights for %d arms", ErrExperiment, len(weights), len(e.Arms))
	}
	var sum float64
	for i, w := range weights {
		if !(w >= 0 && w <= 100) {
			return e, fmt.Errorf("%w: weight of %q: %g: want a share of 1 or of 100", ErrExperiment, e.Arms[i].Name, w)
		}
		sum += w
	}
	if math.Abs(sum-1) > 1e-6 && math.Abs(sum-100) > 1e-4 {
		return e, fmt.Errorf("%w: the weights sum to %g; they must sum to 1 or to 100", ErrExperiment, sum)
	}
	shares := slices.Clone(weights)
	for i := range shares {
		shares[i] /= sum
	}
	if traffic == last.Traffic && slices.Equal(shares, last.Weights) {
		return e, nil
	}
	return e.turn(now, revision, traffic, shares), nil
}

// Halt stops a running experiment: all get the control.
func (e Experiment) Halt(now time.Time, reason string) (Experiment, error) {
	if e.Status != Running {
		return e, fmt.Errorf("%w: %q is %s, not running", ErrExperiment, e.Name, e.Status)
	}
	e.Status, e.Stopped, e.Reason = Halted, now, reason
	return e, nil
}

// Conclude ends an experiment for good, for the arm named winner, or for none.
func (e Experiment) Conclude(now time.Time, winner, reason string) (Experiment, error) {
	if e.Status != Running && e.Status != Halted {
		return e, fmt.Errorf("%w: %q is %s; there is nothing to conclude", ErrExperiment, e.Name, e.Status)
	}
	if winner != "" && e.Arm(winner) == nil {
		return e, fmt.Errorf("%w: %q has no arm %q", ErrExperiment, e.Name, winner)
	}
	if e.Stopped.IsZero() {
		e.Stopped = now
	}
	e.Status, e.Winner, e.Reason = Concluded, winner, reason
	return e, nil
}

// turn opens an epoch; the receiver's own epochs are not touched.
func (e Experiment) turn(now time.Time, revision string, traffic float64, weights []float64) Experiment {
	e.Epochs = append(slices.Clip(e.Epochs), Epoch{
		Number: len(e.Epochs) + 1, Revision: revision, Start: now, Traffic: traffic, Weights: slices.Clone(weights),
	})
	return e
}
