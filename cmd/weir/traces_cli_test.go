package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Traces and sessions are listed with their figures, and a trace is shown with its spans beneath each other, even where they are each other's parents.
func TestTracesOnTheCommandLine(t *testing.T) {
	const one = `{"id":"t-1","project":"shop","user":"a\u001b[31mnn","name":"chat.completions","model":"gpt-4o","status":"ok","start_time":"2026-11-23T08:00:00.000000Z","duration_ms":2500,"spans":3,"calls":2,"errors":1,"cost_usd":"0.012500000","input_tokens":1000,"output_tokens":234}`
	answers := map[string]string{
		"/api/v1/traces":   `{"traces":[` + one + `],"next":"more-of-them"}`,
		"/api/v1/sessions": `{"sessions":[` + strings.Replace(one, "t-1", "s-1", 1) + `],"next":""}`,
		"/api/v1/traces/t-1/outline": `{"more":false,"spans":[
			{"span_id":"c","parent_id":"a","kind":"attempt","name":"","model":"gpt-4o","provider":"azure","status":"error","error":"slow down","offset_ms":0,"duration_ms":5,"cost_usd":null,"input_tokens":0,"output_tokens":0},
			{"span_id":"a","parent_id":"","kind":"call","name":"chat.completions","model":"gpt-4o","provider":"openai","status":"ok","error":"","offset_ms":0,"duration_ms":2500,"cost_usd":"0.0125","input_tokens":1000,"output_tokens":234},
			{"span_id":"x","parent_id":"y","kind":"chain","name":"rag handbook","model":"","provider":"","status":"ok","error":"","offset_ms":1,"duration_ms":2,"cost_usd":null,"input_tokens":0,"output_tokens":0},
			{"span_id":"y","parent_id":"x","kind":"retrieval","name":"rag.search","model":"","provider":"","status":"ok","error":"","offset_ms":1,"duration_ms":2,"cost_usd":null,"input_tokens":0,"output_tokens":0}]}`,
	}
	var asked []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(answers[r.URL.Path]))
	}))
	defer srv.Close()
	run := func(args ...string) string {
		t.Helper()
		t.Setenv("WEIR_ADMIN_TOKEN", "wt-test")
		cmd := rootCommand()
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.SetErr(&out)
		cmd.SetArgs(append(args, "--url", srv.URL))
		if err := cmd.Execute(); err != nil {
			t.Fatalf("weir %s: %v", strings.Join(args, " "), err)
		}
		return out.String()
	}
	for _, name := range []string{"traces", "sessions"} {
		out := run(name, "--status", "error")
		for _, want := range []string{"shop", "gpt-4o", "0.0125", "1,234", name[:1] + "-1"} {
			if !strings.Contains(out, want) {
				t.Errorf("weir %s does not say %q:\n%s", name, want, out)
			}
		}
		if strings.Contains(out, "\x1b") {
			t.Errorf("weir %s writes a terminal's escape: %q", name, out)
		}
		if more := strings.Contains(out, "--cursor more-of-them"); more != (name == "traces") {
			t.Errorf("weir %s: says that there are more: %v", name, more)
		}
	}
	out := run("traces", "show", "t-1")
	var names []string
	for line := range strings.Lines(out) {
		names = append(names, strings.Join(strings.Fields(line)[:3], " "))
	}
	if got, want := strings.Join(names[1:], "; "), "call gpt-4o ok; · attempt azure; chain rag handbook; · retrieval rag.search"; got != want {
		t.Errorf("the tree is %q, want %q:\n%s", got, want, out)
	}
	if !strings.Contains(out, "slow down") {
		t.Errorf("the error is missing:\n%s", out)
	}
	if asked[0] != "/api/v1/traces?limit=20&status=error" {
		t.Errorf("asked for %s", asked[0])
	}
}
