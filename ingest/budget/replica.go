package budget

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// ErrUnsent is, beside ErrAway, in the chain of an error of a ledger that was not even asked.
var ErrUnsent = errors.New("nothing was asked")

// OnAway says what happens to calls while a Shared ledger cannot be reached.
type OnAway string

// AwayStrict refuses what a strict budget bounds and counts for the others in this process. AwayRefuse refuses what any
// budget bounds that refuses. AwayLocal refuses nothing.
const (
	AwayStrict OnAway = "strict"
	AwayRefuse OnAway = "refuse"
	AwayLocal  OnAway = "local"
)

// AwayWays are all of them.
var AwayWays = []string{string(AwayStrict), string(AwayRefuse), string(AwayLocal)}

// FailsClosed says whether calls are refused that count against the account.
func (o OnAway) FailsClosed(a *Account) bool {
	switch o {
	case AwayLocal:
		return false
	case AwayRefuse:
		return a.Hard
	}
	return a.Hard && a.Strict
}

// Replica is a Shared ledger as one of its processes sees it, which goes on by itself while that is away: it holds in this
// process's memory what does not fail closed, beginning with what was known to be spent and held at last. What it could not tell is told
// when the ledger is back, and counts there once. Safe for concurrent use.
//
// While the ledger is away, each process may admit what was left at last: n of them overshoot by at most n-1 times that.
type Replica struct {
	Shared
	onAway OnAway

	mu     sync.Mutex // guards all below
	local  *Memory
	here   map[string]*Hold // held in local
	owed   map[string]debt  // by the hold's id
	bills  map[billKey]*bill
	frozen []*bill // may have been told
	seen   map[string]Usage
	seeded map[string]bool
	stats  ReplicaStats
}

var (
	_ Shared    = (*Replica)(nil)
	_ Corrector = (*Replica)(nil)
)

// ReplicaStats are figures of a Replica.
type ReplicaStats struct {
	Local  int64 // holds that were made in this process's memory, ever
	Closed int64 // holds that were refused because the ledger was away, ever
	Owed   int64 // settlements and charges that wait to be told
}

// debt is what the shared ledger is to be told of a hold: that it ended, with what it cost, or was not made at all.
type debt struct {
	settle bool
	cost   Amount
}

// bill is what calls cost that were held here.
type bill struct {
	id    string
	to    []*Account
	began time.Time // of one of them
	cost  Amount
}

type billKey struct {
	account string
	from    time.Time
}

// NewReplica makes one.
func NewReplica(shared Shared, onAway OnAway) *Replica {
	return &Replica{
		Shared: shared, onAway: onAway, local: &Memory{}, here: map[string]*Hold{}, owed: map[string]debt{}, bills: map[billKey]*bill{},
		seen: map[string]Usage{}, seeded: map[string]bool{},
	}
}

// Stats gives the figures of this moment.
func (r *Replica) Stats() ReplicaStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Owed = int64(len(r.owed) + len(r.bills) + len(r.frozen))
	return s
}

func keyOf(a *Account) string { return a.ID + "\x00" + a.Sums }

// Hold implements Ledger.
func (r *Replica) Hold(ctx context.Context, h *Hold, now time.Time) ([]Refusal, error) {
	refused, err := r.Shared.Hold(ctx, h, now)
	if !errors.Is(err, ErrAway) {
		return refused, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !errors.Is(err, ErrUnsent) { // it may be held there
		r.owed[h.ID] = debt{}
	}
	if slices.ContainsFunc(h.Claims, func(c Claim) bool { return r.onAway.FailsClosed(c.Account) }) {
		r.stats.Closed++
		return nil, err
	}
	for _, c := range h.Claims {
		if err := r.seed(ctx, c.Account, now); err != nil {
			return nil, err
		}
	}
	if refused, err = r.local.Hold(ctx, h, now); refused == nil && err == nil {
		kept := *h
		kept.Began = now
		r.here[h.ID] = &kept
		r.stats.Local++
	}
	return refused, err
}

// seed has local begin with what is known. The caller has mu.
func (r *Replica) seed(ctx context.Context, a *Account, now time.Time) error {
	key := keyOf(a)
	if r.seeded[key] {
		return nil
	}
	r.seeded[key] = true
	u := r.seen[key]
	if !u.Until.IsZero() && !u.Until.After(now) { // of a window that is over
		u = Usage{}
	}
	if err := r.local.Forget(ctx, a); err != nil {
		return err
	}
	return r.local.Fill(ctx, a, []Past{{now, u.Spent.Plus(u.Held)}}, nil, now)
}

// mine gives the ledger in this process's memory when it is the one that has a hold.
func (r *Replica) mine(id string) (*Memory, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.here[id]
	return r.local, ok
}

// owe notes what the shared ledger is to be told, where it could not be.
func (r *Replica) owe(id string, d debt, err error) error {
	if !errors.Is(err, ErrAway) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owed[id] = d
	return nil
}

// Dispatched implements Ledger. A hold that the shared ledger has is good, even if it cannot be told.
func (r *Replica) Dispatched(ctx context.Context, id string) error {
	if local, ok := r.mine(id); ok {
		return local.Dispatched(ctx, id)
	}
	if err := r.Shared.Dispatched(ctx, id); !errors.Is(err, ErrAway) {
		return err
	}
	return nil
}

// Extend implements Ledger. ErrAway when the room cannot be asked for.
func (r *Replica) Extend(ctx context.Context, id string, total Amount, until, now time.Time) ([]Refusal, error) {
	if local, ok := r.mine(id); ok {
		return local.Extend(ctx, id, total, until, now)
	}
	return r.Shared.Extend(ctx, id, total, until, now)
}

// Settle implements Ledger.
func (r *Replica) Settle(ctx context.Context, id string, cost Amount, now time.Time) error {
	r.mu.Lock()
	h, ok := r.here[id]
	if ok {
		delete(r.here, id)
		for _, c := range h.Claims {
			r.bill(c.Account, cost, h.Began)
		}
	}
	local := r.local
	r.mu.Unlock()
	if ok {
		return local.Settle(ctx, id, cost, now)
	}
	return r.owe(id, debt{true, cost}, r.Shared.Settle(ctx, id, cost, now))
}

// bill adds to what is to be charged. The caller has mu.
func (r *Replica) bill(a *Account, cost Amount, began time.Time) {
	cost = cost.positive()
	if cost == (Amount{}) {
		return
	}
	from, _ := newTally(a).bounds(began)
	key := billKey{keyOf(a), from}
	b, ok := r.bills[key]
	if !ok {
		b = &bill{id: llm.NewID(began), to: []*Account{a}, began: began}
		r.bills[key] = b
	}
	b.cost = b.cost.Plus(cost)
}

// Release implements Ledger.
func (r *Replica) Release(ctx context.Context, id string, now time.Time) error {
	r.mu.Lock()
	_, ok := r.here[id]
	delete(r.here, id)
	local := r.local
	r.mu.Unlock()
	if ok {
		return local.Release(ctx, id, now)
	}
	return r.owe(id, debt{}, r.Shared.Release(ctx, id, now))
}

// Expire implements Ledger. What is held here has its call here, and does not expire.
func (r *Replica) Expire(ctx context.Context, now time.Time) error {
	if err := r.Shared.Expire(ctx, now); !errors.Is(err, ErrAway) {
		return err
	}
	return nil
}

// Charge implements Ledger.
func (r *Replica) Charge(ctx context.Context, accounts []*Account, cost Amount, now time.Time) error {
	id := llm.NewID(now)
	err := r.ChargeOnce(ctx, id, accounts, cost, now, now)
	if !errors.Is(err, ErrAway) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.frozen = append(r.frozen, &bill{id: id, to: accounts, began: now, cost: cost.positive()})
	return nil
}

// Correct implements Corrector, where the shared ledger does.
func (r *Replica) Correct(ctx context.Context, a *Account, usd price.USD, at, now time.Time) error {
	c, ok := r.Shared.(Corrector)
	if !ok {
		return fmt.Errorf("correct what a call cost: %w", errors.ErrUnsupported)
	}
	return c.Correct(ctx, a, usd, at, now)
}

// Usage implements Ledger. While the shared ledger is away, it is what is known here.
func (r *Replica) Usage(ctx context.Context, a *Account, now time.Time) (Usage, error) {
	u, err := r.Shared.Usage(ctx, a, now)
	key := keyOf(a)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		if len(r.seen) > 100_000 { // budgets that are gone
			clear(r.seen)
		}
		r.seen[key] = u
		return u, nil
	}
	if !errors.Is(err, ErrAway) {
		return u, err
	}
	if r.seeded[key] {
		return r.local.Usage(ctx, a, now)
	}
	last := r.seen[key]
	last.From, last.Until = a.Window.Span(now, a.Zone)
	return last, nil
}

// Glance gives what Usage gave last, without asking.
func (r *Replica) Glance(a *Account) (Usage, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, ok := r.seen[keyOf(a)]
	return u, ok
}

// Holds implements Ledger.
func (r *Replica) Holds(ctx context.Context) ([]HeldNow, error) {
	local, _ := r.mine("")
	mine, err := local.Holds(ctx)
	if err != nil {
		return nil, err
	}
	all, err := r.Shared.Holds(ctx)
	if err != nil && !errors.Is(err, ErrAway) {
		return nil, err
	}
	return append(all, mine...), nil
}

// Recover tells the shared ledger what it could not be told. Call it now and then; it does nothing when nothing is owed.
func (r *Replica) Recover(ctx context.Context) error {
	r.mu.Lock()
	debts := maps.Clone(r.owed)
	for key, b := range r.bills {
		r.frozen = append(r.frozen, b) // what comes now goes on another
		delete(r.bills, key)
	}
	bills := slices.Clone(r.frozen)
	r.mu.Unlock()
	now := time.Now()
	for id, d := range debts {
		var err error
		if d.settle {
			err = r.Shared.Settle(ctx, id, d.cost, now)
		} else {
			err = r.Shared.Release(ctx, id, now)
		}
		if err != nil && !errors.Is(err, ErrNoHold) { // it was done before, or the ledger has lost it
			return fmt.Errorf("tell the ledger what was settled while it was away: %w", err)
		}
		r.mu.Lock()
		delete(r.owed, id)
		r.mu.Unlock()
	}
	for _, b := range bills {
		if err := r.ChargeOnce(ctx, b.id, b.to, b.cost, b.began, now); err != nil {
			return fmt.Errorf("tell the ledger what was spent while it was away: %w", err)
		}
		r.mu.Lock()
		r.frozen = slices.DeleteFunc(r.frozen, func(o *bill) bool { return o == b })
		r.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.here) == 0 && len(r.owed)+len(r.bills)+len(r.frozen) == 0 && len(r.seeded) > 0 {
		r.local = &Memory{}
		clear(r.seeded) // the next time begins anew
	}
	return nil
}
