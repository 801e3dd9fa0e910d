package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/alert/notify"
	"github.com/weir-dev/weir/clickhouse"
	"github.com/weir-dev/weir/eval/drift"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/internal/outbox"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/sqldb"
	"github.com/weir-dev/weir/trace"
)

// alarms are the rules that are looked at, and what tells people of them.
type alarms struct {
	watch   *alert.Watch
	sources *alert.Sources
	box     *outbox.Box[alert.Delivery]
}

// alertParts are the stores that alerts read.
type alertParts struct {
	control *sqldb.DB
	store   *clickhouse.DB
	reader  freshReader
	guard   *budget.Guard
	spool   *spool.Disk
	drift   *drift.Reports
	console string // URL
}

func newAlarms(cfg AlertsConfig, p alertParts, log *slog.Logger) (*alarms, error) {
	channels, err := cfg.channels()
	if err != nil {
		return nil, err
	}
	a := &alarms{
		box: notify.NewBox(p.control, channels, log),
		sources: &alert.Sources{
			Calls: p.reader, Scores: p.store, Budgets: budgetShares(p.guard), Coverage: judgeCoverage(p.control),
			Spool: func() trace.Counters { return p.spool.Stats().Counters }, Drift: driftUses(p.drift),
		},
	}
	console := p.console
	if cfg.ConsoleURL != "" {
		console = cfg.ConsoleURL
	}
	a.watch = alert.NewWatch(alert.Config{
		Store: p.control, Sources: a.sources, Rules: cfg.Rules, Channels: channels.Names(), Leases: p.control, Owner: llm.NewID(time.Now()),
		Console: strings.TrimSuffix(console, "/"), Wake: a.box.Wake, Log: log,
	})
	return a, nil
}

// budgetShares are the budgets with the used share of each.
func budgetShares(guard *budget.Guard) func(context.Context) ([]alert.BudgetUse, error) {
	return func(context.Context) ([]alert.BudgetUse, error) {
		list := guard.Glances() //nolint:contextcheck // it reads memory
		out := make([]alert.BudgetUse, len(list))
		for i, s := range list {
			out[i] = alert.BudgetUse{Name: s.Budget.Name, Share: float64(s.Percent) / 100}
		}
		return out, nil
	}
}

// judgeCoverage counts, of the calls that a rule of online evaluation decided on in the hours of a span, those that were scored.
func judgeCoverage(ledger online.Store) func(ctx context.Context, name string, since, until time.Time) (picked, scored int64, err error) {
	return func(ctx context.Context, name string, since, until time.Time) (picked, scored int64, err error) {
		entries, err := ledger.Ledger(ctx, name, since.Truncate(time.Hour))
		for i := range entries {
			if e := &entries[i]; e.Hour.Before(until) {
				picked += e.Calls
				if e.Outcome == online.Scored {
					scored += e.Calls
				}
			}
		}
		return picked, scored, err
	}
}

// Run looks and tells until ctx ends.
func (a *alarms) Run(ctx context.Context) {
	wait := goAll(ctx, a.watch.Run, a.box.Run)
	wait()
}
