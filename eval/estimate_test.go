package eval

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

func TestEstimate(t *testing.T) {
	flat := func(model string, u llm.Usage) (price.USD, bool) {
		return price.USD(10*u.Input() + 1000*u.Output()), model != "rag/faq"
	}
	d, err := ReadDefinition("eval.yaml", []byte(`
name: n
dataset: d.jsonl
repeat: 2
max_cost_usd: 2
targets:
  - {name: bound, model: gpt-4o-mini, parameters: {max_tokens: 7}}
  - {name: open, prompt: greet@3}
  - {name: faq, rag: faq}
  - {name: cat, command: [cat]}
scorers:
  - {name: right, metric: judge, judge: {rubric: correctness, model: gpt-4o-mini, votes: 3}}
  - {metric: cosine, model: text-embedding-3-small}
  - {metric: exact}
`))
	if err != nil {
		t.Fatal(err)
	}
	e := Estimator{
		Price: flat, Judges: Judges{Asker: judge.NewAsker(judge.AskerConfig{Price: flat})},
		Render: func(context.Context, *TargetConfig, []byte) (string, []byte, error) {
			return "gpt-4o", []byte(`{"messages":[{"role":"user","content":"Greet somebody, please."}],"max_completion_tokens":30}`), nil
		},
	}
	items := manyItems(t, 50)
	got, err := e.Estimate(t.Context(), &d, items, nil)
	if err != nil {
		t.Fatal(err)
	}
	bound, open, faq, cat := got.Targets[0], got.Targets[1], got.Targets[2], got.Targets[3]
	if bound.Calls != 100 || bound.Basis != FromBound || bound.Output != 700 || bound.Cost == nil || *bound.Cost != price.USD(10*bound.Input+700_000) || bound.Input < 500 {
		t.Errorf("bound: %+v", bound)
	}
	if open.Model != "gpt-4o" || open.Output != 3000 || open.Basis != FromBound || open.Cost == nil {
		t.Errorf("with a prompt: %+v", open)
	}
	if faq.Model != "rag/faq" || faq.Basis != Assumed || faq.Cost != nil || faq.Output != 100*usualAnswer {
		t.Errorf("without a price: %+v", faq)
	}
	if cat.Basis != Unknown || cat.Cost != nil {
		t.Errorf("a command: %+v", cat)
	}
	right, cosine := got.Scorers[0], got.Scorers[1]
	if right.Calls != 3*400 || right.Cost == nil || right.Input == 0 || cosine.Calls != 400 || cosine.Cost == nil {
		t.Errorf("scorers: %+v, %+v", right, cosine)
	}
	if got.Calls != 300+1200+400 || got.Cost != *bound.Cost+*open.Cost+*right.Cost+*cosine.Cost || len(got.Unpriced) != 1 || got.Unpriced[0] != "rag/faq" || *got.Limit != 2*price.Dollar {
		t.Errorf("%+v", got)
	}

	// What is answered is not counted, and what a run before took is believed.
	past := []Result{{Key: Key{"bound", "i000", 1}, Scores: map[string]Score{"right": {}}}}
	before := d
	before.Targets = slices.Clone(d.Targets)
	e.Previous = &Run{Definition: before, Summary: Summary{Targets: []TargetSummary{{Target: "faq", Asked: 12, Failed: 2, Input: 1000, Output: 500, Cost: 20_000, Priced: 10}}}}
	if got, err = e.Estimate(t.Context(), &d, items, past); err != nil {
		t.Fatal(err)
	}
	faq = got.Targets[2]
	if got.Targets[0].Calls != 99 || got.Scorers[0].Calls != 3*399 || faq.Basis != FromRun || faq.Input != 10_000 || faq.Output != 5000 || faq.Cost == nil || *faq.Cost != 200_000 {
		t.Errorf("the rest: %+v", got)
	}
	d.Targets[2].Parameters = json.RawMessage(`{"temperature":0}`)
	if got, err = e.Estimate(t.Context(), &d, items, past); err != nil || got.Targets[2].Basis != Assumed {
		t.Errorf("another target of that name: %+v, %v", got.Targets[2], err)
	}
}
