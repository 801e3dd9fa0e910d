package main

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
)

// The demo's own calls name the simulated provider, or a pipeline whose models are simulated: never what a live provider would serve.
func TestDemoTrafficStaysInTheDemo(t *testing.T) {
	asked := ""
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Model string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		asked = body.Model
		w.WriteHeader(http.StatusTeapot) // what is answered does not matter
	}))
	defer gateway.Close()
	client := trafficClient(gateway.URL, account.NewSecret("sk-weir-test"))
	r := rand.New(rand.NewPCG(1, 1))
	sent := func(what string, req simulator.Request) {
		t.Helper()
		if err := send(t.Context(), client, req); err == nil {
			t.Errorf("%s: the refusal of %s was not told", what, asked)
		}
	}
	for range 8 {
		if sent("a question", handbookRequest(r)); asked != "rag/"+demoPipeline && asked != "rag/"+demoReranked {
			t.Errorf("a question of the handbook went to %q", asked)
		}
	}
	n := 0
	for req := range simulator.Traffic(t.Context(), simulator.TrafficConfig{Seed: 1, Rate: 1e6, ProjectOf: demoProjectOf}) {
		if sent("a call", req); !strings.HasPrefix(asked, "simulated/") {
			t.Errorf("a call of %s went to %q", req.Path, asked)
		}
		if n++; n == 40 {
			break
		}
	}
}
