package judge

import (
	"context"
	"encoding/json"
	"math"
)

// Usual lengths of answers, in tokens, for estimates; and the most an answer may have.
const (
	usualReason   = 120
	usualVerdict  = 40 // for each statement
	mostReason    = 1024
	mostList      = 4096
	maxStatements = 200
)

// grader judges by a rubric.
type grader struct {
	base
	rubric Rubric
	reader *reader
}

var _ voter = (*grader)(nil)

func newGrader(b base) *grader {
	rubric, _ := b.cfg.rubric() // checked by New
	g := &grader{b, rubric, newReader(rubric.schema())}
	g.seal(rubric.Name, rubric.hash())
	return g
}

// Judge implements Judge.
func (g *grader) Judge(ctx context.Context, c Case) (Judgement, error) { return g.vote(ctx, c, 0) }

// Plan implements Judge.
func (g *grader) Plan(ctx context.Context, c Case) ([]Question, error) { return g.plan(ctx, c, 0) }

func (g *grader) plan(ctx context.Context, c Case, vote int) ([]Question, error) {
	if g.rubric.lacks(&c) != "" {
		return nil, nil
	}
	v := c.variables()
	g.rubric.fill(v)
	v["format"] = formatOf(g.reader.text)
	messages, err := g.prompt.Messages(ctx, v)
	if err != nil {
		return nil, err
	}
	q := g.question("grade", vote, messages, g.reader, mostReason, usualReason)
	q.LogProbs = g.cfg.kind() == GEval
	return []Question{q}, nil
}

func (g *grader) vote(ctx context.Context, c Case, vote int) (Judgement, error) {
	if lacks := g.rubric.lacks(&c); lacks != "" {
		return unscorable("%s", lacks), nil
	}
	questions, err := g.plan(ctx, c, vote)
	if err != nil {
		return Judgement{}, &StopError{err}
	}
	var said struct {
		Reason string      `json:"reason"`
		Score  json.Number `json:"score"`
	}
	reply, tally, err := g.asker.ask(ctx, questions[0], func(r *Reply) error { return g.reader.read(r, &said) })
	if err != nil {
		return outcome(err, tally)
	}
	grade, err := said.Score.Float64()
	if err != nil { // the schema has whole numbers only
		return outcome(&UnreadableError{"its grade is no number", clip(reply.Text, MaxRaw)}, tally)
	}
	j := Judgement{State: Scored, Grade: grade, Reason: clip(said.Reason, MaxRaw), Tally: tally}
	if g.cfg.kind() == GEval {
		if mean, ok := g.rubric.weighted(reply.Tokens, int(math.Round(grade))); ok {
			j.Grade, j.Weighted = mean, true
		}
	}
	j.Score, j.Passed = g.rubric.score(j.Grade), g.rubric.passes(j.Grade)
	return j, nil
}
