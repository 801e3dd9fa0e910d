package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// statements splits a text into statements and finds which of them follow from the contexts: of the output it is faithfulness, of the
// expected answer context recall.
type statements struct {
	base
	split    Template
	recall   bool
	list     *reader
	verdicts *reader
}

var _ voter = (*statements)(nil)

func newStatements(b base, recall bool) *statements {
	s := &statements{
		base: b, split: builtin("split"), recall: recall,
		list: newReader(marshal(object([]string{"statements"}, map[string]any{
			"statements": map[string]any{"type": "array", "items": map[string]any{"type": "string"}},
		}))),
		verdicts: newReader(marshal(object([]string{"verdicts"}, map[string]any{
			"verdicts": map[string]any{"type": "array", "items": object([]string{"number", "reason", "verdict"}, map[string]any{
				"number": map[string]any{"type": "integer"}, "reason": map[string]any{"type": "string"}, "verdict": map[string]any{"type": "boolean"},
			})},
		}))),
	}
	s.seal("", s.split.Hash())
	return s
}

// Judge implements Judge.
func (s *statements) Judge(ctx context.Context, c Case) (Judgement, error) { return s.vote(ctx, c, 0) }

// Plan implements Judge.
func (s *statements) Plan(ctx context.Context, c Case) ([]Question, error) { return s.plan(ctx, c, 0) }

func (s *statements) lacks(c *Case) string {
	switch {
	case c.size() > MaxCase:
		return fmt.Sprintf("the case has %d KiB of text: a judge reads at most %d", c.size()>>10, MaxCase>>10)
	case len(c.Contexts) == 0:
		return "the case has no contexts that statements could follow from"
	case strings.TrimSpace(s.text(c)) == "" && s.recall:
		return "the case has no expected answer"
	case strings.TrimSpace(s.text(c)) == "":
		return "the output is empty: it states nothing"
	}
	return ""
}

func (s *statements) text(c *Case) string {
	if s.recall {
		return c.Expected
	}
	return c.Output
}

// plan takes the text itself for its statements, which have about as many words.
func (s *statements) plan(ctx context.Context, c Case, vote int) ([]Question, error) {
	if s.lacks(&c) != "" {
		return nil, nil
	}
	text := s.text(&c)
	first, err := s.splitting(ctx, &c, vote)
	if err != nil {
		return nil, err
	}
	const bytesPerToken, bytesPerStatement = 4, 80
	first.Expect = min(first.MaxTokens, len(text)*5/4/bytesPerToken+20)
	sentences := max(1, len(text)/bytesPerStatement)
	second, err := s.judging(ctx, &c, vote, strings.SplitAfterN(text, " ", sentences))
	if err != nil {
		return nil, err
	}
	second.Expect = min(second.MaxTokens, sentences*usualVerdict)
	return []Question{first, second}, nil
}

func (s *statements) splitting(ctx context.Context, c *Case, vote int) (Question, error) {
	v := c.variables()
	v["text"] = fence("text", v["id"], s.text(c))
	v["format"] = formatOf(s.list.text)
	messages, err := s.split.Messages(ctx, v)
	return s.question("split", vote, messages, s.list, mostList, usualReason), err
}

func (s *statements) judging(ctx context.Context, c *Case, vote int, list []string) (Question, error) {
	// The statements are made of the text that is judged, by a model that saw its markers: these have another id.
	v := c.variables(list...)
	var b strings.Builder
	for i, one := range list {
		fmt.Fprintf(&b, "%d. %s\n", i+1, strings.Join(strings.Fields(one), " "))
	}
	v["statements"] = fence("statements", v["id"], strings.TrimSpace(b.String()))
	v["format"] = formatOf(s.verdicts.text)
	messages, err := s.prompt.Messages(ctx, v)
	return s.question("verdicts", vote, messages, s.verdicts, mostList, len(list)*usualVerdict), err
}

func (s *statements) vote(ctx context.Context, c Case, vote int) (Judgement, error) {
	if lacks := s.lacks(&c); lacks != "" {
		return unscorable("%s", lacks), nil
	}
	q, err := s.splitting(ctx, &c, vote)
	if err != nil {
		return Judgement{}, &StopError{err}
	}
	var parts struct {
		Statements []string `json:"statements"`
	}
	_, tally, err := s.asker.ask(ctx, q, func(r *Reply) error {
		parts.Statements = nil
		if err := s.list.read(r, &parts); err != nil {
			return err
		}
		if len(parts.Statements) > maxStatements {
			return fmt.Errorf("it has %d statements: want at most %d", len(parts.Statements), maxStatements)
		}
		return nil
	})
	if err != nil {
		return outcome(err, tally)
	}
	list := parts.Statements[:0]
	for _, one := range parts.Statements {
		if strings.TrimSpace(one) != "" {
			list = append(list, one)
		}
	}
	if len(list) == 0 {
		j := unscorable("the text makes no statements")
		j.Tally = tally
		return j, nil
	}
	if q, err = s.judging(ctx, &c, vote, list); err != nil {
		return Judgement{}, &StopError{err}
	}
	var supported int
	var missing []string
	_, more, err := s.asker.ask(ctx, q, func(r *Reply) error {
		var err error
		supported, missing, err = s.readVerdicts(r, list)
		return err
	})
	tally.Add(more)
	if err != nil {
		return outcome(err, tally)
	}
	score := float64(supported) / float64(len(list))
	j := Judgement{State: Scored, Score: score, Grade: score, Passed: score >= s.cfg.pass()-1e-9, Tally: tally}
	j.Reason = fmt.Sprintf("%d of %d statements follow from the contexts", supported, len(list))
	if len(missing) > 0 {
		j.Reason += "; not: " + clip(strings.Join(missing, "; "), 2000)
	}
	return j, nil
}

// readVerdicts wants one verdict for each statement.
func (s *statements) readVerdicts(r *Reply, list []string) (supported int, missing []string, err error) {
	var said struct {
		Verdicts []struct {
			Number  json.Number `json:"number"`
			Reason  string      `json:"reason"`
			Verdict bool        `json:"verdict"`
		} `json:"verdicts"`
	}
	if err := s.verdicts.read(r, &said); err != nil {
		return 0, nil, err
	}
	seen := make([]bool, len(list))
	for _, v := range said.Verdicts {
		n, err := v.Number.Int64()
		if err != nil || n < 1 || n > int64(len(list)) || seen[n-1] {
			return 0, nil, fmt.Errorf("it has a verdict numbered %.20s: want one for each of the %d statements", v.Number, len(list))
		}
		seen[n-1] = true
		if v.Verdict {
			supported++
		} else {
			missing = append(missing, list[n-1])
		}
	}
	if len(said.Verdicts) != len(list) {
		return 0, nil, fmt.Errorf("it has %d verdicts for %d statements", len(said.Verdicts), len(list))
	}
	return supported, missing, nil
}
