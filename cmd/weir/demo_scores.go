package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// The scores of the demo: what its customers say, and what a judge says of some answers.
const (
	demoHelpful = "helpful" // true or false
	demoQuality = "quality" // 1 to 5
	demoTone    = "tone"    // a word
	demoJudge   = "support-judge"
)

// demoQualities says how good the versions of the support bot's prompt are: the share of answers that people find helpful, the mean that
// the judge gives, and how often it finds them curt.
var demoQualities = []struct{ helpful, quality, curt float64 }{{.66, 3.5, .06}, {.66, 3.5, .12}, {.8, 4, .08}, {.79, 3.9, .2}}

// demoScores makes the scores of calls and writes them many at a time.
type demoScores struct {
	now   time.Time
	store trace.Scores
	batch []trace.Score
}

// add makes the scores of a call.
func (d *demoScores) add(ctx context.Context, s *trace.Span) error {
	d.batch = append(d.batch, scoresOf(s, d.now)...)
	if len(d.batch) < 5000 {
		return nil
	}
	return d.flush(ctx)
}

func (d *demoScores) flush(ctx context.Context) error {
	if len(d.batch) == 0 {
		return nil
	}
	err := d.store.PutScores(ctx, d.batch)
	d.batch = d.batch[:0]
	if err != nil {
		return fmt.Errorf("store scores: %w", err)
	}
	return nil
}

// diceOf are a call's own: what is drawn of it is the same each time.
func diceOf(id string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))                          // a hash takes everything
	return rand.New(rand.NewPCG(h.Sum64(), 0x73636f72)) //nolint:gosec // nothing secret is drawn
}

// scoreOf is a score of a call, without its value.
func scoreOf(s *trace.Span, name string, kind trace.ScoreKind, source trace.ScoreSource, at time.Time) trace.Score {
	return trace.Score{
		ID: "demo-" + name + "-" + s.ID, Revision: at.UnixMicro(), CallID: s.ID, TraceID: s.TraceID, CallStart: s.Start, Project: s.Project, User: s.User, Session: s.Session,
		Model: s.Model, Prompt: s.Prompt, PromptVersion: s.PromptVersion, Experiment: s.Experiment, Arm: s.Arm, Epoch: s.Epoch, Unit: s.Unit,
		Name: name, Kind: kind, Source: source, At: at,
	}
}

// complaints are what people write to an answer that did not help.
var complaints = []string{
	"It did not say when.", "I had tried that before.", "This is not what I asked.", "I want to speak to somebody.", "Too long, and the link is at the very end.", "The page it names is not there.",
}

// scoresOf are the scores of a call of the past: about a third of the customers say whether it helped, and a judge read one answer of twenty.
func scoresOf(s *trace.Span, now time.Time) []trace.Score {
	if s.Status != trace.StatusOK || s.Endpoint != llm.ChatCompletions || s.Prompt != demoSupport && s.Prompt != "rag-answer" {
		return nil
	}
	r := diceOf(s.ID)
	q := demoQualities[1]
	if v := s.PromptVersion; s.Prompt == demoSupport && v >= 1 && v <= len(demoQualities) {
		q = demoQualities[v-1]
	}
	if s.Duration > 12*time.Second { // who waits long is not pleased
		q.helpful -= .2
	}
	var out []trace.Score
	said := s.End().Add(time.Duration((.2 + r.ExpFloat64()) * float64(time.Minute))).Truncate(time.Microsecond)
	if asked := r.Float64() < .35; asked && s.Prompt == demoSupport && s.User != "" && said.Before(now) {
		score := scoreOf(s, demoHelpful, trace.BooleanScore, trace.FromAPI, said)
		score.Author = "web-widget"
		if r.Float64() < q.helpful {
			score.Value = 1
		} else if r.IntN(6) == 0 {
			score.Comment = complaints[r.IntN(len(complaints))]
		}
		out = append(out, score)
	}
	r = diceOf(demoJudge + s.ID) // whatever the customer said
	judged := s.End().Add(40 * time.Second)
	if r.IntN(20) > 0 || judged.After(now) {
		return out
	}
	quality := scoreOf(s, demoQuality, trace.NumberScore, trace.FromJudge, judged)
	quality.Value = math.Round(min(max(q.quality+.9*r.NormFloat64(), 1), 5))
	tone := scoreOf(s, demoTone, trace.CategoryScore, trace.FromJudge, judged)
	tone.Category = "neutral"
	switch x := r.Float64(); {
	case x < q.curt:
		tone.Category = "curt"
	case x > .45:
		tone.Category = "friendly"
	}
	for _, score := range []trace.Score{quality, tone} {
		score.Author, score.Config = demoJudge, demoJudge+"@2"
		out = append(out, score)
	}
	return out
}
