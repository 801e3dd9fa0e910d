package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/trace"
)

// calls writes the month before the first start with all that goes with single calls: the versions of prompts, the arms of experiments,
// what people and judges thought of the answers, and the budgets that the calls were counted against.
func (d *demoStory) calls(ctx context.Context) error {
	if d.Days <= 0 {
		return nil
	}
	use, err := d.openUse(ctx)
	if err != nil {
		return err
	}
	scores := demoScores{now: d.Now, store: d.s.stores.scores}
	cfg := d.history()
	cfg.Use, cfg.Refuse = use.use, d.budgets.refuse
	if err := writeHistory(ctx, d.cmd, d.s, cfg, d.log, func(r *trace.Record) error {
		d.budgets.add(&r.Call)
		return scores.add(ctx, &r.Call)
	}); err != nil {
		return err
	}
	if err := scores.flush(ctx); err != nil {
		return err
	}
	return d.putBudgets(ctx)
}

// history is the past of the demo, with what happened last night and a call of half an hour ago that took long.
func (d *demoStory) history() simulator.HistoryConfig {
	night := d.night()
	return simulator.HistoryConfig{
		Seed: d.opts.seed, Now: d.Now, Days: d.Days, CallsPerDay: d.opts.callsPerDay, Book: d.s.book.Current(), Project: demoProject, ProjectOf: demoProjectOf,
		Troubles: []simulator.Trouble{{Provider: "openai", Start: night.Add(95 * time.Minute), End: night.Add(145 * time.Minute)}},
		SlowAt:   d.Now.Add(-40 * time.Minute),
	}
}

// seedHistory writes the calls of a month and nothing else, unless there are calls of before.
func seedHistory(ctx context.Context, cmd *cobra.Command, s *service, opts demoOptions, log *slog.Logger) error {
	if opts.days <= 0 {
		return nil
	}
	page, err := s.reader.Calls(ctx, trace.Filter{Project: demoProject, Until: time.Now().Add(-24 * time.Hour)}, 1, "")
	if err != nil {
		return fmt.Errorf("look for history: %w", err)
	}
	if len(page.Calls) > 0 {
		return nil
	}
	return writeHistory(ctx, cmd, s, simulator.HistoryConfig{
		Seed: opts.seed, Now: time.Now().UTC().Truncate(time.Minute), Days: opts.days, CallsPerDay: opts.callsPerDay, Book: s.book.Current(), Project: demoProject,
	}, log, nil)
}

// writeHistory writes the calls of a history; each hears of every one of them before the next is made, if it is not nil. It can be
// killed and run again: batches have their own tokens.
func writeHistory(ctx context.Context, cmd *cobra.Command, s *service, cfg simulator.HistoryConfig, log *slog.Logger, each func(*trace.Record) error) error {
	total := int64(cfg.Days * cfg.CallsPerDay * 5 / 6) // weekends are quieter; the bar need not be exact
	if !onTerminal(cmd) {
		log.Info("writing the demo's history, once", "days", cfg.Days)
	}
	bar, done := progressBar(cmd, "writing a month of history", total)
	defer done()
	const batchSize = 10_000
	var batch []trace.Record
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		first, last := batch[0].Call.ID, batch[len(batch)-1].Call.ID
		err := s.writer.Write(ctx, trace.Batch{Token: "demo-" + first + "-" + last, Records: trace.Slice(batch)})
		bar.Increment(int64(len(batch)))
		batch = nil
		return err
	}
	for r := range simulator.History(cfg) {
		if each != nil {
			if err := each(&r); err != nil {
				return err
			}
		}
		if batch = append(batch, r); len(batch) == batchSize {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	err := flush()
	debug.FreeOSMemory() // a month was made here; serving needs a fraction of it
	return err
}
