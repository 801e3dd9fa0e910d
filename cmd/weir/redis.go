package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/ingest/cache"
	"github.com/weir-dev/weir/ingest/limit"
	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/redisdb"
)

// RedisConfig names the server that replicas share budgets, limits and the response cache through. Empty: all are in memory.
type RedisConfig struct {
	URL     secretText    `yaml:"url"`
	Timeout time.Duration `yaml:"timeout"` // of one command; a server that takes longer counts as away
	OnAway  string        `yaml:"on_away"` // strict, refuse, local: which calls are refused while it is away
}

// replica is what this weir shares with others; nil where it is alone.
type replica struct {
	db       *redisdb.DB
	ledger   *budget.Replica
	counters *redisdb.Counters
	onAway   budget.OnAway
}

// joinReplicas prepares what is shared. It does not wait for the server.
func joinReplicas(cfg Config, log *slog.Logger) (*replica, error) {
	if cfg.Redis.URL.IsZero() {
		return nil, nil
	}
	db, err := redisdb.Open(redisdb.Config{URL: cfg.Redis.URL.Reveal(), Timeout: cfg.Redis.Timeout, Log: log})
	if err != nil {
		return nil, err
	}
	onAway := budget.OnAway(cfg.Redis.OnAway)
	return &replica{db: db, ledger: budget.NewReplica(db.Ledger(), onAway), counters: db.Counters(), onAway: onAway}, nil
}

// Close ends the connections.
func (r *replica) Close() error {
	if r == nil {
		return nil
	}
	return r.db.Close()
}

// run looks after the server, and reads budgets again when another replica has changed them, until ctx ends.
func (r *replica) run(ctx context.Context, guard *budget.Guard, log *slog.Logger) {
	if r == nil {
		return
	}
	wait := goAll(ctx, r.db.Run, r.counters.Run, func(ctx context.Context) {
		r.db.Listen(ctx, budgetsChanged, func(ctx context.Context) {
			if err := guard.Refresh(ctx); err != nil && ctx.Err() == nil {
				log.Warn("budgets not refreshed", "error", err)
			}
		})
	})
	wait()
}

// budgetsChanged is what replicas tell each other when a budget was made, changed or removed.
const budgetsChanged = "budgets"

// budgetsRefresh reads the budgets again here and has the others do so.
func (r *replica) budgetsRefresh(guard *budget.Guard) func(context.Context) error {
	if r == nil {
		return guard.Refresh
	}
	return func(ctx context.Context) error {
		err := guard.Refresh(ctx)
		r.db.Tell(ctx, budgetsChanged)
		return err
	}
}

// limitStore keeps the counters of limits.
func (r *replica) limitStore() limit.Store {
	if r == nil {
		return &limit.Memory{}
	}
	return r.counters
}

// answerStore keeps the response cache.
func (r *replica) answerStore(cfg Config) (store cache.Store, closing func() error) {
	if r == nil {
		m := cache.NewMemory(cfg.Cache.MaxBytes)
		return m, m.Close
	}
	return r.db.Answers(cfg.Cache.MaxBytes), func() error { return nil }
}

// ready says what is wrong with the server.
func (r *replica) ready() error {
	if r == nil {
		return nil
	}
	return r.db.Ready()
}

// metrics gives what /metrics says.
func (r *replica) metrics() metrics.Redis {
	s, l := r.db.Stats(), r.ledger.Stats()
	up := int64(0)
	if s.Up {
		up = 1
	}
	return metrics.Redis{
		Up: up, Commands: s.Commands, Failures: s.Failures, Outages: s.Outages, AwaySeconds: s.AwaySeconds,
		LocalHolds: l.Local, RefusedHolds: l.Closed, Owed: l.Owed, LocalLimits: r.counters.Alone(),
	}
}

// validateRedis reports what is wrong with the settings of the shared server.
func (c *Config) validateRedis(faults *configFaults) {
	if w := c.Redis.OnAway; w != "" && !slices.Contains(budget.AwayWays, w) {
		faults.of("redis.on_away", "%q is none of %s", w, strings.Join(budget.AwayWays, ", "))
	}
	if t := c.Redis.Timeout; t > 0 && (t < time.Millisecond || t > 10*time.Second) {
		faults.of("redis.timeout", "%s is not from 1ms to 10s: each call may wait that long for a server that hangs", t)
	}
}
