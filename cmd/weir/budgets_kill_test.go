package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/price"
)

// weir is killed with a call under way: the next one knows what was spent to the nanodollar, and presumes that the call cost
// what was held for it, until somebody releases it.
func TestABudgetKnowsWhatAKilledWeirSpent(t *testing.T) {
	needEngine(t)
	sim := simulator.New(simulator.Config{Seed: 5})
	reached, over := make(chan struct{}, 1), make(chan struct{})
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte("never answered")) {
			reached <- struct{}{}
			<-over
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		sim.ServeHTTP(w, r)
	}))
	defer provider.Close()
	defer close(over)
	dir := t.TempDir()
	config := filepath.Join(dir, "weir.yaml")
	text := fmt.Sprintf("providers:\n  - {name: openai, kind: openai, base_url: %q, api_key: x}\n", provider.URL+"/v1")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, key := startProcess(t, dir, config)
	token, err := os.ReadFile(filepath.Join(dir, "data", adminTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	service := func() *service {
		at, err := url.Parse(p.url)
		if err != nil {
			t.Fatal(err)
		}
		return &service{url: at.Scheme + "://" + at.Host, gateway: p.gateway, firstKey: account.NewSecret(key), admin: account.NewSecret(strings.TrimSpace(string(token)))}
	}
	w := service()
	id := w.makeBudget(t, `{"name":"strict","window":"month","limit_usd":"1","policy":"strict"}`).ID
	var spent price.USD
	for range 5 {
		got := w.askFor(t, "/chat/completions", chatBody)
		cost, err := price.ParseUSD(got.header.Get("X-Weir-Cost-USD"))
		if err != nil || got.status != http.StatusOK {
			t.Fatalf("%+v, %v", got, err)
		}
		spent += cost
	}
	hanging := make(chan struct{})
	go func() {
		defer close(hanging)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.gateway+"/chat/completions",
			strings.NewReader(`{"model":"gpt-4o-mini","max_tokens":1000,"messages":[{"role":"user","content":"never answered"}]}`))
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+key)
		if resp, err := http.DefaultClient.Do(req); err == nil { // it fails: weir dies
			_ = resp.Body.Close()
		}
	}()
	<-reached
	held := w.budget(t, id).HeldUSD
	if held < 1000*600 {
		t.Errorf("for up to 1000 tokens %v are held", held)
	}
	p.kill()
	<-hanging

	p, _ = startProcess(t, dir, config)
	defer func() { p.stop(t) }()
	w = service()
	if b := w.budget(t, id); b.SpentUSD != spent || b.HeldUSD != held || b.SpentCalls != 5 {
		t.Errorf("after the kill the budget shows %+v, want %v spent and %v held", b, spent, held)
	}
	var list struct {
		Holds []struct{ ID, State string }
	}
	w.get(t, "/budgets/holds", &list)
	if len(list.Holds) != 1 || list.Holds[0].State != "presumed" {
		t.Fatalf("%+v", list)
	}
	w.post(t, http.MethodPost, "/budgets/holds/"+list.Holds[0].ID+"/release", "", http.StatusNoContent, nil)
	if b := w.budget(t, id); b.SpentUSD != spent || b.HeldUSD != 0 {
		t.Errorf("after the release the budget shows %+v", b)
	}
}
