package budget

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// shelf keeps budgets in memory.
type shelf struct {
	mu   sync.Mutex // guards list
	list map[string]price.Budget
}

func (s *shelf) PutBudget(_ context.Context, b price.Budget) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil {
		s.list = map[string]price.Budget{}
	}
	s.list[b.ID] = b
	return nil
}

func (s *shelf) ListBudgets(context.Context) ([]price.Budget, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.list), func(a, b price.Budget) int { return len(a.Name) - len(b.Name) }), nil
}

func (s *shelf) DeleteBudget(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.list, id)
	return nil
}

// stage is a guard over a store of records in memory.
type stage struct {
	*testing.T
	*Guard
	shelf   *shelf
	store   *tracetest.Memory
	away    atomic.Bool // the store
	waiting []trace.Record
	batches int
	held    map[string]price.USD // by call, in its admission
}

// awayReader is a store that may be away.
type awayReader struct {
	trace.Reader
	away *atomic.Bool
}

func (a awayReader) Costs(ctx context.Context, q trace.CostQuery) (trace.Costs, error) {
	if a.away.Load() {
		return trace.Costs{}, trace.ErrAway
	}
	return a.Reader.Costs(ctx, q)
}

func newStage(t *testing.T, file string, budgets ...price.Budget) *stage {
	t.Helper()
	s := &stage{T: t, shelf: &shelf{}, store: &tracetest.Memory{}, held: map[string]price.USD{}}
	s.open(file, budgets...)
	return s
}

// open starts a guard, as a process does.
func (s *stage) open(file string, budgets ...price.Budget) {
	s.Helper()
	s.Guard = New(Config{
		Ledger: &Memory{}, Book: price.Embedded, Store: s.shelf, Reader: awayReader{s.store, &s.away},
		Flush: func(context.Context) error {
			if s.away.Load() {
				return trace.ErrAway
			}
			if len(s.waiting) == 0 {
				return nil
			}
			s.batches++
			batch := trace.Batch{Token: fmt.Sprint(s.batches), Records: trace.Slice(slices.Clone(s.waiting))}
			s.waiting = nil
			return s.store.Write(context.Background(), batch)
		},
		Waiting: func() iter.Seq2[trace.Record, error] {
			return func(yield func(trace.Record, error) bool) {
				for _, r := range s.waiting {
					if !yield(r, nil) {
						return
					}
				}
			}
		},
		Admit: func(c *llm.Call, _ Target, held price.USD) error { s.held[c.ID] = held; return nil },
		File:  file, Log: slog.New(slog.DiscardHandler),
	})
	s.Cleanup(func() {
		if err := s.Close(); err != nil {
			s.Error(err)
		}
	})
	for _, b := range budgets {
		_ = s.shelf.PutBudget(context.Background(), b)
	}
	if err := s.Start(context.Background()); err != nil {
		s.Fatal(err)
	}
}

func chat(id string) *llm.Call {
	return &llm.Call{
		ID: id, Start: time.Now(), Endpoint: llm.ChatCompletions, Path: "/chat/completions", Model: "gpt-4o-mini", Project: "p", KeyID: "kid", Key: "k",
		User: "u", Session: "s", Tags: map[string]string{"team": "a"},
		Body: []byte(`{"model":"gpt-4o-mini","max_tokens":1000,"messages":[{"role":"user","content":"Hello"}]}`),
	}
}

func (s *stage) try(c *llm.Call, provider string) (*Ticket, error) {
	return s.Hold(context.Background(), c, c, provider, "openai")
}

func (s *stage) mustHold(c *llm.Call) *Ticket {
	s.Helper()
	t, err := s.try(c, "openai")
	if err != nil || t == nil {
		s.Fatalf("Hold: %v, %v", t, err)
	}
	return t
}

// record is what was recorded of a call, which the guard sees and the spool keeps.
func (s *stage) record(c *llm.Call, cost price.USD, status trace.Status) {
	r := trace.Record{Call: trace.Span{
		ID: c.ID, SpanID: c.ID, Kind: trace.KindCall, Start: c.Start, Duration: time.Since(c.Start), Project: c.Project, KeyID: c.KeyID, Key: c.Key, User: c.User,
		Session: c.Session, Tags: c.Tags, Endpoint: c.Endpoint, Provider: "openai", ModelRequested: c.Model, Model: "gpt-4o-mini-2024-07-18",
		Status: status, Usage: llm.Usage{InputUncached: 8, OutputText: 12}, Cost: cost, PriceStatus: price.Exact, Cache: trace.CacheOff,
	}}
	s.Observe(&r)
	s.waiting = append(s.waiting, r)
}

func (s *stage) usage(id string) Usage {
	s.Helper()
	list, err := s.List(context.Background())
	if err != nil {
		s.Fatal(err)
	}
	for _, b := range list {
		if b.Budget.ID == id {
			return b.Usage
		}
	}
	s.Fatalf("no budget %s", id)
	return Usage{}
}

func (s *stage) wantSpent(id string, spent, held Amount) {
	s.Helper()
	u := s.usage(id)
	if diff := cmp.Diff([]Amount{spent, held}, []Amount{u.Spent, u.Held}); diff != "" {
		s.Errorf("budget %s: spent, held (-want +got):\n%s", id, diff)
	}
}

func dollars(id string, limit price.USD, policy price.BudgetPolicy) price.Budget {
	return price.Budget{ID: id, Name: id, Window: price.Lifetime, LimitUSD: limit, Policy: policy, AtLimit: price.RefuseCall}
}

func TestAScopePicksItsCalls(t *testing.T) {
	for _, c := range []struct {
		scope map[string]string
		want  bool
	}{
		{nil, true},
		{map[string]string{"project": "p"}, true},
		{map[string]string{"project": "q"}, false},
		{map[string]string{"key": "k"}, true},
		{map[string]string{"key": "kid"}, true},
		{map[string]string{"key": "other"}, false},
		{map[string]string{"user": "u", "session": "s"}, true},
		{map[string]string{"user": "u", "session": "other"}, false},
		{map[string]string{"model": "fast"}, true},
		{map[string]string{"model": "gpt-4o-mini"}, true},
		{map[string]string{"model": "gpt-4o"}, false},
		{map[string]string{"provider": "openai", "model": "fast", "tag.team": "a", "project": "p"}, true},
		{map[string]string{"provider": "azure", "model": "fast"}, false},
		{map[string]string{"tag.team": "b"}, false},
		{map[string]string{"tag.colour": "a"}, false},
	} {
		r, err := newRule(price.Budget{ID: "b", Name: "b", Scope: c.scope, Window: price.Day, LimitCalls: 1}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		call := chat("c")
		call.Model = "fast"
		got := newRuleset([]*rule{r}).match(subjectOf(call, "gpt-4o-mini", "openai"), call.Start, nil)
		if (len(got) == 1) != c.want {
			t.Errorf("scope %v matches: %v, want %v", c.scope, got, c.want)
		}
	}
}

// A strict hold is counted input x input price + max_tokens x output price, and is in the admission.
func TestAStrictHoldIsTheUpperBound(t *testing.T) {
	s := newStage(t, "", dollars("b", price.Dollar, price.Strict))
	s.mustHold(chat("c"))
	entry, ok := price.Embedded().Find("openai", "gpt-4o-mini", time.Now())
	if !ok {
		t.Fatal("gpt-4o-mini has no price")
	}
	want := price.Embedded().Quote(price.Charge{Provider: "openai", Model: "gpt-4o-mini", Usage: llm.Usage{InputUncached: 8, OutputText: 1000}, At: time.Now()}).Cost
	if want != 8*150+1000*600 || entry.MaxOutput == 0 {
		t.Fatalf("the price of gpt-4o-mini has changed: %v", want)
	}
	if got := s.usage("b").Held; got != (Amount{USD: want, Tokens: 1008, Calls: 1}) || s.held["c"] != want {
		t.Errorf("held %+v, in the admission %v, want %v", got, s.held["c"], want)
	}
	s.record(&llm.Call{ID: "c"}, 1234, trace.StatusOK)
	s.wantSpent("b", Amount{USD: 1234, Tokens: 20, Calls: 1}, Amount{})
}

func TestOneOfSeveralAttemptsIsCharged(t *testing.T) {
	s := newStage(t, "", dollars("b", price.Dollar, price.Expected))
	c := chat("c")
	first := s.mustHold(c)
	first.GiveUp()
	first.GiveUp() // twice is once
	s.mustHold(c)
	if list, err := s.Holds(t.Context()); err != nil || len(list) != 1 || list[0].ID != "c.2" || list[0].Attempt != 2 {
		t.Errorf("holds %+v, %v", list, err)
	}
	s.record(c, 500, trace.StatusOK)
	s.wantSpent("b", Amount{USD: 500, Tokens: 20, Calls: 1}, Amount{})

	failed := chat("d")
	s.mustHold(failed).GiveUp()
	s.record(failed, 0, trace.StatusError)
	left := chat("e")
	s.mustHold(left)
	s.record(left, 70, trace.StatusClientClosed)
	between := chat("f") // its client leaves before the second attempt
	s.mustHold(between).GiveUp()
	s.record(between, 3, trace.StatusClientClosed)
	if got := s.usage("b"); got.Spent.USD != 573 || got.Spent.Calls != 3 || got.Held != (Amount{}) {
		t.Errorf("%+v", got)
	}
}

func TestOneBudgetHoldsAcrossProviders(t *testing.T) {
	s := newStage(t, "", price.Budget{ID: "b", Name: "b", Scope: map[string]string{"project": "p", "tag.team": "a"}, Window: price.Lifetime, LimitCalls: 2, AtLimit: price.RefuseCall})
	for i, provider := range []string{"openai", "azure", "groq"} {
		_, err := s.try(chat(fmt.Sprint(i)), provider)
		refused, is := errors.AsType[*Refused](err)
		if i < 2 && err != nil || i == 2 && (!is || !refused.Final || refused.Fault.Code != llm.BudgetExceeded || refused.Fault.RetryAfter != 0) {
			t.Errorf("call %d to %s: %v", i+1, provider, err)
		}
	}
}

func TestWhatHasNoBoundIsRefused(t *testing.T) {
	s := newStage(t, "", dollars("b", price.Dollar, price.Strict))
	for name, c := range map[string]struct {
		change func(*llm.Call)
		code   llm.Code
	}{
		"no price":    {func(c *llm.Call) { c.Model = "nobody-knows-it" }, llm.InvalidRequest},
		"passthrough": {func(c *llm.Call) { c.Endpoint = llm.Passthrough }, llm.EndpointDenied},
		"too dear":    {func(c *llm.Call) { c.Body = []byte(`{"max_tokens":100000000}`) }, llm.BudgetExceeded},
		"a stored context": {func(c *llm.Call) {
			c.Endpoint = llm.Responses
			c.Body = []byte(`{"max_output_tokens":5,"previous_response_id":"r"}`)
		}, llm.InvalidRequest},
		"a hosted tool": {func(c *llm.Call) { c.Body = []byte(`{"max_tokens":5,"tools":[{"type":"web_search"}]}`) }, llm.InvalidRequest},
	} {
		call := chat(name)
		if c.change(call); call.Model == "nobody-knows-it" {
			call.Body = []byte(`{"messages":[]}`)
		}
		if _, err := s.try(call, "openai"); err == nil || llm.AsFault(err).Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	free := chat("free")
	free.Endpoint = llm.CountTokens
	if ticket, err := s.try(free, "openai"); ticket != nil || err != nil {
		t.Errorf("what is free: %v, %v", ticket, err)
	}
	expected := newStage(t, "", dollars("b", price.Dollar, price.Expected))
	unknown := chat("x")
	unknown.Model = "nobody-knows-it"
	if _, err := expected.try(unknown, "openai"); err == nil || llm.AsFault(err).Code != llm.Unpriced {
		t.Errorf("a model without a price, under a budget of dollars: %v", err)
	}
}

func TestALimitOfOutputIsPutIn(t *testing.T) {
	s := newStage(t, "", dollars("b", price.Dollar, price.Strict))
	for name, c := range map[string]struct {
		endpoint llm.Endpoint
		priceAs  string
		want     string
	}{
		"openai":              {llm.ChatCompletions, "openai", `{"a":1,"max_completion_tokens":16384}`},
		"elsewhere":           {llm.ChatCompletions, "simulated", `{"a":1,"max_tokens":16384}`},
		"responses":           {llm.Responses, "openai", `{"a":1,"max_output_tokens":16384}`},
		"of another endpoint": {llm.Responses, "openai", `{"max_tokens":1,"max_output_tokens":16384}`},
	} {
		call := chat(name)
		call.Endpoint, call.Body = c.endpoint, []byte(`{"a":1}`)
		if name == "of another endpoint" {
			call.Body = []byte(`{"max_tokens":1}`)
		}
		ticket, err := s.Hold(t.Context(), call, call, "x", c.priceAs)
		if err != nil || string(ticket.Call().Body) != c.want || bytes.Contains(call.Body, []byte("16384")) {
			t.Errorf("%s: %v, sent %s, want %s", name, err, ticket.Call().Body, c.want)
		}
	}
}

func TestAnExpectationIsLearned(t *testing.T) {
	var o habits
	for i := range int64(200) {
		if got, known := o.input("m", 4000); known && (i < refreshEvery || got != 1000) {
			t.Fatalf("after %d answers to bodies of 4 bytes a token, %d tokens are expected of 4000 bytes", i, got)
		}
		o.learn("m", i+1, 25, 100)
	}
	got, known := o.usual("m")
	if !known || got < 180 || got > 200 {
		t.Errorf("usual = %d, %v; of the last 128 answers, 73 to 200 tokens long, nine in ten are at most 187", got, known)
	}
	if _, known := o.input("m", 4000); !known {
		t.Error("after 200 answers nothing is known of a model's tokens a byte")
	}
	s := newStage(t, "", dollars("b", price.Dollar, price.Expected))
	c := chat("c")
	c.Body = []byte(`{"messages":[{"role":"user","content":"Hello"}]}`)
	s.mustHold(c)
	if got := s.usage("b").Held.Tokens; got != 8+defaultOutput {
		t.Errorf("of a model never heard of %d tokens are expected", got)
	}
	s.record(c, 1, trace.StatusOK)
	d := chat("d")
	d.Body = c.Body
	s.mustHold(d)
	if got := s.usage("b").Held.Tokens; got != 8+12 {
		t.Errorf("after an answer of 12 tokens %d are expected", got)
	}
}

// Costs that nobody knows are what was held for them.
func TestAnUnknownCostIsWhatWasHeld(t *testing.T) {
	s := newStage(t, "", dollars("b", price.Dollar, price.Strict))
	s.mustHold(chat("c"))
	held := s.usage("b").Held
	s.Observe(&trace.Record{Call: trace.Span{ID: "c", Status: trace.StatusOK, PriceStatus: price.Unpriced}})
	s.wantSpent("b", Amount{USD: held.USD, Calls: 1}, Amount{}) // tokens are what the record says
}

func TestTheHeaderTellsTheSmallestRest(t *testing.T) {
	other := dollars("c", 5*price.Dollar, price.Strict)
	other.Scope = map[string]string{"provider": "azure"}
	s := newStage(t, "", dollars("b", 7*price.Dollar, price.Strict), other)
	for provider, want := range map[string]string{"openai": "7.000000000", "azure": "5.000000000"} {
		h := http.Header{}
		s.Stamp(h, chat("x"), []llm.Attempt{{Provider: provider, Model: "gpt-4o-mini"}})
		if got := h.Get("X-Weir-Budget-Remaining-USD"); got != want {
			t.Errorf("by %s: %q, want %q", provider, got, want)
		}
	}
}

func TestABudgetMadeLaterKnowsThePast(t *testing.T) {
	s := newStage(t, "", dollars("old", price.Dollar, price.Expected))
	before, during := chat("before"), chat("during")
	s.mustHold(before)
	s.record(before, 100, trace.StatusOK)
	s.mustHold(during)
	made := dollars("new", price.Dollar, price.Expected)
	made.Scope = map[string]string{"model": "gpt-4o-mini"}
	_ = s.shelf.PutBudget(t.Context(), made)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.background.Wait()
	s.wantSpent("new", Amount{USD: 100, Tokens: 20, Calls: 1}, Amount{})
	s.record(during, 10, trace.StatusOK) // it was under way when the budget was made
	after := chat("after")
	s.mustHold(after)
	s.record(after, 1, trace.StatusOK)
	s.wantSpent("new", Amount{USD: 111, Tokens: 60, Calls: 3}, Amount{})
	s.wantSpent("old", Amount{USD: 111, Tokens: 60, Calls: 3}, Amount{})
}

func lostCall(id string, held price.USD) trace.Record {
	c := chat(id)
	return trace.Record{Call: trace.Span{
		ID: id, SpanID: id, Kind: trace.KindCall, Start: c.Start, Project: c.Project, Key: c.Key, KeyID: c.KeyID, Endpoint: c.Endpoint, ModelRequested: c.Model,
		Status: trace.StatusError, ErrorCode: string(llm.Lost), PriceStatus: price.Unpriced, Held: held,
	}}
}

// A process dies without a word. The next one knows what was spent, and presumes what was under way, whether the store of
// records is there or not.
func TestTheNextProcessKnowsWhatWasSpent(t *testing.T) {
	for _, away := range []bool{false, true} {
		t.Run(fmt.Sprint("store away: ", away), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "budgets.json")
			s := newStage(t, file, dollars("b", price.Dollar, price.Strict))
			for i := range 3 {
				c := chat(fmt.Sprint(i))
				s.mustHold(c)
				s.record(c, 100, trace.StatusOK)
			}
			inFlight := chat("in flight")
			s.mustHold(inFlight)
			held := s.held["in flight"]
			ended := chat("ended")
			s.mustHold(ended)
			if err := s.write(time.Now()); err != nil {
				t.Fatal(err)
			}
			s.record(ended, 100, trace.StatusOK) // what the file does not know
			later := chat("later")
			s.mustHold(later)
			s.record(later, 100, trace.StatusOK)

			s.cfg.File = "" // it dies here
			s.away.Store(away)
			s.waiting = append(s.waiting, lostCall("in flight", held))
			s.open(file)
			s.wantSpent("b", Amount{USD: 500, Tokens: 100, Calls: 5}, Amount{USD: held, Tokens: s.usage("b").Held.Tokens, Calls: 1})
			list, err := s.Guard.Holds(t.Context())
			if err != nil || len(list) != 1 || list[0].State != Presumed || list[0].Call != "in flight" {
				t.Fatalf("holds %+v, %v", list, err)
			}
			if err := s.Release(t.Context(), list[0].ID); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s.open(file)
			s.wantSpent("b", Amount{USD: 500, Tokens: 100, Calls: 5}, Amount{}) // what was released by hand stays so
		})
	}
}

// Neither a file that is damaged nor one of another time keeps weir from starting.
func TestADamagedFileIsPassedOver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "budgets.json")
	if err := writeFile(file, saved{Version: 99}); err != nil {
		t.Fatal(err)
	}
	s := newStage(t, file, dollars("b", price.Dollar, price.Strict))
	s.wantSpent("b", Amount{}, Amount{})
}

func BenchmarkAttempt(b *testing.B) {
	for _, c := range []struct {
		name   string
		budget price.Budget
	}{
		{"calls", price.Budget{ID: "b", Name: "b", Window: price.Day, LimitCalls: 1 << 40}},
		{"expected", dollars("b", price.MaxUSD, price.Expected)},
		{"strict", dollars("b", price.MaxUSD, price.Strict)},
	} {
		b.Run(c.name, func(b *testing.B) {
			store := &shelf{}
			_ = store.PutBudget(b.Context(), c.budget)
			for i := range 5000 { // others
				_ = store.PutBudget(b.Context(), price.Budget{ID: fmt.Sprint(i), Name: fmt.Sprint(i), Scope: map[string]string{"user": fmt.Sprint(i)}, Window: price.Day, LimitCalls: 1})
			}
			g := New(Config{Ledger: &Memory{}, Book: price.Embedded, Store: store, Log: slog.New(slog.DiscardHandler)})
			if err := g.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			call := chat("c")
			rec := &trace.Record{Call: trace.Span{ID: "c", Status: trace.StatusOK, Cost: 1, PriceStatus: price.Exact}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Hold(b.Context(), call, call, "openai", "openai"); err != nil {
					b.Fatal(err)
				}
				g.Observe(rec)
			}
		})
	}
}

// A stream that outruns what was expected of it extends its hold while there is room, and is cut then.
func TestAStreamThatRunsOn(t *testing.T) {
	s := newStage(t, "", dollars("b", 400_000, price.Expected))
	c := chat("c")
	c.Body = []byte(`{"stream":true,"messages":[{"role":"user","content":"Hello"}]}`)
	if s.Watch(c) != nil {
		t.Error("a call without a hold is watched")
	}
	s.mustHold(c) // of 8 and 512 tokens
	tell := s.Watch(c)
	for _, step := range []struct {
		relayed int64
		held    int64 // tokens afterwards
		cut     bool
	}{
		{500, 520, false},
		{513, 8 + 513 + 128, false}, // no room for 256 more
		{641, 8 + 641, false},
		{642, 8 + 643, false}, // one by one
		{665, 8 + 643, true},
	} {
		fault := tell(step.relayed)
		if (fault != nil) != step.cut || fault != nil && (fault.Code != llm.StreamCut || fault.Message == "") || s.usage("b").Held.Tokens != step.held {
			t.Errorf("after %d tokens: %v, held %+v, want %d tokens", step.relayed, fault, s.usage("b").Held, step.held)
		}
	}
	s.record(c, 8*150+664*600, trace.StatusCut)
	if u := s.usage("b"); u.Spent.USD > 400_000 || u.Spent.Calls != 1 || u.Held != (Amount{}) {
		t.Errorf("%+v", u)
	}

	calls := newStage(t, "", price.Budget{ID: "n", Name: "n", Window: price.Day, LimitCalls: 5, AtLimit: price.RefuseCall})
	d := chat("d")
	calls.mustHold(d)
	if calls.Watch(d) != nil {
		t.Error("a budget of calls watches streams")
	}
}

// 200 calls at once on a budget of 17, for every kind of scope, and for a model whose cost nobody can estimate.
func TestManyCallsAtOnceOnEveryKindOfScope(t *testing.T) {
	for name, scope := range map[string]map[string]string{
		"everything": nil, "key": {"key": "k"}, "key id": {"key": "kid"}, "user": {"user": "u"}, "team": {"tag.team": "a"}, "session": {"session": "s"},
		"provider": {"provider": "openai"}, "two dimensions": {"project": "p", "tag.team": "a"}, "an unknown model": {"model": "nobody-knows-it"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "", price.Budget{ID: "b", Name: "b", Scope: scope, Window: price.Lifetime, LimitCalls: 17, AtLimit: price.RefuseCall, Policy: price.Strict})
			s.cfg.Admit = nil
			var admitted atomic.Int64
			var wg sync.WaitGroup
			for i := range 200 {
				wg.Go(func() {
					c := chat(fmt.Sprint(i))
					if name == "an unknown model" {
						c.Model = "nobody-knows-it"
					}
					switch ticket, err := s.Hold(t.Context(), c, c, "openai", "openai"); {
					case err == nil && ticket != nil:
						admitted.Add(1)
						s.Observe(&trace.Record{Call: trace.Span{ID: c.ID, Status: trace.StatusOK, PriceStatus: price.Unpriced}})
					case err == nil || llm.AsFault(err).Code != llm.BudgetExceeded:
						t.Errorf("%v, %v", ticket, err)
					}
				})
			}
			wg.Wait()
			if u := s.usage("b"); admitted.Load() != 17 || u.Spent.Calls != 17 || u.Held != (Amount{}) {
				t.Errorf("%d were admitted, want 17; %+v", admitted.Load(), u)
			}
		})
	}
}
