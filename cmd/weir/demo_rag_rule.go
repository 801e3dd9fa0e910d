package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
)

// handbookRule has a model score a quarter of the handbook's answers, and of the passages that they were made of.
func handbookRule(at time.Time) online.Rule {
	day := price.USD(1_000_000_000)
	return online.Rule{
		Name: "handbook-answers", Filter: online.Filter{Model: rag.ModelPrefix + demoPipeline}, Rate: .25, By: online.ByCall, Budget: &day, Author: demoWriter, UpdatedAt: at,
		Scorers: []eval.ScorerConfig{
			{Name: contextRelevance, Metric: "judge", Judge: json.RawMessage(`{"kind": "context_precision", "model": "simulated/gpt-4o-mini"}`)},
			{Name: responseQuality, Metric: "judge", Judge: json.RawMessage(`{"rubric": "helpfulness", "model": "simulated/gpt-4o-mini"}`)},
		},
	}
}

// seedHandbookRule stores the rule, unless there is one of its name.
func seedHandbookRule(ctx context.Context, s *service) error {
	if s.rag.configs[demoReranked] == nil {
		return nil
	}
	rule := handbookRule(time.Now())
	have, err := s.stores.online.OnlineRules(ctx)
	if err != nil || slices.ContainsFunc(have, func(r online.Stored) bool { return r.Name == rule.Name }) {
		return err
	}
	if err := rule.Settle(ctx); err != nil {
		return fmt.Errorf("the handbook's rule: %w", err)
	}
	return s.stores.online.PutOnlineRule(ctx, rule)
}
