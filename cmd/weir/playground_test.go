package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-dev/weir/internal/simulator"
)

// playgroundAs makes a call of the playground with a member's token.
func (s *service) playgroundAs(t *testing.T, token, body string, change ...func(http.Header)) budgetAnswer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/v1/playground/chat", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	for _, c := range change {
		c(req.Header)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return budgetAnswer{resp.StatusCode, resp.Header, string(text)}
}

// addMember gives a member's token.
func (s *service) addMember(t *testing.T, name, role string) string {
	t.Helper()
	var made struct {
		Token string `json:"token"`
	}
	s.post(t, http.MethodPost, "/members", fmt.Sprintf(`{"name":%q,"role":%q}`, name, role), http.StatusCreated, &made)
	return made.Token
}

// A call of the playground goes the way of all calls: it is streamed, resolved, recorded with who made it, priced and held against
// budgets, and it can say nothing of its own about whose it is.
func TestPlaygroundGoesThroughTheGateway(t *testing.T) {
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 21}))
	ann := w.addMember(t, "ann", "developer")
	w.post(t, http.MethodPost, "/prompts", `{"name":"greet","content":{"text":"Greet {{name}}.","model":"gpt-4o-mini"}}`, http.StatusOK, nil)

	got := w.playgroundAs(t, ann, `{"prompt":{"id":"greet@1","variables":{"name":"{{Bo}}"}},"user":"somebody-else","stream":true,"stream_options":{"include_usage":true},"metadata":{"sim-text":"Good day."}}`,
		func(h http.Header) { h.Set("X-Weir-User", "somebody-else"); h.Set("Cookie", "weir_session=secret") })
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/event-stream") || !strings.HasSuffix(strings.TrimSpace(got.body), "data: [DONE]") {
		t.Fatalf("%d %s: %s", got.status, got.header.Get("Content-Type"), got.body)
	}
	if p := got.header.Get("X-Weir-Prompt"); p != "greet@1" {
		t.Errorf("X-Weir-Prompt %q", p)
	}
	w.settle(t)
	rec := w.call(t, got.header.Get("X-Weir-Call-Id"))
	if c := rec.Call; c.Project != "playground" || c.Key != "playground" || c.User != "ann" || c.Prompt != "greet" || c.PromptVersion != 1 || c.Endpoint != "chat.completions" {
		t.Errorf("recorded %+v", c)
	}
	if _, known := rec.Call.KnownCost(); !known {
		t.Error("the call has no cost")
	}
	var sent struct {
		Messages []struct{ Content string } `json:"messages"`
	}
	if err := json.Unmarshal(rec.Body.Request, &sent); err != nil || len(sent.Messages) != 1 || sent.Messages[0].Content != "Greet {{Bo}}." {
		t.Errorf("sent %s (%v)", rec.Body.Request, err)
	}

	// Refusals come in the dialect's own shape.
	for _, tt := range []struct {
		body, code string
		status     int
	}{
		{`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}],"prompt":{"id":"nobody"}}`, "weir_prompt_not_found", http.StatusNotFound},
		{`{"prompt":{"id":"greet"}}`, "weir_prompt_invalid", http.StatusUnprocessableEntity},
		{`{"messages":[]}`, "weir_invalid_request", http.StatusBadRequest},
		{`{`, "weir_invalid_request", http.StatusBadRequest},
	} {
		if got := w.playgroundAs(t, ann, tt.body); got.status != tt.status || !strings.Contains(got.body, tt.code) {
			t.Errorf("%s: %d %s, want %d %s", tt.body, got.status, got.body, tt.status, tt.code)
		}
	}

	// A budget on the project holds.
	w.makeBudget(t, `{"name":"play","scope":{"project":"playground"},"window":"lifetime","limit_calls":1}`)
	if got := w.playgroundAs(t, ann, `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}`); got.status != http.StatusTooManyRequests || !strings.Contains(got.body, "weir_budget_exceeded") {
		t.Errorf("beyond the budget: %d %s", got.status, got.body)
	}

	// Who may not is let in by no door.
	if got := w.playgroundAs(t, w.addMember(t, "vic", "viewer"), `{}`); got.status != http.StatusForbidden {
		t.Errorf("a viewer: %d %s", got.status, got.body)
	}
	if got := w.playgroundAs(t, w.firstKey.Reveal(), `{}`); got.status != http.StatusUnauthorized {
		t.Errorf("a virtual key: %d %s", got.status, got.body)
	}
}
