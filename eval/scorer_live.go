package eval

import (
	"context"
	"errors"
	"fmt"
)

// NewLiveScorer makes a scorer for answers that were given to people, of which nobody knows what was expected. It refuses what cannot
// score those: a metric that compares with what is expected and has no values of its own, and a program, which whoever may write a rule
// could run on the server. A judge needs with's Asker.
func NewLiveScorer(ctx context.Context, c ScorerConfig, with Judges) (Scorer, error) {
	switch c.Metric {
	case "process":
		return nil, errors.New("process: programs run with weir eval run, not on the server")
	case "cosine":
		return nil, errors.New("cosine: it compares with what is expected, which nobody knows of a live call")
	}
	s, err := newScorer(ctx, c, with)
	if err != nil {
		return nil, err
	}
	if c.Metric == "judge" {
		return s, nil
	}
	const text = `"text"`
	probe := s.Score(ctx, Sample{Item: &Item{ID: "probe", Input: []byte(text)}, Answer: &Answer{Text: "text"}})
	if probe.State == Unscorable && probe.Reason == errNoExpected.Error() {
		return nil, fmt.Errorf("%s: it compares with what is expected, which nobody knows of a live call", c.Metric)
	}
	return s, nil
}

// WhyStopped says why a scorer gives no more scores; nil: it goes on. A score that it made since has no state.
func WhyStopped(s Scorer) error {
	if s, ok := s.(stopping); ok {
		return s.stopped()
	}
	return nil
}
