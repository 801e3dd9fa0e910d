package judge

import (
	"context"
	"slices"

	"github.com/weir-dev/weir/price"
)

// Estimate is what judging is likely to take: the tokens of every question as it will be asked, and of a usual answer.
type Estimate struct {
	Cases        int   `json:"cases"`
	Calls        int   `json:"calls"`  // that will be made
	Cached       int   `json:"cached"` // that will be answered from memory
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
	// Cost is of all calls whose model has a known price.
	Cost     price.USD `json:"cost_usd"`
	Unpriced []string  `json:"unpriced,omitempty"` // models without one
}

// Estimate plans the judging of cases and asks nothing.
func (a *Asker) Estimate(ctx context.Context, j Judge, cases []Case) (Estimate, error) {
	e := Estimate{Cases: len(cases)}
	for _, c := range cases {
		questions, err := j.Plan(ctx, c)
		if err != nil {
			return e, err
		}
		a.add(ctx, &e, questions)
	}
	return e, nil
}

// add adds questions to an estimate.
func (a *Asker) add(ctx context.Context, e *Estimate, questions []Question) {
	for i := range questions {
		q := &questions[i]
		if _, ok := a.remembered(ctx, q.Key()); ok {
			e.Cached++
			continue
		}
		e.Calls++
		body := q.body(nil)
		u := usageOf(q, body, q.Expect)
		e.InputTokens += u.InputUncached
		e.OutputTokens += u.OutputText
		if a.cfg.Price != nil {
			if usd, known := a.cfg.Price(q.Model, u); known {
				e.Cost += usd
				continue
			}
		}
		if !slices.Contains(e.Unpriced, q.Model) {
			e.Unpriced = append(e.Unpriced, q.Model)
		}
	}
}
