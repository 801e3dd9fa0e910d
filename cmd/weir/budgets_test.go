package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/ingest"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// shownBudget is a budget as the API shows it.
type shownBudget struct {
	ID           string
	State        string
	ResetsAt     *time.Time `json:"resets_at"`
	SpentUSD     price.USD  `json:"spent_usd"`
	SpentTokens  int64      `json:"spent_tokens"`
	SpentCalls   int64      `json:"spent_calls"`
	HeldUSD      price.USD  `json:"held_usd"`
	HeldCalls    int64      `json:"held_calls"`
	RemainingUSD *price.USD `json:"remaining_usd"`
	OverrunUSD   price.USD  `json:"overrun_usd"`
}

// post asks the API to do something.
func (s *service) post(t *testing.T, method, path, body string, want int, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.admin.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		t.Fatalf("%s %s: %d %s %v, want %d", method, path, resp.StatusCode, text, err, want)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
}

// budget reads one back, once what was spent before is known.
func (s *service) budget(t *testing.T, id string) shownBudget {
	t.Helper()
	var found shownBudget
	eventually(t, 30*time.Second, func() error {
		var list struct{ Budgets []shownBudget }
		s.get(t, "/budgets", &list)
		for _, b := range list.Budgets {
			if b.ID == id && b.State != "filling" {
				found = b
				return nil
			}
		}
		return fmt.Errorf("no budget %s that is filled in %+v", id, list)
	})
	return found
}

func (s *service) makeBudget(t *testing.T, body string) shownBudget {
	t.Helper()
	var made shownBudget
	s.post(t, http.MethodPost, "/budgets", body, http.StatusCreated, &made)
	return s.budget(t, made.ID)
}

// budgetAnswer is what a client of the gateway got.
type budgetAnswer struct {
	status int
	header http.Header
	body   string
}

func (s *service) askFor(t *testing.T, path, body string, change ...func(http.Header)) budgetAnswer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.gateway+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.firstKey.Reveal())
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

func tagged(tags string) func(http.Header) {
	return func(h http.Header) { h.Set("X-Weir-Tags", tags) }
}

const chatBody = `{"model":"gpt-4o-mini","max_tokens":50,"messages":[{"role":"user","content":"Count to three."}]}`

// A budget by the API, calls until it is spent, and still spent after a restart.
func TestABudgetHoldsAndOutlivesARestart(t *testing.T) {
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 1})
	cfg.Data = t.TempDir()
	var key account.Secret
	var spentID, dollarsID string
	var dollars price.USD
	t.Run("before", func(t *testing.T) {
		w := startWeirOn(t, cfg)
		key = w.firstKey
		before := w.askFor(t, "/chat/completions", chatBody, tagged("team=a")) // counts for budgets made later
		if before.status != http.StatusOK {
			t.Fatalf("%+v", before)
		}
		spentID = w.makeBudget(t, `{"name":"three calls","scope":{"tag.team":"a"},"window":"day","limit_calls":3}`).ID
		dollarsID = w.makeBudget(t, `{"name":"dollars","window":"month","timezone":"Europe/Berlin","limit_usd":"1.50","policy":"strict"}`).ID
		if b := w.budget(t, spentID); b.SpentCalls != 1 {
			t.Errorf("a budget made after a call shows %d calls, want 1", b.SpentCalls)
		}
		for range 2 {
			got := w.askFor(t, "/chat/completions", chatBody, tagged("team=a"))
			left, err := price.ParseUSD(got.header.Get("X-Weir-Budget-Remaining-USD"))
			b := w.budget(t, dollarsID)
			if got.status != http.StatusOK || err != nil || b.RemainingUSD == nil || left != *b.RemainingUSD || b.HeldUSD != 0 {
				t.Fatalf("%+v, the budget %+v, %v", got, b, err)
			}
		}
		refused := w.askFor(t, "/chat/completions", chatBody, tagged("team=a"))
		after, err := strconv.Atoi(refused.header.Get("Retry-After"))
		if refused.status != http.StatusTooManyRequests || !strings.Contains(refused.body, `"weir_budget_exceeded"`) || refused.header.Get("X-Should-Retry") != "false" ||
			err != nil || after < 1 || after > 24*3600+1 {
			t.Errorf("the fourth call: %+v", refused)
		}
		if c := w.call(t, refused.header.Get("X-Weir-Call-Id")).Call; c.Status != trace.StatusBudget || c.HTTPStatus != http.StatusTooManyRequests || c.Cost != 0 {
			t.Errorf("recorded: %+v", c)
		}
		if other := w.askFor(t, "/chat/completions", chatBody, tagged("team=b")); other.status != http.StatusOK {
			t.Errorf("another team's call: %+v", other)
		}
		w.settle(t)
		costs, err := w.reader.Costs(t.Context(), trace.CostQuery{})
		b := w.budget(t, dollarsID)
		if dollars = b.SpentUSD; err != nil || dollars == 0 || dollars != costs.Total.Cost || b.SpentCalls != 4 || b.OverrunUSD != 0 {
			t.Errorf("the budget shows %+v, the store %v, %v", b, costs.Total.Cost, err)
		}
		var holds struct{ Holds []any }
		w.get(t, "/budgets/holds", &holds)
		if len(holds.Holds) != 0 {
			t.Errorf("nothing is under way, and held is %v", holds.Holds)
		}
	})
	t.Run("after", func(t *testing.T) {
		w := startWeirOn(t, cfg)
		w.firstKey = key
		if got := w.askFor(t, "/chat/completions", chatBody, tagged("team=a")); got.status != http.StatusTooManyRequests {
			t.Errorf("after a restart: %+v", got)
		}
		if b := w.budget(t, spentID); b.SpentCalls != 3 || b.State != "spent" {
			t.Errorf("the spent budget shows %+v", b)
		}
		if b := w.budget(t, dollarsID); b.SpentUSD != dollars || b.SpentCalls != 4 {
			t.Errorf("the budget of dollars shows %+v, want %v", b, dollars)
		}
		w.post(t, http.MethodPut, "/budgets/"+spentID, `{"name":"more","scope":{"tag.team":"a"},"window":"day","limit_calls":4}`, http.StatusOK, nil)
		if got := w.askFor(t, "/chat/completions", chatBody, tagged("team=a")); got.status != http.StatusOK {
			t.Errorf("with a higher limit: %+v", got)
		}
		w.post(t, http.MethodDelete, "/budgets/"+spentID, "", http.StatusNoContent, nil)
		if got := w.askFor(t, "/chat/completions", chatBody, tagged("team=a")); got.status != http.StatusOK {
			t.Errorf("without the budget: %+v", got)
		}
	})
}

// 200 requests at once on a budget of 17 calls: 17 reach the provider.
func TestABudgetIsNotOverspentByManyAtOnce(t *testing.T) {
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 1}))
	id := w.makeBudget(t, `{"name":"calls","scope":{"project":"default","model":"gpt-4o-mini"},"window":"lifetime","limit_calls":17}`).ID
	var wg sync.WaitGroup
	var good, refused atomic.Int64
	for range 200 {
		wg.Go(func() {
			switch got := w.askFor(t, "/chat/completions", chatBody); {
			case got.status == http.StatusOK:
				good.Add(1)
			case got.status == http.StatusTooManyRequests && got.header.Get("Retry-After") == "":
				refused.Add(1)
			default:
				t.Errorf("%+v", got)
			}
		})
	}
	wg.Wait()
	if b := w.budget(t, id); good.Load() != 17 || refused.Load() != 183 || b.SpentCalls != 17 || b.HeldCalls != 0 {
		t.Errorf("%d answered, %d refused, the budget shows %+v", good.Load(), refused.Load(), b)
	}
}

// No path under /v1 reaches a provider when a budget is spent, but those that cost nothing.
func TestNoRouteReachesAProviderAroundTheBudget(t *testing.T) {
	var reached atomic.Int64
	sim := simulator.New(simulator.Config{Seed: 1})
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		sim.ServeHTTP(w, r)
	}))
	defer provider.Close()
	cfg := simulatedOpenAI(t, simulator.Config{})
	cfg.Providers[0].BaseURL = provider.URL + "/v1"
	cfg.Projects = []ProjectConfig{{Name: "default", Provider: "openai"}}
	w := startWeir(t, cfg)
	var made struct{ Key string }
	w.post(t, http.MethodPost, "/keys", `{"name":"all","endpoints":["*"]}`, http.StatusCreated, &made)
	w.firstKey = account.NewSecret(made.Key)

	try := func(path string, want int) {
		t.Helper()
		before := reached.Load()
		got := w.askFor(t, path, `{"model":"gpt-4o-mini","max_tokens":5,"input":"x","prompt":"x","messages":[{"role":"user","content":"x"}]}`)
		if got.status != want || reached.Load() != before {
			t.Errorf("%s: %d %s, the provider was reached %d times", path, got.status, got.body, reached.Load()-before)
		}
	}
	dollars := w.makeBudget(t, `{"name":"dollars","window":"day","limit_usd":"5"}`).ID
	try("/images/generations", http.StatusForbidden) // what it costs cannot be known
	w.post(t, http.MethodDelete, "/budgets/"+dollars, "", http.StatusNoContent, nil)

	w.makeBudget(t, `{"name":"one call","window":"lifetime","limit_calls":1}`)
	if got := w.askFor(t, "/chat/completions", chatBody); got.status != http.StatusOK {
		t.Fatalf("the one call: %+v", got)
	}
	paths := ingest.Modelled()
	paths["/images/generations"] = llm.Passthrough
	paths["/messages/batches"] = llm.Passthrough
	seen := 0
	for path, endpoint := range paths {
		if endpoint == llm.Models || endpoint == llm.CountTokens {
			continue
		}
		seen++
		try(path, http.StatusTooManyRequests)
	}
	if seen < 7 {
		t.Errorf("%d paths were tried; where are the others?", seen)
	}
	public, _ := routers(handlers{}, false)
	for _, r := range public.Routes() { // the port's own table: what else could send?
		switch r.Path {
		case "/v1/*", "/healthz", "/readyz", "/metrics", "/debug/pprof/*", "/api/v1/*", "/*":
		default:
			t.Errorf("the port serves %s, which this test does not know: does it reach a provider?", r.Path)
		}
	}
}

// A strict budget puts a limit of output into a call that names none, and refuses what has no bound.
func TestAStrictBudgetBoundsTheCall(t *testing.T) {
	var last atomic.Pointer[[]byte]
	sim := simulator.New(simulator.Config{Seed: 1})
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		last.Store(&body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		sim.ServeHTTP(w, r)
	}))
	defer provider.Close()
	cfg := simulatedOpenAI(t, simulator.Config{})
	cfg.Providers[0].BaseURL = provider.URL + "/v1"
	w := startWeir(t, cfg)
	id := w.makeBudget(t, `{"name":"strict","window":"day","limit_usd":"0.02","policy":"strict"}`).ID
	got := w.askFor(t, "/chat/completions", `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}`)
	if got.status != http.StatusOK || !strings.Contains(string(*last.Load()), `"max_completion_tokens":16384`) {
		t.Errorf("%+v, the provider was sent %s", got, *last.Load())
	}
	if b := w.budget(t, id); b.SpentUSD == 0 || b.OverrunUSD != 0 {
		t.Errorf("%+v", b)
	}
	last.Store(nil)
	for body, want := range map[string]int{
		`{"model":"gpt-4o-mini","max_tokens":100000000,"messages":[{"role":"user","content":"Hello"}]}`:                         http.StatusTooManyRequests,
		`{"model":"gpt-4o-mini","max_tokens":5,"n":10000000,"messages":[{"role":"user","content":"Hello"}]}`:                    http.StatusTooManyRequests,
		`{"model":"gpt-4o-mini","max_tokens":5,"web_search_options":{},"messages":[{"role":"user","content":"Hello"}]}`:         http.StatusBadRequest,
		`{"model":"openai/no-price-for-this","max_tokens":5,"messages":[{"role":"user","content":"Hello"}]}`:                    http.StatusBadRequest,
		`{"model":"gpt-4o-mini","max_tokens":5,"tools":[{"type":"web_search"}],"messages":[{"role":"user","content":"Hello"}]}`: http.StatusBadRequest,
	} {
		if got := w.askFor(t, "/chat/completions", body); got.status != want || last.Load() != nil {
			t.Errorf("%s: %+v, want %d", body, got, want)
		}
	}
}

// A stream that runs on beyond what was expected is cut when the budget has no room for more, and charged for what came.
func TestAStreamIsCutAtTheBudgetsEnd(t *testing.T) {
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 1}))
	id := w.makeBudget(t, `{"name":"small","window":"day","limit_usd":"0.0005"}`).ID
	got := w.askFor(t, "/chat/completions", `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"Hello"}]}`, func(h http.Header) { h.Set("X-Sim-Words", "3000") })
	if got.status != http.StatusOK || !strings.Contains(got.body, `"weir_stream_cut"`) || strings.Contains(got.body, "[DONE]") {
		t.Errorf("%d, the stream ends in %q", got.status, got.body[max(0, len(got.body)-300):])
	}
	c := w.call(t, got.header.Get("X-Weir-Call-Id")).Call
	if c.Status != trace.StatusCut || c.ErrorCode != "weir_stream_cut" || c.Usage.OutputText < 512 || c.Cost == 0 {
		t.Errorf("recorded %+v", c)
	}
	if b := w.budget(t, id); b.SpentUSD != c.Cost || b.HeldUSD != 0 || b.SpentUSD > 600_000 {
		t.Errorf("the budget shows %+v after a call of %v", b, c.Cost)
	}
}

// A spent budget whose limit says downgrade sends a call to the route's next target.
func TestADowngradeTakesTheNextTarget(t *testing.T) {
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 1})
	cfg.Routes = []RouteConfig{{Model: "fast", Targets: []TargetConfig{{Provider: "openai", Model: "gpt-4o"}}, Fallback: []TargetConfig{{Provider: "openai", Model: "gpt-4o-mini"}}}}
	w := startWeir(t, cfg)
	w.makeBudget(t, `{"name":"dear","scope":{"model":"gpt-4o"},"window":"day","limit_calls":1,"at_limit":"downgrade"}`)
	alert := w.makeBudget(t, `{"name":"told","window":"day","limit_calls":1,"at_limit":"alert"}`).ID
	body := `{"model":"fast","max_tokens":5,"messages":[{"role":"user","content":"Hello"}]}`
	for i, want := range []string{"gpt-4o", "gpt-4o-mini", "gpt-4o-mini"} {
		if got := w.askFor(t, "/chat/completions", body); got.status != http.StatusOK || got.header.Get("X-Weir-Model") != want {
			t.Errorf("call %d: %d by %s, want %s", i+1, got.status, got.header.Get("X-Weir-Model"), want)
		}
	}
	if b := w.budget(t, alert); b.State != "spent" || b.SpentCalls != 3 {
		t.Errorf("the budget that only tells shows %+v", b)
	}
}

// What is wrong with a budget is said, all at once.
func TestBadBudgetsAreRefused(t *testing.T) {
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{}))
	for body, word := range map[string]string{
		`{"name":"x","limit_usd":"1"}`:                                           "window: missing",
		`{"name":"x","window":"day"}`:                                            "limit: missing",
		`{"name":"x","window":"day","limit_usd":"-1"}`:                           "below zero",
		`{"name":"x","window":"fortnight","limit_usd":"1"}`:                      "fortnight",
		`{"name":"x","window":"day","limit_usd":"1","timezone":"Mars/Olympus"}`:  "Mars/Olympus",
		`{"name":"x","window":"day","limit_eur":"1"}`:                            "limit_eur",
		`{"name":"x","window":"day","limit_usd":"1","scope":{"colour":"red"}}`:   "colour",
		`{"name":"x","window":"day","limit_usd":"one"}`:                          "one",
		`{"name":"","window":"day","limit_calls":1,"policy":"lax","at_limit":1}`: "at_limit",
	} {
		var e struct {
			Error struct{ Message, Code string }
		}
		w.post(t, http.MethodPost, "/budgets", body, http.StatusBadRequest, &e)
		if !strings.Contains(e.Error.Message, word) || e.Error.Code != "weir_invalid_request" {
			t.Errorf("%s: %+v does not say %q", body, e, word)
		}
	}
	w.makeBudget(t, `{"name":"x","window":"day","limit_calls":1}`)
	w.post(t, http.MethodPost, "/budgets", `{"name":"x","window":"day","limit_calls":1}`, http.StatusBadRequest, nil)
	w.post(t, http.MethodPut, "/budgets/none", `{"name":"y","window":"day","limit_calls":1}`, http.StatusNotFound, nil)
	w.post(t, http.MethodDelete, "/budgets/none", "", http.StatusNotFound, nil)
	w.post(t, http.MethodPost, "/budgets/holds/none/release", "", http.StatusNotFound, nil)
}
