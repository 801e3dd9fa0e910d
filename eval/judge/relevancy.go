package judge

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
)

// defaultStrictness is how many questions are made of an answer unless told.
const defaultStrictness = 3

// relevancy makes questions of the output and compares them with the input: answer relevancy.
type relevancy struct {
	base
	reader *reader
	n      int
}

var _ voter = (*relevancy)(nil)

func newRelevancy(b base) *relevancy {
	r := &relevancy{base: b, n: b.cfg.Strictness, reader: newReader(marshal(object([]string{"noncommittal", "question"}, map[string]any{
		"question": map[string]any{"type": "string"}, "noncommittal": map[string]any{"type": "boolean"},
	})))}
	if r.n == 0 {
		r.n = defaultStrictness
	}
	if r.cfg.Temperature == nil { // several questions of one answer are to differ
		warm := 0.3
		r.cfg.Temperature = &warm
	}
	r.seal("")
	return r
}

// Judge implements Judge.
func (r *relevancy) Judge(ctx context.Context, c Case) (Judgement, error) { return r.vote(ctx, c, 0) }

// Plan implements Judge.
func (r *relevancy) Plan(ctx context.Context, c Case) ([]Question, error) { return r.plan(ctx, c, 0) }

func (r *relevancy) lacks(c *Case) string {
	switch {
	case strings.TrimSpace(c.Input) == "":
		return "the case has no input that the answer could be relevant to"
	case strings.TrimSpace(c.Output) == "":
		return "the output is empty: it answers no question"
	case c.size() > MaxCase:
		return fmt.Sprintf("the case has %d KiB of text: a judge reads at most %d", c.size()>>10, MaxCase>>10)
	}
	return ""
}

func (r *relevancy) plan(ctx context.Context, c Case, vote int) ([]Question, error) {
	if r.lacks(&c) != "" {
		return nil, nil
	}
	questions, err := r.asking(ctx, &c, vote)
	if err != nil {
		return nil, err
	}
	texts := []string{c.Input}
	for range r.n { // the questions are about as long as the input
		texts = append(texts, c.Input)
	}
	return append(questions, r.embedding(vote, texts)), nil
}

func (r *relevancy) asking(ctx context.Context, c *Case, vote int) ([]Question, error) {
	v := c.variables()
	v["format"] = formatOf(r.reader.text)
	messages, err := r.prompt.Messages(ctx, v)
	if err != nil {
		return nil, err
	}
	out := make([]Question, r.n)
	for i := range out {
		out[i] = r.question("question", vote*r.n+i, messages, r.reader, mostReason, usualVerdict)
	}
	return out, nil
}

func (r *relevancy) embedding(vote int, texts []string) Question {
	return Question{Version: r.version.Hash, Step: "embed", Vote: vote, Model: r.cfg.Embedding, Embed: texts}
}

func (r *relevancy) vote(ctx context.Context, c Case, vote int) (Judgement, error) {
	if lacks := r.lacks(&c); lacks != "" {
		return unscorable("%s", lacks), nil
	}
	questions, err := r.asking(ctx, &c, vote)
	if err != nil {
		return Judgement{}, &StopError{err}
	}
	var tally Tally
	texts := []string{c.Input}
	evasive := 0
	for _, q := range questions {
		var said struct {
			Question     string `json:"question"`
			Noncommittal bool   `json:"noncommittal"`
		}
		_, more, err := r.asker.ask(ctx, q, func(reply *Reply) error {
			if err := r.reader.read(reply, &said); err != nil {
				return err
			}
			if strings.TrimSpace(said.Question) == "" {
				return errors.New("its question is empty")
			}
			return nil
		})
		tally.Add(more)
		if err != nil {
			return outcome(err, tally)
		}
		texts = append(texts, said.Question)
		if said.Noncommittal {
			evasive++
		}
	}
	reply, more, err := r.asker.ask(ctx, r.embedding(vote, texts), func(reply *Reply) error {
		if len(reply.Vectors) != len(texts) {
			return errors.New("it has not one vector for each text")
		}
		return nil
	})
	tally.Add(more)
	if err != nil {
		return outcome(err, tally)
	}
	var sum float64
	for _, v := range reply.Vectors[1:] {
		cos, ok := cosine(reply.Vectors[0], v)
		if !ok {
			j := unscorable("the embedding model made a vector that points nowhere")
			j.Tally = tally
			return j, nil
		}
		sum += cos
	}
	score := sum / float64(r.n)
	reason := fmt.Sprintf("%d questions made of the answer are %.2f like the input", r.n, score)
	if evasive == r.n {
		score, reason = 0, "the answer is noncommittal"
	}
	score = min(1, max(0, score)) // opposite vectors are no more than irrelevant
	return Judgement{State: Scored, Score: score, Grade: score, Passed: score >= r.cfg.pass()-1e-9, Reason: reason, Tally: tally}, nil
}

// cosine is the similarity of two vectors of one length; false when one of them has none.
func cosine(a, b []float64) (float64, bool) {
	var ab, aa, bb float64
	for i := range a {
		ab += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
	}
	cos := ab / math.Sqrt(aa) / math.Sqrt(bb)
	return cos, !math.IsNaN(cos) && !math.IsInf(cos, 0)
}
