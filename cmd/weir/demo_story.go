package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/trace"
)

// demoStores are where the demo's story is kept, beside the calls themselves.
type demoStores struct {
	members     account.Members
	prompts     prompts.Store
	experiments experiment.Store
	prices      interface {
		Prices(ctx context.Context) ([]price.Entry, error)
		PutPrice(ctx context.Context, e price.Entry) error
	}
	budgets     budgetStore
	datasets    eval.Datasets
	runs        eval.Runs
	results     eval.Results
	online      online.Store
	annotations eval.Annotations
	scores      trace.Scores

	// inForce lets calls that begin from now on see what was stored.
	inForce func(ctx context.Context) error
}

// demoStory is the demo's past while it is written. All of it follows from the seed and from when it was begun, so that a story that
// was cut short is told to its end by the next start, word for word.
type demoStory struct {
	s    *service
	opts demoOptions
	cmd  *cobra.Command
	log  *slog.Logger

	demoPage
	file string

	budgets *demoLedger
}

// demoPage is where the story is: what the next start has to know.
type demoPage struct {
	Now  time.Time `json:"now"` // when it was begun: it ends there
	Days int       `json:"days"`
	Done []string  `json:"done"` // chapters
}

// chapter is a part of the story. It can be told again after it was cut short.
type chapter struct {
	name string
	tell func(*demoStory, context.Context) error
}

// chapters stand in the order in which they need each other.
var chapters = []chapter{
	{"members", (*demoStory).members},
	{"keys", (*demoStory).keys},
	{"prompts", (*demoStory).prompts},
	{"experiments", (*demoStory).begin},
	{"prices", (*demoStory).prices},
	{"calls", (*demoStory).calls},
	{"reviews", (*demoStory).reviews},
	{"datasets", (*demoStory).datasets},
	{"runs", (*demoStory).runs},
	{"online", (*demoStory).online},
	{"alerts", func(d *demoStory, ctx context.Context) error { return seedAlerts(ctx, d.s.alerts) }},
}

// asking is told when the handbook is there.
var asking = chapter{"questions", func(d *demoStory, ctx context.Context) error { return seedQuestions(ctx, d.s, d.opts, d.Now) }}

// openStory reads how far the story was told, or begins it.
func openStory(cmd *cobra.Command, s *service, opts demoOptions, log *slog.Logger) (*demoStory, error) {
	d := &demoStory{s: s, opts: opts, cmd: cmd, log: log, file: s.dir.file("demo.json")}
	text, err := os.ReadFile(d.file)
	switch {
	case err == nil:
		if err := json.Unmarshal(text, &d.demoPage); err != nil {
			return nil, fmt.Errorf("read how far the demo was written (remove %s to begin again): %w", d.file, err)
		}
	case errors.Is(err, fs.ErrNotExist):
		d.demoPage = demoPage{Now: time.Now().UTC().Truncate(time.Minute), Days: opts.days}
	default:
		return nil, fmt.Errorf("read how far the demo was written: %w", err)
	}
	d.opts.days = d.Days
	d.budgets = newDemoLedger(d.Now)
	return d, nil
}

// tell writes what is not written yet of some chapters.
func (d *demoStory) tell(ctx context.Context, some ...chapter) error {
	todo := slices.DeleteFunc(some, func(c chapter) bool { return slices.Contains(d.Done, c.name) })
	if len(todo) == 0 {
		return nil
	}
	if len(d.Done) == 0 { // what an earlier version of the demo wrote has no story, and gets none
		page, err := d.s.reader.Calls(ctx, trace.Filter{Project: demoProject, Until: d.Now.Add(-24 * time.Hour)}, 1, "")
		if err != nil {
			return fmt.Errorf("look for history: %w", err)
		}
		if _, err := os.Stat(d.file); errors.Is(err, fs.ErrNotExist) && len(page.Calls) > 0 {
			d.log.Info("the demo's data are of an earlier version and stay as they are; start with another --data for all of the demo")
			return nil
		}
	}
	if err := d.save(); err != nil {
		return err
	}
	for _, c := range todo {
		if err := c.tell(d, ctx); err != nil {
			return fmt.Errorf("%s of the demo (the next start goes on): %w", c.name, err)
		}
		d.Done = append(d.Done, c.name)
		if err := d.save(); err != nil {
			return err
		}
	}
	return d.s.stores.inForce(ctx)
}

// save writes down how far the story is.
func (d *demoStory) save() error {
	text, err := json.Marshal(d.demoPage)
	if err == nil {
		err = os.WriteFile(d.file+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(d.file+".new", d.file)
	}
	if err != nil {
		return fmt.Errorf("write down how far the demo is: %w", err)
	}
	return nil
}

// at is a time of the story, 0 its beginning and 1 its end.
func (d *demoStory) at(share float64) time.Time {
	whole := time.Duration(d.Days) * 24 * time.Hour
	return d.Now.Add(-whole + time.Duration(share*float64(whole))).Truncate(time.Minute)
}

// night is the midnight of last night, in UTC; in the first hours of a day three hours ago, for the night to have been.
func (d *demoStory) night() time.Time {
	m := d.Now.Truncate(24 * time.Hour)
	if early := d.Now.Add(-3 * time.Hour).Truncate(time.Hour); early.Before(m) {
		return early
	}
	return m
}

// dice are of a chapter alone, and the same whenever it is told.
func (d *demoStory) dice(of uint64) *rand.Rand {
	return rand.New(rand.NewPCG(d.opts.seed, of)) //nolint:gosec // nothing secret is drawn
}
