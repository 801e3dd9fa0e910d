package api

import (
	"context"
	"net/http"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// EvalRunner makes runs in the background of the server. Errors of all: eval.ErrNotServed and *eval.ReadError of a definition, eval.ErrNoDataset,
// eval.ErrNoRun, eval.ErrRunBusy of a run that is on its way or of too many that are, eval.ErrRunDone. Safe for concurrent use.
type EvalRunner interface {
	// Begin starts a run on account of an author, and gives it as it stands.
	Begin(ctx context.Context, d eval.Definition, author string) (eval.Run, error)
	// Estimate says what a run would take.
	Estimate(ctx context.Context, d eval.Definition) (eval.Estimate, error)
	// Stop lets what is under way come in, and no more. It does not wait long for that: the run may still be running.
	Stop(ctx context.Context, id, by string) (eval.Run, error)
	// Resume goes on with a run; it may cost as much in all as most says, or as before when that is nil.
	Resume(ctx context.Context, id string, most *price.USD) (eval.Run, error)
	// Forget removes what is kept beside the stores; that there is nothing is fine. eval.ErrRunBusy while the run is on its way.
	Forget(ctx context.Context, id string) error
}

// newEval is a run that is to be begun.
type newEval struct {
	Definition eval.Definition `json:"definition"`
}

// resumedEval says how a run goes on.
type resumedEval struct {
	MaxCost *price.USD `json:"max_cost_usd,omitempty"` // in all, in place of what it was begun with
}

// evalRunner is what makes runs, or a fault.
func (a *API) evalRunner() (EvalRunner, error) {
	if a.cfg.EvalRunner == nil {
		return nil, llm.Faultf(llm.InvalidRequest, "this weir begins no runs: weir eval run does")
	}
	return a.cfg.EvalRunner, nil
}

func (a *API) startEval(w http.ResponseWriter, r *http.Request, d eval.Definition) error {
	runner, err := a.evalRunner()
	if err != nil {
		return err
	}
	run, err := runner.Begin(r.Context(), d, callerOf(r).name)
	if err != nil {
		return evalFault(err)
	}
	return answer(w, http.StatusCreated, run)
}

func (a *API) estimateEval(w http.ResponseWriter, r *http.Request) error {
	var in newEval
	if err := read(r, &in); err != nil {
		return err
	}
	runner, err := a.evalRunner()
	if err != nil {
		return err
	}
	e, err := runner.Estimate(r.Context(), in.Definition)
	if err != nil {
		return evalFault(err)
	}
	return answer(w, http.StatusOK, e)
}

func (a *API) stopEval(w http.ResponseWriter, r *http.Request) error {
	runner, err := a.servedRun(r)
	if err != nil {
		return err
	}
	run, err := runner.Stop(r.Context(), r.PathValue("id"), callerOf(r).name)
	if err != nil {
		return evalFault(err)
	}
	return answer(w, http.StatusOK, run)
}

func (a *API) resumeEval(w http.ResponseWriter, r *http.Request) error {
	var in resumedEval
	if err := read(r, &in); err != nil {
		return err
	}
	if in.MaxCost != nil && *in.MaxCost <= 0 {
		return bad("max_cost_usd", "max_cost_usd is %s: want dollars above 0", *in.MaxCost)
	}
	runner, err := a.servedRun(r)
	if err != nil {
		return err
	}
	run, err := runner.Resume(r.Context(), r.PathValue("id"), in.MaxCost)
	if err != nil {
		return evalFault(err)
	}
	return answer(w, http.StatusOK, run)
}

// servedRun is what makes runs, if the run of the path is one of its own.
func (a *API) servedRun(r *http.Request) (EvalRunner, error) {
	runner, err := a.evalRunner()
	if err != nil {
		return nil, err
	}
	run, err := a.cfg.Evals.GetRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, evalFault(err)
	}
	if !run.Served {
		return nil, llm.Faultf(llm.Conflict, "the run was begun on a command line, and goes on there: weir eval run FILE --resume %s", run.ID)
	}
	return runner, nil
}
