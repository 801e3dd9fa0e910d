package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/prompts/experiment/experimenttest"
)

const tone = `{"name":"tone","unit":"user","prompt":"greet","arms":[{"name":"control","prompt":"greet@production"},{"name":"warm","prompt":"greet@2","parameters":{"temperature":0.5}}],
	"metrics":{"primary":{"metric":"score:good","direction":"higher"},"guardrails":[{"metric":"errors","direction":"lower","margin":0.02},{"metric":"cost","direction":"lower","margin":"5%"}]},"planned_units":4000}`

// trialWorld has two versions of greet, and the draft tone.
func trialWorld(t *testing.T) (*world, func(*http.Request)) {
	t.Helper()
	w := newWorld(t)
	dev := w.member("dev", account.Developer)
	w.push("Hello {{name}}")
	w.push("Hello, dear {{name}}")
	w.ok(w.move("production", 1))
	if rec := w.ask("POST", "/experiments", tone, dev); rec.Code != http.StatusCreated {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return w, dev
}

// trial is an experiment as clients read it.
type trial struct {
	Experiment struct {
		ID, Status, Winner, Reason string
		Revision                   int64
		Started                    *time.Time `json:"started_at"`
		Arms                       []struct{ Name, Prompt string }
		Epochs                     []struct {
			Number  int
			Traffic float64
			Weights []float64
		}
	}
	Analysis struct {
		Arms []struct{ Units, Calls int64 }
	}
	Verdict struct {
		State, Arm, Text string
		End              *time.Time `json:"expected_end"`
	}
	Next    *struct{ Do string }
	Over    []struct{ Effects []struct{ Arm string } } `json:"over_time"`
	History []struct{ Did, Author, Reason string }
}

// shownPromotion is a promotion as clients read it.
type shownPromotion struct {
	Experiment struct{ Status string }
	Prompt     string
	Change     *struct{ ID string }
	Moved      bool
}

func (w *world) trial(query string) (got trial) {
	w.t.Helper()
	w.get("/experiments/tone"+query, &got)
	return got
}

// come lets users call in the running experiment, of whom half the controls are content and all others.
func (w *world) come(users int) {
	w.t.Helper()
	list, err := w.trials.Experiments(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := experiment.NewAssigner(list[0].Experiment)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range users {
		given, _ := a.Assign(&experiment.Subject{User: fmt.Sprintf("user-%d", i)})
		good := 1.0
		if given.Arm == "control" {
			good = float64(i % 2)
		}
		w.seen.Calls = append(w.seen.Calls, experimenttest.Observation{
			Time: time.Now(), Experiment: "tone", Unit: given.Unit, Arm: given.Arm, Epoch: given.Epoch, InAnalysis: given.InAnalysis, CostUSD: new(0.01), Scores: map[string]float64{"good": good},
		})
	}
}

func TestAnExperimentFromDraftToPromotion(t *testing.T) {
	w, dev := trialWorld(t)
	draft := w.trial("")
	if draft.Experiment.Status != "draft" || draft.Experiment.ID == "" || draft.Verdict.State != "waiting" || len(draft.Over) != 0 || draft.Experiment.Started != nil {
		t.Errorf("%+v", draft)
	}
	var byID trial
	if w.get("/experiments/"+draft.Experiment.ID, &byID); byID.Experiment.ID != draft.Experiment.ID {
		t.Errorf("by its id: %+v", byID.Experiment)
	}
	var given experimentAssignment
	if w.get("/experiments/tone/assignment?unit=user-1", &given); given.Arm == "" || given.Running || given.Number != experiment.Bucket(draft.Experiment.ID, "user-1") || !given.InAnalysis {
		t.Errorf("%+v", given)
	}
	w.ok(w.ask("PUT", fmt.Sprintf("/experiments/tone?revision=%d", draft.Experiment.Revision), strings.Replace(tone, "0.02", "0.01", 1), dev))
	w.refused(w.ask("PUT", fmt.Sprintf("/experiments/tone?revision=%d", draft.Experiment.Revision), tone, dev), http.StatusConflict, llm.Conflict, "by dev", "look at it again")

	w.ok(w.ask("POST", "/experiments/tone/start", `{"reason":"why not"}`, dev))
	began := w.trial("")
	if e := began.Experiment; e.Status != "running" || e.Arms[0].Prompt != "greet@1" || len(e.Epochs) != 1 || e.Started == nil {
		t.Errorf("%+v", e)
	}
	w.come(1500)
	w.ok(w.ask("POST", "/experiments/tone/weights", `{"weights":{"control":80,"warm":20}}`, dev))
	w.ok(w.ask("POST", "/experiments/tone/ramp", `{"traffic":0.1}`, dev))
	w.ok(w.ask("POST", "/experiments/tone/ramp", `{}`, dev))
	w.ok(w.ask("POST", "/experiments/tone/weights", `{"weights":{"control":0.5,"warm":0.5},"reason":"even"}`, dev))
	shifted := w.trial("").Experiment
	if len(shifted.Epochs) != 5 || shifted.Epochs[3].Traffic != 0.5 || shifted.Epochs[4].Weights[1] != 0.5 {
		t.Errorf("%+v", shifted.Epochs)
	}
	w.ok(w.ask("POST", "/experiments/tone/ramp", `{"traffic":1}`, dev))
	now := w.trial("?points=3")
	if now.Verdict.State != "ship" || now.Verdict.Arm != "warm" || len(now.Over) != 3 || now.Next != nil {
		t.Errorf("%+v", now)
	}
	w.refused(w.ask("GET", "/experiments/tone?by=call", ""), http.StatusBadRequest, llm.InvalidRequest, "count by user")
	w.refused(w.ask("GET", "/experiments/tone?points=99", ""), http.StatusBadRequest, llm.InvalidRequest, "0 to 50")

	// The label is guarded: the winner is asked for.
	w.ok(w.ask("PUT", "/prompts/greet/protections/production", `{"approvals":1}`))
	promoted := decode[shownPromotion](t, w.ok(w.ask("POST", "/experiments/tone/promote", `{}`, dev)).Body.Bytes())
	if promoted.Moved || promoted.Change == nil || promoted.Prompt != "greet@2" || promoted.Experiment.Status != "concluded" {
		t.Fatalf("%+v", promoted)
	}
	if got := w.labels(); got != "latest=2 production=1" {
		t.Errorf("before the approval: %s", got)
	}
	ann := w.member("ann", account.Approver)
	w.ok(w.ask("POST", "/changes/"+promoted.Change.ID+"/reviews", `{"verdict":"approve"}`, ann))
	w.ok(w.ask("POST", "/changes/"+promoted.Change.ID+"/merge", "", ann))
	if got := w.labels(); got != "latest=2 production=2" {
		t.Errorf("after: %s", got)
	}
	again := decode[shownPromotion](t, w.ok(w.ask("POST", "/experiments/tone/promote", `{}`, dev)).Body.Bytes())
	if !again.Moved || again.Change != nil {
		t.Errorf("once more: %+v", again)
	}
	last := w.trial("")
	var did []string
	for _, h := range last.History {
		did = append(did, h.Did)
	}
	if got := strings.Join(did, " "); got != "promoted promoted concluded shifted shifted shifted shifted shifted started changed created" {
		t.Errorf("history: %s", got)
	}
	if last.Experiment.Winner != "warm" || !strings.Contains(last.Experiment.Reason, `Ship "warm"`) {
		t.Errorf("%+v", last.Experiment)
	}
}

func TestPromotionMovesAnOpenLabel(t *testing.T) {
	w, dev := trialWorld(t)
	w.refused(w.ask("POST", "/experiments/tone/promote", `{"arm":"warm"}`, dev), http.StatusBadRequest, llm.InvalidRequest, "has not run")
	w.ok(w.ask("POST", "/experiments/tone/start", `{}`, dev))
	w.refused(w.ask("POST", "/experiments/tone/promote", `{}`, dev), http.StatusBadRequest, llm.InvalidRequest, "the verdict is not to ship", "name it as arm")
	w.refused(w.ask("POST", "/experiments/tone/promote", `{"arm":"cold"}`, dev), http.StatusBadRequest, llm.InvalidRequest, `no arm "cold"`)
	w.refused(w.ask("POST", "/experiments/tone/promote", `{"arm":"warm","label":"latest"}`, dev), http.StatusBadRequest, llm.InvalidRequest, "moves by itself")
	if got := w.trial("").Experiment.Status; got != "running" {
		t.Errorf("what was refused left it %s", got)
	}
	out := decode[shownPromotion](t, w.ok(w.ask("POST", "/experiments/tone/promote", `{"arm":"warm","label":"live"}`, dev)).Body.Bytes())
	if !out.Moved || w.labels() != "latest=2 live=2 production=1" {
		t.Errorf("%+v, %s", out, w.labels())
	}
}

func TestExperimentsRefuse(t *testing.T) {
	w, dev := trialWorld(t)
	viewer := w.member("eve", account.Viewer)
	post := func(path, body string, status int, code llm.Code, words ...string) {
		t.Helper()
		w.refused(w.ask("POST", path, body, dev), status, code, words...)
	}
	const in = llm.InvalidRequest
	post("/experiments", tone, 400, in, `"tone" is taken`)
	post("/experiments", strings.NewReplacer("greet@2", "greet@9").Replace(tone), 400, in, "greet@9", `"tone" is taken`)
	post("/experiments", strings.NewReplacer(`"tone"`, `"other"`, "greet@2", "greet@9", "greet@production", "greet@nowhere").Replace(tone), 400, in,
		`"control": `, "greet@nowhere", `"warm": `, "greet@9", "versions 1 to 2")
	post("/experiments", `{"name":"x","unit":"user","arms":[{"name":"a"}],"alpha":3,"metrics":{"primary":{"metric":"loudness","direction":"lower"}}}`, 400, in,
		"want at least two", "alpha: 3", `"loudness" is no metric`)
	post("/experiments", `{"name":"x","status":"running","id":"mine","unit":"user","arms":[{"name":"a"},{"name":"b","model":"m"}],"metrics":{"primary":{"metric":"cost","direction":"lower"}}}`, 400, in,
		"id: weir sets it; leave it out", "status: weir sets it")
	post("/experiments", `{"colour":1}`, 400, in, "colour")
	post("/experiments", ``, 400, in)
	post("/experiments", `{"name":"`+strings.Repeat("x", 2<<20)+`"}`, 413, llm.BodyTooLarge)
	post("/experiments/none/start", `{}`, 404, llm.NotFound, `no such experiment: "none"`, "lists them")
	post("/experiments/tone/stop", `{}`, 400, in, "is draft, not running")
	post("/experiments/tone/ramp", `{}`, 400, in, "next step")
	post("/experiments/tone/weights", `{"weights":{"control":1}}`, 400, in, `"warm" has no weight`)
	post("/experiments/tone/weights", `{"weights":{"control":1,"warm":1,"cold":2}}`, 400, in, "3 weights for 2 arms")
	w.ok(w.ask("POST", "/experiments/tone/start", `{}`, dev))
	w.refused(w.ask("DELETE", "/prompts/greet/versions/1", "", dev), 409, llm.Conflict, `"tone" serves greet@1 as "control"`)
	post("/experiments/tone/start", `{"revision":1}`, 409, llm.Conflict, "look at it again")
	post("/experiments/tone/start", `{}`, 400, in, "runs already")
	post("/experiments/tone/conclude", `{"winner":"cold"}`, 400, in, `no arm "cold"`)
	post("/experiments", strings.Replace(tone, `"tone"`, `"rival"`, 1), 400, in, `"tone" runs on "greet" already`, "stop it")
	w.refused(w.ask("DELETE", "/experiments/tone", "", dev), 400, in, "it is kept")
	w.refused(w.ask("POST", "/experiments/tone/stop", `{}`, viewer), 403, llm.Forbidden, "developer")
	w.refused(w.ask("GET", "/experiments?status=odd", ""), 400, in, "draft, running, stopped, concluded")
	w.refused(w.ask("GET", "/experiments/tone/assignment", ""), 400, in, "unit")
	w.ok(w.ask("POST", "/experiments/tone/conclude", `{"reason":"enough"}`, dev))
	w.refused(w.ask("GET", "/experiments/tone/assignment?unit=u", ""), 400, in, "is concluded")
	post("/experiments/tone/promote", `{}`, 400, in, "the verdict is not to ship")

	var list struct {
		Experiments []struct{ Name, Status string }
	}
	w.get("/experiments?status=concluded", &list)
	text, err := json.Marshal(list.Experiments)
	if err != nil || string(text) != `[{"Name":"tone","Status":"concluded"}]` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestADraftIsDeleted(t *testing.T) {
	w, dev := trialWorld(t)
	if rec := w.ask("DELETE", "/experiments/tone", "", dev); rec.Code != http.StatusNoContent {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	w.refused(w.ask("GET", "/experiments/tone", ""), 404, llm.NotFound, "no such experiment")
}
