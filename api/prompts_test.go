package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// promptText is a prompt as clients read it.
type promptText struct {
	Versions []versionText
	Labels   []struct {
		Label   string
		Version int
	}
}

type versionText struct {
	Version         int
	Author, Message string
	Labels          []string
	DeletedBy       string `json:"deleted_by"`
}

func (w *world) prompt(name string) promptText {
	w.t.Helper()
	return decode[promptText](w.t, w.ok(w.ask("GET", "/prompts/"+name, "")).Body.Bytes())
}

// labels gives where each label of greet points, as "live=2 latest=3".
func (w *world) labels() string {
	w.t.Helper()
	p := w.prompt("greet")
	var out []string
	for _, l := range p.Labels {
		out = append(out, fmt.Sprintf("%s=%d", l.Label, l.Version))
	}
	return strings.Join(out, " ")
}

func (w *world) push(text string, change ...func(*http.Request)) pushed {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"name": "greet", "content": map[string]any{"text": text, "model": "gpt-4o-mini"}, "message": "as " + text})
	if err != nil {
		w.t.Fatal(err)
	}
	rec := w.ask("POST", "/prompts", string(body), change...)
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return decode[pushed](w.t, rec.Body.Bytes())
}

func (w *world) move(label string, version int, change ...func(*http.Request)) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.ask("PUT", "/prompts/greet/labels/"+label, fmt.Sprintf(`{"version":%d,"reason":"why"}`, version), change...)
}

func (w *world) ok(rec *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	w.t.Helper()
	if rec.Code >= 300 {
		w.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return rec
}

func TestAPromptIsPushedReadAndFetched(t *testing.T) {
	w := newWorld(t)
	dev := w.member("dev", account.Developer)
	one := w.push("Hello {{name}}", dev)
	if one.Version != 1 || !one.Made || !one.Converged || !strings.HasPrefix(one.Hash, "sha256:") {
		t.Errorf("%+v", one)
	}
	if same := w.push("Hello {{name}}"); same.Version != 1 || same.Made || same.Hash != one.Hash {
		t.Errorf("%+v", same)
	}
	w.push("Good day {{name}}")
	w.ok(w.move("live", 1, dev))
	p := w.prompt("greet")
	want := []versionText{{Version: 2, Author: "admin", Message: "as Good day {{name}}", Labels: []string{"latest"}}, {Version: 1, Author: "dev", Message: "as Hello {{name}}", Labels: []string{"live"}}}
	if diff := cmp.Diff(want, p.Versions); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if rec := w.ask("GET", "/prompts", ""); !strings.Contains(rec.Body.String(), `"name":"greet","kind":"text","model":"gpt-4o-mini","versions":2,"labels":{"latest":2,"live":1},"protected":[],"message":"as Good day {{name}}","author":"admin"`) {
		t.Errorf("%s", rec.Body)
	}
	for target, version := range map[string]int{
		"/prompts/greet/fetch": 2, "/prompts/greet/fetch?ref=live": 1, "/prompts/greet/fetch?ref=1": 1, "/prompts/greet/versions/latest": 2, "/prompts/greet/versions/1": 1,
	} {
		rec := w.ok(w.ask("GET", target, ""))
		if !strings.Contains(rec.Body.String(), fmt.Sprintf(`"version":%d,`, version)) || !strings.Contains(rec.Body.String(), `{{name}}"`) {
			t.Errorf("%s: %s", target, rec.Body)
		}
	}
	w.ok(w.move("production", 1))
	if rec := w.ask("GET", "/prompts/greet/fetch", ""); !strings.Contains(rec.Body.String(), `"version":1,`) {
		t.Errorf("%s", rec.Body)
	}
}

func TestAFetchIsAnsweredOnceForEachState(t *testing.T) {
	w := newWorld(t)
	w.push("a")
	w.push("b")
	w.ok(w.move("live", 1))
	fetch := func(etag string) *httptest.ResponseRecorder {
		return w.knock("GET", "/prompts/greet@live", header("If-None-Match", etag))
	}
	first := fetch("")
	etag := first.Header().Get("ETag")
	if first.Code != http.StatusOK || etag == "" || !strings.Contains(first.Body.String(), `"version":1,`) || !strings.Contains(first.Body.String(), `"text":"a"`) {
		t.Fatalf("%d %s %s", first.Code, etag, first.Body)
	}
	for _, known := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
		if rec := fetch(known); rec.Code != http.StatusNotModified || rec.Body.Len() != 0 || rec.Header().Get("ETag") != etag {
			t.Errorf("If-None-Match %s: %d %s", known, rec.Code, rec.Body)
		}
	}
	if rec := fetch(`"other"`); rec.Code != http.StatusOK {
		t.Errorf("%d", rec.Code)
	}
	w.ok(w.move("live", 2))
	second := fetch(etag)
	if second.Code != http.StatusOK || !strings.Contains(second.Body.String(), `"version":2,`) {
		t.Errorf("after the move: %d %s", second.Code, second.Body)
	}
	w.ok(w.move("live", 1))
	if rec := fetch(etag); rec.Code != http.StatusOK || rec.Header().Get("ETag") == etag { // another revision
		t.Errorf("moved back: %d", rec.Code)
	}
	for target, word := range map[string]string{"/prompts/none@live": "no such prompt", "/prompts/greet@none": "no such label", "/prompts/greet@9": "versions 1 to 2"} {
		rec := w.knock("GET", target)
		w.refused(rec, 404, llm.PromptNotFound, word)
	}
}

func TestADeletedVersionIsAClearError(t *testing.T) {
	w := newWorld(t)
	w.push("a")
	w.push("b")
	w.ok(w.move("live", 1))
	w.refused(w.ask("DELETE", "/prompts/greet/versions/1", ""), 409, llm.Conflict, "label live points to it")
	w.refused(w.ask("DELETE", "/prompts/greet/versions/latest", ""), 400, llm.InvalidRequest, "by its number")
	w.refused(w.ask("DELETE", "/prompts/greet/versions/3", ""), 404, llm.PromptNotFound, "1 to 2")
	w.refused(w.ask("DELETE", "/prompts/none/versions/1", ""), 404, llm.PromptNotFound, "no such prompt")
	w.ok(w.ask("DELETE", "/prompts/greet/versions/2", ""))
	w.refused(w.ask("DELETE", "/prompts/greet/versions/2", ""), 404, llm.PromptNotFound, "deleted")
	w.refused(w.ask("GET", "/prompts/greet/versions/2", ""), 404, llm.PromptNotFound, "deleted")
	w.refused(w.move("live", 2), 404, llm.PromptNotFound, "deleted")
	w.refused(w.ask("POST", "/prompts/greet/render", `{"ref":"2"}`), 404, llm.PromptNotFound, "deleted")
	if got := w.labels(); got != "latest=1 live=1" {
		t.Errorf("%s", got)
	}
	p := w.prompt("greet")
	if p.Versions[0].DeletedBy != "admin" || p.Versions[0].Message != "as b" {
		t.Errorf("%+v", p.Versions[0])
	}
}

func TestBadPushesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.push("Hello")
	for _, tt := range []struct {
		body   string
		status int
		code   llm.Code
		words  []string
	}{
		{`{"name":"a/b","content":{"text":"x"}}`, 422, llm.PromptInvalid, []string{`"a/b"`, "letters, digits"}},
		{`{"name":"","content":{"text":"x"}}`, 422, llm.PromptInvalid, []string{"empty"}},
		{`{"name":"x","content":{}}`, 422, llm.PromptInvalid, []string{"neither"}},
		{`{"name":"x","content":{"text":"a\n{{#b}}"}}`, 422, llm.PromptInvalid, []string{"line 2, column 1", "not closed"}},
		{`{"name":"x","content":{"text":"a","messages":[{"role":"user","content":"b"}]}}`, 422, llm.PromptInvalid, []string{"not both"}},
		{`{"name":"x","content":{"text":"a","author":"me"}}`, 400, llm.InvalidRequest, []string{"author", "no field"}},
		{`{"name":"x","content":{"text":"a"},"author":"me"}`, 400, llm.InvalidRequest, []string{"author", "no field"}},
		{`{"name":"greet","content":{"text":"new"},"after":7}`, 409, llm.Conflict, []string{"newest version of prompt greet is 1", "read it again"}},
		{`{"name":"x","content":{"text":"a {{> x}}"}}`, 422, llm.PromptInvalid, []string{"contains itself"}},
		{`{"name":"x","content":{"text":"a {{> x@latest}}"}}`, 422, llm.PromptInvalid, []string{"contains itself"}},
		{`{"name":"x","content":{"text":"a"},"label":"latest"}`, 400, llm.InvalidRequest, []string{"moves by itself"}},
		{`{"name":"x","content":{"text":"a"},"label":"7"}`, 422, llm.PromptInvalid, []string{"number"}},
		{`{"name":"x","content":{"text":"a"},"message":"\u0000"}`, 400, llm.InvalidRequest, []string{"not text"}},
	} {
		w.refused(w.ask("POST", "/prompts", tt.body), tt.status, tt.code, tt.words...)
	}
	if rec := w.ask("GET", "/prompts/x", ""); rec.Code != http.StatusNotFound {
		t.Errorf("a refused push left something: %d %s", rec.Code, rec.Body)
	}
	// A circle of two closes with the second.
	rec := w.ok(w.ask("POST", "/prompts", `{"name":"a","content":{"text":"{{> b}}"}}`))
	if !strings.Contains(rec.Body.String(), "cannot be used until it is there") {
		t.Errorf("a partial that is not there yet: %s", rec.Body)
	}
	w.refused(w.ask("POST", "/prompts", `{"name":"b","content":{"text":"{{> a@latest}}"}}`), 422, llm.PromptInvalid, "contains itself", "a@1")
	w.ok(w.ask("POST", "/prompts", `{"name":"b","content":{"text":"b"}}`))
	if rec := w.ask("POST", "/prompts/a/render", `{}`); !strings.Contains(rec.Body.String(), `"text":"b","model":""`) && !strings.Contains(rec.Body.String(), `"text":"b","pins":[{"ref":"b","name":"b","version":1`) {
		t.Errorf("%s", rec.Body)
	}
}

func TestRenderNamesTheVariable(t *testing.T) {
	w := newWorld(t)
	w.push("Hello {{name}}, {{n}}")
	rec := w.ok(w.ask("POST", "/prompts/greet/render", `{"ref":"latest","variables":{"name":"{{n}} <b>","n":1.50}}`))
	got := decode[renderedPrompt](t, rec.Body.Bytes())
	if got.Text != "Hello {{n}} <b>, 1.50" || got.Version != 1 || got.Model != "gpt-4o-mini" || got.Revision == 0 {
		t.Errorf("%s", rec.Body)
	}
	for body, param := range map[string]string{
		`{"variables":{"name":"a"}}`:                "variables.n",
		`{"variables":{"name":"a","n":1,"more":2}}`: "variables.more",
		`{"variables":[]}`:                          "variables",
	} {
		got := w.refused(w.ask("POST", "/prompts/greet/render", body), 422, llm.PromptInvalid)
		if got.Error.Param == nil || *got.Error.Param != param {
			t.Errorf("%s: param %v, want %s", body, got.Error.Param, param)
		}
	}
	rec = w.ok(w.ask("POST", "/prompts/greet/render", `{"content":{"messages":[{"role":"user","content":"{{q}}"}]},"variables":{"q":"why"}}`))
	if got := decode[renderedPrompt](t, rec.Body.Bytes()); got.Version != 0 || len(got.Messages) != 1 || got.Messages[0].Content != "why" {
		t.Errorf("%s", rec.Body)
	}
	w.refused(w.ask("POST", "/prompts/none/render", `{}`), 404, llm.PromptNotFound, "no such prompt")
}

func TestLabelsMoveAndGoBack(t *testing.T) {
	w := newWorld(t)
	dev := w.member("dev", account.Developer)
	for _, text := range []string{"a", "b", "c"} {
		w.push(text)
	}
	for n := 1; n <= 3; n++ {
		w.ok(w.move("live", n, dev))
	}
	w.refused(w.ask("PUT", "/prompts/greet/labels/live", `{"version":1,"expect":2}`), 409, llm.Conflict, "at version 3, and was expected at 2")
	w.refused(w.move("latest", 1), 400, llm.InvalidRequest, "moves by itself")
	w.refused(w.move("live", 9), 404, llm.PromptNotFound, "1 to 3")
	w.refused(w.ask("PUT", "/prompts/none/labels/live", `{"version":1}`), 404, llm.PromptNotFound)
	rec := w.ok(w.ask("GET", "/prompts/greet/moves", ""))
	var list struct{ Moves []struct{ Revision int64 } }
	if err := json.Unmarshal(rec.Body.Bytes(), &list); err != nil || len(list.Moves) != 3 || !strings.Contains(rec.Body.String(), `"label":"live","from":2,"to":3,"author":"dev","reason":"why","change":""`) {
		t.Fatalf("%s %v", rec.Body, err)
	}
	undo := func(i int) *httptest.ResponseRecorder {
		return w.ask("POST", fmt.Sprintf("/prompts/greet/moves/%d/undo", list.Moves[i].Revision), `{"reason":"a slip"}`, dev)
	}
	w.refused(undo(1), 409, llm.Conflict, "has moved since")
	w.ok(undo(0))
	if got := w.labels(); got != "latest=3 live=2" {
		t.Errorf("undone: %s", got)
	}
	w.ok(w.ask("POST", "/prompts/greet/labels/live/rollback", `{"reason":"worse"}`, dev))
	if got := w.labels(); got != "latest=3 live=1" {
		t.Errorf("rolled back: %s", got)
	}
	w.refused(w.ask("POST", "/prompts/greet/labels/live/rollback", `{}`), 404, llm.PromptNotFound, "no other version")
	w.refused(w.ask("POST", "/prompts/greet/moves/x/undo", `{}`), 400, llm.InvalidRequest, "no revision")
	w.ok(w.ask("DELETE", "/prompts/greet/labels/live", "", dev))
	w.refused(w.ask("DELETE", "/prompts/greet/labels/live", ""), 404, llm.PromptNotFound)
	w.ok(w.ask("POST", "/prompts", `{"name":"greet","content":{"text":"d"},"label":"live"}`))
	if got := w.labels(); got != "latest=4 live=4" {
		t.Errorf("pushed with a label: %s", got)
	}
}

func TestUsageIsByVersion(t *testing.T) {
	w := newWorld(t)
	w.push("a")
	w.record(
		changed("c1", func(r *trace.Record) { r.Call.Start, r.Call.Prompt, r.Call.PromptVersion = time.Now(), "greet", 1 }),
		changed("c2", func(r *trace.Record) { r.Call.Start, r.Call.Prompt, r.Call.PromptVersion = time.Now(), "greet", 2 }),
		changed("c3", func(r *trace.Record) { r.Call.Start, r.Call.Prompt, r.Call.PromptVersion = time.Now(), "greet", 2 }),
		changed("c4", func(r *trace.Record) { r.Call.Start, r.Call.Prompt, r.Call.PromptVersion = time.Now(), "other", 1 }),
	)
	rec := w.ok(w.ask("GET", "/prompts/greet/usage?until=2099-01-01", ""))
	var got struct {
		Versions []struct {
			Version int
			Calls   int64
			CostUSD string `json:"cost_usd"`
		}
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || len(got.Versions) != 2 || got.Versions[0].Version != 2 || got.Versions[0].Calls != 2 || got.Versions[0].CostUSD != "0.000027000" || got.Versions[1].Calls != 1 {
		t.Errorf("%s %v", rec.Body, err)
	}
	w.refused(w.ask("GET", "/prompts/greet/usage?since=tomorrow", ""), 400, llm.InvalidRequest, "since")
}
