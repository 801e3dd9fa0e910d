package api

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/llm"
)

// Bounds of runs.
const (
	maxResults   = 64 << 20 // bytes of a request
	mostResults  = 1000     // in a request
	mostCompared = 10       // runs
)

type evalList struct {
	Evals []eval.Run `json:"evals"`
	Next  string     `json:"next"`
}

// evalRow is a result with what its item said.
type evalRow struct {
	eval.Result
	Input    string `json:"input"`
	Expected string `json:"expected"`
}

type newResults struct {
	Results []evalRow `json:"results"`
}

type resultList struct {
	Results []evalRow `json:"results"`
	Next    string    `json:"next"`
}

// evalRoutes are those of runs.
func (a *API) evalRoutes() []route {
	return []route{
		{
			method: "GET", path: "/evals", name: "listEvals", summary: "Runs of evaluations, newest first",
			params: append([]param{{name: "name", about: "of this evaluation"}, {name: "state", about: "that stand so", enum: []string{string(eval.Running), string(eval.Stopped), string(eval.Done)}}}, pageParams...),
			status: http.StatusOK, out: evalList{}, handle: a.listEvals,
		},
		{
			method: "POST", path: "/evals", name: "putEval", role: account.Developer,
			summary: "With a definition and no id: begin a run here, of a stored dataset and of models, prompts and RAG pipelines. With an id: store a run that weir eval run makes, in place of the one of its id; one that is done does not change",
			in:      eval.Run{}, status: http.StatusCreated, out: eval.Run{}, maxBody: 8 << 20, handle: a.putEval,
		},
		{
			method: "POST", path: "/evals/estimate", name: "estimateEval", summary: "What a run of this definition is likely to take; asks no model", role: account.Developer,
			in: newEval{}, status: http.StatusOK, out: eval.Estimate{}, handle: a.estimateEval,
		},
		{
			method: "POST", path: "/evals/{id}/stop", name: "stopEval", summary: "Stop a run that was begun here; what is under way comes in", role: account.Developer,
			status: http.StatusOK, out: eval.Run{}, handle: a.stopEval,
		},
		{
			method: "POST", path: "/evals/{id}/resume", name: "resumeEval", summary: "Go on with a run that was begun here and has stopped; nothing that was answered is asked again", role: account.Developer,
			in: resumedEval{}, status: http.StatusOK, out: eval.Run{}, handle: a.resumeEval,
		},
		{
			method: "GET", path: "/evals/{id}", name: "getEval", summary: "A run with its figures", status: http.StatusOK, out: eval.Run{}, handle: a.getEval,
		},
		{
			method: "DELETE", path: "/evals/{id}", name: "deleteEval", summary: "Remove a run and its results", role: account.Developer, status: http.StatusNoContent, handle: a.deleteEval,
		},
		{
			method: "GET", path: "/evals/{id}/results", name: "listEvalResults", summary: "What became of each item, by target, item and repeat",
			params: append([]param{{name: "target", about: "of this target"}}, pageParams...), status: http.StatusOK, out: resultList{}, handle: a.listEvalResults,
		},
		{
			method: "POST", path: "/evals/{id}/results", name: "putEvalResults", summary: "Add results to a run that is not done; one of the same target, item and repeat stands in place of another", role: account.Developer,
			in: newResults{}, status: http.StatusNoContent, maxBody: maxResults, handle: a.putEvalResults,
		},
		{
			method: "GET", path: "/evals/compare", name: "compareEvals", summary: "Runs side by side, with paired tests, and what to choose by quality, cost and latency",
			params: []param{{name: "runs", about: "ids with commas, the first of which the others are compared with", required: true}},
			status: http.StatusOK, out: eval.Comparison{}, handle: a.compareEvals,
		},
	}
}

// evalFault finds the fault of an error about runs.
func evalFault(err error) error {
	switch {
	case errors.Is(err, eval.ErrNoRun):
		return llm.Faultf(llm.NotFound, "there is no such run; GET %s/evals lists them", prefix).Because(err)
	case errors.Is(err, eval.ErrRunDone):
		return llm.Faultf(llm.Conflict, "the run is done and does not change: make another").Because(err)
	case errors.Is(err, eval.ErrNotServed):
		return llm.Faultf(llm.InvalidRequest, "%v", err).Because(err)
	case errors.Is(err, eval.ErrRunBusy):
		return llm.Faultf(llm.Conflict, "%v", err).Because(err)
	case errors.Is(err, eval.ErrNoDataset):
		return datasetFault(err)
	}
	if e, ok := errors.AsType[*eval.ReadError](err); ok {
		reasons := make([]string, len(e.Faults))
		for i, f := range e.Faults {
			reasons[i] = f.Reason
		}
		return bad("definition", "%s", strings.Join(reasons, "; "))
	}
	return err
}

func (a *API) listEvals(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	runs, err := a.cfg.Evals.ListRuns(r.Context(), eval.RunFilter{Name: q.Get("name"), State: eval.RunState(q.Get("state")), Before: q.Get("cursor")}, limit+1)
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	out := evalList{Evals: runs}
	if len(runs) > limit {
		out.Evals = runs[:limit]
		out.Next = runs[limit-1].ID
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) putEval(w http.ResponseWriter, r *http.Request) error {
	var in eval.Run
	if err := read(r, &in); err != nil {
		return err
	}
	if in.ID == "" && in.State == "" {
		return a.startEval(w, r, in.Definition)
	}
	switch {
	case !isName(in.ID):
		return bad("id", "the id %q is none: want 1 to 64 letters, digits, dots, dashes and underscores", clip(in.ID))
	case in.Name == "" || len(in.Name) > longestID:
		return bad("name", "the run needs a name of up to %d bytes", longestID)
	case in.State != eval.Running && in.State != eval.Stopped && in.State != eval.Done:
		return bad("state", "state=%q is unknown: want %s, %s or %s", clip(string(in.State)), eval.Running, eval.Stopped, eval.Done)
	case len(in.Definition.Targets) == 0 || len(in.Definition.Scorers) == 0:
		return bad("definition", "the run has no targets or no scorers")
	}
	in.Author, in.Served = callerOf(r).name, false
	in.CreatedAt, in.UpdatedAt = in.CreatedAt.UTC().Truncate(time.Microsecond), in.UpdatedAt.UTC().Truncate(time.Microsecond)
	in.Summary.Fill()
	if err := a.cfg.Evals.PutRun(r.Context(), in); err != nil {
		return evalFault(err)
	}
	return answer(w, http.StatusCreated, in)
}

func (a *API) getEval(w http.ResponseWriter, r *http.Request) error {
	run, err := a.cfg.Evals.GetRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return evalFault(err)
	}
	return answer(w, http.StatusOK, run)
}

func (a *API) deleteEval(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, err := a.cfg.Evals.GetRun(r.Context(), id); err != nil {
		return evalFault(err)
	}
	if a.cfg.EvalRunner != nil {
		if err := a.cfg.EvalRunner.Forget(r.Context(), id); err != nil {
			return evalFault(err)
		}
	}
	if err := a.cfg.EvalResults.DeleteResults(r.Context(), id); err != nil { // first: while the run is there, it can be asked for again
		return fmt.Errorf("delete results: %w", err)
	}
	if err := a.cfg.Evals.DeleteRun(r.Context(), id); err != nil {
		return evalFault(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) putEvalResults(w http.ResponseWriter, r *http.Request) error {
	var in newResults
	if err := read(r, &in); err != nil {
		return err
	}
	run, err := a.cfg.Evals.GetRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return evalFault(err)
	}
	switch {
	case run.State == eval.Done:
		return evalFault(eval.ErrRunDone)
	case len(in.Results) == 0 || len(in.Results) > mostResults:
		return bad("results", "%d results: want 1 to %d in a request", len(in.Results), mostResults)
	}
	rows := make([]eval.Row, len(in.Results))
	for i := range in.Results {
		res := &in.Results[i]
		if run.Definition.Target(res.Target) == nil || res.Item == "" || res.Repeat < 1 || res.Repeat > max(1, run.Definition.Repeat) {
			return bad("results", "result %d is of no ask of the run: its target is %q, its item %q, its repeat %d", i+1, clip(res.Target), clip(res.Item), res.Repeat)
		}
		rows[i] = eval.Row{Result: res.Result, Name: run.Name, Input: res.Input, Expected: res.Expected}
	}
	if err := a.cfg.EvalResults.PutResults(r.Context(), run.ID, rows); err != nil {
		return fmt.Errorf("store results: %w", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// resultCursor is a key as a cursor.
func resultCursor(k eval.Key) string {
	text, err := json.Marshal(k)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func readResultCursor(text string) (k eval.Key, err error) {
	if text == "" {
		return k, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &k)
	}
	if err != nil {
		return k, bad("cursor", "the cursor is not one of this list: use the next of an answer with the same filters, or leave it out to begin at the start")
	}
	return k, nil
}

func (a *API) listEvalResults(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	after, err := readResultCursor(q.Get("cursor"))
	if err != nil {
		return err
	}
	run, err := a.cfg.Evals.GetRun(r.Context(), r.PathValue("id"))
	if err != nil {
		return evalFault(err)
	}
	out := resultList{Results: []evalRow{}}
	for row, err := range a.cfg.EvalResults.Results(r.Context(), run.ID, q.Get("target"), after, limit+1) {
		if err != nil {
			return fmt.Errorf("read results: %w", err)
		}
		if len(out.Results) == limit {
			out.Next = resultCursor(out.Results[limit-1].Key)
			break
		}
		out.Results = append(out.Results, evalRow{row.Result, row.Input, row.Expected})
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) compareEvals(w http.ResponseWriter, r *http.Request) error {
	ids := strings.Split(r.URL.Query().Get("runs"), ",")
	if len(ids) < 1 || ids[0] == "" || len(ids) > mostCompared {
		return bad("runs", "runs=%q names no runs: want 1 to %d ids with commas", clip(r.URL.Query().Get("runs")), mostCompared)
	}
	var list []eval.Compared
	for _, id := range ids {
		run, err := a.cfg.Evals.GetRun(r.Context(), strings.TrimSpace(id))
		if err != nil {
			return evalFault(err)
		}
		one := eval.Compared{Run: run}
		for row, err := range a.cfg.EvalResults.Results(r.Context(), run.ID, "", eval.Key{}, 0) {
			if err != nil {
				return fmt.Errorf("read results: %w", err)
			}
			one.Results = append(one.Results, row.Result)
		}
		list = append(list, one)
	}
	out, err := eval.Compare(list)
	if err != nil {
		return bad("runs", "%v", err)
	}
	return answer(w, http.StatusOK, out)
}
