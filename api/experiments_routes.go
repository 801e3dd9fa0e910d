package api

import (
	"net/http"
	"slices"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/prompts/experiment"
)

var (
	experimentParams = []param{
		{name: "points", about: "at how many earlier times the effect is told; 10 unless given, 0 for none, at most 50", kind: "integer"},
		{name: "by", about: "what to count by: the experiment's unit, which it is unless given. Anything else is refused"},
	}
	revisionParam    = param{name: "revision", about: "that the experiment is thought to have: another is a conflict", kind: "integer"}
	assignmentParams = []param{
		{name: "unit", about: "the user, session, key's id or header's value", required: true},
		{name: "project", about: "of the call, for a target"},
		{name: "key", about: "the key's id, for a target"},
		{name: "user", about: "for a target"},
		{name: "session", about: "for a target"},
		{name: "model", about: "that is asked for, for a target"},
		{name: "label", about: "by which the prompt is named, for a target"},
		{name: "tag.k", about: "the tag k, for a target"},
	}
)

// experimentRoutes are those of experiments.
func (a *API) experimentRoutes() []route {
	step := func(verb, name, summary string, in, out any, handle func(http.ResponseWriter, *http.Request) error) route {
		return route{
			method: "POST", path: "/experiments/{name}/" + verb, name: name, role: account.Developer, summary: summary, in: in, status: http.StatusOK, out: out, handle: handle,
		}
	}
	return slices.Concat([]route{
		{
			method: "GET", path: "/experiments", name: "listExperiments", summary: "All experiments by name, as they are described and where they stand",
			params: []param{{name: "status", about: "of this status", enum: experimentStatuses}}, status: http.StatusOK, out: experimentList{}, handle: a.listExperiments,
		},
		{
			method: "POST", path: "/experiments", name: "createExperiment", role: account.Developer, summary: "Describe an experiment: a draft, which assigns nobody until it is started",
			in: experiment.Experiment{}, status: http.StatusCreated, out: experimentRow{}, handle: a.createExperiment,
		},
		{
			method: "GET", path: "/experiments/{name}", name: "getExperiment", params: experimentParams,
			summary: "An experiment whole: what is known by now and at earlier times, the verdict in plain words, and what was done to it. It may be looked at whenever one likes",
			status:  http.StatusOK, out: experimentDetail{}, handle: a.getExperiment,
		},
		{
			method: "PUT", path: "/experiments/{name}", name: "editExperiment", role: account.Developer, summary: "Put another description in place of a draft's", params: []param{revisionParam},
			in: experiment.Experiment{}, status: http.StatusOK, out: experimentRow{}, handle: a.editExperiment,
		},
		{
			method: "DELETE", path: "/experiments/{name}", name: "deleteExperiment", role: account.Developer, summary: "Remove a draft; what has run is kept",
			status: http.StatusNoContent, handle: a.deleteExperiment,
		},
		{
			method: "GET", path: "/experiments/{name}/assignment", name: "assignUnit", summary: "Which arm a unit gets, or would get if a draft were started now", params: assignmentParams,
			status: http.StatusOK, out: experimentAssignment{}, handle: a.assignUnit,
		},
	}, []route{
		step("start", "startExperiment", "Start a draft, or a stopped experiment again. Labels of its arms' prompts become the versions that they point to now", experimentStep{}, experimentRow{}, a.startExperiment),
		step("stop", "stopExperiment", "Stop a running experiment: calls get what they ask for; it can be started again", experimentStep{}, experimentRow{}, a.stopExperiment),
		step("weights", "weighExperiment", "Change the arms' shares, from the next call on; units stay where they are as far as no share shrinks", newWeights{}, experimentRow{}, a.weighExperiment),
		step("ramp", "rampExperiment", "Change how much of the traffic takes part: to the next step of the ramp, or as said", newTraffic{}, experimentRow{}, a.rampExperiment),
		step("conclude", "concludeExperiment", "End an experiment for good, for an arm or for none", newConclusion{}, experimentRow{}, a.concludeExperiment),
		step("promote", "promoteExperiment", "Conclude an experiment for an arm and have its version served to all: the label moves, or a change request is opened when it is protected",
			newPromotion{}, promotion{}, a.promoteExperiment),
	})
}
