package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
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
