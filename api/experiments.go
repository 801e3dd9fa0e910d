package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
)

// experimentStep asks for a step in an experiment's life.
type experimentStep struct {
	Reason   string `json:"reason,omitempty"`
	Revision int64  `json:"revision,omitempty"` // that the experiment is thought to have: another is a conflict
}

// newWeights asks for other shares.
type newWeights struct {
	experimentStep
	Weights map[string]float64 `json:"weights"` // by arm, all of them; sum 1 or 100
}

// newTraffic asks for more or less traffic.
type newTraffic struct {
	experimentStep
	Traffic float64 `json:"traffic,omitempty"` // the share of each arm's weight that is served, 0 to 1; left out: the next step of the ramp
}

// newConclusion ends an experiment.
type newConclusion struct {
	experimentStep
	Winner string `json:"winner,omitempty"` // an arm; left out: none
}

func (a *API) listExperiments(w http.ResponseWriter, r *http.Request) error {
	records, err := a.cfg.Experiments.Experiments(r.Context())
	if err != nil {
		return err
	}
	status := r.URL.Query().Get("status")
	if status != "" && !slices.Contains(experimentStatuses, status) {
		return bad("status", "status=%q is none: want %s", clip(status), strings.Join(experimentStatuses, ", "))
	}
	out := experimentList{Experiments: []experimentRow{}}
	for i := range records {
		if status == "" || string(records[i].Status) == status {
			out.Experiments = append(out.Experiments, rowOfExperiment(&records[i]))
		}
	}
	return answer(w, http.StatusOK, out)
}

var experimentStatuses = []string{string(experiment.Draft), string(experiment.Running), string(experiment.Halted), string(experiment.Concluded)}

// experimentNamed finds an experiment by the name, or the id, of a path.
func (a *API) experimentNamed(r *http.Request) (*experiment.Record, error) {
	name := r.PathValue("name")
	records, err := a.cfg.Experiments.Experiments(r.Context())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(records, func(e experiment.Record) bool { return e.Name == name })
	if i < 0 {
		i = slices.IndexFunc(records, func(e experiment.Record) bool { return e.ID == name })
	}
	if i < 0 {
		return nil, fmt.Errorf("%w: %q", experiment.ErrNone, clip(name))
	}
	return &records[i], nil
}

// described reads an experiment from a request's body, and finds the prompts of its arms.
func (a *API) described(r *http.Request) (experiment.Experiment, error) {
	raw, err := io.ReadAll(r.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return experiment.Experiment{}, llm.Faultf(llm.BodyTooLarge, "the body is larger than the %d bytes that the API takes", tooLarge.Limit)
	}
	if err != nil {
		return experiment.Experiment{}, llm.Faultf(llm.InvalidRequest, "the body did not arrive whole: send it again").Because(err)
	}
	e, err := experiment.Parse(raw)
	faults, isList := errors.AsType[*experiment.Faults](err)
	if err != nil && !isList {
		return e, err
	}
	var all []string
	if isList {
		all = faults.List
	}
	pin, perr := a.pin(r)
	if perr != nil {
		return e, perr
	}
	for _, arm := range e.Arms {
		if name, version, ok := strings.Cut(arm.Prompt, "@"); !ok || name == "" || version == "" {
			continue // said already, if it is wrong
		}
		if _, err := pin(arm.Prompt); err != nil {
			all = append(all, fmt.Sprintf("arms: %q: %v", arm.Name, err))
		}
	}
	if len(all) > 0 {
		return e, &experiment.Faults{List: all}
	}
	return e, nil
}

// pin gives what turns name@label into name@version, by the prompts of now.
func (a *API) pin(r *http.Request) (func(string) (string, error), error) {
	s, err := a.snapshot(r.Context())
	if err != nil {
		return nil, err
	}
	return func(text string) (string, error) {
		ref, err := prompts.ParseRef(text)
		if err != nil {
			return "", err
		}
		v, _, err := s.Find(ref)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s@%d", v.Name, v.Number), nil
	}, nil
}

func (a *API) createExperiment(w http.ResponseWriter, r *http.Request) error {
	e, err := a.described(r)
	if faults, ok := errors.AsType[*experiment.Faults](err); ok {
		return a.andOverlaps(r, &e, faults)
	}
	if err != nil {
		return err
	}
	return a.changeExperiment(w, r, http.StatusCreated, e.Name, experiment.Create(e, experiment.Step{Author: callerOf(r).name, At: time.Now()}))
}

// andOverlaps adds to what is wrong with a description what is in its way, so that all is said at once.
func (a *API) andOverlaps(r *http.Request, e *experiment.Experiment, faults *experiment.Faults) error {
	records, err := a.cfg.Experiments.Experiments(r.Context())
	if err != nil {
		return err
	}
	others := make([]experiment.Experiment, len(records))
	for i := range records {
		others[i] = records[i].Experiment
	}
	if more, ok := errors.AsType[*experiment.Faults](experiment.Overlaps(e, others)); ok {
		faults = &experiment.Faults{List: slices.Concat(faults.List, more.List)}
	}
	return faults
}

func (a *API) editExperiment(w http.ResponseWriter, r *http.Request) error {
	now, err := a.experimentNamed(r)
	if err != nil {
		return err
	}
	e, err := a.described(r)
	if err != nil {
		return err
	}
	step := experiment.Step{Author: callerOf(r).name, At: time.Now()}
	if step.Expect, err = readRevision(r); err != nil {
		return err
	}
	return a.changeExperiment(w, r, http.StatusOK, now.Name, experiment.Edit(now.Name, e, step))
}

// changeExperiment takes a step, puts it into force and shows the experiment.
func (a *API) changeExperiment(w http.ResponseWriter, r *http.Request, status int, name string, change experiment.Change) error {
	record, err := a.cfg.Experiments.ChangeExperiment(r.Context(), name, change)
	if err != nil {
		return err
	}
	a.cfg.Registry.Changed(r.Context())
	if record.Name == "" {
		w.WriteHeader(status)
		return nil
	}
	return answer(w, status, rowOfExperiment(&record))
}

// stepOf reads a step's body, and finds what it is about.
func (a *API) stepOf(r *http.Request, into any, in *experimentStep) (*experiment.Record, experiment.Step, error) {
	if err := read(r, into); err != nil {
		return nil, experiment.Step{}, err
	}
	if err := checkTexts(textField{"reason", in.Reason}); err != nil {
		return nil, experiment.Step{}, err
	}
	now, err := a.experimentNamed(r)
	return now, experiment.Step{Author: callerOf(r).name, Reason: in.Reason, At: time.Now(), Expect: in.Revision}, err
}

func (a *API) startExperiment(w http.ResponseWriter, r *http.Request) error {
	var in experimentStep
	now, step, err := a.stepOf(r, &in, &in)
	if err != nil {
		return err
	}
	pin, err := a.pin(r)
	if err != nil {
		return err
	}
	return a.changeExperiment(w, r, http.StatusOK, now.Name, experiment.Start(now.Name, step, pin))
}

func (a *API) stopExperiment(w http.ResponseWriter, r *http.Request) error {
	var in experimentStep
	now, step, err := a.stepOf(r, &in, &in)
	if err != nil {
		return err
	}
	return a.changeExperiment(w, r, http.StatusOK, now.Name, experiment.Cease(now.Name, step))
}

func (a *API) weighExperiment(w http.ResponseWriter, r *http.Request) error {
	var in newWeights
	now, step, err := a.stepOf(r, &in, &in.experimentStep)
	if err != nil {
		return err
	}
	weights := make([]float64, len(now.Arms))
	for i := range now.Arms {
		share, given := in.Weights[now.Arms[i].Name]
		if !given {
			return bad("weights", "the arm %q has no weight: give all arms one, 0 for none", now.Arms[i].Name)
		}
		weights[i] = share
	}
	if len(in.Weights) > len(now.Arms) {
		return bad("weights", "there are %d weights for %d arms: name each arm of %q once", len(in.Weights), len(now.Arms), now.Name)
	}
	return a.changeExperiment(w, r, http.StatusOK, now.Name, experiment.Reweigh(now.Name, step, 0, weights))
}

func (a *API) rampExperiment(w http.ResponseWriter, r *http.Request) error {
	var in newTraffic
	now, step, err := a.stepOf(r, &in, &in.experimentStep)
	if err != nil {
		return err
	}
	if in.Traffic == 0 {
		next, ok := now.NextStep()
		if !ok {
			return bad("traffic", "%q has all its traffic, or no next step of a ramp: say how much it shall have, more than 0, at most 1", now.Name)
		}
		in.Traffic = next
	}
	return a.changeExperiment(w, r, http.StatusOK, now.Name, experiment.Reweigh(now.Name, step, in.Traffic, nil))
}

func (a *API) concludeExperiment(w http.ResponseWriter, r *http.Request) error {
	var in newConclusion
	now, step, err := a.stepOf(r, &in, &in.experimentStep)
	if err != nil {
		return err
	}
	return a.changeExperiment(w, r, http.StatusOK, now.Name, experiment.Finish(now.Name, step, in.Winner))
}

func (a *API) deleteExperiment(w http.ResponseWriter, r *http.Request) error {
	now, err := a.experimentNamed(r)
	if err != nil {
		return err
	}
	return a.changeExperiment(w, r, http.StatusNoContent, now.Name, experiment.Discard(now.Name, experiment.Step{Author: callerOf(r).name, At: time.Now()}))
}

// experimentFault finds the fault for what experiments answer; nil when it is none of theirs.
func experimentFault(err error) *llm.Fault {
	if faults, ok := errors.AsType[*experiment.Faults](err); ok {
		f := bad("", "%s", strings.Join(faults.List, "; "))
		if field, _, found := strings.Cut(faults.List[0], ":"); found && len(faults.List) == 1 {
			f.Param = field
		}
		return f.Because(err)
	}
	_, text, found := strings.Cut(err.Error(), experiment.ErrExperiment.Error()+": ")
	if !found {
		text = err.Error()
	}
	switch {
	case errors.Is(err, experiment.ErrNone):
		return llm.Faultf(llm.NotFound, "%v; GET %s/experiments lists them", err, prefix)
	case errors.Is(err, experiment.ErrConflict):
		return llm.Faultf(llm.Conflict, "%v", err)
	case errors.Is(err, experiment.ErrUnit):
		return bad("by", "%v", err)
	case errors.Is(err, experiment.ErrExperiment):
		return llm.Faultf(llm.InvalidRequest, "%s", text).Because(err)
	}
	return nil
}
