// Package experiment compares arms (prompt versions, models, parameters) on live traffic, with verdicts that hold however often one looks.
//
// An Experiment says who is compared by what. An Assigner gives each unit its arm, the same one always. A Reader gives the sums
// that an Analysis is made of, and Decide says what they mean. Nothing here stores, sends or changes anything.
package experiment

import (
	"encoding/json"
	"strings"
	"time"
)

// Experiment is what is compared, on whom, and by which measures. It is a value: methods that change it return the changed one.
type Experiment struct {
	ID     string `json:"id,omitempty"` // the salt of the assignment: never used again for another experiment
	Name   string `json:"name"`
	Unit   Unit   `json:"unit"`             // who is assigned, and counted
	Prompt string `json:"prompt,omitempty"` // the registry's name whose calls take part; empty: every call that the target picks
	Arms   []Arm  `json:"arms"`             // the first is the control, what is served today

	Metrics Metrics `json:"metrics"`

	Target    string            `json:"target,omitempty"` // a condition over TargetNames; empty: everyone
	Layer     *Layer            `json:"layer,omitempty"`
	Overrides map[string]string `json:"overrides,omitempty"` // unit → arm, outside the analysis
	Traffic   float64           `json:"traffic,omitempty"`   // the share of each arm's weight that is served, 0 to 1; 0: all of it, or the first step of the ramp
	Hash      Hash              `json:"hash,omitempty"`

	PlannedUnits int64      `json:"planned_units,omitempty"` // all arms together; where the intervals are tightest
	Alpha        float64    `json:"alpha,omitempty"`         // the chance of one false verdict, over all looks
	Correction   Correction `json:"correction,omitempty"`    // for several challengers
	Worth        *Amount    `json:"worth,omitempty"`         // the smallest effect on the primary that is worth having

	Auto Automation `json:"auto,omitzero"`

	Status  Status    `json:"status,omitempty"`
	Created time.Time `json:"created_at,omitzero"`
	Started time.Time `json:"started_at,omitzero"`
	Stopped time.Time `json:"stopped_at,omitzero"`
	Reason  string    `json:"reason,omitempty"` // why it was stopped or concluded
	Winner  string    `json:"winner,omitempty"` // the arm that was concluded for
	Epochs  []Epoch   `json:"epochs,omitempty"` // one for each change of weights or traffic, oldest first
}

// Arm is one of the alternatives. What it leaves empty is as the call says.
type Arm struct {
	Name       string                     `json:"name"`
	Prompt     string                     `json:"prompt,omitempty"`     // name@version or name@label
	Model      string                     `json:"model,omitempty"`      // what a client would ask for: a model or a route
	Parameters map[string]json.RawMessage `json:"parameters,omitempty"` // members of the request's body, set in place of the client's
	Weight     float64                    `json:"weight,omitempty"`     // its share; all sum to 1 or to 100
}

// Unit is who is assigned to an arm: user, session, key, or header:NAME.
type Unit string

// Units that calls carry. HeaderPrefix begins a unit that is a header of the request.
const (
	User         Unit = "user"
	Session      Unit = "session"
	Key          Unit = "key"
	HeaderPrefix      = "header:"
)

// Header is the name of the header that the unit is, and whether it is one.
func (u Unit) Header() (string, bool) { return strings.CutPrefix(string(u), HeaderPrefix) }

// Hash says how a unit's number between 0 and 1 is made.
type Hash string

// SHA256 is the default. GrowthBook assigns as GrowthBook's second hash does, in 10,000 steps, with the experiment's id as seed.
const (
	SHA256     Hash = "sha256"
	GrowthBook Hash = "growthbook"
)

// Correction says how several challengers share alpha.
type Correction string

// Bonferroni bounds the chance of any false winner. EBH bounds the share of false ones among the winners, and finds more.
const (
	Bonferroni Correction = "bonferroni"
	EBH        Correction = "ebh"
)

// Status is where an experiment stands.
type Status string

// A draft assigns nobody. A stopped experiment serves the control to all and can be started again. A concluded one is over.
const (
	Draft     Status = "draft"
	Running   Status = "running"
	Halted    Status = "stopped"
	Concluded Status = "concluded"
)

// Layer keeps experiments apart: those of one layer, with disjoint ranges, never share a unit.
type Layer struct {
	Name string  `json:"name"`
	From float64 `json:"from"` // 0 to 1
	To   float64 `json:"to"`
}

// Epoch is a time in which weights and traffic stayed as they are.
type Epoch struct {
	Number   int       `json:"number"` // from 1
	Revision string    `json:"revision,omitempty"`
	Start    time.Time `json:"start_time"`
	Traffic  float64   `json:"traffic"` // 0 to 1
	Weights  []float64 `json:"weights"` // by arm, sum 1
}

// Control is the arm that the others are compared with.
func (e *Experiment) Control() *Arm { return &e.Arms[0] }

// Challengers are the arms but the control.
func (e *Experiment) Challengers() []Arm { return e.Arms[1:] }

// Arm returns the arm of that name, or nil.
func (e *Experiment) Arm(name string) *Arm {
	for i := range e.Arms {
		if e.Arms[i].Name == name {
			return &e.Arms[i]
		}
	}
	return nil
}

// Epoch is the one that holds now, or nil before the start.
func (e *Experiment) Epoch() *Epoch {
	if len(e.Epochs) == 0 {
		return nil
	}
	return &e.Epochs[len(e.Epochs)-1]
}
