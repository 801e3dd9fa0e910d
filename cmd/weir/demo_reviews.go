package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/trace"
)

// demoQueue is the queue of answers that two people read.
const demoQueue = "support-review"

const (
	reviewBegan = 20 * time.Hour // ago
	reviewItems = 40
	reviewDone  = 13 // of 20, by both
	reviewHalf  = 2  // by one
	reviewSkips = 1  // by both
)

// reviews makes the queue, of answers that the judge has read too, so that people and judge can be held against each other.
func (d *demoStory) reviews(ctx context.Context) error {
	if d.Days <= 0 {
		return nil
	}
	one, five := 1.0, 5.0
	q := eval.Queue{
		Name: demoQueue, Project: demoProject, Reviewers: 2, Author: demoApprover, CreatedAt: d.Now.Add(-reviewBegan),
		Instructions: "Read the customer's question first, then the answer. Helpful: would the customer know what to do? Quality: 5 could be sent as it is, 1 must not be sent.",
		Questions: []eval.Question{
			{Name: demoHelpful, Kind: trace.BooleanScore, Description: "The customer knows what to do next."},
			{Name: demoQuality, Kind: trace.NumberScore, Min: &one, Max: &five, Description: "1 to 5."},
			{Name: demoTone, Kind: trace.CategoryScore, Categories: []string{"friendly", "neutral", "curt"}, Optional: true},
		},
	}
	if err := d.s.stores.annotations.PutQueue(ctx, q); err != nil && !errors.Is(err, eval.ErrQueueThere) {
		return fmt.Errorf("make the queue: %w", err)
	}
	calls, err := d.judged(ctx)
	if err != nil {
		return err
	}
	items := make([]eval.QueueItem, len(calls))
	for i := range calls {
		items[i] = eval.QueueItem{CallID: calls[i].ID, AddedBy: demoApprover, AddedAt: q.CreatedAt, State: eval.Waiting}
	}
	if _, err := d.s.stores.annotations.AddQueueItems(ctx, q.Name, items); err != nil {
		return fmt.Errorf("fill the queue: %w", err)
	}
	part := func(of20 int) int { return (len(calls)*of20 + 19) / 20 }
	done, half, skips := part(reviewDone), part(reviewDone+reviewHalf), part(reviewDone+reviewHalf+reviewSkips)
	var scores []trace.Score
	for k, who := range []string{demoWriter, demoAuthor} {
		at := q.CreatedAt.Add(time.Duration(1+k) * time.Hour)
		for i := range calls {
			at = at.Add(time.Duration(25+int(diceOf(who+calls[i].ID).Uint64()%60)) * time.Second)
			review := eval.Review{Who: who, State: eval.Finished, At: at}
			switch {
			case i >= skips, k == 1 && i >= done && i < half:
				continue
			case i >= half:
				review.State, review.Reason = eval.Skipped, "It is about an order that I cannot see."
			default:
				scores = append(scores, d.read(&calls[i], who, at)...)
			}
			if err := d.s.stores.annotations.TakeItem(ctx, q.Name, calls[i].ID, who, at, at.Add(time.Hour)); err != nil && !errors.Is(err, eval.ErrItemTaken) {
				return fmt.Errorf("take an item of the queue: %w", err)
			}
			if err := d.s.stores.annotations.EndReview(ctx, q.Name, calls[i].ID, review); err != nil && !errors.Is(err, eval.ErrNoQueueItem) {
				return fmt.Errorf("review an item of the queue: %w", err)
			}
		}
	}
	return d.s.stores.scores.PutScores(ctx, scores)
}

// judged are the support bot's newest answers that the judge has read and the customer has rated, the newest first.
func (d *demoStory) judged(ctx context.Context) ([]trace.Span, error) {
	var out []trace.Span
	f := trace.Filter{Project: demoProject, Prompt: demoSupport, Status: string(trace.StatusOK), Since: d.Now.Add(-6 * 24 * time.Hour), Until: d.Now.Add(-reviewBegan)}
	for cursor := ""; ; {
		page, err := d.s.reader.Calls(ctx, f, 1000, cursor)
		if err != nil {
			return nil, fmt.Errorf("read calls to be reviewed: %w", err)
		}
		for i := range page.Calls {
			s := &page.Calls[i].Span
			_, read := scoredOf(s, demoQuality, d.Now)
			if _, said := scoredOf(s, demoHelpful, d.Now); read && said && len(out) < reviewItems {
				out = append(out, *s)
			}
		}
		if cursor = page.Next; cursor == "" || len(out) == reviewItems {
			return out, nil
		}
	}
}

// scoredOf is the value of a score that a call got, false when it has none.
func scoredOf(s *trace.Span, name string, now time.Time) (float64, bool) {
	for _, score := range scoresOf(s, now) {
		if score.Name == name {
			return score.Value, true
		}
	}
	return 0, false
}

// read is what a person thinks of an answer: about what the judge and the customer think, one is stricter than the other.
func (d *demoStory) read(s *trace.Span, who string, at time.Time) []trace.Score {
	r := diceOf(who + s.ID)
	judge, _ := scoredOf(s, demoQuality, d.Now)
	helpful, _ := scoredOf(s, demoHelpful, d.Now)
	strict := 0.1
	if who == demoAuthor {
		strict = .45
	}
	quality := math.Round(min(max(judge-strict+.7*r.NormFloat64(), 1), 5))
	if r.IntN(8) == 0 {
		helpful = 1 - helpful
	}
	tone := []string{"friendly", "neutral", "curt"}[min(int(math.Abs(.8*r.NormFloat64())*1.2), 2)]
	out := []trace.Score{
		scoreOf(s, demoHelpful, trace.BooleanScore, trace.FromHuman, at), scoreOf(s, demoQuality, trace.NumberScore, trace.FromHuman, at),
		scoreOf(s, demoTone, trace.CategoryScore, trace.FromHuman, at),
	}
	out[0].Value, out[1].Value, out[2].Category = helpful, quality, tone
	for i := range out {
		out[i].ID = "demo-" + who + "-" + out[i].Name + "-" + s.ID
		out[i].Author, out[i].Config = who, "queue:"+demoQueue
	}
	return out
}
