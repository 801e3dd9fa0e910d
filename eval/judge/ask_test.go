package judge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

func TestTheLimitHolds(t *testing.T) {
	m := says(`{"reason":"x","score":5}`)
	const limit = price.USD(5_000_000)
	a := NewAsker(AskerConfig{Send: m, Price: flat, Limit: limit})
	j := made(t, Config{Rubric: "helpfulness", Model: "m"}, a)
	cases := make([]Case, 100)
	for i := range cases {
		cases[i] = Case{Input: "q", Output: fmt.Sprint("answer ", i)}
	}
	_, err := Each(t.Context(), cases, Run{Concurrency: 8}, j.Judge)
	if _, ok := errors.AsType[*StopError](err); !ok || !errors.Is(err, ErrLimit) {
		t.Fatalf("got %v, want a stop at the limit", err)
	}
	spent := a.Spent()
	if spent.Cost > limit || spent.Calls == 0 || spent.Calls == 100 || spent.Cost != price.USD(spent.Calls)*110_000 {
		t.Errorf("spent %+v of %s", spent, limit)
	}
}

func TestALimitNeedsAPrice(t *testing.T) {
	m := says(`{"reason":"x","score":5}`)
	j := made(t, Config{Rubric: "helpfulness", Model: "free"}, NewAsker(AskerConfig{Send: m, Price: flat, Limit: price.Dollar}))
	_, err := j.Judge(t.Context(), aCase)
	if _, ok := errors.AsType[*StopError](err); !ok || !strings.Contains(err.Error(), "no known price") {
		t.Errorf("got %v", err)
	}
	if len(m.asks()) != 0 {
		t.Error("it was asked all the same")
	}
	got := judged(t, made(t, Config{Rubric: "helpfulness", Model: "free"}, asker(m)), aCase)
	if got.Tally.Unpriced != 1 || got.Tally.Cost != 0 || got.State != Scored {
		t.Errorf("without a limit: got %+v", got.Tally)
	}
}

func TestAnswersAreRemembered(t *testing.T) {
	for name, cache := range map[string]Cache{"memory": &Memory{}, "files": Files(filepath.Join(t.TempDir(), "judged"))} {
		m := script(0, 4, 0, 0, 5)
		j := made(t, Config{Rubric: "helpfulness", Model: "m"}, NewAsker(AskerConfig{Send: m, Price: flat, Cache: cache}))
		first := judged(t, j, aCase) // prose, then a grade
		again := judged(t, j, aCase)
		if first.State != Scored || again.Grade != first.Grade || again.Tally.Cached != 1 || again.Tally.Calls != 0 || again.Tally.Cost != 0 {
			t.Errorf("%s: got %+v, then %+v", name, first, again)
		}
		other := Case{Input: "q", Output: "other"}
		if got := judged(t, j, other); got.State != Unscorable {
			t.Errorf("%s: got %+v", name, got)
		}
		if got := judged(t, j, other); got.State != Scored || got.Tally.Cached != 0 {
			t.Errorf("%s: an answer that could not be read was remembered: %+v", name, got)
		}
		// Another judge has its own memory, and a broken one asks again.
		if got := judged(t, made(t, Config{Rubric: "tone", Model: "m"}, NewAsker(AskerConfig{Send: says(`{"reason":"x","score":2}`), Cache: cache})), aCase); got.Tally.Cached != 0 || got.Grade != 2 {
			t.Errorf("%s: another judge: %+v", name, got)
		}
		q, _ := j.Plan(t.Context(), aCase)
		cache.Put(t.Context(), q[0].Key(), []byte(`{"text":"{}"}`))
		if got := judged(t, j, aCase); got.Tally.Cached != 0 {
			t.Errorf("%s: a broken memory: %+v", name, got)
		}
	}
	small := &Memory{Most: 2}
	for _, k := range []string{"one", "two", "three"} {
		small.Put(t.Context(), k, nil)
	}
	if len(small.answers) != 2 {
		t.Errorf("a memory for 2 holds %d", len(small.answers))
	}
}

func TestItWaitsWhenTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		m := &model{}
		m.answer = func(*asked) reply {
			if n++; n < 3 {
				return reply{status: http.StatusTooManyRequests, header: http.Header{"Retry-After": {"20"}}, body: `{"error":{"message":"slow down","code":"weir_rate_limited"}}`}
			}
			return reply{text: `{"reason":"x","score":5}`}
		}
		begin := time.Now()
		got := judged(t, made(t, Config{Rubric: "helpfulness", Model: "m"}, asker(m)), aCase)
		if got.State != Scored || time.Since(begin) != 40*time.Second || got.Tally.Calls != 1 {
			t.Errorf("got %+v after %s", got, time.Since(begin))
		}
		n = -100
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := made(t, Config{Rubric: "helpfulness", Model: "m"}, asker(m)).Judge(ctx, aCase)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's end", err)
		}
	})
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		reply reply
		stops bool
	}{
		"an upstream that fails":  {reply{status: 502, body: `{"error":{"message":"down","code":"weir_upstream_unavailable"}}`}, false},
		"no JSON":                 {reply{status: 500, body: "<html>"}, false},
		"filtered":                {reply{status: 400, body: `{"error":{"message":"content policy","code":"content_filter"}}`}, false},
		"nobody there":            {reply{err: llm.Faultf(llm.UpstreamUnavailable, "no provider answers")}, false},
		"a code that is a number": {reply{status: 503, body: `{"error":{"message":"busy","code":503}}`}, false},
		"no such model":           {reply{status: 404, body: `{"error":{"message":"unknown","code":"weir_model_unknown"}}`}, true},
		"a wrong key":             {reply{status: 401, body: `{"error":{"message":"who?","code":"weir_unauthorized"}}`}, true},
		"a spent budget":          {reply{err: llm.Faultf(llm.BudgetExceeded, "spent")}, true},
	} {
		got, err := made(t, Config{Rubric: "helpfulness", Model: "m"}, asker(&model{answer: func(*asked) reply { return c.reply }})).Judge(t.Context(), aCase)
		_, stops := errors.AsType[*StopError](err)
		if stops != c.stops || !stops && (err != nil || got.State != Failed || got.Reason == "" || got.Tally.Calls != 0) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestEstimate(t *testing.T) {
	a := NewAsker(AskerConfig{Send: says(`{"reason":"x","score":5}`), Price: flat, Cache: &Memory{}})
	j := made(t, Config{Rubric: "helpfulness", Model: "m"}, a)
	cases := []Case{aCase, {Input: "q", Output: "b"}, {Input: "q", Output: strings.Repeat("long ", MaxCase)}}
	e, err := a.Estimate(t.Context(), j, cases)
	if err != nil {
		t.Fatal(err)
	}
	if e.Cases != 3 || e.Calls != 2 || e.Cached != 0 || e.OutputTokens != 2*usualReason || e.InputTokens < 400 || e.Cost != price.USD(1000*(e.InputTokens+e.OutputTokens)) {
		t.Errorf("got %+v", e)
	}
	judged(t, j, aCase)
	if e, _ := a.Estimate(t.Context(), j, cases); e.Calls != 1 || e.Cached != 1 {
		t.Errorf("after one is known: got %+v", e)
	}
	if n := a.Spent().Calls; n != 1 {
		t.Errorf("estimating made %d calls", n-1)
	}
	free := made(t, Config{Rubric: "helpfulness", Model: "free"}, a)
	if e, _ := a.Estimate(t.Context(), free, cases); len(e.Unpriced) != 1 || e.Unpriced[0] != "free" || e.Cost != 0 {
		t.Errorf("without a price: got %+v", e)
	}
	// What RAG judges plan is what they ask, where the texts do not decide it.
	m := reads()
	rag := NewAsker(AskerConfig{Send: m, Price: flat})
	for kind, want := range map[Kind]int{Faithfulness: 2, ContextRecall: 2, ContextPrecision: 1} {
		j := made(t, Config{Kind: kind, Model: "m"}, rag)
		before := len(m.asks())
		e, err := rag.Estimate(t.Context(), j, []Case{aCase})
		if err != nil || e.Calls != want {
			t.Errorf("%s: planned %+v, %v", kind, e, err)
		}
		judged(t, j, aCase)
		if n := len(m.asks()) - before; n != want {
			t.Errorf("%s: asked %d times, want %d", kind, n, want)
		}
	}
}

func TestOverAGateway(t *testing.T) {
	var seen *http.Request
	behind := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Clone(r.Context())
		if behind {
			w.Header().Set("Trailer", "X-Weir-Cost-Usd")
		} else {
			w.Header().Set("X-Weir-Cost-Usd", "0.000123000")
		}
		fmt.Fprint(w, `{"choices":[{"index":0,"message":{"content":"{\"reason\":\"x\",\"score\":5}"},"finish_reason":"stop"}]}`)
		if behind {
			w.Header().Set("X-Weir-Cost-Usd", "0.000456000")
		}
	}))
	defer server.Close()
	a := NewAsker(AskerConfig{Send: Over(server.URL+"/v1", "sk-weir-x", server.Client()), Call: llm.Call{Session: "run 1", Tags: map[string]string{"eval_run": "1"}}})
	j := made(t, Config{Rubric: "helpfulness", Model: "m"}, a)
	got := judged(t, j, aCase)
	if got.State != Scored || got.Tally.Cost != 123_000 || got.Tally.Unpriced != 0 {
		t.Errorf("got %+v", got)
	}
	if seen.URL.Path != "/v1/chat/completions" || seen.Header.Get("Authorization") != "Bearer sk-weir-x" || seen.Header.Get("X-Weir-Session") != "run 1" ||
		seen.Header.Get("X-Weir-Tags") != "eval_run=1,judge="+j.Version().Hash+",judge_step=grade" || seen.Header.Get("X-Weir-Cache") != "off" {
		t.Errorf("the request was %s with %v", seen.URL, seen.Header)
	}
	behind = true
	if got := judged(t, j, Case{Input: "q", Output: "other"}); got.Tally.Cost != 456_000 {
		t.Errorf("a cost behind the answer: got %+v", got.Tally)
	}
	server.Close()
	if got := judged(t, j, Case{Input: "q", Output: "gone"}); got.State != Failed || !strings.Contains(got.Reason, "no gateway answers") || strings.Contains(got.Reason, "127.0.0.1:") && strings.Contains(got.Reason, "/v1") {
		t.Errorf("nobody there: got %+v", got)
	}
}
