package rag

import (
	"errors"
	"time"

	"github.com/weir-dev/weir/llm"
)

// Ran is a question as whoever counts them hears of it: no text, no ids, and names that are few.
type Ran struct {
	Pipeline string
	Outcome  Outcome
	Stages   []StageRan // in the order they ran
	// Cut counts the chunks that each stage did not let through.
	Cut                 map[Step]int
	Citations, Verified int
}

// StageRan is a stage of a question.
type StageRan struct {
	Step    Step
	Took    time.Duration
	Failed  bool // it ended in an error, or did not do what it is for
	Skipped bool // on purpose
}

// Outcome is what became of a question.
type Outcome string

// The outcomes.
const (
	OutcomeAnswered     Outcome = "answered"
	OutcomeFound        Outcome = "found"          // only the passages were asked for
	OutcomeEmpty        Outcome = "empty"          // nothing was found that could be given to a model
	OutcomeNotInSources Outcome = "not_in_sources" // the model found no answer in what it was given
	OutcomeFailed       Outcome = "failed"
	OutcomeAbandoned    Outcome = "abandoned" // by its client
)

// Outcomes are all of them.
func Outcomes() []Outcome {
	return []Outcome{OutcomeAnswered, OutcomeFound, OutcomeEmpty, OutcomeNotInSources, OutcomeFailed, OutcomeAbandoned}
}

// ran is the question as it is counted.
func (r *run) ran() Ran {
	out := Ran{Pipeline: r.cfg.Name, Outcome: r.ending(), Cut: map[Step]int{}, Citations: len(r.citations)}
	for i := range r.steps {
		st := &r.steps[i]
		out.Stages = append(out.Stages, StageRan{st.Step, st.took, st.failed || st.err != nil, st.skipped})
	}
	for _, c := range r.found {
		if c.Dropped != "" {
			out.Cut[c.Dropped]++
		}
	}
	for _, c := range r.citations {
		if c.Verified {
			out.Verified++
		}
	}
	return out
}

func (r *run) ending() Outcome {
	fault, failed := errors.AsType[*llm.Fault](r.failed)
	switch {
	case failed && fault.Code == llm.ClientClosed:
		return OutcomeAbandoned
	case r.failed != nil:
		return OutcomeFailed
	case len(r.sources) == 0:
		return OutcomeEmpty
	case r.silent:
		return OutcomeNotInSources
	case r.generation == nil:
		return OutcomeFound
	}
	return OutcomeAnswered
}
