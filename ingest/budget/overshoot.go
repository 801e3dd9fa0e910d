package budget

import (
	"bytes"
	"sync"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Overshoot says by how much an expected budget of dollars can be overspent by what was admitted in its present window, as far as this
// weir admitted it.
type Overshoot struct {
	// USD is the most that the calls which were under way together can have cost beyond what was held for them. The last of them was
	// let in while spent and held were within the limit, so that nothing is spent beyond the limit and this.
	USD price.USD
	// Unbounded counts calls whose cost has no bound, as those with tools that the provider runs: for these USD says nothing.
	Unbounded int64
}

// exposures keep for each expected budget of dollars what its calls under way can cost beyond their holds. The zero value is empty
// and ready. Safe for concurrent use.
type exposures struct {
	mu sync.Mutex // guards all below, and the fields of every exposure
	by map[string]*exposure
}

// exposure is that of one budget in one window.
type exposure struct {
	from      time.Time // of the window
	open      price.USD // of the calls under way
	peak      price.USD // the most that open ever was when a call was let in
	unbounded int64     // calls without a bound that were let in
}

// share is what a call adds to an exposure.
type share struct {
	of     *exposure
	excess price.USD
	seen   price.USD // open with it
	known  bool      // the call's cost has a bound
}

// exposes says whether a budget can be overshot by more than its holds say.
func (r *rule) exposes() bool {
	return r.account.Hard && r.budget.Policy == price.Expected && r.budget.LimitUSD > 0
}

// add counts a call that is about to be held, before it is: whoever is let in last then has all others that are under way in what it
// saw.
func (e *exposures) add(matched []*rule, claims []Claim, est *estimate, now time.Time) []share {
	var out []share
	for i, r := range matched {
		if !r.exposes() {
			continue
		}
		most, known := est.ceiling()
		s := share{known: known, excess: max(0, most-claims[i].Amount.USD)}
		from, _ := r.budget.Window.Span(now, r.account.Zone)
		if _, rolling := r.budget.Window.Rolling(); rolling {
			from = time.Time{}
		}
		e.mu.Lock()
		x, ok := e.by[r.budget.ID]
		if !ok || !x.from.Equal(from) {
			if e.by == nil {
				e.by = map[string]*exposure{}
			}
			x = &exposure{from: from}
			e.by[r.budget.ID] = x
		}
		x.open = price.USD(add(int64(x.open), int64(s.excess)))
		s.of, s.seen = x, x.open
		e.mu.Unlock()
		out = append(out, s)
	}
	return out
}

// admitted notes that the call of shares was let in.
func (e *exposures) admitted(shares []share) {
	if len(shares) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range shares {
		s.of.peak = max(s.of.peak, s.seen)
		if !s.known {
			s.of.unbounded++
		}
	}
}

// end takes the shares of a call out that has been settled, or was not let in.
func (e *exposures) end(shares []share) {
	if len(shares) == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range shares {
		s.of.open = max(0, s.of.open-s.excess)
	}
}

// overshoot is the present bound of a budget; false when it has none to state: it lets all pass, or has no limit in dollars.
func (g *Guard) overshoot(r *rule, now time.Time) (Overshoot, bool) {
	if !r.account.Hard || r.budget.LimitUSD == 0 {
		return Overshoot{}, false
	}
	from, _ := r.budget.Window.Span(now, r.account.Zone)
	_, rolling := r.budget.Window.Rolling()
	g.exposed.mu.Lock()
	defer g.exposed.mu.Unlock()
	x, ok := g.exposed.by[r.budget.ID]
	if !ok || !rolling && !x.from.Equal(from) {
		return Overshoot{}, true
	}
	return Overshoot{x.peak, x.unbounded}, true
}

// ceiling is more than the attempt can cost: what strict would hold, but for the count of the prompt, for which each byte is taken as a
// token unless that is too few. False when there is no bound.
func (e *estimate) ceiling() (price.USD, bool) {
	if e.bounded && e.noBound == nil && e.noBoundUSD == nil {
		return e.bound.USD, true
	}
	if !e.ceiled {
		e.ceiled = true
		e.top, e.topKnown = e.workOutCeiling()
	}
	return e.top, e.topKnown
}

func (e *estimate) workOutCeiling() (price.USD, bool) {
	l := e.readBody()
	if l.unbounded != "" || e.call.Endpoint == llm.Passthrough {
		return 0, false
	}
	in := int64(len(e.call.Body)) + perRequest
	if bytes.Contains(e.call.Body, []byte(`"image`)) || bytes.Contains(e.call.Body, []byte(`"file`)) || bytes.Contains(e.call.Body, []byte(`"document"`)) {
		in = max(in, e.input()) // what a short address stands for may be many tokens
	}
	out := int64(0)
	if l.field != "" {
		limit := l.output
		if limit == 0 {
			entry, ok := e.book.Lookup(e.charge(llm.Usage{}, ""))
			if limit = entry.MaxOutput; !ok || limit <= 0 {
				return 0, false
			}
		}
		out = times(limit, l.answers)
	}
	usd, err := e.dearest(in, out)
	return usd, err == nil
}
