package eval

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/price"
)

// Bounds of an estimate.
const (
	estimateSample = 20  // items whose requests are counted; the rest is taken to be like them
	usualAnswer    = 256 // tokens of an answer of which nothing is known
)

// Basis says what the length of answers was taken from.
type Basis string

// FromRun: the newest run of the evaluation had this target. FromBound: the request bounds them, and they are taken to be as long. Assumed:
// nothing is known, and 256 tokens are taken. Unknown: the target is no model, and says no cost.
const (
	FromRun   Basis = "previous_run"
	FromBound Basis = "max_tokens"
	Assumed   Basis = "assumed"
	Unknown   Basis = "unknown"
)

// Estimate is what a run, or the rest of one, is likely to take. It asks nothing.
type Estimate struct {
	Calls    int              `json:"calls"`    // of all targets and scorers
	Cost     price.USD        `json:"cost_usd"` // of those whose price is known
	Unpriced []string         `json:"unpriced"` // models without a known price
	Targets  []TargetEstimate `json:"targets"`
	Scorers  []ScorerEstimate `json:"scorers"` // of those that ask models
	Limit    *price.USD       `json:"max_cost_usd"`
}

// TargetEstimate is what one target is likely to take.
type TargetEstimate struct {
	Target string     `json:"target"`
	Model  string     `json:"model"`
	Calls  int        `json:"calls"`
	Input  int64      `json:"input_tokens"`
	Output int64      `json:"output_tokens"`
	Cost   *price.USD `json:"cost_usd"` // null: not known
	Basis  Basis      `json:"basis"`
}

// ScorerEstimate is what one scorer is likely to take: of votes, all, though they may end sooner.
type ScorerEstimate struct {
	Scorer string     `json:"scorer"`
	Models []string   `json:"models"`
	Calls  int        `json:"calls"`
	Input  int64      `json:"input_tokens"`
	Output int64      `json:"output_tokens"`
	Cost   *price.USD `json:"cost_usd"` // null: not known
}

// Estimator knows what is needed for an estimate.
type Estimator struct {
	Price    judge.Price
	Judges   Judges // an Asker of the same prices; it is not asked
	Previous *Run   // of the same evaluation, done; nil: none
	// Render gives the request of a target with a prompt as the provider will get it, and its model. Nil: the request as it is sent.
	Render func(ctx context.Context, t *TargetConfig, body []byte) (model string, rendered []byte, err error)
}

// Estimate counts what is left of a run of items.
func (e *Estimator) Estimate(ctx context.Context, d *Definition, items []Item, past []Result) (Estimate, error) {
	out := Estimate{Unpriced: []string{}, Targets: []TargetEstimate{}, Scorers: []ScorerEstimate{}, Limit: d.MaxCost}
	answered, scored := map[string]int{}, map[string]int{}
	for i := range past {
		answered[past[i].Target]++
		for name := range past[i].Scores {
			scored[name]++
		}
	}
	asks := len(items) * max(1, d.Repeat)
	sample := takeEvenly(items, estimateSample)
	length := map[string]int{} // tokens of an answer, by target
	for i := range d.Targets {
		t := &d.Targets[i]
		one, err := e.target(ctx, t, sample, max(0, asks-answered[t.Name]))
		if err != nil {
			return out, fmt.Errorf("estimate target %s: %w", t.Name, err)
		}
		if one.Calls > 0 {
			length[t.Name] = int(one.Output / int64(one.Calls))
		}
		out.Targets = append(out.Targets, one)
		if one.Basis != Unknown {
			out.add(one.Calls, one.Cost, one.Model)
		}
	}
	for i := range d.Scorers {
		c := &d.Scorers[i]
		if !c.AsksModels() {
			continue
		}
		one, unpriced, err := e.scorer(ctx, c, d, sample, length, max(0, asks*len(d.Targets)-scored[c.Name]))
		if err != nil {
			return out, fmt.Errorf("estimate scorer %s: %w", c.Name, err)
		}
		out.Scorers = append(out.Scorers, one)
		out.add(one.Calls, one.Cost, unpriced...)
	}
	return out, nil
}

// add counts calls. models are those that have no price if there is no cost.
func (e *Estimate) add(calls int, cost *price.USD, models ...string) {
	e.Calls += calls
	if cost != nil {
		e.Cost += *cost
		return
	}
	for _, m := range models {
		if calls > 0 && !slices.Contains(e.Unpriced, m) {
			e.Unpriced = append(e.Unpriced, m)
		}
	}
}

// takeEvenly is at most n of the items, evenly taken.
func takeEvenly(items []Item, n int) []Item {
	if len(items) <= n {
		return items
	}
	out := make([]Item, n)
	for i := range out {
		out[i] = items[i*len(items)/n]
	}
	return out
}

// target estimates so many asks of one.
func (e *Estimator) target(ctx context.Context, t *TargetConfig, sample []Item, calls int) (TargetEstimate, error) {
	out := TargetEstimate{Target: t.Name, Model: t.ModelName(), Calls: calls, Basis: Unknown}
	if kind := t.Kind(); kind != "model" && kind != "rag" || len(sample) == 0 {
		return out, nil
	}
	if was := e.before(t); was != nil {
		answers := int64(was.Asked - was.Failed)
		out.Basis = FromRun
		out.Input, out.Output = was.Input/answers*int64(calls), was.Output/answers*int64(calls)
		if len(was.Models) > 0 && out.Model == "" {
			out.Model = was.Models[0]
		}
		if was.Priced > 0 {
			usd := was.Cost / price.USD(was.Priced) * price.USD(calls)
			out.Cost = &usd
		}
		return out, nil
	}
	var bound struct {
		Max      int64 `json:"max_tokens"`
		Complete int64 `json:"max_completion_tokens"`
	}
	var usage llm.Usage
	for i := range sample {
		body, err := (&modelTarget{cfg: *t}).body(&sample[i])
		if err != nil {
			continue // it will be told on its item
		}
		if t.Prompt != "" && e.Render != nil {
			model, rendered, err := e.Render(ctx, t, body)
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			if err == nil { // else the ask will say so
				body, out.Model = rendered, model
			}
		}
		enc, _ := tokens.For(out.Model) // of an unknown model it is an estimate
		usage.InputUncached += int64(tokens.ChatRequest(enc, body))
		if json.Unmarshal(body, &bound) != nil {
			bound.Max, bound.Complete = 0, 0
		}
	}
	usage.InputUncached = usage.InputUncached * int64(calls) / int64(len(sample))
	out.Basis = Assumed
	each := int64(usualAnswer)
	if most := max(bound.Max, bound.Complete); most > 0 {
		each, out.Basis = most, FromBound
	}
	usage.OutputText = each * int64(calls)
	out.Input, out.Output = usage.InputUncached, usage.OutputText
	if e.Price != nil {
		if usd, known := e.Price(out.Model, usage); known {
			out.Cost = &usd
		}
	}
	return out, nil
}

// before is what the previous run says of a target that asked the same; nil: nothing.
func (e *Estimator) before(t *TargetConfig) *TargetSummary {
	if e.Previous == nil {
		return nil
	}
	was := e.Previous.Definition.Target(t.Name)
	if was == nil || was.Kind() != t.Kind() || was.Prompt != t.Prompt || was.ModelName() != t.ModelName() || string(was.Parameters) != string(t.Parameters) {
		return nil
	}
	for i := range e.Previous.Summary.Targets {
		if s := &e.Previous.Summary.Targets[i]; s.Target == t.Name && s.Asked > s.Failed {
			return s
		}
	}
	return nil
}

// scorer estimates so many scores of one that asks models.
func (e *Estimator) scorer(ctx context.Context, c *ScorerConfig, d *Definition, sample []Item, length map[string]int, scores int) (ScorerEstimate, []string, error) {
	out := ScorerEstimate{Scorer: c.Name, Models: []string{}}
	if len(sample) == 0 || scores == 0 || e.Judges.Asker == nil {
		return out, nil, nil
	}
	cases := make([]judge.Case, 0, len(sample)*len(d.Targets))
	for i := range sample {
		for k := range d.Targets {
			cases = append(cases, JudgeCase(&sample[i], &Answer{Text: likely(&sample[i], length[d.Targets[k].Name])}))
		}
	}
	var sum judge.Estimate
	if c.Metric == "cosine" {
		out.Models = []string{c.Model}
		for i := range cases { // what is expected is made into vectors once for all repeats, many texts at a time: it is left out
			e.Judges.Asker.EmbedEstimate(ctx, &sum, c.Model, []string{cases[i].Output})
		}
	} else {
		cfg, err := c.JudgeConfig()
		if err != nil {
			return out, nil, err
		}
		j, err := judge.New(ctx, cfg, e.Judges.Asker, e.Judges.Prompts)
		if err != nil {
			return out, nil, err
		}
		out.Models = j.Version().Models
		if sum, err = e.Judges.Asker.Estimate(ctx, j, cases); err != nil {
			return out, nil, err
		}
	}
	n := int64(len(cases))
	scale := func(v int64) int64 { return (v*int64(scores) + n - 1) / n }
	out.Calls, out.Input, out.Output = int(scale(int64(sum.Calls))), scale(sum.InputTokens), scale(sum.OutputTokens)
	if len(sum.Unpriced) == 0 {
		usd := price.USD(scale(int64(sum.Cost)))
		out.Cost = &usd
	}
	return out, sum.Unpriced, nil
}

// likely is a text of about the length that an answer will have: the one expected, or words.
func likely(it *Item, length int) string {
	if list := texts(it.Expected); len(list) > 0 && strings.TrimSpace(list[0]) != "" {
		return list[0]
	}
	if length <= 0 {
		length = usualAnswer
	}
	return strings.Repeat("word ", min(length, 8192))
}
