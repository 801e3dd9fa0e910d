package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

type scoreText struct {
	ID, Name, Type, Source, Author, Comment, Project, Prompt, Arm string
	CallID                                                        string `json:"call_id"`
	Value                                                         any
}

func (w *world) scoresOf(target string) []scoreText {
	w.t.Helper()
	var list struct{ Scores []scoreText }
	w.get(target, &list)
	return list.Scores
}

func TestScoresAreGivenCorrectedSummedAndTakenBack(t *testing.T) {
	w := newWorld(t)
	inStore := changed("call-1", func(r *trace.Record) {
		r.Call.Prompt, r.Call.PromptVersion, r.Call.Experiment, r.Call.Arm, r.Call.Epoch, r.Call.Unit = "greet", 3, "tone", "b", 1, "u1"
	})
	w.record(inStore)
	w.spool.waiting = []trace.Record{changed("call-2", func(*trace.Record) {})}

	rec := w.ask("POST", "/scores", `{"call_id":"call-1","name":"helpful","value":0.5,"comment":"so <b>so</b>"}`)
	made := decode[struct{ ID string }](t, rec.Body.Bytes())
	if rec.Code != http.StatusCreated || made.ID == "" {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	rec = w.ask("POST", "/scores", `{"scores":[{"call_id":"call-2","name":"ok","value":true,"source":"human","author":"somebody"},{"call_id":"call-1","name":"tone","value":"kind","source":"judge","author":"judge","config_version":"judge@2"}]}`)
	if rec.Code != http.StatusCreated {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	got := w.scoresOf("/scores?call=call-1&name=helpful")
	want := []scoreText{{ID: made.ID, CallID: "call-1", Name: "helpful", Type: "number", Value: 0.5, Source: "api", Author: "admin", Comment: "so <b>so</b>", Project: "default", Prompt: "greet@3", Arm: "b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := w.scoresOf("/scores?source=human"); len(got) != 1 || got[0].Author != "admin" || got[0].Value != true || got[0].CallID != "call-2" {
		t.Errorf("a human's score is %+v", got)
	}
	if got := w.scoresOf("/scores?experiment=tone&arm=b&config_version=judge@2"); len(got) != 1 || got[0].Value != "kind" {
		t.Errorf("a judge's score is %+v", got)
	}

	w.ask("POST", "/scores", `{"id":"`+made.ID+`","call_id":"call-1","name":"helpful","value":1}`)
	w.ask("POST", "/scores", `{"trace_id":"0af7651916cd43dd8448eb211c80319c","name":"helpful","value":0}`)
	var sums struct {
		Rows []struct {
			Name  string
			Group map[string]string
			N     int
			Mean  float64
		}
	}
	w.get("/scores/summary?by=prompt&name=helpful", &sums)
	if len(sums.Rows) != 1 || sums.Rows[0].N != 2 || sums.Rows[0].Mean != 0.5 || sums.Rows[0].Group["prompt"] != "greet@3" {
		t.Errorf("%+v", sums)
	}

	if rec := w.ask("DELETE", "/scores/"+made.ID, ""); rec.Code != http.StatusNoContent {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if got := w.scoresOf("/scores?call=call-1&name=helpful"); len(got) != 0 {
		t.Errorf("taken back, and yet %+v", got)
	}
	w.refused(w.ask("DELETE", "/scores/"+made.ID, ""), 404, llm.NotFound)
}

func TestWhatIsNoScoreIsRefused(t *testing.T) {
	w := newWorld(t)
	w.record(changed("call-1", func(*trace.Record) {}))
	for body, word := range map[string]string{
		`{"call_id":"call-1","name":"a","value":null}`:             "want a number",
		`{"call_id":"call-1","name":"a"}`:                          "has no value",
		`{"call_id":"call-1","name":"a","value":[1]}`:              "another type",
		`{"call_id":"call-1","name":"a","value":""}`:               "0 characters",
		`{"call_id":"call-1","name":"a","value":1e999}`:            "no value",
		`{"call_id":"call-1","name":"a b","value":1}`:              "1 to 64",
		`{"name":"a","value":1}`:                                   "a call_id, or a trace_id",
		`{"call_id":"call-1","trace_id":"x","name":"a","value":1}`: "a call_id, or a trace_id",
		`{"call_id":"call-1","name":"a","value":1,"source":"me"}`:  "want api, human",
		`{"scores":[]}`: "1 to 1000",
		`{"name":"a","scores":[{"call_id":"call-1","name":"a","value":1}]}`:                                                  "one or the other",
		`{"scores":[{"call_id":"call-1","name":"a","value":1},{"call_id":"call-1","name":"","value":1}]}`:                    "score 2: ",
		`{"scores":[{"id":"x","call_id":"call-1","name":"a","value":1},{"id":"x","call_id":"call-1","name":"b","value":1}]}`: "stands twice",
		`{"call_id":"call-1","name":"a","value":1,"comment":"` + strings.Repeat("x", longestComment+1) + `"}`:                "10001 bytes",
	} {
		w.refused(w.ask("POST", "/scores", body), 400, llm.InvalidRequest, word)
	}
	w.refused(w.ask("POST", "/scores", `{"call_id":"call-9","name":"a","value":1}`), 404, llm.NotFound, "call-9", "X-Weir-Call-Id")
	w.refused(w.ask("POST", "/scores", `{"trace_id":"nope","name":"a","value":1}`), 404, llm.NotFound, "nope")
	w.refused(w.ask("GET", "/scores/summary?by=user", ""), 400, llm.InvalidRequest, "user")
	w.refused(w.ask("GET", "/scores?source=x", ""), 400, llm.InvalidRequest)
	if got := w.scoresOf("/scores"); len(got) != 0 {
		t.Errorf("of refused scores are kept %+v", got)
	}
}
