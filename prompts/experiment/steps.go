package experiment

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
)

// Step is who takes a step, when and why.
type Step struct {
	Author string
	Reason string
	At     time.Time
	Expect int64 // the revision that the experiment is thought to have; 0: whatever it has
}

func (s *Step) event(did Deed, detail string) Event {
	return Event{At: s.at(), Author: s.Author, Reason: s.Reason, Did: did, Detail: detail}
}

// at is the time to the microsecond, as stores keep it.
func (s *Step) at() time.Time { return s.At.UTC().Truncate(time.Microsecond) }

// find gives the experiment that a step is about.
func (s *Step) find(name string, now *Record) (Experiment, error) {
	switch {
	case now == nil:
		return Experiment{}, fmt.Errorf("%w: %q", ErrNone, name)
	case s.Expect != 0 && s.Expect != now.Revision:
		return Experiment{}, fmt.Errorf("%w: %q is at revision %d by now, not %d (%s, by %s); look at it again", ErrConflict, name, now.Revision, s.Expect,
			now.UpdatedAt.Format(time.RFC3339), now.UpdatedBy)
	}
	return now.Experiment, nil
}

// Create stores a draft, whose id it makes. What only weir sets must be empty.
func Create(e Experiment, step Step) Change {
	return func(now *Record, others []Experiment, _ int64) (*Experiment, Event, error) {
		if err := e.fresh(); err != nil {
			return nil, Event{}, err
		}
		if now != nil {
			return nil, Event{}, Overlaps(&e, []Experiment{now.Experiment})
		}
		e := e
		e.ID, e.Created = llm.NewID(step.at()), step.at()
		return &e, step.event(Created, "a draft"), e.mustFit(others)
	}
}

// Edit puts another description in place of a draft's.
func Edit(name string, e Experiment, step Step) Change {
	return func(now *Record, others []Experiment, _ int64) (*Experiment, Event, error) {
		old, err := step.find(name, now)
		if err != nil {
			return nil, Event{}, err
		}
		if err := e.fresh(); err != nil {
			return nil, Event{}, err
		}
		e := e
		e.ID, e.Created = old.ID, old.Created
		switch {
		case old.Status != Draft:
			return nil, Event{}, fmt.Errorf("%w: %q is %s: what was compared cannot change after the start; change weights, or make a new one", ErrExperiment, name, old.Status)
		case e.Name != name:
			return nil, Event{}, fmt.Errorf("%w: name: it is %q and stays so; delete it and make %q", ErrExperiment, name, e.Name)
		}
		return &e, step.event(Edited, "another description"), e.mustFit(others)
	}
}

// mustFit says everything that is wrong with a description, by itself and beside running ones.
func (e *Experiment) mustFit(others []Experiment) error {
	var f faults
	for _, err := range []error{e.Check(), Overlaps(e, others)} {
		if found, ok := err.(*Faults); ok { //nolint:errorlint // both give it bare
			f = append(f, found.List...)
		}
	}
	return f.err()
}

// fresh says what a description holds that only weir sets.
func (e *Experiment) fresh() error {
	var f faults
	for name, set := range map[string]bool{
		"id": e.ID != "", "status": e.Status != "" && e.Status != Draft, "created_at": !e.Created.IsZero(), "started_at": !e.Started.IsZero(),
		"stopped_at": !e.Stopped.IsZero(), "reason": e.Reason != "", "winner": e.Winner != "", "epochs": len(e.Epochs) > 0,
	} {
		f.when(set, "%s: weir sets it; leave it out", name)
	}
	slices.Sort(f)
	return f.err()
}

// Start lets a draft or a stopped experiment run. Pin turns the prompt of an arm, name@label, into name@version, so that what arms
// serve does not change while they are compared.
func Start(name string, step Step, pin func(ref string) (string, error)) Change {
	return func(now *Record, others []Experiment, revision int64) (*Experiment, Event, error) {
		e, err := step.find(name, now)
		if err != nil {
			return nil, Event{}, err
		}
		var f faults
		e.Arms = slices.Clone(e.Arms)
		for i := range e.Arms {
			if a := &e.Arms[i]; a.Prompt != "" {
				ref, err := pin(a.Prompt)
				f.when(err != nil, "arms: %q: %v", a.Name, err)
				a.Prompt = ref
			}
		}
		if len(f) > 0 {
			return nil, Event{}, f.err()
		}
		if err := e.mustFit(others); err != nil {
			return nil, Event{}, err
		}
		e, err = e.Begin(step.at(), strconv.FormatInt(revision, 10))
		return &e, step.event(Began, e.split()), err
	}
}

// Cease stops a running experiment: all are served the control, or what they ask for.
func Cease(name string, step Step) Change {
	return func(now *Record, _ []Experiment, _ int64) (*Experiment, Event, error) {
		e, err := step.find(name, now)
		if err == nil {
			e, err = e.Halt(step.at(), step.Reason)
		}
		return &e, step.event(Stopped, ""), err
	}
}

// Reweigh changes traffic (0: as it is), weights (nil: as they are) or both.
func Reweigh(name string, step Step, traffic float64, weights []float64) Change {
	return func(now *Record, _ []Experiment, revision int64) (*Experiment, Event, error) {
		e, err := step.find(name, now)
		if err != nil {
			return nil, Event{}, err
		}
		if epoch := e.Epoch(); traffic == 0 && epoch != nil {
			traffic = epoch.Traffic
		}
		before := len(e.Epochs)
		e, err = e.Shift(step.at(), strconv.FormatInt(revision, 10), traffic, weights)
		if err == nil && len(e.Epochs) == before {
			err = fmt.Errorf("%w: %q has these weights and this traffic already", ErrExperiment, name)
		}
		return &e, step.event(Shifted, e.split()), err
	}
}

// Finish ends an experiment for good, for an arm or with winner "" for none.
func Finish(name string, step Step, winner string) Change {
	return func(now *Record, _ []Experiment, _ int64) (*Experiment, Event, error) {
		e, err := step.find(name, now)
		if err == nil {
			e, err = e.Conclude(step.at(), winner, step.Reason)
		}
		detail := "for no arm"
		if winner != "" {
			detail = "for " + strconv.Quote(winner)
		}
		return &e, step.event(Ended, detail), err
	}
}

// Note adds to the history that an experiment's winner was promoted.
func Note(name string, step Step, detail string) Change {
	return func(now *Record, _ []Experiment, _ int64) (*Experiment, Event, error) {
		e, err := step.find(name, now)
		return &e, step.event(Promoted, detail), err
	}
}

// Discard removes a draft. What has run stays, since calls bear its name.
func Discard(name string, step Step) Change {
	return func(now *Record, _ []Experiment, _ int64) (*Experiment, Event, error) {
		e, err := step.find(name, now)
		if err == nil && e.Status != Draft {
			err = fmt.Errorf("%w: %q is %s, and calls bear its name: it is kept; conclude it to have done with it", ErrExperiment, name, e.Status)
		}
		return nil, step.event(Discarded, ""), err
	}
}

// split says what share of all units each arm gets now.
func (e *Experiment) split() string {
	epoch := e.Epoch()
	if epoch == nil {
		return ""
	}
	parts := make([]string, len(e.Arms))
	for i := range e.Arms {
		parts[i] = fmt.Sprintf("%s %s %%", e.Arms[i].Name, number(epoch.Weights[i]*epoch.Traffic*100))
	}
	return strings.Join(parts, ", ")
}
