package clickhouse

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/dashboards/report/gather"
	"github.com/weir-dev/weir/eval/drift"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/trace"
)

// BenchmarkPages asks what every page of the console asks of ClickHouse, all of a page's questions at the same time, over the
// page's own span of time and over 30 days, with a score for one call in fifty and a question to a pipeline for one in a hundred.
// What pages ask of the control plane, the spool and the ledger of budgets is not in it. See BenchmarkRead for the variables:
//
//	WEIR_BENCH_CALLS=10000000 WEIR_BENCH_DATA=/var/tmp/weir-bench go test ./clickhouse -run - -bench Pages -benchtime 20x -timeout 2h
func BenchmarkPages(b *testing.B) {
	db, _, end := benchCalls(b)
	fillBeside(b, db)
	middle, err := db.Calls(b.Context(), trace.Filter{Until: end.Add(-10 * day)}, 1, "")
	if err != nil {
		b.Fatal(err)
	}
	call := middle.Calls[0]
	ask := asks{db}
	sorted, costs, counts := ask.sorted, ask.costs, ask.counts
	list := func(f trace.Filter) question { return sorted(f, trace.CallsByTime, 60, "") }
	month, week := trace.Filter{Since: end.Truncate(day).Add(-29 * day)}, trace.Filter{Since: end.Truncate(day).Add(-6 * day)} // as the console has them
	today, hours := trace.Filter{Since: end.Truncate(day)}, trace.Filter{Since: end.Add(-56 * day).Truncate(time.Hour), Until: end.Truncate(time.Hour)}
	of := func(f trace.Filter, change func(*trace.Filter)) trace.Filter { change(&f); return f }
	project := func(f trace.Filter) trace.Filter {
		return of(f, func(f *trace.Filter) { f.Project = call.Project })
	}
	user := func(f trace.Filter, name string) trace.Filter {
		return of(f, func(f *trace.Filter) { f.User = name })
	}
	session := trace.Filter{Session: call.Session, Project: call.Project}
	before := func(f trace.Filter) trace.Filter {
		span := end.Truncate(day).Add(day).Sub(f.Since)
		return trace.Filter{Since: f.Since.Add(-span), Until: end.Truncate(time.Minute).Add(-span)}
	}
	scored := func(f trace.Filter) trace.ScoreFilter { return trace.ScoreFilter{Since: f.Since, Until: f.Until} }
	open := []string{"project", "model", "status"} // of the counts beside the calls, at first
	all := append(slices.Clone(open), "provider", "endpoint", "cache", "key", "user", "error_code", "price_status", "tag", "tag.team")
	forecast := func(f trace.Filter) question {
		return together(costs(f), costs(of(hours, func(h *trace.Filter) { h.Project = f.Project }), "hour"))
	}
	overview := func(f trace.Filter, grain string) question {
		asked := []question{
			costs(f, "model", grain), costs(f, "model"), costs(f, "project"), costs(f, "user"), costs(f, grain), costs(today), forecast(month), forecast(project(month)),
			sorted(trace.Filter{Since: end.Add(-day), Status: "ok"}, trace.CallsByDuration, 1, ""),
		}
		past := func(ctx context.Context) error {
			_, err := db.Costs(ctx, trace.CostQuery{Filter: before(f), By: []string{"project"}})
			return err
		}
		return together(append(asked, past)...)
	}
	onePage := func(f trace.Filter, name string) question {
		f = user(f, name)
		return together(ask.users(f, 1), costs(f, "model", "day"), costs(f, "prompt"), costs(f, "model"), costs(f, "project", "key"), ask.bundles(db.Sessions, f, 8))
	}
	traffic := drift.Source{Calls: db, Traffic: db}
	reports := gather.Sources{Calls: db, Scores: db, Budgets: none{}, BudgetEvents: none{}, Alerts: none{}, Book: func() *price.Book { return nil }}
	reportOf := func(p report.Period) question {
		return func(ctx context.Context) error {
			r, err := reports.Make(ctx, p, "", end)
			if err != nil {
				return err
			}
			return some(int(r.Total.Calls), "calls", nil)
		}
	}
	rules := alert.Sources{Calls: db, Scores: db}
	rule := func(r alert.Rule) question {
		return func(ctx context.Context) error {
			_, err := rules.Read(ctx, &r, end)
			return err
		}
	}
	asked := func(f trace.Filter) question {
		return together(
			func(ctx context.Context) error {
				got, err := db.RAGLog().Summary(ctx, rag.AskedFilter{Since: f.Since, SlowMS: 300})
				return some(int(got.Questions), "questions", err)
			},
			func(ctx context.Context) error {
				got, err := db.RAGLog().List(ctx, rag.AskedFilter{Since: f.Since}, nil, 50)
				return some(len(got), "questions", err)
			})
	}
	trial := func(f trace.Filter) question { // of no call: what is looked through is the same
		q := experiment.Query{Experiment: "tone", Unit: experiment.User, Since: f.Since}
		return together(
			func(ctx context.Context) error {
				_, err := db.Moments(ctx, q, []experiment.Measure{{Metric: "cost"}, {Metric: "errors"}})
				return err
			},
			func(ctx context.Context) error { _, err := db.Growth(ctx, q, time.Hour); return err })
	}
	advise := func(f trace.Filter) question {
		f.Until = end
		return together(ask.facets(month), func(ctx context.Context) error {
			got, err := db.AdviceFacts(ctx, f)
			return some(int(got.Calls), "calls", err)
		})
	}
	for _, p := range []struct {
		page string
		ask  question
	}{
		{"Overview, 30 days", overview(month, "day")},
		{"Overview, 7 days", overview(week, "hour")},
		{"Calls, 7 days", together(list(week), counts(week, open...))},
		{"Calls, 30 days", together(list(month), counts(month, open...))},
		{"Calls, all counts open, 30 days", together(list(month), counts(month, all...))},
		{"Calls by cost, 7 days", together(sorted(week, trace.CallsByCost, 30, ""), counts(week, open...))},
		{"Calls by cost, 30 days", together(sorted(month, trace.CallsByCost, 30, ""), counts(month, open...))},
		{"Calls by duration, 30 days", together(sorted(month, trace.CallsByDuration, 30, ""), counts(month, open...))},
		{"Calls by first token, 30 days", together(sorted(month, trace.CallsByTTFT, 30, ""), counts(month, open...))},
		{"Calls by tokens, 30 days", together(sorted(month, trace.CallsByTokens, 30, ""), counts(month, open...))},
		{"Calls of a project by cost, 30 days", together(sorted(project(month), trace.CallsByCost, 30, ""), counts(project(month), open...))},
		{"Calls of a user by cost, 30 days", together(sorted(user(month, "user7"), trace.CallsByCost, 30, ""), counts(user(month, "user7"), open...))},
		{"Calls of a user, 30 days", together(list(user(month, "user77")), counts(user(month, "user77"), open...))},
		{"Calls of an old prompt, 30 days", together(list(of(month, func(f *trace.Filter) { f.Prompt = "prompt-3@1" })), counts(of(month, func(f *trace.Filter) { f.Prompt = "prompt-3@1" }), open...))},
		{"Calls with an error code, 7 days", together(list(of(week, func(f *trace.Filter) { f.ErrorCode = "server_error" })), counts(of(week, func(f *trace.Filter) { f.ErrorCode = "server_error" }), open...))},
		{"Calls with a tag, 7 days", together(list(of(week, func(f *trace.Filter) { f.Tags = map[string]string{"team": "team-7"} })), counts(of(week, func(f *trace.Filter) { f.Tags = map[string]string{"team": "team-7"} }), open...))},
		{"A call", together(func(ctx context.Context) error { _, err := db.Call(ctx, call.ID); return err }, func(ctx context.Context) error {
			_, err := db.ListScores(ctx, trace.ScoreFilter{CallID: call.ID}, 200, "")
			return err
		})},
		{"Traces, 7 days", ask.bundles(db.Traces, week, 50)},
		{"Traces, 30 days", ask.bundles(db.Traces, month, 50)},
		{"A trace", together(
			func(ctx context.Context) error { _, err := db.Trace(ctx, call.TraceID, 1000); return err },
			ask.bundles(db.Traces, trace.Filter{TraceID: call.TraceID, Since: call.Start.Add(-time.Minute)}, 1))},
		{"Sessions, 7 days", ask.bundles(db.Sessions, week, 50)},
		{"Sessions, 30 days", ask.bundles(db.Sessions, month, 50)},
		{"Sessions of a busy user, 30 days", ask.bundles(db.Sessions, user(month, "user7"), 50)},
		{"A session", together(ask.bundles(db.Sessions, session, 1), func(ctx context.Context) error {
			n := 0
			for _, err := range db.Export(ctx, of(session, func(f *trace.Filter) { f.Since = call.Start.Add(-day) }), true) {
				if n++; err != nil || n == 50 {
					return err
				}
			}
			return nil
		})},
		{"Users, 30 days", ask.users(month, 50)},
		{"Users, 7 days", ask.users(week, 50)},
		{"A busy user, 30 days", onePage(month, "user7")},
		{"A user, 30 days", onePage(month, "user77")},
		{"Costs by model, 30 days", together(costs(month, "model"), costs(month, "model", "day"))},
		{"Costs by user, 30 days", together(costs(month, "user"), costs(month, "user", "day"))},
		{"Costs by project and key, 7 days by the hour", together(costs(week, "project", "key"), costs(week, "project", "key", "hour"))},
		{"Costs by a tag, 7 days", together(costs(week, "tag.team"), costs(week, "tag.team", "hour"))},
		{"Costs by a tag, 30 days", together(costs(month, "tag.team"), costs(month, "tag.team", "day"))},
		{"Costs: forecast", together(forecast(month), costs(month, "day"))},
		{"Costs: advice, 7 days", advise(week)},
		{"Costs: advice, 30 days", advise(month)},
		{"Cache, 30 days", together(costs(month, "cache", "day"), costs(month, "model", "cache"), costs(month, "endpoint", "cache"))},
		{"Budgets: one burning down", together(costs(project(month), "status", "day"), forecast(project(month)))},
		{"Models: what has no price, 30 days", together(ask.unpriced(month), costs(of(month, func(f *trace.Filter) { f.Unpriced = true }), "provider", "model"), ask.facets(month))},
		{"Prompts, 7 days", costs(week, "prompt")},
		{"A prompt, 30 days", together(costs(of(month, func(f *trace.Filter) { f.Prompt = "prompt-3" }), "prompt"), ask.scores(trace.ScoreFilter{Since: month.Since, Prompt: "prompt-3"}, "prompt"))},
		{"Experiments: one of 14 days", trial(trace.Filter{Since: end.Add(-14 * day)})},
		{"Scores, 30 days", together(ask.scores(scored(month)), ask.scoreList(scored(month), 25))},
		{"A score, 30 days", together(ask.scores(trace.ScoreFilter{Since: month.Since, Name: "helpful"}, "day"), ask.scores(trace.ScoreFilter{Since: month.Since, Name: "helpful"}, "model"), ask.scoreList(trace.ScoreFilter{Since: month.Since, Name: "helpful"}, 25))},
		{"RAG, 7 days", asked(week)},
		{"RAG, 30 days", asked(month)},
		{"Drift", func(ctx context.Context) error {
			got, err := traffic.Measure(ctx, end)
			if err != nil {
				return err
			}
			return some(len(got.Series), "series", nil)
		}},
		{"Reports: the week", reportOf(report.At(report.Week, end.Add(-8*day), time.UTC))},
		{"Reports: the month", reportOf(report.At(report.Month, end.Add(-15*day), time.UTC))},
		{"Alerts: error rate by model, an hour", rule(alert.Rule{Metric: alert.ErrorRate, GroupBy: []string{"model"}, Window: "1h"})},
		{"Alerts: p95 by project, a day", rule(alert.Rule{Metric: alert.LatencyP95, GroupBy: []string{"project"}, Window: "1d"})},
		{"Alerts: anomaly of spend by project", rule(alert.Rule{Metric: alert.SpendAnomaly, GroupBy: []string{"project"}})},
		{"Lists of names in forms, 30 days", ask.facets(month)},
	} {
		b.Run(p.page, func(b *testing.B) { ask.measure(b, p.ask) })
	}
}

// none is a control plane without budgets and rules.
type none struct{}

func (none) ListBudgets(context.Context) ([]price.Budget, error) { return nil, nil }

func (none) ListBudgetEvents(context.Context, price.BudgetEventQuery) ([]price.BudgetEvent, string, error) {
	return nil, "", nil
}

func (none) Rules(context.Context) ([]alert.Listed, error) { return nil, nil }

func (none) Store() alert.Store { return &alert.Memory{} }
