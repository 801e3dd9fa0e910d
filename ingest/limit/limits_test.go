package limit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// answers plays what stands behind the limits: every call takes so long, and its body is to be closed.
type answers struct {
	takes       time.Duration
	header      http.Header
	under, peak atomic.Int64
	sent        atomic.Int64
}

func (a *answers) Send(context.Context, *llm.Call) (*llm.Response, error) {
	a.sent.Add(1)
	n := a.under.Add(1)
	for p := a.peak.Load(); n > p && !a.peak.CompareAndSwap(p, n); p = a.peak.Load() {
	}
	if a.takes > 0 {
		time.Sleep(a.takes) // of the bubble's clock
	}
	return &llm.Response{Status: 200, Header: a.header.Clone(), Body: &body{strings.NewReader("ok"), func() { a.under.Add(-1) }}}, nil
}

type body struct {
	io.Reader
	closed func()
}

func (b *body) Close() error { b.closed(); return nil }

func newCall(id string) *llm.Call {
	return &llm.Call{
		ID: id, Endpoint: llm.ChatCompletions, Model: "gpt-4o", Project: "p", Key: "dev", KeyID: "k7q2m9xw3abt", User: "bob",
		Body: []byte(strings.Repeat("x", 400)), Tags: map[string]string{"team": "a"},
	}
}

func rules(rr ...Rule) *Limits { return New(Config{Rules: rr}) }

func send(t *testing.T, s llm.Sender, c *llm.Call) (*llm.Response, *llm.Fault) {
	t.Helper()
	resp, err := s.Send(t.Context(), c)
	if err == nil {
		return resp, nil
	}
	f, ok := errors.AsType[*llm.Fault](err)
	if !ok || f.Code != llm.RateLimited {
		t.Errorf("refused with %v", err)
	}
	return nil, f
}

// Of 200 calls at the same instant exactly as many pass as there is room for.
func TestExactlyAsManyPassAsThereIsRoomFor(t *testing.T) {
	for name, c := range map[string]struct {
		rule        Rule
		pass, after int64 // at once, and a minute later
	}{
		"requests":   {Rule{RequestsPerMinute: 50}, 50, 50},
		"burst":      {Rule{RequestsPerMinute: 60, Burst: 7}, 7, 7},
		"tokens":     {Rule{TokensPerMinute: 2000}, 20, 20},
		"concurrent": {Rule{Concurrent: 13}, 13, 13},
		"tightest":   {Rule{RequestsPerMinute: 100, TokensPerMinute: 3000, Concurrent: 40}, 30, 30},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				up := &answers{takes: time.Second}
				l := rules(c.rule)
				s := Enforce(EnforceTokens(up, l), l)
				for round, want := range []int64{c.pass, c.after} {
					up.sent.Store(0)
					var wg sync.WaitGroup
					var refused atomic.Int64
					for i := range 200 {
						wg.Go(func() {
							resp, fault := send(t, s, newCall(fmt.Sprint(round, "-", i)))
							if fault != nil {
								refused.Add(1)
								return
							}
							_ = resp.Body.Close()
						})
					}
					wg.Wait()
					if got := up.sent.Load(); got != want || refused.Load() != 200-want {
						t.Errorf("round %d: %d passed, %d refused, want %d to pass", round, got, refused.Load(), want)
					}
					time.Sleep(time.Minute)
				}
				if len(l.cfg.Store.(*Memory).slots) != 0 {
					t.Error("slots are still taken")
				}
			})
		})
	}
}

func TestScopes(t *testing.T) {
	bob, ann, nobody := newCall("1"), newCall("2"), newCall("3")
	ann.User, nobody.User = "ann", ""
	other := newCall("4")
	other.Project, other.KeyID, other.Key, other.Model, other.Tags = "q", "p0d4hz81rt6v", "prod", "gpt-4o-mini", nil
	list := newCall("5")
	list.Endpoint = llm.Models
	for name, c := range map[string]struct {
		scope map[string]string
		calls []*llm.Call
		pass  []bool // each rule lets one pass
	}{
		"installation":      {nil, []*llm.Call{bob, ann, other}, []bool{true, false, false}},
		"each user":         {map[string]string{"user": "*"}, []*llm.Call{bob, bob, ann, nobody, nobody}, []bool{true, false, true, true, true}},
		"one user":          {map[string]string{"user": "bob"}, []*llm.Call{bob, bob, ann, ann}, []bool{true, false, true, true}},
		"each key":          {map[string]string{"key": "*"}, []*llm.Call{bob, ann, other, other}, []bool{true, false, true, false}},
		"a key by name":     {map[string]string{"key": "dev"}, []*llm.Call{bob, ann, other, other}, []bool{true, false, true, true}},
		"a key by id":       {map[string]string{"key": "p0d4hz81rt6v"}, []*llm.Call{bob, bob, other, other}, []bool{true, true, true, false}},
		"a model":           {map[string]string{"model": "gpt-4o"}, []*llm.Call{bob, ann, other, list}, []bool{true, false, true, true}},
		"each user's model": {map[string]string{"user": "*", "model": "*"}, []*llm.Call{bob, other, bob, other}, []bool{true, true, false, false}},
		"project and user":  {map[string]string{"project": "p", "user": "*"}, []*llm.Call{bob, other, other, bob, ann}, []bool{true, true, true, false, true}},
		"a tag":             {map[string]string{"tag.team": "a"}, []*llm.Call{bob, bob, other, other}, []bool{true, false, true, true}},
		"each tag":          {map[string]string{"tag.team": "*"}, []*llm.Call{bob, ann, other}, []bool{true, false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			l := rules(Rule{Scope: c.scope, RequestsPerMinute: 1})
			s := Enforce(&answers{}, l)
			var got []bool
			for _, call := range c.calls {
				_, fault := send(t, s, call)
				got = append(got, fault == nil)
			}
			if diff := cmp.Diff(c.pass, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAKeyHasLimitsOfItsOwn(t *testing.T) {
	l := New(Config{KeyLimits: func(id string) account.Limits {
		if id == "k7q2m9xw3abt" {
			return account.Limits{RequestsPerMinute: 2, TokensPerMinute: 150, Concurrent: 1}
		}
		return account.Limits{}
	}})
	s := Enforce(EnforceTokens(&answers{}, l), l)
	first, fault := send(t, s, newCall("1"))
	if fault != nil {
		t.Fatal(fault)
	}
	if _, fault = send(t, s, newCall("2")); fault == nil || !strings.Contains(fault.Message, "its key, 1 calls at once") {
		t.Errorf("a second call at once: %v", fault)
	}
	_ = first.Body.Close()
	if _, fault = send(t, s, newCall("3")); fault == nil || !strings.Contains(fault.Message, "150 tokens a minute") {
		t.Errorf("a second call's tokens: %v", fault)
	}
	other := newCall("4")
	other.KeyID = "another"
	if _, fault := send(t, s, other); fault != nil {
		t.Errorf("another key: %v", fault)
	}
}

func TestHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := http.Header{"X-Ratelimit-Remaining-Requests": {"4999"}, "X-Ratelimit-Remaining-Tokens": {"3999000"}, "X-Request-Id": {"r"}}
		show := func(h http.Header) string {
			var out []string
			for _, kind := range []string{"Requests", "Tokens"} {
				out = append(out, strings.TrimSpace(h.Get("x-ratelimit-limit-"+kind)+" "+h.Get("x-ratelimit-remaining-"+kind)+" "+h.Get("x-ratelimit-reset-"+kind)))
			}
			return strings.Join(out, ", ")
		}
		l := rules(Rule{RequestsPerMinute: 600}, Rule{Scope: map[string]string{"user": "*"}, RequestsPerMinute: 10, TokensPerMinute: 150})
		s := Enforce(EnforceTokens(&answers{header: provider}, l), l)
		resp, fault := send(t, s, newCall("1"))
		if fault != nil || show(resp.Header) != "10 9 6s, 150 50 40s" || resp.Header.Get("X-Request-Id") != "r" {
			t.Fatalf("%s, %v", show(resp.Header), fault)
		}
		_, fault = send(t, s, newCall("2"))
		if fault == nil || show(fault.Header) != "10 8 12s, 150 50 40s" || fault.RetryAfter != 20*time.Second {
			t.Fatalf("refused for its tokens: %v %+v", fault, fault)
		}
		time.Sleep(20 * time.Second)
		if _, fault = send(t, s, newCall("3")); fault != nil {
			t.Fatalf("after the wait: %v", fault)
		}
		long := newCall("4")
		long.Body = make([]byte, 4000)
		if _, fault = send(t, s, long); fault == nil || fault.RetryAfter != 0 || fault.Header.Get("X-Should-Retry") != "false" {
			t.Errorf("longer than a minute's tokens: %+v", fault)
		}
		// Without a limit of a kind, what the provider says of it stands.
		l = rules(Rule{TokensPerMinute: 1000})
		resp, _ = send(t, Enforce(EnforceTokens(&answers{header: provider}, l), l), newCall("5"))
		if show(resp.Header) != "4999, 1000 900 6s" {
			t.Errorf("%s", show(resp.Header))
		}
		resp, _ = send(t, Enforce(EnforceTokens(&answers{header: provider}, rules()), rules()), newCall("6"))
		if show(resp.Header) != "4999, 3999000" {
			t.Errorf("without limits: %s", show(resp.Header))
		}
	})
}

func TestTheRecordSettlesTheEstimate(t *testing.T) {
	l := rules(Rule{TokensPerMinute: 1000})
	s := EnforceTokens(&answers{}, l)
	record := func(id string, cache trace.Cache, u llm.Usage) {
		l.Observe(&trace.Record{Call: trace.Span{ID: id, Usage: u, Cache: cache}})
	}
	remaining := func(id string) string {
		resp, fault := send(t, s, newCall(id))
		if fault != nil {
			return "refused"
		}
		return resp.Header.Get("X-Ratelimit-Remaining-Tokens")
	}
	if got := remaining("1"); got != "900" { // the estimate is 100
		t.Fatal(got)
	}
	record("1", trace.CacheMiss, llm.Usage{InputUncached: 100, CacheRead: 40, OutputText: 360})
	record("1", trace.CacheMiss, llm.Usage{InputUncached: 1e6}) // a second record changes nothing
	if got := remaining("2"); got < "399" || got > "401" {      // 500 used, and 100 of the second
		t.Error(got)
	}
	record("2", trace.CacheHit, llm.Usage{InputUncached: 5000}) // a hit uses nothing
	if got := remaining("3"); got < "399" || got > "401" {
		t.Error(got)
	}
	record("3", trace.CacheMiss, llm.Usage{}) // failed
	record("unknown", trace.CacheMiss, llm.Usage{InputUncached: 1000})
	if got := remaining("4"); got < "399" || got > "401" {
		t.Error(got)
	}
	record("4", trace.CacheMiss, llm.Usage{OutputText: 5000})
	if got := remaining("5"); got != "refused" {
		t.Error(got)
	}
	record("4", trace.CacheMiss, llm.Usage{InputUncached: -1 << 60})
	if len(l.pending) != 0 {
		t.Errorf("%d calls are still waited for", len(l.pending))
	}
}

// A slot comes back exactly once, whatever happens: an answer that is closed, twice, never read, an error, a panic while
// sending, a panic while closing.
func TestNoSlotIsEverLost(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		var how string
		next := llm.SenderFunc(func(context.Context, *llm.Call) (*llm.Response, error) {
			switch how {
			case "error":
				return nil, llm.Faultf(llm.UpstreamUnavailable, "no")
			case "panic":
				panic("sending")
			}
			return &llm.Response{Status: 200, Body: &body{strings.NewReader("ok"), func() {
				if how == "closing panics" {
					panic("closing")
				}
			}}}, nil
		})
		limit := rapid.Int64Range(1, 5).Draw(t, "limit")
		l := rules(Rule{Concurrent: limit}, Rule{Scope: map[string]string{"user": "*"}, Concurrent: limit + 1})
		s := Enforce(next, l)
		store := l.cfg.Store.(*Memory)
		var open []*llm.Response
		quietly := func(f func()) {
			defer func() { _ = recover() }()
			f()
		}
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			how = rapid.SampledFrom([]string{"answer", "answer", "answer", "error", "panic", "close", "close", "closing panics"}).Draw(t, "what")
			switch {
			case strings.HasPrefix(how, "clos"):
				if len(open) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				resp := open[i]
				open = append(open[:i], open[i+1:]...)
				quietly(func() { _ = resp.Body.Close() })
				quietly(func() { _ = resp.Body.Close() })
			default:
				quietly(func() {
					resp, err := s.Send(outer.Context(), newCall("1"))
					if full := int64(len(open)) == limit; (err != nil) != (full || how == "error") {
						t.Fatalf("%s with %d of %d under way: %v", how, len(open), limit, err)
					}
					if err == nil {
						open = append(open, resp)
					}
				})
			}
			if got := store.slots["concurrent:all"]; got != int64(len(open)) {
				t.Fatalf("after %s: %d slots are taken, %d calls are under way", how, got, len(open))
			}
		}
		how = "close"
		for _, resp := range open {
			_ = resp.Body.Close()
		}
		if len(store.slots) != 0 {
			t.Fatalf("slots are still taken: %v", store.slots)
		}
	})
}

// away is a store that cannot be reached.
type away struct{}

func (away) Take(context.Context, []Ask) ([]State, bool, error) {
	return nil, false, errors.New("away")
}
func (away) Settle(context.Context, []Ask) error { return errors.New("away") }

func TestCallsPassWhenTheStoreIsAway(t *testing.T) {
	up := &answers{}
	l := New(Config{Rules: []Rule{{RequestsPerMinute: 1, Concurrent: 1, TokensPerMinute: 1}}, Store: away{}})
	s := Enforce(EnforceTokens(up, l), l)
	for i := range 3 {
		resp, fault := send(t, s, newCall(fmt.Sprint(i)))
		if fault != nil {
			t.Fatal(fault)
		}
		_ = resp.Body.Close()
	}
	if len(l.pending) != 0 || up.under.Load() != 0 {
		t.Errorf("%d pending, %d under way", len(l.pending), up.under.Load())
	}
}

func TestRecordsThatNeverComeAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := rules(Rule{TokensPerMinute: most})
		s := EnforceTokens(&answers{}, l)
		for i := range 20 * sweepFrom {
			if _, fault := send(t, s, newCall(fmt.Sprint(i))); fault != nil {
				t.Fatal(fault)
			}
			time.Sleep(10 * time.Minute)
		}
		if len(l.pending) > 2*sweepFrom {
			t.Errorf("%d are kept", len(l.pending))
		}
	})
}

func TestCheck(t *testing.T) {
	for want, r := range map[string]Rule{
		"says no limit":                                      {Scope: map[string]string{"user": "*"}},
		`scope: "provider" is none of project`:               {Scope: map[string]string{"provider": "openai"}, Concurrent: 1},
		`scope: "tag." is none of`:                           {Scope: map[string]string{"tag.": "x"}, Concurrent: 1},
		"scope: user is empty":                               {Scope: map[string]string{"user": ""}, Concurrent: 1},
		"requests_per_minute: -1 is not from":                {RequestsPerMinute: -1},
		"tokens_per_minute: 2000000000 is not from":          {TokensPerMinute: 2e9},
		"burst: belongs to requests_per_minute":              {Concurrent: 1, Burst: 5},
		"burst: 11 is more than the 10 requests of a minute": {RequestsPerMinute: 10, Burst: 11},
	} {
		if err := r.Check(); !errors.Is(err, ErrRule) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", r, err, want)
		}
	}
	if err := (&Rule{Scope: map[string]string{"key": "*", "tag.team": "a"}, RequestsPerMinute: 10, Burst: 10, TokensPerMinute: most}).Check(); err != nil {
		t.Error(err)
	}
}

func TestEstimate(t *testing.T) {
	picture := `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.Repeat("A", 400_000) + `"}}]}]}`
	for name, c := range map[string]struct {
		call llm.Call
		lo   int64
		hi   int64
	}{
		"text":       {llm.Call{Endpoint: llm.ChatCompletions, Body: make([]byte, 401)}, 101, 101},
		"nothing":    {llm.Call{Endpoint: llm.ChatCompletions}, 0, 0},
		"a picture":  {llm.Call{Endpoint: llm.ChatCompletions, Model: "gpt-4o", Body: []byte(picture)}, 80, 3000},
		"unmodelled": {llm.Call{Endpoint: llm.Passthrough, Body: make([]byte, 1<<20)}, 0, 0},
	} {
		if n := Estimate(&c.call); n < c.lo || n > c.hi {
			t.Errorf("%s: %d, want %d to %d", name, n, c.lo, c.hi)
		}
	}
}

// What three limits, each of requests, tokens and calls under way, cost a call, its settling included.
func BenchmarkThreeLimits(b *testing.B) {
	resp := &llm.Response{Status: 200, Header: http.Header{}}
	under := &body{strings.NewReader(""), func() {}}
	next := llm.SenderFunc(func(context.Context, *llm.Call) (*llm.Response, error) {
		r := *resp
		r.Header, r.Body = http.Header{}, under
		return &r, nil
	})
	l := rules(
		Rule{RequestsPerMinute: most, TokensPerMinute: most, Concurrent: most},
		Rule{Scope: map[string]string{"key": "*"}, RequestsPerMinute: most, TokensPerMinute: most, Concurrent: most},
		Rule{Scope: map[string]string{"user": "*", "model": "*"}, RequestsPerMinute: most, TokensPerMinute: most, Concurrent: most},
	)
	s := Enforce(EnforceTokens(next, l), l)
	call := newCall("1")
	rec := &trace.Record{Call: trace.Span{ID: "1", Usage: llm.Usage{InputUncached: 120, OutputText: 50}}}
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.Send(b.Context(), call)
		if err != nil {
			b.Fatal(err)
		}
		_ = r.Body.Close()
		l.Observe(rec)
	}
}
