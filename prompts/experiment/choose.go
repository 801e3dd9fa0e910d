package experiment

import (
	"fmt"
	"slices"
	"strings"
)

// Choose answers what a call takes part in, as Assign does, and more for two kinds of calls, both outside the analysis. A call
// without the unit gets the control of an experiment that it would else be in. One that asks for an arm gets that: asked is the arm
// of an experiment that runs on the prompt, or EXPERIMENT/ARM of any that is known here and not over, so that an arm can be tried
// before the start. The error says what there is to ask for.
func (s *Set) Choose(prompt string, subject *Subject, asked string) (Assignment, bool, error) {
	if s == nil {
		return Assignment{}, false, nil
	}
	if asked != "" {
		a, err := s.named(prompt, asked)
		return a, err == nil, err
	}
	for _, a := range s.byPrompt[prompt] {
		if out, ok := a.Assign(subject); ok {
			return out, true, nil
		}
		if out, ok := a.without(subject); ok {
			return out, true, nil
		}
	}
	return Assignment{}, false, nil
}

// Any says whether a call of that prompt, "" for none, can be in an experiment at all.
func (s *Set) Any(prompt string) bool { return s != nil && len(s.byPrompt[prompt]) > 0 }

// without is the control for a call in the target that has no unit. In a layer it is not known which experiment would have it.
func (a *Assigner) without(s *Subject) (Assignment, bool) {
	e := &a.experiment
	if e.Layer != nil || a.unit(s) != "" || !a.aims(s) {
		return Assignment{}, false
	}
	return Assignment{Experiment: e.Name, ID: e.ID, Epoch: a.epoch, Arm: e.Control().Name, Served: e.Control()}, true
}

// named finds an arm that was asked for.
func (s *Set) named(prompt, asked string) (Assignment, error) {
	experiment, arm, both := strings.Cut(asked, "/")
	if both {
		e, ok := s.known[experiment]
		switch {
		case !ok:
			return Assignment{}, fmt.Errorf("%w: %.100q; weir experiments list shows those there are", ErrNone, experiment)
		case e.Arm(arm) == nil:
			return Assignment{}, fmt.Errorf("%w: %s has no arm %.60q; it has %s", ErrExperiment, experiment, arm, e.armNames())
		case e.Prompt != prompt && e.Prompt != "":
			return Assignment{}, fmt.Errorf("%w: %s is about the prompt %s, which the call does not ask for", ErrExperiment, experiment, e.Prompt)
		}
		return asGiven(e, e.Arm(arm)), nil
	}
	var there []string
	for _, a := range s.byPrompt[prompt] {
		e := &a.experiment
		if given := e.Arm(asked); given != nil {
			return asGiven(e, given), nil
		}
		there = append(there, e.Name+" has "+e.armNames())
	}
	if len(there) == 0 {
		there = []string{"none runs for this call; name the experiment besides, as EXPERIMENT/ARM, to try one that does not run"}
	}
	return Assignment{}, fmt.Errorf("%w: no arm %.60q: %s", ErrExperiment, asked, strings.Join(there, ", "))
}

func asGiven(e *Experiment, arm *Arm) Assignment {
	return Assignment{Experiment: e.Name, ID: e.ID, Arm: arm.Name, Served: arm}
}

func (e *Experiment) armNames() string {
	names := make([]string, len(e.Arms))
	for i := range e.Arms {
		names[i] = e.Arms[i].Name
	}
	slices.Sort(names)
	return strings.Join(names, " and ")
}
