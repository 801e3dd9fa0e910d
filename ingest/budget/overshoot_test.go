package budget

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// sized is a call with a limit of output of its own.
func sized(id string, most int) *llm.Call {
	c := chat(id)
	c.Body = fmt.Appendf(nil, `{"model":"gpt-4o-mini","max_tokens":%d,"messages":[{"role":"user","content":"Hello"}]}`, most)
	return c
}

// cost is what so much output costs, with a prompt of eight tokens.
func outputCost(output int) price.USD {
	usd, _ := price.Embedded().Quote(price.Charge{
		Provider: "openai", Model: "gpt-4o-mini", Usage: llm.Usage{InputUncached: 8, OutputText: int64(output)}, At: time.Now(),
	}).Known()
	return usd
}

func ended(c *llm.Call, output int) *trace.Record {
	return &trace.Record{Call: trace.Span{
		ID: c.ID, Start: c.Start, Endpoint: c.Endpoint, Project: "p", Provider: "openai", ModelRequested: c.Model, Model: c.Model, Status: trace.StatusOK,
		Cost: outputCost(output), PriceStatus: price.Exact, UsageSource: llm.FromProvider, Usage: llm.Usage{InputUncached: 8, OutputText: int64(output)},
	}}
}

func boundOf(t interface{ Fatal(...any) }, g *Guard) (Usage, Overshoot) {
	list, err := g.List(context.Background())
	if err != nil || len(list) != 1 || list[0].Overshoot == nil {
		t.Fatal("no bound in ", list, err)
	}
	return list[0].Usage, *list[0].Overshoot
}

// Whatever calls come and end, and however long their answers are within their limits: what is spent beyond an expected budget's limit
// is at most the bound that is stated, at every moment.
func TestAnExpectedBudgetIsOvershotByAtMostItsBound(t *testing.T) {
	overshot := 0
	rapid.Check(t, func(rt *rapid.T) {
		limit := outputCost(rapid.IntRange(500, 20_000).Draw(rt, "limit in tokens"))
		s := newStage(t, "", dollars("b", limit, price.Expected))
		type open struct {
			call *llm.Call
			most int
		}
		var under []open
		for i := range rapid.IntRange(5, 60).Draw(rt, "steps") {
			if len(under) == 0 || rapid.IntRange(0, 2).Draw(rt, "what") > 0 {
				most := rapid.IntRange(1, 4000).Draw(rt, "max_tokens")
				c := sized(fmt.Sprint(i), most)
				if _, err := s.try(c, "openai"); err == nil {
					under = append(under, open{c, most})
				}
			} else {
				n := rapid.IntRange(0, len(under)-1).Draw(rt, "which")
				one := under[n]
				under = append(under[:n], under[n+1:]...)
				output := one.most
				if rapid.Bool().Draw(rt, "short") {
					output = rapid.IntRange(0, min(one.most, 60)).Draw(rt, "output")
				}
				s.Observe(ended(one.call, output))
			}
			u, o := boundOf(rt, s.Guard)
			if o.Unbounded != 0 {
				rt.Fatalf("%d calls have no bound", o.Unbounded)
			}
			if over := u.Spent.USD - limit; over > o.USD {
				rt.Fatalf("overspent by %s, the bound is %s", over, o.USD)
			} else if over > 0 {
				overshot++
			}
		}
	})
	if overshot == 0 {
		t.Error("no budget was ever overshot: the test shows nothing")
	}
}

func TestTheBoundHoldsForCallsAtOnce(t *testing.T) {
	limit := outputCost(30_000)
	s := newStage(t, "", dollars("b", limit, price.Expected))
	for i := range 20 { // short answers are expected
		c := sized(fmt.Sprint("warm", i), 4000)
		s.mustHold(c)
		s.Observe(ended(c, 20))
	}
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			c := sized(fmt.Sprint("c", i), 4000)
			if _, err := s.try(c, "openai"); err == nil {
				s.Observe(ended(c, 4000))
			}
		})
	}
	all.Wait()
	u, o := boundOf(t, s.Guard)
	if over := u.Spent.USD - limit; over <= 0 || over > o.USD {
		t.Errorf("overspent by %s, the bound is %s", over, o.USD)
	}
	if o.USD > 200*outputCost(4700) { // a byte of the body is taken for a token
		t.Errorf("the bound of 200 calls of 4000 tokens is %s", o.USD)
	}
}

func TestWhichBudgetsHaveABound(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*price.Budget)
		body   string
		stated bool
		zero   bool
		free   int64
	}{
		{"expected", func(*price.Budget) {}, "", true, false, 0},
		{"strict", func(b *price.Budget) { b.Policy = price.Strict }, "", true, true, 0},
		{"alert", func(b *price.Budget) { b.AtLimit = price.AlertOnly }, "", false, false, 0},
		{"calls", func(b *price.Budget) { b.LimitUSD, b.LimitCalls = 0, 9 }, "", false, false, 0},
		{"tools of the provider", func(*price.Budget) {}, `{"model":"gpt-4o-mini","max_tokens":9,"tools":[{"type":"web_search"}],"messages":[]}`, true, true, 1},
	} {
		b := dollars("b", price.Dollar, price.Expected)
		c.change(&b)
		s := newStage(t, "", b)
		call := chat("c")
		if c.body != "" {
			call.Body = []byte(c.body)
		}
		s.mustHold(call)
		list, err := s.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o := list[0].Overshoot
		if (o != nil) != c.stated || o != nil && ((o.USD == 0) != c.zero || o.Unbounded != c.free) {
			t.Errorf("%s: %+v", c.name, o)
		}
	}
}

// Counting a prompt costs more than the rest of a hold: a ceiling takes bytes for tokens, but where an address stands for more of them.
func TestACeilingCountsOnlyWhatIsNotText(t *testing.T) {
	for body, counts := range map[string]bool{
		`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Paint an image of the document in this file"}]}`:                                   false,
		`{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}`:          true,
		`{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,AAAA"}}]}]}`:       true,
		`{"model":"gpt-4o-mini","input":[{"role":"user","content":[{"type":"input_image","image_url":"https://example.com/a.png"}]}]}`:                   true,
		`{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://example.com/a.pdf"}}]}]}`: true,
	} {
		c := chat("c")
		c.Body = []byte(body)
		e := newEstimate(price.Embedded(), &habits{}, c, "openai")
		top, known := e.ceiling()
		if !known || top <= 0 || (e.prompt > 0) != counts {
			t.Errorf("%s: %v, %v, counted %d tokens", body, top, known, e.prompt)
		}
		if again, _ := e.ceiling(); again != top {
			t.Errorf("%s: %v, then %v", body, top, again)
		}
	}
}
