package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/weir-dev/weir/clickhouse"
	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/ingest/route"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/sqldb"
	"github.com/weir-dev/weir/trace"
)

// onlineRunner scores samples of live calls in the background; its judges ask through the top of the chain, on the account of a project
// of their own.
func onlineRunner(control *sqldb.DB, store *clickhouse.DB, fresh freshReader, questions rag.Log, top llm.Sender, cost judge.Price, texts judge.Resolver, owner string, log *slog.Logger) *online.Runner {
	return online.New(online.Config{
		Store: control, Leases: control, Owner: owner, Arrivals: store, Calls: store, Scores: ragScores{store, questions}, Values: store,
		Send: top, Price: cost, Prompts: texts, Spent: onlineSpent(fresh), Contexts: ragContexts(store), Log: log,
	})
}

// onlineSpent sums what the judges of a rule cost, from the record of their calls.
func onlineSpent(reader trace.Reader) func(context.Context, string, time.Time) (price.USD, error) {
	return func(ctx context.Context, rule string, since time.Time) (price.USD, error) {
		sums, err := reader.Costs(ctx, trace.CostQuery{Filter: trace.Filter{Project: online.Project, Tags: map[string]string{"online": rule}, Since: since}})
		return sums.Total.Cost, err
	}
}

// routePrices says what a model costs online evaluation at most.
func routePrices(table *route.Table, as func(provider string) string, book *prices) judge.Price {
	of := payerPrices(table, as, book)
	return func(model string, u llm.Usage) (price.USD, bool) { return of(online.Project, model, u) }
}

// payerPrices says what a model costs a project at most, of all that calls of it may go to.
func payerPrices(table *route.Table, as func(provider string) string, book *prices) func(project, model string, u llm.Usage) (price.USD, bool) {
	return func(project, model string, u llm.Usage) (price.USD, bool) {
		plan, err := table.Resolve(model)
		if err != nil || len(plan.Targets) == 0 {
			return 0, false
		}
		most := price.USD(0)
		for _, to := range plan.Targets {
			q := book.Current().Quote(price.Charge{Provider: as(to.Provider), Model: to.Model, Requested: model, Project: project, Usage: u, At: time.Now()})
			if q.Status != price.Exact && q.Status != price.Default {
				return 0, false
			}
			most = max(most, q.Cost)
		}
		return most, true
	}
}
