package eval

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Sample is what is scored.
type Sample struct {
	Item   *Item
	Answer *Answer
}

// Scorer scores answers. Safe for concurrent use.
type Scorer interface {
	// Score never fails: what hinders it is in the score's state and reason.
	Score(ctx context.Context, s Sample) Score
	// Close ends what the scorer started.
	Close() error
}

// CorpusScorer is a Scorer whose figure over all answers is not the mean of theirs.
type CorpusScorer interface {
	// Corpus gives that figure, and what says how it was made.
	Corpus(samples iter.Seq[Sample]) (value float64, signature string)
}

// ScorerFunc makes a pure function a Scorer.
type ScorerFunc func(Sample) Score

// Score calls f.
func (f ScorerFunc) Score(_ context.Context, s Sample) Score { return f(s) }

// Close does nothing.
func (ScorerFunc) Close() error { return nil }

// metric is one way to score.
type metric struct {
	name  string
	about string
	lower bool     // the least is the best
	pass  *float64 // the bar unless another is set; nil: none
	make  func(ScorerConfig) (Scorer, error)
}

var whole = 1.0 // the bar of what is right or wrong

// metrics are all there are.
func metrics() []metric {
	return slices.Concat(textMetrics(), jsonMetrics(), overlapMetrics(), toolMetrics(), rankMetrics(), usageMetrics(), judgeMetrics(), cosineMetrics(), ownMetrics())
}

// MetricNames lists the metrics, and what each says, in two texts each.
func MetricNames() [][2]string {
	var out [][2]string
	for _, m := range metrics() {
		out = append(out, [2]string{m.name, m.about})
	}
	return out
}

// NewScorer makes the scorer that a configuration asks for.
func NewScorer(c ScorerConfig) (Scorer, error) {
	m, err := metricOf(c.Metric)
	if err != nil {
		return nil, err
	}
	inner, err := m.make(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	out := barred{Scorer: inner, bar: c.Pass, lower: m.lower}
	if out.bar == nil {
		out.bar = m.pass
	}
	return out, nil
}

func metricOf(name string) (metric, error) {
	all := metrics()
	i := slices.IndexFunc(all, func(m metric) bool { return m.name == name })
	if i < 0 {
		names := make([]string, len(all))
		for k, m := range all {
			names[k] = m.name
		}
		return metric{}, fmt.Errorf("there is no metric %.64q; there is %s", name, strings.Join(names, ", "))
	}
	return all[i], nil
}

// Lower says that the least score is the best.
func (c *ScorerConfig) Lower() bool {
	m, err := metricOf(c.Metric)
	return err == nil && m.lower
}

// HasBar says that answers pass or do not.
func (c *ScorerConfig) HasBar() bool {
	m, err := metricOf(c.Metric)
	return err == nil && (c.Pass != nil || m.pass != nil || m.name == "process" || m.name == "expression" || m.name == "judge")
}

// barred says of each score whether it passes.
type barred struct {
	Scorer
	bar   *float64
	lower bool
}

// Score implements Scorer.
func (b barred) Score(ctx context.Context, s Sample) Score {
	if s.Answer.Error != "" {
		return failed("no answer: " + s.Answer.Error)
	}
	out := b.Scorer.Score(ctx, s)
	if out.State == Scored && b.bar != nil && out.Passed == nil {
		const slack = 1e-9 // a mean of 0.9 that is written as 0.8999…
		passed := out.Value >= *b.bar-slack
		if b.lower {
			passed = out.Value <= *b.bar+slack
		}
		out.Passed = &passed
	}
	return out
}

// Corpus implements CorpusScorer where the scorer within does.
func (b barred) Corpus(samples iter.Seq[Sample]) (value float64, signature string) {
	if c, ok := b.Scorer.(CorpusScorer); ok {
		return c.Corpus(samples)
	}
	return 0, ""
}

var errNoExpected = errors.New("the item says nothing of what is expected")

// expectedTexts are the texts of which each is right.
func expectedTexts(s Sample) ([]string, error) {
	list := texts(s.Item.Expected)
	if len(list) == 0 {
		return nil, errNoExpected
	}
	return list, nil
}
