package limit

import (
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// Config is what Limits are made of.
type Config struct {
	Rules []Rule // checked
	// KeyLimits gives the limits that a virtual key has of its own, by its id. Nil: none has.
	KeyLimits func(id string) account.Limits
	Store     Store // nil: Memory
	// Refused counts a call that was refused, by the rule's name, or "its key", and the kind. Nil counts nothing.
	Refused func(rule string, kind Kind)
	Log     *slog.Logger
}

// Limits holds calls against rules and the limits of their keys. When the store cannot be asked, calls pass and it is
// logged: limits keep a flood away, they are not money. Safe for concurrent use.
type Limits struct {
	cfg   Config
	rules []compiled

	mu      sync.Mutex // guards all below
	pending map[string]estimate
	sweep   int // when so many are pending, those whose record never came are looked for
}

// compiled is a rule as it is asked for each call.
type compiled struct {
	Rule
	name       string
	counters   map[Kind]string // how the names of its counters begin
	conditions []condition
}

type condition struct{ name, want string }

// estimate is what was taken of token rates before a call's tokens were known.
type estimate struct {
	asks []Ask
	at   time.Time
}

const (
	sweepFrom     = 1024
	recordsWithin = 24 * time.Hour // a record that has not come by then never will
)

// New makes limits.
func New(cfg Config) *Limits {
	if cfg.Store == nil {
		cfg.Store = &Memory{}
	}
	if cfg.KeyLimits == nil {
		cfg.KeyLimits = func(string) account.Limits { return account.Limits{} }
	}
	if cfg.Refused == nil {
		cfg.Refused = func(string, Kind) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Limits{cfg: cfg, pending: map[string]estimate{}, sweep: sweepFrom}
	for _, r := range cfg.Rules {
		c := compiled{Rule: r, name: r.Name(), counters: map[Kind]string{}}
		for _, kind := range []Kind{Requests, Tokens, Concurrent} {
			c.counters[kind] = string(kind) + ":" + c.name
		}
		for _, name := range slices.Sorted(maps.Keys(r.Scope)) {
			c.conditions = append(c.conditions, condition{name, r.Scope[name]})
		}
		l.rules = append(l.rules, c)
	}
	return l
}

// picks says whether the rule holds for a call, and what the call has of the names that are counted each by itself.
func (c *compiled) picks(call *llm.Call) (each string, ok bool) {
	for _, cond := range c.conditions {
		v := has(call, cond.name, cond.want)
		if v == "" || cond.want != Each && v != cond.want {
			return "", false
		}
		if cond.want == Each {
			each += " " + strconv.Itoa(len(v)) + ":" + v // so that no two sets of values make one name
		}
	}
	return each, true
}

// asks appends what a call wants of all limits of a kind.
func (l *Limits) asks(to []Ask, call *llm.Call, kind Kind, n int64) []Ask {
	for i := range l.rules {
		c := &l.rules[i]
		limit, burst := c.of(kind)
		if limit == 0 {
			continue
		}
		if each, ok := c.picks(call); ok {
			if to == nil {
				to = make([]Ask, 0, 2*len(l.rules)+2)
			}
			to = append(to, Ask{Kind: kind, Counter: c.counters[kind] + each, Limit: limit, Burst: burst, N: n, rule: c.name})
		}
	}
	if call.KeyID == "" {
		return to
	}
	own := l.cfg.KeyLimits(call.KeyID)
	r := Rule{RequestsPerMinute: own.RequestsPerMinute, TokensPerMinute: own.TokensPerMinute, Concurrent: own.Concurrent}
	if limit, burst := r.of(kind); limit > 0 {
		to = append(to, Ask{Kind: kind, Counter: string(kind) + ":own " + call.KeyID, Limit: limit, Burst: burst, N: n, rule: "its key"})
	}
	return to
}

// of is the rule's limit of a kind, 0 for none, and its burst.
func (r *Rule) of(kind Kind) (limit, burst int64) {
	switch kind {
	case Requests:
		limit, burst = r.RequestsPerMinute, r.Burst
	case Tokens:
		limit = r.TokensPerMinute
	case Concurrent:
		limit = r.Concurrent
	}
	if burst == 0 {
		burst = limit
	}
	return limit, burst
}

// remember keeps what was taken of token rates until the call's record says what was used.
func (l *Limits) remember(id string, asks []Ask) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pending[id] = estimate{asks, now}
	if len(l.pending) < l.sweep {
		return
	}
	for id, e := range l.pending {
		if now.Sub(e.at) > recordsWithin {
			delete(l.pending, id)
		}
	}
	l.sweep = max(sweepFrom, 2*len(l.pending))
}

// forget takes back what remember kept.
func (l *Limits) forget(id string) ([]Ask, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.pending[id]
	delete(l.pending, id)
	return e.asks, ok
}
