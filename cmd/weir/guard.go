package main

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/ingest/route"
	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// budgetStore keeps budgets and what happened to them.
type budgetStore interface {
	price.Budgets
	price.BudgetEvents
}

// recordStore tells of calls with what was added to their cost.
type recordStore interface {
	trace.Reader
	trace.Adjuster
}

// budgetNews is who hears of budgets.
type budgetNews struct {
	webhook *budget.Webhook // nil: nobody
	refused func(budget string)
}

// newGuard makes what holds calls against budgets, in this process's memory or with other replicas.
func newGuard(dir *dataDir, control budgetStore, book *prices, reader recordStore, waiting *spool.Disk, with *replica, news budgetNews, log *slog.Logger) *budget.Guard {
	cfg := budget.Config{
		Ledger: &budget.Memory{}, Book: book.Current, Store: control, Admit: admission(waiting),
		Events: control, Webhook: news.webhook, Refused: news.refused, Adjuster: reader,
		Reader: reader, Flush: waiting.Flush, Waiting: func() iter.Seq2[trace.Record, error] { return spool.Read(dir.file("spool")) },
		File: dir.file("budgets.json"), Log: log,
	}
	if with != nil {
		cfg.Ledger, cfg.File, cfg.OnAway = with.ledger, "", with.onAway
	}
	return budget.New(cfg)
}

// startPatience bounds how long the start waits for the store to say what was spent before; until it has, what the last weir
// wrote down holds.
const startPatience = 5 * time.Second

func startGuard(ctx context.Context, guard *budget.Guard) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return guard.Start(ctx)
}

// admitOthers notes the calls that the guard does not.
func admitOthers(guard *budget.Guard, admit func(*llm.Call, budget.Target, price.USD) error) func(*llm.Call) error {
	return func(call *llm.Call) error {
		if guard.Admits(call) {
			return nil
		}
		return admit(call, budget.Target{}, 0)
	}
}

// admitTries asks before each attempt whether its model has a price, where that is wanted, and holds its budgets.
func admitTries(priced func(*llm.Call, string) error, guard *budget.Guard) route.Admit {
	return func(ctx context.Context, try route.Try) (route.Hold, error) {
		if priced != nil {
			if err := priced(try.Call, try.Provider.PriceAs); err != nil {
				return nil, err
			}
		}
		t, err := guard.Hold(ctx, try.Asked, try.Call, try.Provider.Name, try.Provider.PriceAs)
		if r, ok := errors.AsType[*budget.Refused](err); ok && r.Final {
			return nil, route.Final(err)
		}
		if err != nil || t == nil {
			return nil, err
		}
		return t, nil
	}
}

// budgetLedger is the guard as the API asks it.
type budgetLedger struct{ *budget.Guard }

// Usage gives the present windows.
func (l budgetLedger) Usage(ctx context.Context) (map[string]api.BudgetUsage, error) {
	list, err := l.List(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string]api.BudgetUsage, len(list))
	for _, s := range list {
		u := api.BudgetUsage{
			From: s.Usage.From, Until: s.Usage.Until, Percent: s.Percent, Filling: s.Filling,
			Spent: api.BudgetAmount(s.Usage.Spent), Held: api.BudgetAmount(s.Usage.Held), Overrun: api.BudgetAmount(s.Usage.Overrun),
		}
		if o := s.Overshoot; o != nil {
			u.Overshoot = &api.BudgetOvershoot{USD: o.USD, Unbounded: o.Unbounded}
		}
		out[s.Budget.ID] = u
	}
	return out, nil
}

// Holds lists the holds.
func (l budgetLedger) Holds(ctx context.Context) ([]api.BudgetHold, error) {
	list, err := l.Guard.Holds(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]api.BudgetHold, len(list))
	for i, h := range list {
		out[i] = api.BudgetHold{
			ID: h.ID, Call: h.Call, Attempt: h.Attempt, State: string(h.State), Project: h.Project, Key: h.Key, Model: h.Model, Provider: h.Provider,
			Began: h.Began, Expires: h.Expires, Claims: make(map[string]api.BudgetAmount, len(h.Claims)),
		}
		for _, c := range h.Claims {
			out[i].Claims[c.Account.ID] = api.BudgetAmount(c.Amount)
		}
	}
	return out, nil
}

// Release gives a hold back.
func (l budgetLedger) Release(ctx context.Context, id string) error {
	err := l.Guard.Release(ctx, id)
	if errors.Is(err, budget.ErrNoHold) {
		return api.ErrNoHold
	}
	return err
}
