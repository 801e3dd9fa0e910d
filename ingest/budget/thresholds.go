package budget

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weir-dev/weir/price"
)

const (
	// keepEvents is how long an event is kept after its window has ended.
	keepEvents = 400 * 24 * time.Hour
	// mostBreaches bounds the counts that wait for a store of events that is away.
	mostBreaches = 10_000
	// warnings bounds the budgets of one header.
	warnings = 5
)

// thresholds are the percents of a budget at which it is told, ascending; the limit itself always is.
func (r *rule) thresholds() []int {
	soft := r.budget.Soft
	if n := len(soft); n > 0 && soft[n-1] == 100 {
		return soft
	}
	return append(slices.Clip(soft), 100)
}

// passed is the highest threshold that a percent has reached, 0 for none.
func (r *rule) passed(percent int) int {
	out := 0
	for _, p := range r.thresholds() {
		if percent >= p {
			out = p
		}
	}
	return out
}

// span is the window that an event counts in. A rolling one counts as a new one each time that its length has passed.
func (r *rule) span(u *Usage, now time.Time) (from, until time.Time) {
	if d, ok := r.budget.Window.Rolling(); ok {
		from = now.UTC().Truncate(d)
		return from, from.Add(d)
	}
	return u.From, u.Until
}

func (r *rule) event(kind price.BudgetEventKind, u *Usage, now time.Time) price.BudgetEvent {
	from, until := r.span(u, now)
	return price.BudgetEvent{
		Budget: r.budget.ID, Name: r.budget.Name, Kind: kind, From: from, Until: until, Count: 1, At: now.UTC(), LastAt: now.UTC(),
		Spent: price.BudgetFigures(u.Spent), Limit: price.BudgetFigures(r.account.Limit),
	}
}

// tell records, once in each window and over all replicas, that a budget has reached one of its thresholds or its limit.
func (g *Guard) tell(ctx context.Context, now time.Time) {
	for _, r := range g.rules.Load().list {
		u, err := g.cfg.Ledger.Usage(ctx, &r.account, now)
		if err != nil {
			return
		}
		from, _ := r.span(&u, now)
		key := r.budget.ID + "@" + from.String()
		passed := r.passed(percentOf(u.Spent, r.account.Limit))
		g.mu.Lock()
		before := g.told[key]
		if before.limit != r.account.Limit { // another limit can be reached again
			before = toldOf{limit: r.account.Limit}
		}
		g.mu.Unlock()
		if passed <= before.percent {
			continue
		}
		for _, p := range r.thresholds() {
			if p <= before.percent || p > passed {
				continue
			}
			e := r.event(price.EventThreshold, &u, now)
			e.Percent = p
			first, err := g.happened(ctx, e)
			if err != nil {
				g.cfg.Log.Warn("that a budget has reached a threshold was not recorded; it is tried again", "budget", r.budget.Name, "percent", p, "error", err)
				break
			}
			before.percent = p
			if first {
				g.cfg.Log.Warn("budget has reached a threshold", "budget", r.budget.Name, "percent", p, "window", string(r.budget.Window),
					"spent_usd", u.Spent.USD.String(), "limit_usd", r.budget.LimitUSD.String(), "at_limit", string(r.budget.AtLimit))
			}
		}
		g.mu.Lock()
		if len(g.told) > 10_000 {
			clear(g.told)
		}
		g.told[key] = before
		g.mu.Unlock()
	}
}

// toldOf is what was told of a budget in a window.
type toldOf struct {
	percent int
	limit   Amount
}

// happened records an event, to be told where somebody is.
func (g *Guard) happened(ctx context.Context, e price.BudgetEvent) (first bool, err error) {
	if g.cfg.Events == nil {
		return true, nil
	}
	if g.cfg.Webhook != nil {
		e.Delivery = price.Delivery{State: price.DeliveryWaiting, Next: e.At}
	}
	first, err = g.cfg.Events.AddBudgetEvent(ctx, e)
	if first && g.cfg.Webhook != nil {
		g.cfg.Webhook.Wake()
	}
	return first, err
}

// breaches count what happened to budgets until it is recorded. The zero value is empty and ready. Safe for concurrent use.
type breaches struct {
	mu sync.Mutex // guards by
	by map[string]*price.BudgetEvent
}

// add counts an event.
func (b *breaches) add(e price.BudgetEvent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id := e.ID()
	have, ok := b.by[id]
	switch {
	case ok:
		have.Count, have.Over = have.Count+e.Count, have.Over.Plus(e.Over)
		if e.LastAt.After(have.LastAt) {
			have.LastAt = e.LastAt
		}
		if e.At.Before(have.At) {
			have.At = e.At
		}
	case len(b.by) < mostBreaches:
		if b.by == nil {
			b.by = map[string]*price.BudgetEvent{}
		}
		b.by[id] = &e
	}
}

func (b *breaches) take() map[string]*price.BudgetEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.by
	b.by = nil
	return out
}

// breach counts a breach of a budget.
func (g *Guard) breach(r *rule, kind price.BudgetEventKind, u *Usage, over Amount, now time.Time) {
	e := r.event(kind, u, now)
	e.Over = price.BudgetFigures(over)
	if kind == price.EventRefused && g.cfg.Refused != nil {
		g.cfg.Refused(r.budget.Name)
	}
	if g.cfg.Events != nil {
		g.breached.add(e)
	}
}

// recordBreaches writes down what was counted. What cannot be stays counted.
func (g *Guard) recordBreaches(ctx context.Context) {
	for _, e := range g.breached.take() {
		if _, err := g.happened(ctx, *e); err != nil {
			g.breached.add(*e)
			g.cfg.Log.Warn("a breach of a budget was not recorded; it is tried again", "budget", e.Name, "kind", string(e.Kind), "error", err)
		}
	}
}

// refusedBy remembers that budgets had no room for an attempt; when the call has ended it is known what became of it.
func (g *Guard) refusedBy(call string, matched []*rule, refused []Refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok := g.calls[call]
	if !ok {
		return
	}
	for i := range refused {
		for _, r := range matched {
			if &r.account == refused[i].Account && !c.hasRefusal(r) {
				c.refused = append(c.refused, turnedAway{r, refused[i].Usage})
			}
		}
	}
}

// turnedAway is a budget that had no room for an attempt.
type turnedAway struct {
	rule  *rule
	usage Usage
}

func (c *underWay) hasRefusal(r *rule) bool {
	for _, t := range c.refused {
		if t.rule.budget.ID == r.budget.ID {
			return true
		}
	}
	return false
}

// breachesOf counts, of a call that has ended, the budgets that refused it or made it go elsewhere.
func (g *Guard) breachesOf(c *underWay, refused bool, now time.Time) {
	kind := price.EventDowngraded
	if refused {
		kind = price.EventRefused
	}
	for i := range c.refused {
		g.breach(c.refused[i].rule, kind, &c.refused[i].usage, Amount{}, now)
	}
}

// overrunOf counts the budgets of which a call has cost more than was held.
func (g *Guard) overrunOf(t *Ticket, cost Amount, now time.Time) {
	set := g.rules.Load()
	g.mu.Lock()
	extended := t.extended
	g.mu.Unlock()
	for _, c := range t.claims {
		r, ok := set.byID[c.Account.ID]
		if !ok {
			continue
		}
		held := Amount{USD: max(c.Amount.USD, extended.USD), Tokens: max(c.Amount.Tokens, extended.Tokens)}
		over := cost.Minus(held)
		if r.account.Limit.USD == 0 {
			over.USD = 0
		}
		if r.account.Limit.Tokens == 0 {
			over.Tokens = 0
		}
		if over = (Amount{USD: over.USD, Tokens: over.Tokens}); over == (Amount{}) {
			continue
		}
		if u, err := g.cfg.Ledger.Usage(context.Background(), &r.account, now); err == nil {
			g.breach(r, price.EventOverrun, &u, over, now)
		}
	}
}

// warningHeader tells a client which budgets have reached a threshold: name=80%, other=50%.
const warningHeader = "X-Weir-Budget-Warning"

// warn puts the thresholds that budgets have reached into an answer's head. Names are escaped as in a URL.
func warn(h http.Header, reached []turnedAway) {
	var parts []string
	for i := range reached {
		r := reached[i].rule
		if p := r.passed(percentOf(reached[i].usage.Spent, r.account.Limit)); p > 0 && len(parts) < warnings {
			parts = append(parts, url.QueryEscape(r.budget.Name)+"="+strconv.Itoa(p)+"%")
		}
	}
	if parts != nil {
		h[warningHeader] = []string{strings.Join(parts, ", ")}
	}
}
