package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/llm"
)

// demoPast is how far back the demo tells what its rules would have said.
const demoPast = 14 * 24 * time.Hour

// demoRules are those of the demo. They stand in the store, where they can be changed.
func demoRules() []alert.Rule {
	at := func(v float64) *float64 { return &v }
	return []alert.Rule{
		{
			Name: "errors", About: "Look at the provider's status page; fallbacks are in the routes.", Metric: alert.ErrorRate, Window: "1h", Op: alert.GT,
			Warning: at(0.05), Alert: at(0.1), GroupBy: []string{"model"}, MinCalls: 30,
		},
		{Name: "slow-answers", Metric: alert.LatencyP95, Window: "1h", Op: alert.GT, Warning: at(15), Alert: at(30), GroupBy: []string{"provider"}, MinCalls: 20, For: "15m"},
		{Name: "slow-first-token", Metric: alert.TTFTP95, Window: "1h", Op: alert.GT, Warning: at(6), Alert: at(12), MinCalls: 20},
		{Name: "spend-of-the-day", Metric: alert.Spend, Window: "24h", Op: alert.GT, Warning: at(4.5), Alert: at(9), Filter: alert.Filter{Project: demoProject}},
		{Name: "spend-of-the-month", Metric: alert.SpendForecast, Op: alert.GT, Warning: at(100), Alert: at(150)},
		{Name: "spend-is-unusual", About: "Somebody calls in a loop, or a prompt has grown.", Metric: alert.SpendAnomaly, Op: alert.GTE, Warning: at(5), Alert: at(7)},
		{Name: "budgets", Metric: alert.BudgetUsed, Op: alert.GTE, Warning: at(0.8), Alert: at(1)},
		{Name: "cache-hits", Metric: alert.CacheHitRate, Window: "6h", Op: alert.LT, Warning: at(0.02), MinCalls: 50},
		{Name: "prices-are-missing", Metric: alert.UnpricedCalls, Window: "1d", Op: alert.GTE, Warning: at(1), GroupBy: []string{"model"}},
		{Name: "nothing-comes", Metric: alert.Calls, Window: "1h", Op: alert.LT, Alert: at(1), For: "5m"},
		{Name: "traffic-drifts", About: "Open the series: it names the prompt or model that most of the change is of.", Metric: alert.DriftPSI, Op: alert.GT, Warning: at(0), GroupBy: []string{"project", "series"}},
		{Name: "records-wait", Metric: alert.SpoolOldest, Op: alert.GT, Warning: at(120), Alert: at(600), For: "1m"},
	}
}

// seedAlerts stores the demo's rules that are not there, and as their history what they would have said of the recorded past.
func seedAlerts(ctx context.Context, w *alert.Watch) error {
	have, err := w.Rules(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	var all []error
	for _, r := range demoRules() {
		if slices.ContainsFunc(have, func(was alert.Listed) bool { return was.Name == r.Name }) {
			continue
		}
		if err := w.Store().PutAlertRule(ctx, r, true); err != nil {
			all = append(all, err)
			continue
		}
		past, err := w.Sources().Replay(ctx, &r, now.Add(-demoPast), now)
		if errors.Is(err, alert.ErrNoPast) {
			continue
		}
		if err != nil {
			all = append(all, err)
			continue
		}
		look := alert.Result{Look: alert.Look{Rule: r.Name, At: now}}
		for i := range past.Groups {
			g := &past.Groups[i]
			for k := range g.Events {
				e := g.Events[k]
				e.ID = llm.NewID(e.At)
				if len(g.Events) > 20 {
					continue // what flutters is no story
				}
				look.Events = append(look.Events, e)
			}
		}
		slices.SortFunc(look.Events, func(a, b alert.Event) int { return a.At.Compare(b.At) })
		all = append(all, w.Store().SaveAlerts(ctx, look))
	}
	return errors.Join(all...)
}
