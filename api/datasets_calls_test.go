package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// A call becomes an item beside those that are there; a question that is asked already is not asked twice.
func TestAddCallsToDataset(t *testing.T) {
	w := newWorld(t)
	chat := func(id, question string) trace.Record {
		return trace.Record{
			Call: trace.Span{ID: id, TraceID: id, Kind: trace.KindCall, Start: time.Now().Add(-time.Minute), Endpoint: llm.ChatCompletions, Model: "m", Status: trace.StatusOK, Cache: trace.CacheOff},
			Body: trace.Body{Request: fmt.Appendf(nil, `{"messages":[{"role":"user","content":%q}]}`, question), Response: []byte(`{"choices":[{"index":0,"message":{"role":"assistant","content":"hello"}}]}`)},
		}
	}
	image := chat("c4", "x")
	image.Call.Endpoint = llm.Embeddings
	w.record(chat("c1", "one"), chat("c2", "two"), chat("c3", "one"), image)

	got := w.wants("POST", "/datasets/faq/calls", `{"call_ids":["c1"],"message":"a bad answer"}`, http.StatusCreated)
	if got["version"] != 1.0 || got["items"] != 1.0 || got["added"] != 1.0 || got["made"] != true {
		t.Errorf("a new dataset: %v", got)
	}
	got = w.wants("POST", "/datasets/faq/calls", `{"call_ids":["c2","c3","c4"]}`, http.StatusCreated)
	present := got["present"].([]any)
	if got["version"] != 2.0 || got["items"] != 2.0 || got["added"] != 1.0 || len(present) != 1 || present[0].(map[string]any)["item_id"] != "c1" || got["skipped"].(map[string]any)["it is no chat"] != 1.0 {
		t.Errorf("a second version: %v", got)
	}
	got = w.wants("POST", "/datasets/faq/calls", `{"call_ids":["c3"],"expected":"none"}`, http.StatusCreated)
	if got["version"] != 2.0 || got["added"] != 0.0 || got["made"] != false {
		t.Errorf("a question that is there already: %v", got)
	}
	for body, want := range map[string]string{`{}`: "names 0 calls", `{"call_ids":["c1"],"expected":"x"}`: "unknown", `{"call_ids":["c4"]}`: "no chat"} {
		if got := w.fails("POST", "/datasets/faq/calls", body, http.StatusBadRequest); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %q", body, got, want)
		}
	}
	w.fails("POST", "/datasets/faq/calls", `{"call_ids":["none"]}`, http.StatusNotFound)
}
