package eval

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestModelRequests(t *testing.T) {
	for _, c := range []struct {
		cfg   TargetConfig
		input string
		want  string
	}{
		{TargetConfig{Model: "m", Parameters: json.RawMessage(`{"temperature":0,"model":"other"}`)}, `"hi"`, `{"messages":[{"content":"hi","role":"user"}],"model":"m","temperature":0}`},
		{TargetConfig{Model: "m"}, `{"messages":[{"role":"user","content":"<hi>"}]}`, `{"messages":[{"content":"<hi>","role":"user"}],"model":"m"}`},
		{TargetConfig{Prompt: "p@3"}, `{"name":"Ann"}`, `{"prompt":{"id":"p@3","variables":{"name":"Ann"}}}`},
		{TargetConfig{Prompt: "p@3", Variable: "text"}, `"hi"`, `{"prompt":{"id":"p@3","variables":{"text":"hi"}}}`},
		{TargetConfig{Prompt: "p@3", Model: "m"}, `"hi"`, `{"messages":[{"content":"hi","role":"user"}],"model":"m","prompt":{"id":"p@3"}}`},
		{TargetConfig{Prompt: "p@3"}, `{"messages":[],"variables":{"a":1}}`, `{"messages":[],"prompt":{"id":"p@3","variables":{"a":1}}}`},
	} {
		it := itemsOf(t, `{"input":`+c.input+`}`)[0]
		got, err := (&modelTarget{cfg: c.cfg}).body(&it)
		if err != nil || string(got) != c.want {
			t.Errorf("%+v %s: got %s, %v\nwant %s", c.cfg, c.input, got, err, c.want)
		}
	}
	it := itemsOf(t, `{"input":{"messages":[],"variables":{"a":1}}}`)[0]
	if _, err := (&modelTarget{cfg: TargetConfig{Model: "m"}}).body(&it); err == nil {
		t.Error("variables without a prompt are taken")
	}
}

func TestModelTarget(t *testing.T) {
	status, answer := http.StatusOK, `{"model":"m-1","usage":{"prompt_tokens":3,"completion_tokens":4},"choices":[{"index":0,"message":{"role":"assistant","content":"yes","tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"f","arguments":"{\"b\":1,\"a\":2}"}}]}}]}`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Weir-Tags"); r.URL.Path != "/v1/chat/completions" || got != "eval_run=r1,eval_target=t,eval_ask="+(Key{"t", "a", 1}).Tag() || r.Header.Get("X-Weir-Session") != "r1" || r.Header.Get("X-Weir-Cache") != "off" || r.Header.Get("Authorization") != "Bearer k" {
			t.Errorf("%s, %v", r.URL, r.Header)
		}
		w.Header().Set("X-Weir-Call-Id", "c1")
		w.Header().Set("X-Weir-Prompt", "p@3")
		w.Header().Set("X-Weir-Cost-USD", "0.000013500")
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer srv.Close()
	it := itemsOf(t, `{"id":"a","input":"hi"}`)[0]
	target := NewModel(TargetConfig{Name: "t", Model: "m"}, Gateway{URL: srv.URL + "/v1", Key: "k", Client: srv.Client()}, time.Minute)
	ask := Ask{Key: Key{"t", "a", 1}, Run: "r1", Item: &it}
	got, err := target.Ask(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if got.Text != "yes" || got.CallID != "c1" || got.Prompt != "p@3" || got.Cost == nil || *got.Cost != 13_500 || got.Model != "m-1" || got.InputTokens != 3 || got.OutputTokens != 4 ||
		!cmp.Equal(got.ToolCalls, []ToolCall{{"f", json.RawMessage(`{"a":2,"b":1}`)}}) {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct {
		status      int
		answer      string
		again, stop bool
		want        string
	}{
		{429, `{"error":{"message":"slow down","code":"weir_rate_limited"}}`, true, false, "HTTP 429: slow down"},
		{429, `{"error":{"message":"the budget is spent","code":"weir_budget_exceeded"}}`, false, true, "HTTP 429: the budget is spent"},
		{401, `{"error":{"message":"no key","code":"weir_unauthorized"}}`, false, true, "HTTP 401: no key"},
		{503, `<html>`, true, false, "HTTP 503: <html>"},
		{400, `{"error":{"message":"bad"}}`, false, false, "HTTP 400: bad"},
	} {
		status, answer = c.status, c.answer
		_, err := target.Ask(t.Context(), ask)
		e := asAskError(err)
		if err == nil || e.Again != c.again || e.Stop != c.stop || e.Error() != c.want || e.Wait != 7*time.Second {
			t.Errorf("%d: %+v (%v), want %+v", c.status, e, e, c)
		}
	}
}

func TestHTTPTarget(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"id":"a","input":"hi"}` || r.Header.Get("X-Token") != "s3cret" {
			t.Errorf("%s, %v", body, r.Header)
		}
		_, _ = io.WriteString(w, `{"choices":[{"text":"yes"}]}`)
	}))
	defer srv.Close()
	t.Setenv("EVAL_TEST_TOKEN", "s3cret")
	it := itemsOf(t, `{"id":"a","input":"hi"}`)[0]
	for output, want := range map[string]string{"": `{"choices":[{"text":"yes"}]}`, "choices.0.text": "yes", "choices.1": "no place 1", "other": `no member "other"`} {
		target, err := NewHTTP(TargetConfig{Name: "t", URL: srv.URL, Output: output, Headers: map[string]string{"X-Token": "env:EVAL_TEST_TOKEN"}}, srv.Client(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		a, err := target.Ask(t.Context(), Ask{Key: Key{"t", "a", 1}, Item: &it})
		if a.Text != want && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %q, %v; want %q", output, a.Text, err, want)
		}
	}
	if _, err := NewHTTP(TargetConfig{Name: "t", URL: srv.URL, Headers: map[string]string{"X-Token": "env:EVAL_TEST_NOT_SET"}}, srv.Client(), time.Minute); err == nil {
		t.Error("a secret that is not set is sent")
	}
}

// A RAG pipeline is asked like a model; what it found is what judges read, and what it cites is what it retrieved.
func TestRAGTarget(t *testing.T) {
	answer := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != `{"messages":[{"content":"Which river?","role":"user"}],"model":"rag/faq"}` {
			t.Errorf("asked %s", body)
		}
		_, _ = io.WriteString(w, `{"model":"rag/faq","choices":[{"index":0,"message":{"role":"assistant","content":"The Elbe [1]."`+answer+`}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}`)
	}))
	defer srv.Close()
	d, err := ReadDefinition("eval.yaml", []byte("name: n\ndataset: d.jsonl\ntargets: [{name: t, rag: faq}]\nscorers: [{metric: recall_at_k}]\n"))
	if err != nil || d.Targets[0].Kind() != "rag" {
		t.Fatalf("%+v, %v", d.Targets, err)
	}
	target := NewModel(d.Targets[0], Gateway{URL: srv.URL + "/v1", Client: srv.Client()}, time.Minute)
	it := itemsOf(t, `{"id":"a","input":"Which river?","expected":["rivers.md","seas.md"],"context":"of the item"}`)[0]
	for more, want := range map[string]struct {
		contexts []string
		recall   State
		value    float64
	}{
		``: {[]string{"of the item"}, Scored, 0}, // the text is no ranking of these
		`,"contexts":["Elbe.","Oder."],"citations":[{"id":"1","document":"rivers.md","quote":"Elbe","start":4,"end":8},{"id":"2","document":"rivers.md","quote":"Oder","start":10,"end":14}]`: {[]string{"Elbe.", "Oder."}, Scored, 0.5},
		`,"contexts":"none","citations":7`: {[]string{"of the item"}, Scored, 0},
	} {
		answer = more
		got, err := target.Ask(t.Context(), Ask{Key: Key{"t", "a", 1}, Item: &it})
		if err != nil || got.Text != "The Elbe [1]." || got.OutputTokens != 4 {
			t.Fatalf("%s: %+v, %v", more, got, err)
		}
		if c := JudgeCase(&it, &got); !cmp.Equal(c.Contexts, want.contexts) {
			t.Errorf("%s: judges read %q, want %q", more, c.Contexts, want.contexts)
		}
		if s := scorerOf(t, d.Scorers[0]).Score(t.Context(), Sample{&it, &got}); s.State != want.recall || s.Value != want.value {
			t.Errorf("%s: recall %+v, want %v", more, s, want.value)
		}
		if strings.Contains(more, "rivers") && (len(got.Citations) != 2 || got.Citations[0].End != 8) {
			t.Errorf("citations %+v", got.Citations)
		}
	}
	for text, want := range map[string]string{"{name: t, rag: a/b}": "names no pipeline", "{name: t, rag: a, model: m}": "needs one of"} {
		if _, err := ReadDefinition("eval.yaml", []byte("name: n\ndataset: d.jsonl\ntargets: ["+text+"]\nscorers: [{metric: exact}]\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
