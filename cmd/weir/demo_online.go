package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/trace"
)

// demoRule scores a quarter of the tags that tickets get.
func demoRule(at time.Time) online.Rule {
	return online.Rule{
		Name: "tags-are-valid", Filter: online.Filter{Project: demoProject, Prompt: demoTags}, Rate: .25, By: online.ByCall, Author: demoWriter, UpdatedAt: at,
		Scorers: []eval.ScorerConfig{
			{Name: "tags-valid", Metric: "json_schema", Schema: json.RawMessage(demoTagsSchema)},
			{Name: "topic-is-a-word", Metric: "regex", Pattern: `"topic": ?"[a-z]+"`},
		},
	}
}

// demoRuleDays is how long the rule has been there.
const demoRuleDays = 7

// online makes the rule with its past: the calls that it would have taken are scored as it scores, and stand in its ledger.
func (d *demoStory) online(ctx context.Context) error {
	rule := demoRule(d.Now.Add(-demoRuleDays * 24 * time.Hour))
	if err := rule.Settle(ctx); err != nil {
		return fmt.Errorf("the demo's rule: %w", err)
	}
	if err := d.s.stores.online.PutOnlineRule(ctx, rule); err != nil {
		return err
	}
	if d.Days <= 0 {
		return nil
	}
	scorers := make([]eval.Scorer, len(rule.Scorers))
	for i := range scorers {
		s, err := eval.NewLiveScorer(ctx, rule.Scorers[i], eval.Judges{})
		if err != nil {
			return fmt.Errorf("the demo's rule: %w", err)
		}
		defer s.Close()
		scorers[i] = s
	}
	var scores []trace.Score
	hours := map[time.Time][]online.Taken{}
	f := trace.Filter{Project: demoProject, Prompt: demoTags, Since: rule.UpdatedAt, Until: d.Now}
	for rec, err := range d.s.reader.Export(ctx, f, true) {
		if err != nil {
			return fmt.Errorf("read calls to be scored: %w", err)
		}
		if !rule.Sampled(&rec.Call) {
			continue
		}
		came := rec.Call.End().Add(2 * time.Second).Truncate(time.Microsecond)
		made, decided := ruleScores(ctx, &rule, scorers, &rec, came)
		scores = append(scores, made...)
		hour := came.Truncate(time.Hour)
		hours[hour] = append(hours[hour], online.Taken{CallID: rec.Call.ID, Came: came, Due: came, Decided: decided})
	}
	for batch := range slices.Chunk(scores, 5000) {
		if err := d.s.stores.scores.PutScores(ctx, batch); err != nil {
			return fmt.Errorf("store scores: %w", err)
		}
	}
	for hour, calls := range hours {
		if err := d.take(ctx, rule.Name, calls, hour); err != nil {
			return fmt.Errorf("write the ledger of the demo's rule: %w", err)
		}
	}
	return nil
}

// take puts decided calls into a rule's ledger, while the rule may be looking at new ones.
func (d *demoStory) take(ctx context.Context, rule string, calls []online.Taken, at time.Time) error {
	for {
		rules, err := d.s.stores.online.OnlineRules(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(rules, func(r online.Stored) bool { return r.Name == rule })
		if i < 0 {
			return online.ErrNoRule
		}
		err = d.s.stores.online.TakeCalls(ctx, rule, rules[i].Position.Moves, rules[i].Position, calls, time.Time{}, at)
		if !errors.Is(err, online.ErrMoved) {
			return err
		}
	}
}

// ruleScores scores a recorded call as the rule does.
func ruleScores(ctx context.Context, rule *online.Rule, scorers []eval.Scorer, rec *trace.Record, at time.Time) (scores []trace.Score, decided []online.Decision) {
	item, none := eval.ItemOfCall(rec, false)
	answer := eval.AnswerOfCall(rec)
	if none == "" {
		none = answer.Error
	}
	for i := range scorers {
		name := rule.Scorers[i].Name
		if none != "" {
			decided = append(decided, online.Decision{Scorer: name, Outcome: online.Failed, Reason: online.Unscorable, Detail: none})
			continue
		}
		s := scorers[i].Score(ctx, eval.Sample{Item: &item, Answer: &answer})
		if s.State != eval.Scored {
			decided = append(decided, online.Decision{Scorer: name, Outcome: online.Failed, Reason: online.Unscorable, Detail: s.Reason})
			continue
		}
		decided = append(decided, online.Decision{Scorer: name, Outcome: online.Scored})
		score := scoreOf(&rec.Call, name, trace.NumberScore, trace.FromMetric, at)
		score.Value, score.Comment, score.Author, score.Config = s.Value, s.Reason, "online:"+rule.Name, rule.Version()
		scores = append(scores, score)
	}
	return scores, decided
}
