package budget

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Config is what a Guard is made of. Ledger, Book, Store and Log are needed.
type Config struct {
	Ledger Ledger
	Book   func() *price.Book
	Store  price.Budgets

	// Admit notes a call, as its client made it, with where it is about to go and what is held for it. Nil notes nothing.
	Admit func(call *llm.Call, to Target, held price.USD) error

	Events  price.BudgetEvents  // where thresholds and breaches are written down; nil: they are only logged
	Webhook *Webhook            // is woken when there is something to tell; nil: nobody is told
	Refused func(budget string) // counts a call that a budget refused; nil: nobody counts

	// Reader, Flush and Waiting tell what was spent before: the store of records, the wait until what was recorded is in
	// it, and what is not yet. Nil: nothing was.
	Reader   trace.Reader
	Adjuster trace.Adjuster // of the same store: what was added to costs; nil: nothing ever is
	Flush    func(context.Context) error
	Waiting  func() iter.Seq2[trace.Record, error]

	File string // where the ledger's state is kept for the next start; "" keeps nothing
	Log  *slog.Logger

	// OnAway says which calls are refused while what was spent of an old budget is added up anew, because a Shared ledger
	// has lost it.
	OnAway OnAway
}

// Target is where an attempt goes.
type Target struct{ Provider, Model string }

const (
	lease     = 2 * time.Minute // a hold lives that long after its call was last seen
	renewEach = 30 * time.Second
)

// Guard holds a call against every budget it matches, around each attempt. Safe for concurrent use.
type Guard struct {
	cfg      Config
	rules    atomic.Pointer[ruleset]
	admits   atomic.Bool // there has been a budget: admissions are made here
	learned  habits
	exposed  exposures
	breached breaches
	unpriced sync.Map // of call ids whose cost is not known: what was held, until their record is written
	started  time.Time
	shared   Shared // the ledger, if it is one

	refreshing sync.Mutex // one at a time
	background sync.WaitGroup
	stop       context.CancelFunc
	stopped    context.Context //nolint:containedctx // of the fills that Refresh starts

	mu       sync.Mutex // guards all below
	calls    map[string]*underWay
	filling  map[string]bool      // by budget
	released map[string]time.Time // by hand, of calls that were lost
	recent   []observed
	told     map[string]toldOf // by budget and window
	changed  bool              // since the file was written
}

// underWay is a call with its holds.
type underWay struct {
	ctx     context.Context //nolint:containedctx // whether the client is still there
	made    int
	tickets []*Ticket
	refused []turnedAway
}

// observed is a call whose record was seen a moment ago.
type observed struct {
	id string
	at time.Time
}

// New makes a guard without budgets; Start reads them.
func New(cfg Config) *Guard {
	g := &Guard{
		cfg: cfg, started: time.Now(),
		calls: map[string]*underWay{}, filling: map[string]bool{}, released: map[string]time.Time{}, told: map[string]toldOf{},
	}
	g.shared, _ = cfg.Ledger.(Shared)
	g.stopped, g.stop = context.WithCancel(context.Background())
	g.rules.Store(newRuleset(nil))
	return g
}

// Ticket is the hold of one attempt.
type Ticket struct {
	guard *Guard
	id    string
	owner string // call
	call  *llm.Call
	model string // the target's
	held  Amount // the most that is held of any budget
	begun time.Time

	priceAs string
	input   int64 // tokens that were counted
	output  int64 // tokens that are held of each hard budget of dollars or tokens
	bounds  bool  // there is such a budget
	strict  bool  // one of them fails closed

	claims   []Claim
	shares   []share // of exposures
	extended Amount  // of a stream: what is held by now, if more than claims; guarded by the guard's mu
	made     bool    // by a shared ledger; guarded by the guard's mu
	carried  bool    // held again, since the ledger had lost it; guarded by the guard's mu
}

// Call is what may be sent: the call as it was given, or a copy with a limit of output.
func (t *Ticket) Call() *llm.Call { return t.call }

// GiveUp ends the hold of an attempt whose answer is not relayed: it costs nothing.
func (t *Ticket) GiveUp() {
	if !t.guard.drop(t) {
		return
	}
	t.guard.settle(t, Amount{}, time.Now())
	t.guard.exposed.end(t.shares)
}

func (g *Guard) settled(err error) {
	if err != nil && !errors.Is(err, ErrNoHold) {
		g.cfg.Log.Error("a call's cost could not be told to the budgets' ledger; its hold stays until it is settled or released", "error", err)
	}
}

// Admits says whether Hold will note the call's admission, so that nobody else has to.
func (g *Guard) Admits(call *llm.Call) bool { return g.admits.Load() && !free(call.Endpoint) }

// Hold sets room aside for one attempt in every budget that the call matches, and notes the call's admission with it. asked
// is the call as the client made it, there the call as it would go to the target. A *Refused says that there is no room. The
// ticket is nil when nothing is held.
func (g *Guard) Hold(ctx context.Context, asked, there *llm.Call, provider, priceAs string) (*Ticket, error) {
	if !g.Admits(there) {
		return nil, nil
	}
	var room [8]*rule
	matched := g.rules.Load().match(subjectOf(asked, there.Model, provider), asked.Start, room[:0])
	if len(matched) == 0 {
		return nil, g.admit(asked, Target{provider, there.Model}, 0)
	}
	now := time.Now()
	t := &Ticket{guard: g, owner: asked.ID, call: there, model: there.Model, begun: now, priceAs: priceAs}
	h := Hold{
		Call: asked.ID, Claims: make([]Claim, 0, len(matched)), Expires: now.Add(lease),
		Project: asked.Project, Key: asked.Key, Model: there.Model, Provider: provider,
	}
	est := newEstimate(g.cfg.Book(), &g.learned, there, priceAs)
	for _, r := range matched {
		if g.unsummed(r) {
			return nil, unreached(fmt.Errorf("%w: what was spent of the budget %s is added up anew", ErrLost, r.budget.Name))
		}
		t.strict = t.strict || g.cfg.OnAway.FailsClosed(&r.account)
		amount, err := r.amount(est)
		if err != nil {
			return nil, err
		}
		t.held = Amount{max(t.held.USD, amount.USD), max(t.held.Tokens, amount.Tokens), max(t.held.Calls, amount.Calls)}
		h.Claims = append(h.Claims, Claim{&r.account, amount})
		if r.account.Hard && (r.budget.LimitUSD > 0 || r.budget.LimitTokens > 0) {
			if in, out := est.split(amount); !t.bounds || out < t.output {
				t.input, t.output, t.bounds = in, out, true
			}
		}
		if r.budget.Policy == price.Strict && r.account.Hard && est.capped != nil && t.call == there {
			bounded := *there
			bounded.Body = est.capped
			t.call = &bounded
		}
	}
	t.claims, t.shares = h.Claims, g.exposed.add(matched, h.Claims, est, now)
	g.enter(ctx, t, &h)
	refused, err := g.cfg.Ledger.Hold(ctx, &h, now)
	if errors.Is(err, ErrLost) {
		refused, err = nil, g.holdLost(ctx, matched, &h, now)
	}
	if g.shared != nil && err == nil && refused == nil {
		g.mu.Lock()
		t.made = true
		g.mu.Unlock()
	}
	if err == nil && refused == nil {
		g.exposed.admitted(t.shares)
		if err = g.admit(asked, Target{provider, there.Model}, t.held.USD); err == nil {
			err = g.cfg.Ledger.Dispatched(ctx, t.id)
		}
		if err == nil {
			return t, nil
		}
		g.settled(g.cfg.Ledger.Release(ctx, t.id, now))
	}
	g.drop(t)
	g.exposed.end(t.shares)
	if err != nil {
		return nil, unreached(err)
	}
	g.refusedBy(asked.ID, matched, refused)
	return nil, refusal(matched, refused, now)
}

func (g *Guard) admit(call *llm.Call, to Target, held price.USD) error {
	if g.cfg.Admit == nil {
		return nil
	}
	if err := g.cfg.Admit(call, to, held); err != nil {
		fault := llm.Faultf(llm.RecordUnavailable, "the record of this call could not be kept, and this weir does not answer what it cannot record; the operator sees why in /readyz")
		return &Refused{Fault: fault.Because(err), Final: true}
	}
	return nil
}

// enter numbers the attempt and remembers its ticket.
func (g *Guard) enter(ctx context.Context, t *Ticket, h *Hold) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok := g.calls[t.owner]
	if !ok {
		c = &underWay{ctx: ctx}
		g.calls[t.owner] = c
	}
	c.made++
	c.tickets = append(c.tickets, t)
	t.id = t.owner + "." + strconv.Itoa(c.made)
	h.ID, h.Attempt = t.id, c.made
}

// drop forgets a ticket, and says whether it was there.
func (g *Guard) drop(t *Ticket) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok := g.calls[t.owner]
	if !ok {
		return false
	}
	for i, have := range c.tickets {
		if have == t {
			c.tickets = append(c.tickets[:i], c.tickets[i+1:]...) // the call stays: it numbers the next attempt
			return true
		}
	}
	return false
}

func subjectOf(c *llm.Call, target, provider string) *Subject {
	return &Subject{
		Project: c.Project, KeyID: c.KeyID, Key: c.Key, User: c.User, Session: c.Session, Tags: c.Tags,
		Model: c.Model, Target: target, Provider: provider,
	}
}

// amount is what an attempt claims of the budget; a *Refused when it has no bound and needs one.
func (r *rule) amount(est *estimate) (Amount, error) {
	b := &r.budget
	if b.LimitUSD == 0 && b.LimitTokens == 0 {
		return Amount{Calls: 1}, nil
	}
	var (
		amount           Amount
		noBound, noPrice error
	)
	if b.Policy == price.Strict {
		amount, noBound, noPrice = est.most()
	} else {
		amount, noPrice = est.usual()
	}
	why := noBound
	if why == nil && b.LimitUSD > 0 {
		why = noPrice
	}
	if why == nil || !r.account.Hard {
		return amount, nil
	}
	fault := *llm.AsFault(why)
	fault.Message = fmt.Sprintf("the budget %s bounds this call: %s", b.Name, fault.Message)
	return amount, &Refused{Fault: &fault} // another target may have a price
}

// remainingHeader tells a client how much is left.
const remainingHeader = "X-Weir-Budget-Remaining-Usd"

// Stamp puts into an answer's head how many dollars are left of the budget that has the fewest left of those that the call
// counts against, and which budgets have reached a threshold. attempts may be empty.
func (g *Guard) Stamp(h http.Header, call *llm.Call, attempts []llm.Attempt) {
	set := g.rules.Load()
	if len(set.list) == 0 || free(call.Endpoint) {
		return
	}
	target, provider := call.Model, ""
	if n := len(attempts); n > 0 {
		target, provider = attempts[n-1].Model, attempts[n-1].Provider
	}
	var (
		room    [8]*rule
		reached [8]turnedAway
	)
	left, now, any, warned := price.USD(0), time.Now(), false, reached[:0]
	for _, r := range set.match(subjectOf(call, target, provider), call.Start, room[:0]) {
		u, err := g.glance(&r.account, now)
		if err != nil {
			continue // the headers are a courtesy
		}
		if r.passed(percentOf(u.Spent, r.account.Limit)) > 0 {
			warned = append(warned, turnedAway{r, u})
		}
		if r.budget.LimitUSD == 0 {
			continue
		}
		if mine := u.Remaining(r.account.Limit).USD; !any || mine < left {
			left, any = mine, true
		}
	}
	if any {
		h[remainingHeader] = []string{left.String()}
	}
	warn(h, warned)
}
