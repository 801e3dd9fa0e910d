package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report/gather"
	"github.com/weir-dev/weir/dashboards/report/schedule"
	"github.com/weir-dev/weir/eval/drift"
	"github.com/weir-dev/weir/eval/evaltest"
	"github.com/weir-dev/weir/eval/online/onlinetest"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/prompts/experiment/experimenttest"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

const token = "the-admin-token-of-the-tests"

// t0 is a moment within the last month of most tests.
var t0 = time.Date(2026, 11, 23, 8, 0, 0, 123_456_000, time.UTC)

// world is an API over stores in memory.
type world struct {
	t        *testing.T
	api      *API
	handler  http.Handler
	store    *tracetest.Memory
	evals    evaltest.Memory
	queues   evaltest.Queues
	online   onlinetest.Memory
	scores   *tracetest.MemoryScores
	spool    *fakeSpool
	cache    *fakeCache
	keys     *account.MemoryKeys
	prices   *memoryPrices
	budgets  *memoryBudgets
	book     *price.Book
	prompts  prompts.Memory
	registry *prompts.Registry
	members  account.MemoryMembers
	views    account.MemoryViews
	trials   experiment.Memory
	seen     experimenttest.Memory // calls of experiments
	alerts   alert.Memory
	watch    *alert.Watch
	sender   schedule.Memory
	log      *bytes.Buffer
	batches  int

	keysChanged, pricesChanged error // what the listeners answer
	heard                      int   // times they were told
	document                   map[string]any
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, store: &tracetest.Memory{Preview: tracetest.Preview}, scores: &tracetest.MemoryScores{}, spool: &fakeSpool{}, cache: &fakeCache{}, keys: &account.MemoryKeys{},
		prices: &memoryPrices{}, budgets: &memoryBudgets{}, book: price.Embedded(), log: &bytes.Buffer{},
	}
	var err error
	w.registry, err = prompts.OpenRegistry(t.Context(), prompts.RegistryConfig{Store: &w.prompts, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w.watch = alert.NewWatch(alert.Config{
		Store: &w.alerts, Sources: &alert.Sources{Calls: w.store, Scores: w.scores}, Rules: alertRules, Channels: []string{"ops"}, Console: "http://weir.test",
		Log: slog.New(slog.DiscardHandler),
	})
	w.sender.Outbox = &w.alerts
	papers := &gather.Sources{
		Calls: w.store, Scores: w.scores, Budgets: w.budgets, BudgetEvents: w.budgets, Alerts: w.watch, Book: func() *price.Book { return w.book }, Console: "http://weir.test",
		Routes: []gather.Route{{Model: "fast", Targets: []gather.Target{{Provider: "openai", PriceAs: "openai", Model: "gpt-4o-mini"}, {Provider: "openai", PriceAs: "openai", Model: "gpt-4o"}}}},
	}
	w.api = New(Config{
		Reports: Reports{papers, schedule.NewSender(schedule.Config{
			Store: &w.sender, Outbox: &w.alerts, Make: papers.Make, Schedules: reportSchedulesOfFile, Channels: []string{"ops"}, Log: slog.New(slog.DiscardHandler),
		})},
		Alerts:  w.watch,
		Prompts: &w.prompts, Registry: w.registry, Members: &w.members, Views: &w.views, Experiments: &w.trials, ExperimentReader: &w.seen,
		Reader: w.store, Scores: w.scores, Finder: w.store, Bundles: w.store, Explorer: w.store, Annotations: &w.queues, Datasets: &w.evals, Evals: &w.evals, EvalResults: &w.evals, Online: &w.online, Drift: drift.NewReports(drift.Source{Calls: w.store, Traffic: w.store}), Spool: w.spool, Cache: w.cache, Keys: w.keys, Prices: w.prices, AdminToken: account.NewSecret(token),
		KeysChanged:   func(context.Context) error { w.heard++; return w.keysChanged },
		PricesChanged: func(context.Context) error { w.heard++; return w.pricesChanged },
		Budgets:       w.budgets, BudgetLedger: w.budgets, BudgetEvents: w.budgets, Advice: w.budgets, BudgetsChanged: func(context.Context) error { w.heard++; return nil },
		Book:    func() *price.Book { return w.book },
		PriceAs: func(provider string) string { return strings.TrimPrefix(provider, "my-") },
		System: func(context.Context) System {
			return System{
				Version: "v1", StartedAt: t0, UptimeSeconds: 60, DataDir: "data", Listen: "127.0.0.1:4000",
				ClickHouse: StoreHealth{Mode: "embedded", OK: true}, Control: ControlHealth{Kind: "sqlite"},
				Providers: []ProviderInfo{{Name: "openai", Kind: "openai", BaseURL: "https://me:pa55@api.example/v1?k=s3", Live: true}},
				Replicas:  []Replica{{ID: "r1", Name: "host 127.0.0.1:4000", StartedAt: t0, PromptsRevision: 7}},
			}
		},
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	w.handler = w.api.Handler()
	if err := json.Unmarshal(w.api.document, &w.document); err != nil {
		t.Fatal(err)
	}
	return w
}

// record puts calls into the store.
func (w *world) record(records ...trace.Record) {
	w.t.Helper()
	w.batches++
	if err := w.store.Write(w.t.Context(), trace.Batch{Token: fmt.Sprint(w.batches), Records: trace.Slice(records)}); err != nil {
		w.t.Fatal(err)
	}
}

// header changes a request.
func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// stranger sends no token.
func stranger(r *http.Request) { r.Header.Del("Authorization") }

// ask makes a request as the admin. Whatever comes back must have the headers of all answers and the form that the
// OpenAPI document promises.
func (w *world) ask(method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, prefix+target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if got := rec.Header().Get(name); got != want {
			w.t.Errorf("%s %s: %s is %q, want %q", method, target, name, got, want)
		}
	}
	if rec.Header().Get("X-Request-Id") == "" {
		w.t.Errorf("%s %s: no X-Request-Id", method, target)
	}
	w.conforms(r, rec)
	return rec
}

// get asks for JSON and wants 200.
func (w *world) get(target string, into any) {
	w.t.Helper()
	rec := w.ask("GET", target, "")
	if rec.Code != http.StatusOK {
		w.t.Fatalf("GET %s: %d %s", target, rec.Code, rec.Body)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
		w.t.Fatalf("GET %s: %v in %s", target, err, rec.Body)
	}
}

// refusal is an error as clients read it.
type refusal struct {
	Error struct {
		Message, Type, Code string
		Param               *string
	}
}

// refused asks and wants an error of a status, a code, and a message that holds the words.
func (w *world) refused(rec *httptest.ResponseRecorder, status int, code llm.Code, words ...string) refusal {
	w.t.Helper()
	var got refusal
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		w.t.Fatalf("%d %q: %v", rec.Code, rec.Body, err)
	}
	if rec.Code != status || got.Error.Code != string(code) || rec.Header().Get("Content-Type") != "application/json" {
		w.t.Errorf("got %d %s, want %d %s", rec.Code, rec.Body, status, code)
	}
	for _, word := range words {
		if !strings.Contains(got.Error.Message, word) {
			w.t.Errorf("the message %q does not say %q", got.Error.Message, word)
		}
	}
	return got
}

// example is the call of the API's documentation.
func example() trace.Record {
	return trace.Record{
		Call: trace.Span{
			ID: "call-1", TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331", Kind: trace.KindCall,
			Start: t0, Duration: 812_400 * time.Microsecond, TTFT: 210_100 * time.Microsecond,
			Project: "default", KeyID: "abcdefghijkl", Key: "dev", User: "u1", Session: "s1", Tags: map[string]string{"team": "a"},
			Endpoint: llm.ChatCompletions, Path: "/chat/completions", Stream: true, Provider: "openai", ModelRequested: "fast",
			Model: "gpt-4o-mini-2024-07-18", Status: trace.StatusOK, HTTPStatus: 200, FinishReasons: []string{"stop"},
			Usage: llm.Usage{InputUncached: 10, OutputText: 20}, UsageSource: llm.FromProvider,
			UsageRaw: `{"prompt_tokens":10,"completion_tokens":20}`,
			Cost:     13_500, PriceStatus: price.Exact, PriceVersion: "v", Cache: trace.CacheMiss, Attempts: 1,
		},
		Body: trace.Body{
			Request:  []byte(`{"messages":[{"role":"user","content":"Where is my order?"}],"n":1.50}`),
			Response: []byte("data: {\"choices\":[]}\n\ndata: [DONE]\n\n"),
		},
	}
}

// changed is the example with another id and a change.
func changed(id string, change func(*trace.Record)) trace.Record {
	r := example()
	r.Call.ID, r.Call.SpanID = id, fmt.Sprintf("%016x", []byte(id)[len(id)-1])
	change(&r)
	return r
}
