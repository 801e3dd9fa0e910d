package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

const toneQueue = `{"name":"tone","project":"default","reviewers":2,"instructions":"be fair","questions":[
	{"name":"kind","kind":"number","min":1,"max":5},{"name":"style","kind":"category","categories":["warm","cold"]},{"name":"safe","kind":"boolean","optional":true}]}`

// queueText is a queue's progress as clients read it.
type queueText struct {
	Name     string
	Progress struct {
		Items, Waiting, Taken, Done, Skipped int
		People                               []struct {
			Name          string
			Done, Skipped int
		}
	}
}

type addedText struct {
	Added, There int
	Skipped      map[string]int
}

type nextText struct {
	Item *struct {
		CallID string `json:"call_id"`
		State  string
		Run    string
	}
	Until *time.Time
}

func (w *world) next(as func(*http.Request)) string {
	w.t.Helper()
	rec := w.ask("POST", "/annotations/tone/next", "", as)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if got := decode[nextText](w.t, rec.Body.Bytes()); got.Item != nil {
		return got.Item.CallID
	}
	return ""
}

func TestPeopleScoreWhatIsInAQueue(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.record(changed(fmt.Sprint("call-", i+1), func(r *trace.Record) { r.Call.Start = t0.Add(-time.Duration(i) * time.Minute) }))
	}
	w.record(changed("other-4", func(r *trace.Record) { r.Call.Project = "else" }))
	ann, bob := w.member("ann", account.Developer), w.member("bob", account.Developer)
	viewer := w.member("eve", account.Viewer)

	if rec := w.ask("POST", "/annotations", toneQueue); rec.Code != http.StatusCreated {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	add := func(target, body string) addedText {
		t.Helper()
		rec := w.ask("POST", "/annotations/tone/items"+target, body)
		if rec.Code != http.StatusCreated {
			t.Fatalf("%d %s", rec.Code, rec.Body)
		}
		return decode[addedText](t, rec.Body.Bytes())
	}
	if diff := cmp.Diff(addedText{Added: 1, Skipped: map[string]int{"it is of another project": 1, "there is no such call": 1}}, add("", `{"call_ids":["call-1","call-1","other-4","nope"]}`)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := add("?model=gpt-4o-mini-2024-07-18", `{"calls":{"limit":10}}`); got.Added != 2 || got.There != 1 {
		t.Errorf("%+v", got)
	}

	if got := w.next(ann); got != "call-1" {
		t.Errorf("ann's first is %q", got)
	}
	score := func(as func(*http.Request), call, body string, status int) {
		t.Helper()
		if rec := w.ask("POST", "/annotations/tone/items/"+call+"/scores", body, as); rec.Code != status {
			t.Errorf("%d %s, want %d", rec.Code, rec.Body, status)
		}
	}
	score(ann, "call-1", `{"scores":{"kind":4,"style":"warm"},"comment":"a <b>word</b>"}`, 201)
	score(ann, "call-1", `{"scores":{"kind":5,"style":"warm","safe":true}}`, 201) // corrected
	got := w.scoresOf("/scores?call=call-1&source=human")
	if len(got) != 3 {
		t.Errorf("%+v", got)
	}
	for _, s := range got {
		if s.Author != "ann" || s.Project != "default" || s.Name == "kind" && s.Value != 5.0 {
			t.Errorf("%+v", s)
		}
	}
	if got := w.next(bob); got != "call-1" {
		t.Errorf("bob's first is %q", got)
	}
	score(bob, "call-1", `{"scores":{"kind":2,"style":"cold"}}`, 201)
	w.refused(w.ask("POST", "/annotations/tone/items/call-1/scores", `{"scores":{"kind":2,"style":"cold"}}`), 409, llm.Conflict, "next one")
	if got := w.next(bob); got != "call-2" {
		t.Errorf("bob's second is %q", got)
	}
	if rec := w.ask("POST", "/annotations/tone/items/call-2/skip", `{"reason":"not German"}`, bob); rec.Code != http.StatusNoContent {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if got := w.next(bob); got != "call-3" {
		t.Errorf("bob's third is %q", got)
	}

	var q queueText
	w.get("/annotations/tone", &q)
	if p := q.Progress; p.Items != 3 || p.Done != 1 || p.Waiting != 2 || p.Taken != 1 || len(p.People) != 2 || p.People[1].Name != "bob" || p.People[1].Done != 1 || p.People[1].Skipped != 1 {
		t.Errorf("%+v", p)
	}
	var list struct{ Queues []queueText }
	w.get("/annotations", &list)
	if len(list.Queues) != 1 || list.Queues[0].Progress.Items != 3 {
		t.Errorf("%+v", list)
	}
	var items struct {
		Items []struct {
			CallID  string `json:"call_id"`
			State   string
			Reviews []struct{ Who, State, Reason string }
		}
		Next string
	}
	w.get("/annotations/tone/items?limit=2", &items)
	if len(items.Items) != 2 || items.Next != "call-2" || items.Items[0].State != "done" || items.Items[1].Reviews[0].Reason != "not German" {
		t.Errorf("%+v", items)
	}
	w.refused(w.ask("POST", "/annotations/tone/next", "", viewer), 403, llm.Forbidden)
	if rec := w.ask("DELETE", "/annotations/tone", ""); rec.Code != http.StatusNoContent {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.refused(w.ask("GET", "/annotations/tone", ""), 404, llm.NotFound)
	if got := w.scoresOf("/scores?call=call-1"); len(got) != 5 {
		t.Errorf("scores went with their queue: %+v", got)
	}
}

func TestResultsOfARunAreQueued(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.record(changed(fmt.Sprint("call-", i+1), func(*trace.Record) {}))
	}
	if rec := w.ask("POST", "/annotations", `{"name":"tone","questions":[{"name":"ok","kind":"boolean"}]}`); rec.Code != http.StatusCreated {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if rec := w.ask("POST", "/evals", fmt.Sprintf(evalRun, "run-1", "running", "2026-11-24T08:00:00Z")); rec.Code != http.StatusCreated {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	result := func(item, call, score string) string {
		return fmt.Sprintf(`{"target":"t","item":%q,"repeat":1,"answer":{"text":"x","call_id":%q},"scores":{"s":%s},"input":"","expected":""}`, item, call, score)
	}
	rec := w.ask("POST", "/evals/run-1/results", `{"results":[`+result("a", "call-1", `{"state":"scored","value":0.9,"passed":true}`)+","+
		result("b", "call-2", `{"state":"scored","value":0.2,"passed":false}`)+","+result("c", "call-3", `{"state":"failed","value":0}`)+","+result("d", "", `{"state":"scored","value":0.1}`)+`]}`)
	if rec.Code != http.StatusNoContent {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	for _, tt := range []struct {
		body string
		want addedText
	}{
		{`{"run":{"id":"run-1","scorer":"s","below":0.5}}`, addedText{Added: 1, Skipped: map[string]int{"its answer is no recorded call": 1}}},
		{`{"run":{"id":"run-1","failed":true}}`, addedText{Added: 1, There: 1, Skipped: map[string]int{}}},
		{`{"run":{"id":"run-1","limit":1}}`, addedText{Added: 1, Skipped: map[string]int{}}},
	} {
		rec := w.ask("POST", "/annotations/tone/items", tt.body)
		if diff := cmp.Diff(tt.want, decode[addedText](t, rec.Body.Bytes())); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.body, diff)
		}
	}
	if got := decode[nextText](t, w.ask("POST", "/annotations/tone/next", "").Body.Bytes()); got.Item == nil || got.Item.CallID != "call-2" || got.Item.Run != "run-1" {
		t.Errorf("%+v", got)
	}
	w.refused(w.ask("POST", "/annotations/tone/items", `{"run":{"id":"none"}}`), 404, llm.NotFound)
	w.refused(w.ask("POST", "/annotations/tone/items", `{"run":{"id":"run-1","below":1}}`), 400, llm.InvalidRequest, "scorer")
}

func TestWhatIsNoQueueIsRefused(t *testing.T) {
	w := newWorld(t)
	w.record(changed("call-1", func(*trace.Record) {}))
	for body, word := range map[string]string{
		`{"name":"a b","questions":[{"name":"x","kind":"boolean"}]}`: "1 to 64",
		`{"name":"a"}`: "0 questions",
		`{"name":"a","questions":[{"name":"","kind":"boolean"}]}`:                  "question 1",
		`{"name":"a","questions":[{"name":"x","kind":"text"}]}`:                    "unknown",
		`{"name":"a","questions":[{"name":"x","kind":"boolean"}],"reviewers":-1}`:  "-1 people",
		`{"name":"a","questions":[{"name":"x","kind":"boolean"}],"reviewers":100}`: "100 people",
	} {
		w.refused(w.ask("POST", "/annotations", body), 400, llm.InvalidRequest, word)
	}
	w.ask("POST", "/annotations", toneQueue)
	w.refused(w.ask("POST", "/annotations", toneQueue), 409, llm.Conflict, "name")
	for body, word := range map[string]string{
		`{}`:                              "one way",
		`{"call_ids":["a"],"calls":{}}`:   "one way",
		`{"call_ids":[]}`:                 "0 calls",
		`{"calls":{"limit":-1}}`:          "1 to 10000",
		`{"run":{"id":"r","limit":1e5}}`:  "limit",
		`{"calls":{"limit":10,"what":1}}`: "what",
	} {
		w.refused(w.ask("POST", "/annotations/tone/items", body), 400, llm.InvalidRequest, word)
	}
	w.refused(w.ask("POST", "/annotations/tone/items?model=x", `{"call_ids":["a"]}`), 400, llm.InvalidRequest, "pick calls only")
	w.ask("POST", "/annotations/tone/items", `{"call_ids":["call-1"]}`)
	for body, word := range map[string]string{
		`{}`:                                         "kind is not answered",
		`{"scores":{"kind":6,"style":"warm"}}`:       "1 to 5",
		`{"scores":{"kind":"4","style":"warm"}}`:     "not a number",
		`{"scores":{"kind":4,"style":"hot"}}`:        "warm, cold",
		`{"scores":{"kind":4,"style":"warm","x":1}}`: "does not ask",
		`{"scores":{"kind":4,"style":null}}`:         "style is not answered",
		`{"scores":{"kind":4,"style":"warm"},"a":1}`: "no field",
	} {
		w.refused(w.ask("POST", "/annotations/tone/items/call-1/scores", body), 400, llm.InvalidRequest, word)
	}
	w.refused(w.ask("POST", "/annotations/tone/items/call-9/scores", `{"scores":{"kind":4,"style":"warm"}}`), 404, llm.NotFound)
	w.refused(w.ask("POST", "/annotations/none/next", ""), 404, llm.NotFound, "annotations")
	w.refused(w.ask("GET", "/annotations/tone/items?state=new", ""), 400, llm.InvalidRequest, "waiting")
	if got := w.scoresOf("/scores"); len(got) != 0 {
		t.Errorf("refused, and yet %+v", got)
	}
}
