package experiment

import (
	"context"
	"errors"
	"time"
)

// Store keeps experiments, for good. It is safe for concurrent use by several processes. Times come back in UTC, to the microsecond.
type Store interface {
	// Experiments gives all, by name.
	Experiments(ctx context.Context) ([]Record, error)
	// ChangeExperiment runs change over the experiment of a name while nobody else changes any, here or in another process, and
	// stores what it answers together with the event. A change that gives an error changes nothing. What was stored is returned:
	// the zero value when it was removed.
	ChangeExperiment(ctx context.Context, name string, change Change) (Record, error)
	// ExperimentEvents gives what was done to an experiment, newest first. ErrNone when there is none of that name.
	ExperimentEvents(ctx context.Context, name string) ([]Event, error)
}

// Leases let one of several processes do what only one should.
type Leases interface {
	// TakeLease says whether owner has the lease of that name from now on for the time given: nobody else's holds. Who has it
	// renews it so.
	TakeLease(ctx context.Context, name, owner string, holds time.Duration) (bool, error)
}

// Record is an experiment as a store has it.
type Record struct {
	Experiment
	Revision  int64 // of its last change; every change of any experiment has a higher one than those before
	UpdatedAt time.Time
	UpdatedBy string
}

// Event is one thing that was done to an experiment.
type Event struct {
	Revision int64 // that it made
	ID       string
	At       time.Time
	Author   string
	Did      Deed
	Detail   string // what it is now, in plain words
	Reason   string
}

// Deed is what an event did.
type Deed string

// The deeds.
const (
	Created   Deed = "created"
	Edited    Deed = "changed"
	Began     Deed = "started"
	Stopped   Deed = "stopped"
	Shifted   Deed = "shifted" // weights or traffic
	Ended     Deed = "concluded"
	Promoted  Deed = "promoted"
	Discarded Deed = "deleted"
)

// Change decides what becomes of an experiment: now is as it is stored, nil when there is none, others are all others. What it
// returns takes its place; nil removes it. It must not change what it is given, and may run more than once. Of the event it sets
// Did, Detail, Reason, Author and At.
type Change func(now *Record, others []Experiment, revision int64) (*Experiment, Event, error)

// ErrNone says that there is no experiment of that name, ErrConflict that it is not as it was thought to be.
var (
	ErrNone     = errors.New("no such experiment")
	ErrConflict = errors.New("somebody else was quicker")
)
