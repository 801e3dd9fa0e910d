package experiment

import (
	"fmt"

	"github.com/weir-dev/weir/internal/expression"
)

// Subject is what an assignment looks at in a call.
type Subject struct {
	Project string
	Key     string // the key's id
	User    string
	Session string
	Model   string // what the client asked for
	Label   string // of the prompt, by which it was named; "" none
	Tags    map[string]string
	Header  func(name string) string // of the request; nil: none
}

// TargetNames are what a target's condition can name. tags.NAME is empty when a call has no such tag.
var TargetNames = []string{"project", "key", "user", "session", "model", "tags", "label"}

var targetSample = map[string]any{"project": "", "key": "", "user": "", "session": "", "model": "", "tags": map[string]string{}, "label": ""}

// Assignment is what a call takes part in, and as what: it belongs on the call's record.
type Assignment struct {
	Experiment string `json:"experiment"` // the name
	ID         string `json:"experiment_id"`
	Arm        string `json:"arm"`
	Epoch      int    `json:"epoch"`
	Unit       string `json:"unit"`
	// InAnalysis is false for what is only served: overrides, the control given to what no arm holds, and units that may have
	// seen another arm in an earlier epoch.
	InAnalysis bool `json:"in_analysis"`
	// Propensity is the chance with which a unit that comes in this epoch gets this arm in the analysis; 0 outside it.
	Propensity float64 `json:"propensity"`
	// Served is the arm itself. It is shared: only read it.
	Served *Arm `json:"-"`
}

// Assigner gives units their arms. It never changes, and is safe for concurrent use. Two assigners of the same experiment
// give the same arms, on any machine and after any restart.
type Assigner struct {
	experiment Experiment
	target     *expression.Program // nil: everyone
	layout     *layout
	shares     []float64
	epoch      int
	header     string
	from, to   uint64 // of the layer
}

// NewAssigner prepares a running experiment for assignment.
func NewAssigner(e Experiment) (*Assigner, error) {
	if err := e.Check(); err != nil {
		return nil, fmt.Errorf("experiment %q: %w", e.Name, err)
	}
	if e.Status != Running || len(e.Epochs) == 0 || e.ID == "" {
		return nil, fmt.Errorf("experiment %q: %w: it is %s; start it first", e.Name, ErrExperiment, e.Status)
	}
	for _, epoch := range e.Epochs {
		if len(epoch.Weights) != len(e.Arms) {
			return nil, fmt.Errorf("experiment %q: %w: epoch %d has %d weights for %d arms; arms cannot change after the start", e.Name, ErrExperiment, epoch.Number, len(epoch.Weights), len(e.Arms))
		}
	}
	a := &Assigner{experiment: e, layout: layOut(e.Epochs, len(e.Arms)), epoch: e.Epoch().Number, to: whole}
	a.shares = a.layout.shares()
	a.header, _ = e.Unit.Header()
	if e.Target != "" {
		target, err := expression.CompileCondition(e.Target, targetSample)
		if err != nil {
			return nil, fmt.Errorf("experiment %q: target: %w", e.Name, err)
		}
		a.target = target
	}
	if l := e.Layer; l != nil {
		a.from, a.to = uint64(l.From*float64(whole)), uint64(l.To*float64(whole))
	}
	return a, nil
}

// Experiment is what the assigner was made of. It is shared: only read it.
func (a *Assigner) Experiment() *Experiment { return &a.experiment }

// Assign answers what a call takes part in. It is false for calls that do not: without a unit, out of the target or of the layer.
// A target that cannot be evaluated for a call leaves it out, too.
func (a *Assigner) Assign(s *Subject) (Assignment, bool) {
	e := &a.experiment
	unit := a.unit(s)
	if unit == "" {
		return Assignment{}, false
	}
	out := Assignment{Experiment: e.Name, ID: e.ID, Epoch: a.epoch, Unit: unit}
	if name, ok := e.Overrides[unit]; ok {
		out.Arm, out.Served = name, e.Arm(name)
		return out, true
	}
	if e.Layer != nil {
		if p := point(e.Layer.Name, unit); p < a.from || p >= a.to {
			return Assignment{}, false
		}
	}
	if !a.aims(s) {
		return Assignment{}, false
	}
	held := a.place(unit)
	arm := max(0, held.arm)
	out.Served = &e.Arms[arm]
	out.Arm = out.Served.Name
	if held.analysed {
		out.InAnalysis, out.Propensity = true, a.shares[arm]
	}
	return out, true
}

// aims says whether a call is in the target. One that it cannot be evaluated for is not.
func (a *Assigner) aims(s *Subject) bool {
	if a.target == nil {
		return true
	}
	in, err := a.target.True(map[string]any{
		"project": s.Project, "key": s.Key, "user": s.User, "session": s.Session, "model": s.Model, "tags": s.Tags, "label": s.Label,
	})
	return err == nil && in
}

func (a *Assigner) place(unit string) segment {
	p := uint64(0)
	if a.experiment.Hash == GrowthBook {
		p = growthBookPoint(a.experiment.ID, unit)
	} else {
		p = point(a.experiment.ID, unit)
	}
	return a.layout.segments[a.layout.at(p)]
}

func (a *Assigner) unit(s *Subject) string {
	switch a.experiment.Unit {
	case User:
		return s.User
	case Session:
		return s.Session
	case Key:
		return s.Key
	}
	if s.Header == nil {
		return ""
	}
	return s.Header(a.header)
}

// Set is the assigners of all running experiments, by the prompt they are about. The zero value has none. It never changes, and
// is safe for concurrent use: a change is a new set.
type Set struct {
	byPrompt map[string][]*Assigner
	known    map[string]*Experiment // by name; those that are not over
}

// NewSet prepares the running ones of these experiments. It keeps them all: they must not be changed any more.
func NewSet(experiments []Experiment) (*Set, error) {
	set := &Set{byPrompt: map[string][]*Assigner{}, known: map[string]*Experiment{}}
	for i, e := range experiments {
		if e.Status != Concluded {
			set.known[e.Name] = &experiments[i]
		}
		if e.Status != Running {
			continue
		}
		a, err := NewAssigner(e)
		if err != nil {
			return nil, err
		}
		set.byPrompt[e.Prompt] = append(set.byPrompt[e.Prompt], a)
	}
	return set, nil
}

// Assign answers the first assignment among the experiments on this prompt, or, with prompt empty, among those that are about no
// prompt. Layers see to it that there is at most one.
func (s *Set) Assign(prompt string, subject *Subject) (Assignment, bool) {
	if s == nil {
		return Assignment{}, false
	}
	for _, a := range s.byPrompt[prompt] {
		if out, ok := a.Assign(subject); ok {
			return out, true
		}
	}
	return Assignment{}, false
}
