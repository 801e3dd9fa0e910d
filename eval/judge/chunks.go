package judge

import (
	"context"
	"fmt"
)

// chunks asks of each context whether it is useful: context precision, the mean of the precisions at the useful ones' places.
type chunks struct {
	base
	reader *reader
}

var _ voter = (*chunks)(nil)

func newChunks(b base) *chunks {
	c := &chunks{b, newReader(marshal(object([]string{"reason", "useful"}, map[string]any{
		"reason": map[string]any{"type": "string"}, "useful": map[string]any{"type": "boolean"},
	})))}
	c.seal("")
	return c
}

// Judge implements Judge.
func (k *chunks) Judge(ctx context.Context, c Case) (Judgement, error) { return k.vote(ctx, c, 0) }

// Plan implements Judge.
func (k *chunks) Plan(ctx context.Context, c Case) ([]Question, error) { return k.plan(ctx, c, 0) }

func (k *chunks) lacks(c *Case) string {
	switch {
	case len(c.Contexts) == 0:
		return "the case has no contexts"
	case c.size() > MaxCase:
		return fmt.Sprintf("the case has %d KiB of text: a judge reads at most %d", c.size()>>10, MaxCase>>10)
	}
	return ""
}

// plan has a question for each context. The answer it is to be of use for is the expected one, or without one the output.
func (k *chunks) plan(ctx context.Context, c Case, vote int) ([]Question, error) {
	if k.lacks(&c) != "" {
		return nil, nil
	}
	out := make([]Question, len(c.Contexts))
	for i, text := range c.Contexts {
		v := c.variables()
		v["answer"] = v["expected"]
		if c.Expected == "" {
			v["answer"] = v["output"]
		}
		v["context"] = fence("context", v["id"], text)
		v["format"] = formatOf(k.reader.text)
		messages, err := k.prompt.Messages(ctx, v)
		if err != nil {
			return nil, err
		}
		out[i] = k.question("useful", vote, messages, k.reader, mostReason, usualReason)
	}
	return out, nil
}

func (k *chunks) vote(ctx context.Context, c Case, vote int) (Judgement, error) {
	if lacks := k.lacks(&c); lacks != "" {
		return unscorable("%s", lacks), nil
	}
	questions, err := k.plan(ctx, c, vote)
	if err != nil {
		return Judgement{}, &StopError{err}
	}
	var tally Tally
	useful := make([]bool, len(questions))
	n := 0
	for i, q := range questions {
		var said struct {
			Useful bool `json:"useful"`
		}
		_, more, err := k.asker.ask(ctx, q, func(r *Reply) error { return k.reader.read(r, &said) })
		tally.Add(more)
		if err != nil { // a rank without a verdict would move all that follow
			return outcome(err, tally)
		}
		if useful[i] = said.Useful; said.Useful {
			n++
		}
	}
	score := contextPrecision(useful)
	return Judgement{
		State: Scored, Score: score, Grade: score, Passed: score >= k.cfg.pass()-1e-9, Tally: tally,
		Reason: fmt.Sprintf("%d of %d contexts are of use", n, len(useful)),
	}, nil
}

// contextPrecision is Σ precision@i·v_i / (Σ v_i + 1e-10) over verdicts in order of rank, as Ragas defines it.
func contextPrecision(useful []bool) float64 {
	var sum, n float64
	for i, is := range useful {
		if is {
			n++
			sum += n / float64(i+1)
		}
	}
	return sum / (n + 1e-10)
}
