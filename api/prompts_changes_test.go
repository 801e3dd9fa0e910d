package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/trace"
)

// guarded is a world with three versions of greet, whose label live is at 1 and protected.
func guarded(t *testing.T, rule string) *world {
	w := newWorld(t)
	for _, text := range []string{"Hello {{name}}.\n", "Hello {{name}}, how are you today?\n", "Good day {{name}}, {{mood}}.\n"} {
		w.push(text)
	}
	w.ok(w.move("live", 1))
	w.ok(w.ask("PUT", "/prompts/greet/protections/live", rule))
	return w
}

// shownChange is a change request as clients read it.
type shownChange struct {
	ID, Status, Author string
	From, To           int
	Stale              bool
	ApprovedBy         []string `json:"approved_by"`
	RejectedBy         []string `json:"rejected_by"`
	ApprovalsNeeded    int      `json:"approvals_needed"`
	Revision           int64
	Blocked            []string
	GatePassed         *bool  `json:"gate_passed"`
	GateReport         string `json:"gate_report"`
	Diff               *struct {
		Text        string
		Recent      *recentText
		RecentError string `json:"recent_error"`
	}
}

type recentText struct {
	Calls, Inputs, Unusable, Refused int
	Refusal                          string
	Estimated                        bool
	FromTokens                       int64   `json:"from_tokens"`
	ToTokens                         int64   `json:"to_tokens"`
	FromUSD                          *string `json:"from_usd"`
	ToUSD                            *string `json:"to_usd"`
}

func (w *world) openChange(to int, who ...func(*http.Request)) shownChange {
	w.t.Helper()
	rec := w.ok(w.ask("POST", "/prompts/greet/changes", fmt.Sprintf(`{"label":"live","version":%d,"reason":"better"}`, to), who...))
	return decode[shownChange](w.t, rec.Body.Bytes())
}

func (w *world) review(id, verdict string, who func(*http.Request)) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.ask("POST", "/changes/"+id+"/reviews", fmt.Sprintf(`{"verdict":%q,"comment":"so"}`, verdict), who)
}

func (w *world) change(id string) shownChange {
	w.t.Helper()
	return decode[shownChange](w.t, w.ok(w.ask("GET", "/changes/"+id, "")).Body.Bytes())
}

func TestAProtectedLabelMovesWhenEnoughPeopleApprove(t *testing.T) {
	w := guarded(t, `{"approvals":2}`)
	ann, bob, cid := w.member("ann", account.Approver), w.member("bob", account.Approver), w.member("cid", account.Approver)
	w.refused(w.move("live", 2), 403, llm.Forbidden, "never been at version 2", "ask for the move") // not the admin either
	w.refused(w.ask("DELETE", "/prompts/greet/labels/live", ""), 403, llm.Forbidden, "protected")
	w.refused(w.ask("POST", "/prompts", `{"name":"greet","content":{"text":"new"},"label":"live"}`), 403, llm.Forbidden, "protected")
	if n := len(w.prompt("greet").Versions); n != 3 {
		t.Errorf("a refused push left version %d", n)
	}
	c := w.openChange(2, ann)
	if c.Author != "ann" || c.From != 1 || c.To != 2 || c.Status != "open" || c.ApprovalsNeeded != 2 {
		t.Errorf("%+v", c)
	}
	w.refused(w.review(c.ID, "approve", ann), 403, llm.Forbidden, "of their own")
	w.refused(w.review(c.ID, "maybe", bob), 400, llm.InvalidRequest, "approve or reject")
	w.ok(w.review(c.ID, "approve", bob))
	w.ok(w.review(c.ID, "approve", bob))
	w.refused(w.ask("POST", "/changes/"+c.ID+"/merge", "", bob), 409, llm.Conflict, "1 of the 2 approvals")
	w.ok(w.review(c.ID, "reject", cid))
	if got := w.change(c.ID); !slices.Equal(got.ApprovedBy, []string{"bob"}) || !slices.Equal(got.RejectedBy, []string{"cid"}) || len(got.Blocked) != 2 {
		t.Errorf("%+v", got)
	}
	w.ok(w.review(c.ID, "approve", cid))
	w.ok(w.ask("PUT", "/members/cid/role", `{"role":"developer"}`)) // who may not approve any more does not
	w.refused(w.ask("POST", "/changes/"+c.ID+"/merge", "", bob), 409, llm.Conflict, "1 of the 2 approvals")
	w.ok(w.ask("PUT", "/members/cid/role", `{"role":"admin"}`))
	if got := w.change(c.ID); len(got.Blocked) != 0 || !strings.Contains(got.Diff.Text, "+Hello {{name}}, how are you today?") {
		t.Errorf("%+v", got)
	}
	w.ok(w.ask("POST", "/changes/"+c.ID+"/merge", "", bob))
	if got := w.labels(); got != "latest=3 live=2" {
		t.Errorf("%s", got)
	}
	merged := w.change(c.ID)
	moves := w.ask("GET", "/prompts/greet/moves", "").Body.String()
	if merged.Status != "merged" || merged.Revision == 0 || !strings.Contains(moves, fmt.Sprintf(`{"revision":%d,"label":"live","from":1,"to":2,"author":"bob","reason":"better","change":%q`, merged.Revision, c.ID)) {
		t.Errorf("%+v\n%s", merged, moves)
	}
	w.refused(w.ask("POST", "/changes/"+c.ID+"/merge", "", bob), 409, llm.Conflict, "not open")
	w.refused(w.review(c.ID, "approve", cid), 409, llm.Conflict, "not open")
	w.ok(w.ask("POST", "/prompts/greet/labels/live/rollback", `{}`, w.member("dev", account.Developer)))
	if got := w.labels(); got != "latest=3 live=1" {
		t.Errorf("rolled back: %s", got)
	}
}

func TestAStaleChangeIsNotMerged(t *testing.T) {
	w := guarded(t, `{}`)
	bob := w.member("bob", account.Approver)
	one, two := w.openChange(2), w.openChange(3)
	for _, c := range []shownChange{one, two} {
		w.ok(w.review(c.ID, "approve", bob))
	}
	w.ok(w.ask("POST", "/changes/"+one.ID+"/merge", ""))
	if got := w.change(two.ID); !got.Stale || len(got.Blocked) != 1 {
		t.Errorf("%+v", got)
	}
	w.refused(w.ask("POST", "/changes/"+two.ID+"/merge", ""), 409, llm.Conflict, "close this change and open another")
	w.ok(w.ask("POST", "/changes/"+two.ID+"/close", ""))
	for query, want := range map[string][]string{"": {two.ID, one.ID}, "?status=open": nil, "?status=closed": {two.ID}, "?status=merged": {one.ID}} {
		for _, path := range []string{"/changes", "/prompts/greet/changes"} {
			list := decode[struct{ Changes []shownChange }](t, w.ok(w.ask("GET", path+query, "")).Body.Bytes())
			var got []string
			for _, c := range list.Changes {
				got = append(got, c.ID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s%s (-want +got):\n%s", path, query, diff)
			}
		}
	}
	w.refused(w.ask("GET", "/changes?status=odd", ""), 400, llm.InvalidRequest, "odd")
	w.refused(w.ask("GET", "/changes/none", ""), 404, llm.NotFound, "no such change")
	w.refused(w.ask("GET", "/prompts/none/changes", ""), 404, llm.PromptNotFound)
	w.refused(w.ask("POST", "/prompts/greet/changes", `{"label":"live","version":9}`), 404, llm.PromptNotFound, "1 to 3")
	w.refused(w.ask("POST", "/prompts/greet/changes", `{"label":"live","version":2}`), 409, llm.Conflict, "at version 2 already")
	w.refused(w.ask("POST", "/prompts/greet/changes", `{"label":"latest","version":2}`), 400, llm.InvalidRequest, "moves by itself")
}

// gate answers what it is told.
type gate struct {
	report prompts.GateReport
	err    error
}

func (g *gate) Gate(context.Context, string, prompts.Version) (prompts.GateReport, error) {
	return g.report, g.err
}

func TestAGateMustHavePassed(t *testing.T) {
	w := guarded(t, `{"gate":"quality"}`)
	bob := w.member("bob", account.Approver)
	c := w.openChange(2)
	w.ok(w.review(c.ID, "approve", bob))
	merge := func() *httptest.ResponseRecorder { return w.ask("POST", "/changes/"+c.ID+"/merge", "") }
	w.refused(merge(), 409, llm.Conflict, "no evaluation that could answer for the gate quality", "run the evaluation")
	if got := w.change(c.ID); got.GatePassed != nil || len(got.Blocked) != 1 || !strings.Contains(got.GateReport, "no evaluation") {
		t.Errorf("%+v", got)
	}
	g := &gate{report: prompts.GateReport{Known: true, Report: "0.71 below 0.80"}}
	w.api.cfg.Gate = g
	w.refused(merge(), 409, llm.Conflict, "0.71 below 0.80")
	if got := w.change(c.ID); got.GatePassed == nil || *got.GatePassed {
		t.Errorf("%+v", got)
	}
	g.err = errors.New("away")
	w.refused(merge(), 500, llm.Internal)
	*g = gate{report: prompts.GateReport{Known: true, Passed: true, Report: "0.85"}}
	if got := w.change(c.ID); got.GatePassed == nil || !*got.GatePassed || len(got.Blocked) != 0 {
		t.Errorf("%+v", got)
	}
	w.ok(merge())
	for body, word := range map[string]string{`{"approvals":-1}`: "1 to 20", `{"approvals":21}`: "1 to 20", `{"gate":"a b"}`: "no name"} {
		w.refused(w.ask("PUT", "/prompts/greet/protections/live", body), 400, llm.InvalidRequest, word)
	}
	w.refused(w.ask("PUT", "/prompts/none/protections/live", `{}`), 404, llm.PromptNotFound)
	w.refused(w.ask("PUT", "/prompts/greet/protections/latest", `{}`), 400, llm.InvalidRequest, "moves by itself")
	w.ok(w.ask("DELETE", "/prompts/greet/protections/live", ""))
	w.refused(w.ask("DELETE", "/prompts/greet/protections/live", ""), 404, llm.PromptNotFound, "not protected")
	w.ok(w.move("live", 3))
}

// What recent inputs come to with both versions, in tokens and money.
func TestADiffCountsRecentInputs(t *testing.T) {
	w := guarded(t, `{}`)
	used := func(id, request string) trace.Record {
		return changed(id, func(r *trace.Record) {
			r.Call.Start, r.Call.Prompt, r.Call.PromptVersion = time.Now(), "greet", 1
			r.Call.Model, r.Call.ModelRequested = "gpt-4o-mini-2024-07-18", "gpt-4o-mini"
			r.Body.Request = []byte(request)
		})
	}
	w.record(
		used("c1", `{"prompt":{"id":"greet@1","variables":{"name":"Ada"}},"messages":[]}`),
		used("c2", `{"prompt":{"id":"greet@1","variables":{"name":"Bob"}}}`),
		used("c3", `{"messages":[{"role":"user","content":"no variables"}]}`),
		used("c4", ``), // its content is not recorded
		used("c5", `{"prompt":{"id":"greet@1","variables":{"other":"x"}}}`),
	)
	diff := func(from, to string) *recentText {
		t.Helper()
		var got struct {
			From, To struct{ Version int }
			Text     string
			Recent   *recentText
		}
		if err := json.Unmarshal(w.ok(w.ask("GET", "/prompts/greet/diff?from="+from+"&to="+to, "")).Body.Bytes(), &got); err != nil || got.Recent == nil || got.Text == "" {
			t.Fatalf("%+v %v", got, err)
		}
		return got.Recent
	}
	// "Hello Ada.\n" is 4 tokens, "Hello Ada, how are you today?\n" 9 of them or 10; the message around each has 7.
	got := diff("live", "2")
	if got.Calls != 5 || got.Inputs != 2 || got.Unusable != 3 || got.Refused != 0 || got.Estimated || got.FromTokens < 20 || got.FromTokens > 24 || got.ToTokens-got.FromTokens < 8 || got.ToTokens-got.FromTokens > 14 {
		t.Errorf("%+v", got)
	}
	// 0.15 dollars a million tokens of input
	for tokens, usd := range map[int64]*string{got.FromTokens: got.FromUSD, got.ToTokens: got.ToUSD} {
		if want := fmt.Sprintf("0.%09d", tokens*150); usd == nil || *usd != want {
			t.Errorf("%d tokens cost %v, want %s", tokens, usd, want)
		}
	}
	if got := diff("1", "latest"); got.Inputs != 0 || got.Refused != 2 || !strings.Contains(got.Refusal, `"mood" is missing`) || got.FromUSD != nil {
		t.Errorf("%+v", got)
	}
	w.refused(w.ask("GET", "/prompts/greet/diff?from=1", ""), 400, llm.InvalidRequest, "to is missing")
	w.refused(w.ask("GET", "/prompts/greet/diff?from=1&to=7", ""), 404, llm.PromptNotFound, "1 to 3")
	w.refused(w.ask("GET", "/prompts/greet/diff?from=1&to=a%20b", ""), 400, llm.InvalidRequest)

	w.api.cfg.Reader = broken{trace.ErrAway}
	rec := w.ok(w.ask("GET", "/prompts/greet/diff?from=1&to=2", ""))
	if !strings.Contains(rec.Body.String(), `"recent":null,"recent_error":"the store of records cannot be reached`) {
		t.Errorf("%s", rec.Body)
	}
}
