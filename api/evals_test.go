package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

const evalRun = `{"id":"%s","name":"faq","state":"%s","snapshot":"h","items":2,"created_at":"2026-11-24T08:00:00.123456Z","updated_at":"%s","summary":{"targets":null},` +
	`"definition":{"name":"faq","dataset":"d.jsonl","repeat":1,"concurrency":4,"retries":2,"timeout":"2m0s","targets":[{"name":"t","command":["cat"]}],"scorers":[{"name":"exact","metric":"exact"}],"gate":{"exact":{"min_mean":0.9}}}}`

func evalResult(item, hash string, value float64) string {
	return fmt.Sprintf(`{"target":"t","item":"%s","repeat":1,"item_hash":"%s","answer":{"text":"x","latency_ms":5,"tries":1,"at":"2026-11-24T08:00:01Z","cost_usd":"0.000001000"},"scores":{"exact":{"state":"scored","value":%v,"passed":true}},"input":"in","expected":"ex"}`, item, hash, value)
}

func TestEvals(t *testing.T) {
	w := newWorld(t)
	const at = "2026-11-24T08:00:02Z"
	made := w.wants("POST", "/evals", fmt.Sprintf(evalRun, "r1", "running", at), http.StatusCreated)
	if made["id"] != "r1" || made["author"] == "" || made["definition"].(map[string]any)["gate"] == nil {
		t.Errorf("%v", made)
	}
	w.wants("POST", "/evals/r1/results", `{"results":[`+evalResult("a", "h1", 1)+`,`+evalResult("b", "h2", 0)+`]}`, http.StatusNoContent)
	page := w.wants("GET", "/evals/r1/results?limit=1", "", http.StatusOK)
	if got := page["results"].([]any); len(got) != 1 || got[0].(map[string]any)["item"] != "a" || got[0].(map[string]any)["input"] != "in" || page["next"] == "" {
		t.Errorf("%v", page)
	}
	page = w.wants("GET", "/evals/r1/results?limit=1&cursor="+page["next"].(string), "", http.StatusOK)
	if got := page["results"].([]any); len(got) != 1 || got[0].(map[string]any)["item"] != "b" || page["next"] != "" {
		t.Errorf("%v", page)
	}
	for body, want := range map[string]string{
		`{"results":[]}`: "want 1 to 1000",
		`{"results":[{"target":"other","item":"a"}]}`:        "is of no ask of the run",
		`{"results":[{"target":"t","repeat":1}]}`:            "is of no ask of the run",
		`{"results":[{"target":"t","item":"a","repeat":2}]}`: "is of no ask of the run",
	} {
		if got := w.fails("POST", "/evals/r1/results", body, http.StatusBadRequest); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", body, got, want)
		}
	}
	w.wants("POST", "/evals", fmt.Sprintf(evalRun, "r1", "done", at), http.StatusCreated)
	w.wants("POST", "/evals", fmt.Sprintf(evalRun, "r1", "done", "2026-11-24T08:00:03Z"), http.StatusCreated)
	w.fails("POST", "/evals", fmt.Sprintf(evalRun, "r1", "running", at), http.StatusConflict)
	w.fails("POST", "/evals/r1/results", `{"results":[`+evalResult("a", "h1", 0)+`]}`, http.StatusConflict)
	w.wants("POST", "/evals", fmt.Sprintf(evalRun, "r2", "stopped", at), http.StatusCreated)
	for query, want := range map[string]string{"": "r2 r1", "?state=done": "r1", "?name=faq&limit=1": "r2", "?cursor=r2": "r1", "?name=other": ""} {
		var ids []string
		for _, r := range w.wants("GET", "/evals"+query, "", http.StatusOK)["evals"].([]any) {
			ids = append(ids, r.(map[string]any)["id"].(string))
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	for body, want := range map[string]string{
		fmt.Sprintf(evalRun, "a b", "done", at): "the id",
		fmt.Sprintf(evalRun, "r3", "half", at):  "state=",
		`{"id":"r3","name":"n","state":"done"}`: "no targets",
		`{"id":"r3","state":"done"}`:            "needs a name",
		`{"id":"r3","title":"n"}`:               "no field",
	} {
		if got := w.fails("POST", "/evals", body, http.StatusBadRequest); !strings.Contains(got, want) {
			t.Errorf("%.80s: %s, want %q", body, got, want)
		}
	}
	w.fails("GET", "/evals/none", "", http.StatusNotFound)
	w.fails("GET", "/evals/none/results", "", http.StatusNotFound)
	w.fails("GET", "/evals/r1/results?cursor=x", "", http.StatusBadRequest)
	w.wants("DELETE", "/evals/r1", "", http.StatusNoContent)
	w.fails("DELETE", "/evals/r1", "", http.StatusNotFound)
}

func TestCompareEvals(t *testing.T) {
	w := newWorld(t)
	const at = "2026-11-24T08:00:02Z"
	summary := `"summary":{"targets":[{"target":"t","asked":2,"scores":[{"scorer":"exact","metric":"exact","scored":2,"mean":0.5}]}]}`
	for i, id := range []string{"r1", "r2"} {
		run := strings.Replace(fmt.Sprintf(evalRun, id, "running", at), `"summary":{"targets":null}`, summary, 1)
		w.wants("POST", "/evals", run, http.StatusCreated)
		w.wants("POST", "/evals/"+id+"/results", `{"results":[`+evalResult("a", "h1", 1)+`,`+evalResult("b", "h2", float64(i))+`]}`, http.StatusNoContent)
		w.wants("POST", "/evals", strings.Replace(run, "running", "done", 1), http.StatusCreated)
	}
	got := w.wants("GET", "/evals/compare?runs=r1,r2", "", http.StatusOK)
	pair := got["scorers"].([]any)[0].(map[string]any)["pairs"].([]any)[0].(map[string]any)
	if len(got["systems"].([]any)) != 2 || pair["n"] != 2.0 || pair["won"] != 1.0 || pair["tied"] != 1.0 || pair["p"] != 1.0 {
		t.Errorf("%v", got)
	}
	w.fails("GET", "/evals/compare?runs=r1,none", "", http.StatusNotFound)
	w.fails("GET", "/evals/compare?runs=", "", http.StatusBadRequest)
}

// fakeRunner answers as it is told, and remembers who asked for what.
type fakeRunner struct {
	err   error
	heard []string
}

func servedRun(id string, state eval.RunState) eval.Run {
	return eval.Run{
		ID: id, Name: "faq", State: state, Served: true, Summary: eval.Summary{Targets: []eval.TargetSummary{}},
		Definition: eval.Definition{Targets: []eval.TargetConfig{{Name: "t", Model: "m"}}, Scorers: []eval.ScorerConfig{{Name: "exact", Metric: "exact"}}},
	}
}

func (f *fakeRunner) Begin(_ context.Context, d eval.Definition, author string) (eval.Run, error) {
	f.heard = append(f.heard, "begin "+d.Name+" by "+author)
	return eval.Run{ID: "s1", Name: d.Name, State: eval.Running, Definition: d, Author: author, Served: true, Summary: eval.Summary{Targets: []eval.TargetSummary{}}}, f.err
}

func (f *fakeRunner) Estimate(_ context.Context, d eval.Definition) (eval.Estimate, error) {
	return eval.Estimate{Calls: len(d.Targets), Cost: 5, Unpriced: []string{}, Targets: []eval.TargetEstimate{}, Scorers: []eval.ScorerEstimate{}}, f.err
}

func (f *fakeRunner) Stop(_ context.Context, id, by string) (eval.Run, error) {
	f.heard = append(f.heard, "stop "+id+" by "+by)
	return servedRun(id, eval.Stopped), f.err
}

func (f *fakeRunner) Resume(_ context.Context, id string, most *price.USD) (eval.Run, error) {
	f.heard = append(f.heard, fmt.Sprint("resume ", id, " ", most))
	return servedRun(id, eval.Running), f.err
}

func (f *fakeRunner) Forget(_ context.Context, id string) error {
	f.heard = append(f.heard, "forget "+id)
	return f.err
}

// Runs are begun, stopped and resumed by who may, and what hinders that is said in words.
func TestServedEvals(t *testing.T) {
	w := newWorld(t)
	definition := `{"definition":{"name":"faq","dataset":"faq","targets":[{"name":"t","model":"m"}],"scorers":[{"name":"exact","metric":"exact"}]}}`
	if got := w.fails("POST", "/evals", definition, http.StatusBadRequest); !strings.Contains(got, "weir eval run does") {
		t.Errorf("without a runner: %s", got)
	}
	f := &fakeRunner{}
	w.api.cfg.EvalRunner = f
	made := w.wants("POST", "/evals", definition, http.StatusCreated)
	if made["id"] != "s1" || made["served"] != true || made["state"] != "running" {
		t.Errorf("%v", made)
	}
	if got := w.wants("POST", "/evals/estimate", definition, http.StatusOK); got["calls"] != 1.0 || got["cost_usd"] != "0.000000005" {
		t.Errorf("%v", got)
	}
	w.refused(w.ask("POST", "/evals", definition, w.member("vic", account.Viewer)), http.StatusForbidden, llm.Forbidden, "developer")
	w.refused(w.ask("POST", "/evals/s1/stop", "", w.member("vic2", account.Viewer)), http.StatusForbidden, llm.Forbidden, "developer")

	const at = "2026-11-24T08:00:02Z"
	w.wants("POST", "/evals", strings.Replace(fmt.Sprintf(evalRun, "cli", "stopped", at), `"items":2`, `"items":2,"served":true`, 1), http.StatusCreated) // whoever stores a run cannot say that the server makes it
	for _, verb := range []string{"stop", "resume"} {
		if got := w.fails("POST", "/evals/cli/"+verb, map[string]string{"stop": "", "resume": "{}"}[verb], http.StatusConflict); !strings.Contains(got, "weir eval run FILE --resume cli") {
			t.Errorf("%s: %s", verb, got)
		}
	}
	if err := w.evals.PutRun(t.Context(), servedRun("own", eval.Stopped)); err != nil {
		t.Fatal(err)
	}
	w.wants("POST", "/evals/own/stop", "", http.StatusOK)
	w.wants("POST", "/evals/own/resume", `{"max_cost_usd":"2.5"}`, http.StatusOK)
	w.fails("POST", "/evals/own/resume", `{"max_cost_usd":"-1"}`, http.StatusBadRequest)
	w.fails("POST", "/evals/none/stop", "", http.StatusNotFound)
	for err, want := range map[error]int{
		fmt.Errorf("%w: it is a command", eval.ErrNotServed): http.StatusBadRequest, fmt.Errorf("8 %w", eval.ErrRunBusy): http.StatusConflict, eval.ErrNoDataset: http.StatusNotFound,
		&eval.ReadError{Faults: []eval.LineFault{{Line: 1, Reason: "there is no metric"}}}: http.StatusBadRequest,
	} {
		f.err = err
		if got := w.fails("POST", "/evals", definition, want); want == http.StatusBadRequest && !strings.Contains(got, "it is a command") && got != "there is no metric" && !strings.Contains(got, "there is no metric") {
			t.Errorf("%v: %s", err, got)
		}
	}
	f.err = eval.ErrRunBusy
	w.fails("DELETE", "/evals/own", "", http.StatusConflict)
	f.err = nil
	w.wants("DELETE", "/evals/own", "", http.StatusNoContent)
	if got := strings.Join(f.heard[:4], "; "); !strings.HasPrefix(got, "begin faq by ") || !strings.Contains(got, "stop own by ") || !strings.Contains(got, "resume own 2.500000000") {
		t.Errorf("heard %q", f.heard)
	}
}
