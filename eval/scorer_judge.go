package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/weir-dev/weir/eval/judge"
)

// Judges is what scorers of the metric judge need beside their configuration. The zero value asks nobody: such a scorer says so.
type Judges struct {
	Asker   *judge.Asker
	Prompts judge.Resolver // of judges whose prompt is a registry's
	Items   []Item         // of the run: what is expected of them is made into vectors many at a time
}

// AsksModels says that a scorer asks models: it is a judge, or compares vectors.
func (c *ScorerConfig) AsksModels() bool { return c.Metric == "judge" || c.Metric == "cosine" }

func judgeMetrics() []metric {
	return []metric{{
		name: "judge", about: "what a model says of the answer, by a rubric or as a RAG judge; judge: {rubric: correctness, model: M}, calibration: FILE",
		make: func(c ScorerConfig) (Scorer, error) {
			if _, err := c.JudgeConfig(); err != nil {
				return nil, err
			}
			return ScorerFunc(func(Sample) Score { return failed("no model can be asked here: judges run with weir eval run") }), nil
		},
	}}
}

// JudgeConfig reads the judge of a scorer whose metric is judge.
func (c *ScorerConfig) JudgeConfig() (judge.Config, error) {
	var out judge.Config
	if len(c.Judge) == 0 {
		return out, errors.New("there is no judge: want judge: {rubric: correctness, model: M}")
	}
	dec := json.NewDecoder(bytes.NewReader(c.Judge))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil {
		return out, fmt.Errorf("judge: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if out.Kind == judge.Pairwise {
		return out, errors.New("judge: a pairwise judge compares two outputs; weir eval judge run does that")
	}
	if err := out.Check(); err != nil {
		return out, fmt.Errorf("judge: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return out, nil
}

// newScorer is NewScorer with models to ask.
func newScorer(ctx context.Context, c ScorerConfig, with Judges) (Scorer, error) {
	if with.Asker == nil || !c.AsksModels() {
		return NewScorer(c)
	}
	if c.Metric == "cosine" {
		m, err := metricOf(c.Metric)
		if err != nil {
			return nil, err
		}
		return barred{Scorer: newCosine(c.Model, with.Asker, with.Items), bar: c.Pass, lower: m.lower}, nil
	}
	cfg, err := c.JudgeConfig()
	if err != nil {
		return nil, err
	}
	j, err := judge.New(ctx, cfg, with.Asker, with.Prompts)
	if err != nil {
		return nil, err
	}
	return barred{Scorer: &judgeScorer{judge: j, ownBar: c.Pass != nil, votes: cfg.Votes > 1}, bar: c.Pass}, nil
}

// judgeScorer is a judge as a scorer.
type judgeScorer struct {
	judge  judge.Judge
	ownBar bool // the scorer's bar holds, not the rubric's
	votes  bool // one model is asked several times

	mu   sync.Mutex // guards stop
	stop error
}

// stopping is a scorer that can say that the run had better stop. A score of it without a state was not made for that reason.
type stopping interface{ stopped() error }

func (s *judgeScorer) stopped() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop
}

// stopped passes the question on to the scorer within.
func (b barred) stopped() error {
	if s, ok := b.Scorer.(stopping); ok {
		return s.stopped()
	}
	return nil
}

// Score implements Scorer.
func (s *judgeScorer) Score(ctx context.Context, of Sample) Score {
	if s.stopped() != nil {
		return Score{}
	}
	got, err := s.judge.Judge(ctx, JudgeCase(of.Item, of.Answer))
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stop == nil {
			s.stop = fmt.Errorf("judge: %w", err)
		}
		return Score{}
	}
	out := Score{State: State(got.State), Value: got.Score, Reason: clip(got.Reason)}
	if got.State != judge.Scored {
		out.Value = 0
		if got.Raw != "" {
			out.Reason = clip(got.Reason + "; it said: " + got.Raw)
		}
	} else if !s.ownBar {
		out.Passed = &got.Passed
	}
	if s.votes {
		for _, v := range got.Votes {
			if v.State == judge.Scored {
				out.Votes = append(out.Votes, v.Score)
			}
		}
	}
	if got.Tally.Calls > 0 {
		out.Cost, out.Unpriced = &got.Tally.Cost, got.Tally.Unpriced
	}
	return out
}

// Close does nothing: what is asked is the run's.
func (*judgeScorer) Close() error { return nil }

// JudgeCase is an answer to an item, as judges read it. Of several right answers each is told. What a RAG pipeline found goes before the context
// that the item names.
func JudgeCase(it *Item, a *Answer) judge.Case {
	contexts := a.Contexts
	if len(contexts) == 0 {
		contexts = texts(it.Context)
	}
	return judge.Case{Input: Text(it.Input), Output: a.Text, Expected: strings.Join(texts(it.Expected), "\n\nor:\n\n"), Contexts: contexts}
}

// mayJudge adds a check that fails when the scores are those of a judge that must not gate.
func (j *judging) mayJudge() {
	if j.scorer.Metric != "judge" {
		return
	}
	f := judge.Fitness{Standing: judge.Uncalibrated, Floor: judge.DefaultFloor, Reason: "the judge was never compared with people; name its calibration: calibration: FILE, as weir eval judge calibrate --save writes it"}
	if j.scorer.Fitness != nil {
		f = *j.scorer.Fitness
	}
	got := 0.0
	if f.MayGate() {
		got = 1
	}
	j.check("judge", f.MayGate(), got, 1, "%s: %s", f.Standing, f.Reason)
}
