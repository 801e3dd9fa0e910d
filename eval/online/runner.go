package online

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Calls gives recorded calls whole. trace.ErrNoCall when there is none.
type Calls interface {
	Call(ctx context.Context, id string) (trace.Record, error)
}

// Config is what a Runner is made of. Fields without a default are needed.
type Config struct {
	Store    Store
	Leases   Leases
	Owner    string // this weir among those that share the store
	Arrivals trace.Arrivals
	Calls    Calls // of the same store as Arrivals
	Scores   trace.Scores
	Values   trace.ScoreValues // of the same store as Scores

	Send    llm.Sender     // the top of the chain, which judges ask through
	Price   judge.Price    // for budgets; nil: a rule with a budget asks no judge
	Prompts judge.Resolver // of judges whose prompt is a registry's; nil: there are none
	// Spent is what the record says the judges of a rule cost since a time, those among it whose process died before it could book them;
	// nil: what the ledger says is believed.
	Spent func(ctx context.Context, rule string, since time.Time) (price.USD, error)
	// Contexts gives the passages that an answer was made of, best first, where the answer itself does not have them; nil: nobody knows.
	Contexts func(ctx context.Context, rec *trace.Record) ([]string, error)

	Poll       time.Duration // 0: 2 s
	Overlap    time.Duration // how long the store may take to show what it has stamped; 0: 1 min
	Workers    int           // calls that are scored at one time; 0: 4
	MaxWaiting int64         // calls that wait for one rule; 0: 10,000
	Log        *slog.Logger
}

// Times of a Runner.
const (
	leaseName  = "online"
	leaseHolds = time.Minute
	keepLedger = 400 * 24 * time.Hour
	page       = 1000 // arrivals that are read at one time
	batch      = 64   // calls of a rule that are scored before another rule's
)

// Runner takes and scores calls while it has the lease. Run it once.
type Runner struct {
	cfg    Config
	memory judge.Memory // of answers, so that a call that is scored again is not paid again

	looked map[string]*looked // by rule; of the goroutine that takes

	mu    sync.Mutex // guards extra
	extra map[string]owed
}

// owed is what a rule spent on a day beside what its ledger says.
type owed struct {
	day time.Time
	usd price.USD
}

// New makes a Runner.
func New(cfg Config) *Runner {
	cfg.Poll = cmp.Or(cfg.Poll, 2*time.Second)
	cfg.Overlap = cmp.Or(cfg.Overlap, time.Minute)
	cfg.Workers = cmp.Or(cfg.Workers, 4)
	cfg.MaxWaiting = cmp.Or(cfg.MaxWaiting, 10_000)
	return &Runner{cfg: cfg}
}

// Run works until ctx ends, and then waits for what is under way, which is given up and stays to be done.
func (r *Runner) Run(ctx context.Context) {
	r.every(ctx, r.cfg.Poll, func() {
		mine, err := r.cfg.Leases.TakeLease(ctx, leaseName, r.cfg.Owner, leaseHolds)
		if err != nil {
			r.warn(ctx, "the lease could not be taken", err)
		} else if mine {
			r.hold(ctx)
		}
	})
}

// hold works for as long as the lease is this runner's.
func (r *Runner) hold(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.looked = map[string]*looked{}
	r.mu.Lock()
	r.extra = map[string]owed{}
	r.mu.Unlock()
	var all sync.WaitGroup
	for _, loop := range []func(){
		func() { r.every(ctx, r.cfg.Poll, func() { r.take(ctx) }) },
		func() { r.every(ctx, r.cfg.Poll, func() { r.scoreAll(ctx) }) },
		func() { r.every(ctx, 10*time.Minute, func() { r.compare(ctx, time.Now()) }) },
	} {
		all.Go(loop)
	}
	held := time.Now()
	r.every(ctx, leaseHolds/4, func() {
		mine, err := r.cfg.Leases.TakeLease(ctx, leaseName, r.cfg.Owner, leaseHolds)
		switch {
		case err == nil && mine:
			held = time.Now()
		case err == nil || time.Since(held) > leaseHolds/2: // another has it, or soon may
			cancel()
		}
	})
	all.Wait()
	last, end := context.WithTimeout(context.WithoutCancel(ctx), leaseHolds/20)
	defer end()
	_, _ = r.cfg.Leases.TakeLease(last, leaseName, r.cfg.Owner, 0) // another need not wait; where it fails, it waits until it is over
}

// every does at once and then again and again what it is told, until ctx ends.
func (r *Runner) every(ctx context.Context, d time.Duration, do func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for ctx.Err() == nil {
		do()
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (r *Runner) warn(ctx context.Context, what string, err error, more ...any) {
	if ctx.Err() == nil {
		r.cfg.Log.Warn("online evaluation waits", append(more, "why", what, "error", err)...)
	}
}
