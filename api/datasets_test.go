package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

func TestDatasets(t *testing.T) {
	w := newWorld(t)
	put := func(body string, status int) map[string]any {
		t.Helper()
		return w.wants("POST", "/datasets", body, status)
	}
	first := put(`{"name":"faq","message":"why","items":[{"id":"a","input":"x","expected":"y"},{"id":"b","input":{"q":1}}],"splits":[{"name":"test","share":0.5}]}`, http.StatusCreated)
	if first["version"] != 1.0 || first["made"] != true || first["items"] != 2.0 || first["message"] != "why" || first["author"] == "" {
		t.Errorf("%v", first)
	}
	if again := put(`{"name":"faq","items":[{"id":"a","expected":"y","input":"x"},{"id":"b","input":{ "q" : 1}}],"splits":[{"name":"test","share":0.5}]}`, http.StatusCreated); again["version"] != 1.0 || again["made"] != false {
		t.Errorf("the same items are version %v", again)
	}
	put(`{"name":"faq","items":[{"id":"b","input":{"q":2}},{"id":"c","input":1}]}`, http.StatusCreated)
	for body, want := range map[string]string{
		`{"name":"a b","items":[{"input":1}]}`:                                                "the name",
		`{"name":"faq","items":[]}`:                                                           "an item at least",
		`{"name":"faq","items":[{"id":"a","input":1},{"id":"a","input":2}]}`:                  "stands twice",
		`{"name":"faq","items":[{"id":"a","input":null}]}`:                                    "item 1: there is no input",
		`{"name":"faq","items":[{"input":1}],"splits":[{"name":"t","share":2}]}`:              "shares above 0",
		`{"name":"faq","items":[{"input":1}],"message":"` + strings.Repeat("x", 10001) + `"}`: "message is 10001 bytes",
	} {
		if got := w.fails("POST", "/datasets", body, http.StatusBadRequest); !strings.Contains(got, want) {
			t.Errorf("%.100s: %s, want %q", body, got, want)
		}
	}
	if list := w.wants("GET", "/datasets", "", http.StatusOK)["datasets"].([]any); len(list) != 1 || list[0].(map[string]any)["version"] != 2.0 {
		t.Errorf("%v", list)
	}
	if list := w.wants("GET", "/datasets/faq", "", http.StatusOK)["versions"].([]any); len(list) != 2 {
		t.Errorf("%v", list)
	}
	if got := w.wants("GET", "/datasets/faq/items?version=1", "", http.StatusOK); len(got["items"].([]any)) != 2 || got["hash"] != first["hash"] {
		t.Errorf("%v", got)
	}
	d := w.wants("GET", "/datasets/faq/diff?from=1", "", http.StatusOK)
	if len(d["added"].([]any)) != 1 || len(d["removed"].([]any)) != 1 || len(d["changed"].([]any)) != 1 || d["unchanged"] != 0.0 {
		t.Errorf("%v", d)
	}
	w.fails("GET", "/datasets/faq/diff", "", http.StatusBadRequest)
	w.fails("GET", "/datasets/none", "", http.StatusNotFound)
	w.fails("GET", "/datasets/faq/items?version=9", "", http.StatusNotFound)
	w.wants("DELETE", "/datasets/faq", "", http.StatusNoContent)
	w.fails("DELETE", "/datasets/faq", "", http.StatusNotFound)
}

// Items of calls say what was recorded, and nothing else; a call that makes none is counted by its reason.
func TestDatasetFromCalls(t *testing.T) {
	w := newWorld(t)
	chat := func(id, model, request, response string) trace.Record {
		return trace.Record{
			Call: trace.Span{ID: id, TraceID: id, Kind: trace.KindCall, Start: time.Now().Add(-time.Minute), Endpoint: llm.ChatCompletions, Model: model, ModelRequested: model, Status: trace.StatusOK, Cache: trace.CacheOff},
			Body: trace.Body{Request: []byte(request), Response: []byte(response)},
		}
	}
	says := `{"choices":[{"index":0,"message":{"role":"assistant","content":"hello"}}]}`
	w.record(
		chat("c1", "m", `{"messages":[{"role":"user","content":"hi [EMAIL]"}]}`, says),
		chat("c2", "m", `{"prompt":{"id":"p","variables":{"a":1}}}`, says),
		chat("c3", "m", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}]}`, says),
		chat("c4", "m", "", ""),
		chat("c5", "m", `{"messages":[{"role":"user","content":"x"}]}`, ""),
	)
	got := w.wants("POST", "/datasets/calls/from-calls?model=m", `{"message":"m"}`, http.StatusCreated)
	skipped := got["skipped"].(map[string]any)
	if got["items"] != 3.0 || skipped["its content was not recorded"] != 1.0 || skipped["its answer was not recorded"] != 1.0 {
		t.Errorf("%v", got)
	}
	items := w.wants("GET", "/datasets/calls/items", "", http.StatusOK)["items"].([]any)
	inputs := map[string]any{}
	for _, it := range items {
		inputs[it.(map[string]any)["id"].(string)] = it.(map[string]any)["input"]
		if it.(map[string]any)["expected"] != "hello" {
			t.Errorf("%v", it)
		}
	}
	if inputs["c1"] != "hi [EMAIL]" || inputs["c2"].(map[string]any)["a"] != 1.0 || len(inputs["c3"].(map[string]any)["messages"].([]any)) != 2 {
		t.Errorf("%v", inputs)
	}
	if got := w.wants("POST", "/datasets/bare/from-calls?model=m", `{"expected":"none","limit":2}`, http.StatusCreated); got["items"] != 2.0 {
		t.Errorf("%v", got)
	}
	for body, want := range map[string]string{`{"limit":-1}`: "limit is -1", `{"expected":"x"}`: "unknown", `{}`: "no recorded call"} {
		if got := w.fails("POST", "/datasets/none/from-calls?model=other", body, http.StatusBadRequest); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", body, got, want)
		}
	}
}

// wants asks, wants a status and gives the answer's object, nil of none.
func (w *world) wants(method, target, body string, status int) map[string]any {
	w.t.Helper()
	rec := w.ask(method, target, body)
	if rec.Code != status {
		w.t.Fatalf("%s %s: got %d %s, want %d", method, target, rec.Code, rec.Body, status)
	}
	if rec.Body.Len() == 0 {
		return nil
	}
	return decode[map[string]any](w.t, rec.Body.Bytes())
}

// fails asks, wants a status and gives the message.
func (w *world) fails(method, target, body string, status int) string {
	w.t.Helper()
	rec := w.ask(method, target, body)
	if rec.Code != status {
		w.t.Errorf("%s %s: got %d %s, want %d", method, target, rec.Code, rec.Body, status)
	}
	return decode[refusal](w.t, rec.Body.Bytes()).Error.Message
}
