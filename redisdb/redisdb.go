// Package redisdb keeps in Redis what several weirs share: the ledger of budgets, the counters of limits and the response cache.
package redisdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config is what a DB is made of.
type Config struct {
	URL     string        // redis://, rediss:// or unix://; it may hold a password and is never shown
	Timeout time.Duration // of one command, connecting included; 0 is DefaultTimeout
	Log     *slog.Logger
}

// DefaultTimeout bounds a command unless configured.
const DefaultTimeout = 250 * time.Millisecond

const (
	look = 500 * time.Millisecond // between two looks at the server
	// skewed is how far this machine's clock may be from the server's before it is a reason.
	skewed = 5 * time.Second
)

// DB is a Redis server. When it does not answer it counts as away: commands then fail at once, until Run sees it again. Safe
// for concurrent use.
type DB struct {
	client  *redis.Client
	timeout time.Duration
	log     *slog.Logger

	mu    sync.Mutex // guards all below
	away  error      // why it is away; nil while it is there
	skew  time.Duration
	since time.Time // of away
	stats Stats
}

// Stats are figures of a DB since it was opened.
type Stats struct {
	Up          bool
	Commands    int64 // scripts and commands that were sent
	Failures    int64 // of them, those that were not answered, or with an error
	Outages     int64 // times that it went away
	AwaySeconds float64
}

// Open prepares a DB and connects to nothing: a weir starts without its Redis. Close it.
func Open(cfg Config) (*DB, error) {
	opts, err := redis.ParseURL(cfg.URL)
	if err != nil {
		return nil, errors.New("redis.url is not an address of a Redis server; write redis://[user:password@]host:6379/0") // the cause would show it
	}
	t := cmp.Or(cfg.Timeout, DefaultTimeout)
	opts.MaxRetries = -1 // what was taken once is not taken twice
	opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout, opts.PoolTimeout = t, t, t, t
	opts.DialerRetries = 1
	opts.ContextTimeoutEnabled = true
	opts.PoolSize = 32
	opts.DisableIdentity = true
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	redis.SetLogger(quiet{})
	return &DB{client: redis.NewClient(opts), timeout: t, log: log, stats: Stats{Up: true}}, nil
}

// quiet keeps the client from writing to standard error; what goes wrong is in the errors.
type quiet struct{}

// Printf drops a message.
func (quiet) Printf(context.Context, string, ...any) {}

// Close ends all connections.
func (db *DB) Close() error {
	if err := db.client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// Run looks after the server until ctx ends, and notes when it goes and comes.
func (db *DB) Run(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		_ = db.Ping(ctx) // noted
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Ping asks the server for the time, whether it counts as away or not.
func (db *DB) Ping(ctx context.Context) error {
	ask, cancel := context.WithTimeout(ctx, db.timeout)
	defer cancel()
	asked := time.Now()
	at, err := db.client.Time(ask).Result()
	if err != nil {
		if ctx.Err() == nil {
			db.gone(err)
		}
		return db.said(err)
	}
	took := time.Since(asked)
	db.mu.Lock()
	db.skew = asked.Add(took / 2).Sub(at)
	was := db.away
	db.away, db.stats.Up = nil, true
	away := time.Since(db.since)
	if was != nil {
		db.stats.AwaySeconds += away.Seconds()
	}
	db.mu.Unlock()
	if was != nil {
		db.log.Info("redis is back", "away", away.Round(time.Millisecond))
	}
	return nil
}

// Ready is nil when the server answers and the clocks agree.
func (db *DB) Ready() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	switch {
	case db.away != nil:
		return db.away
	case db.skew.Abs() > skewed:
		return fmt.Errorf("this machine's clock is %s from that of the Redis server, and windows and leases are counted by it; set both by NTP", db.skew.Round(time.Second))
	}
	return nil
}

// Stats gives the figures of this moment.
func (db *DB) Stats() Stats {
	db.mu.Lock()
	defer db.mu.Unlock()
	s := db.stats
	if db.away != nil {
		s.AwaySeconds += time.Since(db.since).Seconds()
	}
	return s
}

// errAway is in the chain of every error of a server that is away.
var errAway = errors.New("redis is away")

// errUnsent is, beside it, in the chain of an error of a command that was not sent.
var errUnsent = errors.New("not asked")

// said wraps what a server, or its absence, said. No error of the client shows the URL; a dial error shows host and port.
func (db *DB) said(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: no answer within %s", errAway, db.timeout)
	}
	return fmt.Errorf("%w: %w", errAway, err)
}

// gone notes that the server is away.
func (db *DB) gone(err error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.away != nil {
		return
	}
	db.away, db.since = db.said(err), time.Now()
	db.stats.Up = false
	db.stats.Outages++
	db.log.Error("redis is away; budgets, limits and cache go on as redis.on_away says", "error", err)
}

// script is a Lua program of the server.
type script = redis.Script

// run runs a script. It is not cut short by who asked: what it did would not be known.
func (db *DB) run(ctx context.Context, s *script, key string, args ...any) ([]any, error) {
	db.mu.Lock()
	away := db.away
	db.stats.Commands++
	if away != nil {
		db.stats.Failures++
	}
	db.mu.Unlock()
	if away != nil {
		return nil, fmt.Errorf("%w: %w", errUnsent, away)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), db.timeout)
	defer cancel()
	got, err := s.Run(ctx, db.client, []string{key}, args...).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		db.mu.Lock()
		db.stats.Failures++
		db.mu.Unlock()
		db.gone(err)
		return nil, db.said(err)
	}
	switch v := got.(type) {
	case []any:
		return v, nil
	case nil:
		return nil, nil
	default:
		return []any{v}, nil
	}
}

// integer is a number in an answer.
func integer(v any) int64 {
	n, _ := v.(int64)
	return n
}

// text is a text in an answer.
func text(v any) string {
	s, _ := v.(string)
	return s
}
