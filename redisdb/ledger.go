package redisdb

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/price"
)

//go:embed lua/*.lua
var programs embed.FS

// program reads a script; those of the ledger begin with the words that they share.
func program(names ...string) *script {
	var b strings.Builder
	for _, name := range names {
		text, err := programs.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(err) // embedded
		}
		b.Write(text)
	}
	return redis.NewScript(b.String())
}

var (
	joinScript       = program("books", "join")
	holdScript       = program("books", "hold")
	dispatchedScript = program("books", "dispatched")
	extendScript     = program("books", "extend")
	settleScript     = program("books", "settle")
	releaseScript    = program("books", "release")
	expireScript     = program("books", "expire")
	chargeScript     = program("books", "charge")
	fillScript       = program("books", "fill")
	forgetScript     = program("books", "forget")
	usageScript      = program("books", "usage")
	holdsScript      = program("books", "holds")
	correctScript    = program("books", "correct")
)

// ledgerKeys begins the names of the ledger's keys. The braces keep them on one node of a cluster: a hold is one step.
const ledgerKeys = "weir:{budgets}:"

const (
	buckets  = 60
	forever  = int64(9e15) // a moment that never comes, and the most that an amount may be: Lua is exact up to there
	fillTime = 20 * time.Second
	page     = 500
	nano     = int64(1e9)
	// remembered is how long a charge's id is known.
	remembered = 24 * time.Hour
)

// The kinds of holds that the scripts tell apart.
const (
	usual   = 0
	carried = 2
)

// Ledger is a ledger in Redis. Each step is one script, so that it is done as a whole or not at all, whoever else asks.
// Moments are kept to the microsecond; tokens and calls of one amount count up to 10^15. Safe for concurrent use.
type Ledger struct{ db *DB }

var (
	_ budget.Shared    = (*Ledger)(nil)
	_ budget.Corrector = (*Ledger)(nil)
)

// Ledger gives the ledger of the server.
func (db *DB) Ledger() *Ledger { return &Ledger{db} }

func (l *Ledger) run(ctx context.Context, s *script, args ...any) ([]any, error) {
	got, err := l.db.run(ctx, s, ledgerKeys, args...)
	if errors.Is(err, errUnsent) {
		return nil, fmt.Errorf("%w: %w: %w", budget.ErrAway, budget.ErrUnsent, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", budget.ErrAway, err)
	}
	return got, nil
}

const (
	amountLen = 4
	usageLen  = 3 * amountLen
)

// Join implements budget.Shared.
func (l *Ledger) Join(ctx context.Context, accounts []*budget.Account, now time.Time) ([]budget.Standing, error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	args := []any{now.UnixMicro(), fillTime.Microseconds(), len(accounts)}
	for _, a := range accounts {
		args, _ = appendAccount(append(args, width(a)), a, now)
	}
	got, err := l.run(ctx, joinScript, args...)
	if err != nil {
		return nil, err
	}
	out := make([]budget.Standing, len(accounts))
	for i := range out {
		v := got[3*i:]
		out[i] = budget.Standing{Since: time.UnixMicro(integer(v[0])), Filled: integer(v[1]) == 1, Fill: integer(v[2]) == 1}
	}
	return out, nil
}

// Hold implements budget.Ledger.
func (l *Ledger) Hold(ctx context.Context, h *budget.Hold, now time.Time) ([]budget.Refusal, error) {
	return l.hold(ctx, h, usual, now)
}

// Carry implements budget.Shared.
func (l *Ledger) Carry(ctx context.Context, h *budget.Hold, now time.Time) error {
	_, err := l.hold(ctx, h, carried, now)
	return err
}

func (l *Ledger) hold(ctx context.Context, h *budget.Hold, kind int, now time.Time) ([]budget.Refusal, error) {
	args := make([]any, 0, 13+12*len(h.Claims))
	args = append(args, now.UnixMicro(), h.ID, h.Expires.UnixMicro(), int64(0), kind, h.Call, h.Attempt, h.Project, h.Key, h.Model, h.Provider, len(h.Claims))
	over, last := int64(0), int64(0)
	for i := range h.Claims {
		c := &h.Claims[i]
		args, over = appendAccount(args, c.Account, now)
		args = append(appendAmount(args, c.Amount), opened(c.Account, kind))
		last = max(last, over)
	}
	args[3] = last
	got, err := l.run(ctx, holdScript, args...)
	if err != nil {
		return nil, err
	}
	switch integer(got[0]) {
	case 1:
		return nil, nil
	case -1:
		return nil, budget.ErrLost
	}
	var out []budget.Refusal
	for v := got[1:]; len(v) > usageLen; v = v[usageLen+1:] {
		c := h.Claims[integer(v[0])-1]
		out = append(out, budget.Refusal{Account: c.Account, Usage: usageIn(c.Account, v[1:], now), Wanted: c.Amount})
	}
	return out, nil
}

// found turns a script's 0 into ErrNoHold.
func found(got []any, err error) error {
	if err == nil && (len(got) == 0 || integer(got[0]) == 0) {
		return budget.ErrNoHold
	}
	return err
}

// Dispatched implements budget.Ledger.
func (l *Ledger) Dispatched(ctx context.Context, id string) error {
	return found(l.run(ctx, dispatchedScript, id))
}

// Extend implements budget.Ledger. The accounts of its refusals have an ID and nothing else.
func (l *Ledger) Extend(ctx context.Context, id string, total budget.Amount, until, now time.Time) ([]budget.Refusal, error) {
	got, err := l.run(ctx, extendScript, appendAmount([]any{now.UnixMicro(), id, until.UnixMicro()}, total)...)
	if err != nil {
		return nil, err
	}
	switch integer(got[0]) {
	case 1:
		return nil, nil
	case -1:
		return nil, budget.ErrNoHold
	}
	var out []budget.Refusal
	for v := got[1:]; len(v) > usageLen+amountLen; v = v[1+usageLen+amountLen:] {
		a := &budget.Account{ID: idOf(text(v[0])), Window: price.Lifetime, Zone: time.UTC}
		out = append(out, budget.Refusal{Account: a, Usage: usageIn(a, v[1:], now), Wanted: amountIn(v[1+usageLen:])})
	}
	return out, nil
}

// Settle implements budget.Ledger.
func (l *Ledger) Settle(ctx context.Context, id string, cost budget.Amount, now time.Time) error {
	return found(l.run(ctx, settleScript, appendAmount([]any{now.UnixMicro(), id, now.Add(budget.Carried).UnixMicro()}, cost)...))
}

// Release implements budget.Ledger.
func (l *Ledger) Release(ctx context.Context, id string, now time.Time) error {
	return found(l.run(ctx, releaseScript, now.UnixMicro(), id))
}

// Expire implements budget.Ledger.
func (l *Ledger) Expire(ctx context.Context, now time.Time) error {
	for {
		got, err := l.run(ctx, expireScript, now.UnixMicro(), page)
		if err != nil || integer(got[0]) < page {
			return err
		}
	}
}

// Charge implements budget.Ledger.
func (l *Ledger) Charge(ctx context.Context, accounts []*budget.Account, cost budget.Amount, now time.Time) error {
	return l.charge(ctx, "", accounts, cost, time.Time{}, now)
}

// ChargeOnce implements budget.Shared. An id is known for a day.
func (l *Ledger) ChargeOnce(ctx context.Context, id string, accounts []*budget.Account, cost budget.Amount, began, now time.Time) error {
	return l.charge(ctx, id, accounts, cost, began, now)
}

func (l *Ledger) charge(ctx context.Context, id string, accounts []*budget.Account, cost budget.Amount, began, now time.Time) error {
	start, at := int64(0), now
	if !began.IsZero() {
		start, at = began.UnixMicro(), began
	}
	args := append(appendAmount([]any{now.UnixMicro()}, cost), start, id, int64(remembered.Seconds()), len(accounts))
	for _, a := range accounts {
		cell, _, _ := cellOf(a, at)
		args, _ = appendAccount(append(args, cell), a, now)
	}
	got, err := l.run(ctx, chargeScript, args...)
	if err == nil && integer(got[0]) == -1 {
		return budget.ErrLost
	}
	return err
}

// Fill implements budget.Ledger.
func (l *Ledger) Fill(ctx context.Context, a *budget.Account, past []budget.Past, lost []budget.Hold, now time.Time) error {
	args, _ := appendAccount([]any{now.UnixMicro()}, a, now)
	args = append(args, len(budget.FillAgain))
	for _, d := range budget.FillAgain {
		args = append(args, d.Microseconds())
	}
	cells := map[int64]budget.Amount{}
	for _, p := range past {
		if !p.At.After(now) {
			cell, _, _ := cellOf(a, p.At)
			cells[cell] = cells[cell].Plus(p.Amount)
		}
	}
	args = append(args, len(cells))
	for cell, sum := range cells {
		args = appendAmount(append(args, cell), sum)
	}
	n := len(args)
	args = append(args, 0)
	for i := range lost {
		h := &lost[i]
		for _, c := range h.Claims {
			if c.Account.ID == a.ID {
				cell, _, over := cellOf(a, h.Began)
				args = append(args, h.ID, h.Call, h.Attempt, h.Project, h.Key, h.Model, h.Provider, h.Began.UnixMicro(), cell, over)
				args = appendAmount(args, c.Amount)
				args[n] = args[n].(int) + 1
			}
		}
	}
	got, err := l.run(ctx, fillScript, args...)
	if err == nil && integer(got[0]) == -1 {
		return budget.ErrLost
	}
	return err
}

// Correct implements budget.Corrector.
func (l *Ledger) Correct(ctx context.Context, a *budget.Account, usd price.USD, at, now time.Time) error {
	if at.After(now) {
		return nil
	}
	cell, _, _ := cellOf(a, at)
	less := 0
	if usd < 0 {
		less, usd = 1, -usd
	}
	args, _ := appendAccount([]any{now.UnixMicro(), cell, int64(usd) / nano, int64(usd) % nano, less}, a, now)
	got, err := l.run(ctx, correctScript, args...)
	if err == nil && integer(got[0]) == -1 {
		return budget.ErrLost
	}
	return err
}

// Forget implements budget.Ledger.
func (l *Ledger) Forget(ctx context.Context, a *budget.Account) error {
	_, err := l.run(ctx, forgetScript, accountKey(a))
	return err
}

// Usage implements budget.Ledger. Of an account that is not there it is zero.
func (l *Ledger) Usage(ctx context.Context, a *budget.Account, now time.Time) (budget.Usage, error) {
	args, _ := appendAccount([]any{now.UnixMicro()}, a, now)
	got, err := l.run(ctx, usageScript, args...)
	if err != nil {
		return budget.Usage{}, err
	}
	return usageIn(a, got, now), nil
}

// Holds implements budget.Ledger. The accounts in it have an ID and nothing else.
func (l *Ledger) Holds(ctx context.Context) ([]budget.HeldNow, error) {
	var out []budget.HeldNow
	seen := map[string]bool{}
	for from := 0; ; from += page {
		got, err := l.run(ctx, holdsScript, from, page)
		if err != nil {
			return nil, err
		}
		n := integer(got[0])
		for v := got[1:]; len(v) > 0; {
			var h budget.HeldNow
			h, v = holdIn(v)
			if !seen[h.ID] { // one whose end was moved is seen twice
				seen[h.ID] = true
				out = append(out, h)
			}
		}
		if n < page {
			break
		}
	}
	slices.SortFunc(out, func(a, b budget.HeldNow) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}
